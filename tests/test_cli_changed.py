"""A key or a type that is declared otherwise than when rows were loaded: asked about before the first request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crashing import Forks, Trial, World, forks
from headrace.sim.server import Server


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


def edit(made: Trial, name: str, **hints: Any) -> None:
    """Declare something else of one resource."""
    file = made.work / "api.yaml"
    said = json.loads(file.read_text())
    for resource in said["resources"]:
        if resource["name"] == name:
            resource.update(hints)
    file.write_text(json.dumps(said))


CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "key": ("merged", {"primary_key": "name"}, "resource `merged`: its key was `id`, and is `name`"),
    "longer": ("merged", {"primary_key": ["id", "name"]}, "resource `merged`: its key was `id`, and is `id`, `name`"),
    "new": ("appended", {"primary_key": "id"}, "resource `appended`: its key was none, and is `id`"),
    "type": (
        "appended",
        {"columns": {"id": {"data_type": "text"}}},
        "resource `appended`: the type of its column `id` was bigint, and is text",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_change_is_asked_about_before_the_first_request(
    change: str, elsewhere: bool, forked: Forks, tmp_path: Path
) -> None:
    """On the machine of the run before, and on another one that has the destination alone."""
    name, hints, text = CHANGES[change]
    world = World()
    with Server(world) as server:
        made = Trial(tmp_path / "t", server.url, forked)
        made.finish()
        edit(made, name, **hints)
        if elsewhere:
            (tmp_path / "t" / "home" / "dlt").rename(tmp_path / "t" / "home" / "old")
        asked = len(server.ledger.requests)
        assert made.run() == 2
        assert len(server.ledger.requests) == asked
        said = made.err.read_text()
        assert f"error: expected keys and types as they were when rows were loaded, got {text}\nhint: " in said
        assert "`--accept-changes`" in said
        assert made.run("--accept-changes") == 0, made.err.read_text()
        assert made.run() == 0, made.err.read_text()


def test_what_did_not_change_is_not_asked_about(forked: Forks, tmp_path: Path) -> None:
    """Types that dlt found are declared, a field is added, a column is described: nothing of it changes a row."""
    world = World()
    with Server(world) as server:
        made = Trial(tmp_path / "t", server.url, forked)
        made.finish()
        edit(
            made,
            "merged",
            columns={"id": {"data_type": "bigint"}, "name": {"description": "of it"}, "new": {"data_type": "date"}},
        )
        made.finish(most=1)
    with duckdb.connect(str(made.work / "api.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM api_dataset.merged").fetchone() == (world.merged,)
