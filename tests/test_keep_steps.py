"""A run that loads what came while more is to come: the same rows and the same state as in one package."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import TransportError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from keeping import PAGING, Listing, Runs, rows, served, settings
from loading import read_database


def in_steps(pages: int) -> dict[str, Any]:
    return {"client": {"limits": {"step_pages": pages, "in_flight": 2}}}


def loaded(runs: Runs, table: str = "items") -> list[dict[str, Any]]:
    found = read_database(runs.target).rows(table, without=("_dlt_load_id", "_dlt_id"))
    return sorted(found, key=lambda row: row["id"])


def state_of(runs: Runs) -> Any:
    """What is remembered of the resources, as text that can be compared."""
    state: Any = runs.target.state["sources"].get("api", {})
    return json.loads(json.dumps(state, default=str, sort_keys=True))


@pytest.mark.parametrize(("paging", "pages"), [*((paging, 3) for paging in PAGING), ("cursor", 1), ("offset", 1)])
def test_every_row_comes_and_nearly_no_page_twice(paging: str, pages: int, tmp_path: Path) -> None:
    """In each step the last page of the listing is asked for once more, and what was under way."""
    count = 10 * min(pages, 2)
    listing = Listing(rows(count))
    with served(listing) as url:
        runs = Runs(tmp_path)
        report = runs.load(settings(url, paging, **in_steps(pages))).of("items")
    assert len(runs.packages) >= count // 2 // (pages + 1)
    assert loaded(runs) == rows(count)
    again = len(listing.asked) - len(set(listing.asked))
    assert again <= 3 * len(runs.packages)
    assert (report.rows, report.kept_pages) == (count, 0)
    assert count // 2 <= report.pages <= len(set(listing.asked))
    assert list(runs.folder.glob("*.pages")) == []


@pytest.mark.parametrize(("step_s", "packages"), [(100, range(3, 12)), (1e6, range(1, 2)), (0, range(1, 2))])
def test_a_step_ends_by_time(step_s: float, packages: range, tmp_path: Path) -> None:
    """By a clock that is ten seconds further at each look; 0 knows no steps."""
    listing = Listing(rows(80))
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.now = itertools.count(0.0, 10.0).__next__
        runs.load(settings(url, client={"limits": {"step_s": step_s, "in_flight": 2}}))
    assert len(runs.packages) in packages
    assert loaded(runs) == rows(80)


def test_a_step_has_a_page_however_long_that_took(tmp_path: Path) -> None:
    """Time alone ends no step that brought nothing: else a run would never come to its end."""
    listing = Listing(rows(6))
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.now = itertools.count(0.0, 1e6).__next__
        runs.load(settings(url, client={"limits": {"step_s": 1}}))
    assert 2 <= len(runs.packages) <= 4
    assert loaded(runs) == rows(6)


def test_where_no_more_is_kept_the_rest_is_one_package(tmp_path: Path) -> None:
    """A step goes on behind pages that are kept; those that were loaded before the room was used up stay loaded."""
    listing = Listing(rows(80))
    with served(listing) as url:
        runs = Runs(tmp_path)
        limits = {"step_pages": 2, "max_kept_bytes": 2_000, "in_flight": 1}
        report = runs.load(settings(url, client={"limits": limits})).of("items")
    assert 2 <= len(runs.packages) < 10
    assert report.unkept_pages > 20
    assert loaded(runs) == rows(80)


def test_a_short_run_is_one_package(tmp_path: Path) -> None:
    listing = Listing(rows(20))
    with served(listing) as url:
        runs = Runs(tmp_path)
        runs.load(settings(url))
    assert len(runs.packages) == 1
    assert sorted(listing.asked) == list(range(10))


@pytest.mark.parametrize("broken", [3, 8])
def test_what_was_loaded_before_a_failure_stays_and_is_not_asked_for_again(broken: int, tmp_path: Path) -> None:
    listing = Listing(rows(20), broken=lambda page: page == broken)
    with served(listing) as url:
        runs = Runs(tmp_path)
        config = settings(url, **in_steps(2))
        runs.fail(config, TransportError)
        stood = loaded(runs)
        assert stood == rows(20)[: len(stood)]
        assert len(stood) >= 2 * broken - 4
        listing.asked_since()
        listing.broken = lambda _: False
        runs.load(config)
    assert min(listing.asked) == broken - 1
    assert loaded(runs) == rows(20)


def family(url: str, of: Mapping[str, Any], **client: Any) -> dict[str, Any]:
    config = settings(url, client=client, **of)
    parts = {
        "name": "parts", "primary_key": ["item", "id"], "write_disposition": "merge",
        "endpoint": {
            "path": "items/{resources.items.id}/parts", "data_selector": "items", "paginator": PAGING["cursor"],
        },
        "include_from_parent": {"id": "item"},
    }  # fmt: skip
    config["resources"].append(parts)
    return config


@pytest.mark.parametrize("of", [
    {},
    {"write_disposition": "append"},
    {"deletions": {"after": 1}},
    {"endpoint": {"incremental": {"cursor_path": "at", "initial_value": "2026"}}},
], ids=["merge", "append", "deletions", "incremental"])  # fmt: skip
@pytest.mark.parametrize("pages", [2, 5])
def test_dependents_go_on_with_the_rows_of_their_parents(of: dict[str, Any], pages: int, tmp_path: Path) -> None:
    parents = Listing(rows(4, at="2026-01-05"))
    children = {number: Listing(rows(4)) for number in range(4)}
    named = {f"items/{number}/parts": child for number, child in children.items()}
    stands = []
    with served(parents, **named) as url:
        for number, limits in enumerate(({"step_pages": pages, "in_flight": 2}, {"step_s": 0})):
            runs = Runs(tmp_path / str(number))
            runs.load(family(url, of, limits=limits))
            found = read_database(runs.target)
            stands.append((loaded(runs), len(found.rows("parts")), state_of(runs)))
            if not number:
                assert len(runs.packages) >= 10 // (pages + 1)
    assert stands[0] == stands[1]
    assert stands[0][1] == 16


ROWS = rows(12)


def at(day: int) -> str:
    return f"2026-01-{day:02}T00:00:00Z"


STAMPED = [{**row, "at": at(2 * row["id"] + 1)} for row in ROWS]


@pytest.mark.parametrize("order", [1, -1], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("per_parent", [False, True])
def test_a_watermark_ends_where_it_would_have_ended(order: int, per_parent: bool, tmp_path: Path) -> None:
    """Rows that earlier steps loaded count, whichever came first; until the end it stays where it was."""
    listing = Listing([{**row, "at": at(row["id"] + 1)} for row in ROWS][::order])
    incremental = {"cursor_path": "at", "initial_value": at(3), "per_parent": per_parent}
    stands = []
    with served(listing) as url:
        for number, limits in enumerate(({"step_pages": 2}, {"step_s": 0})):
            runs = Runs(tmp_path / str(number))
            config = settings(url, client={"limits": limits}, endpoint={"incremental": incremental})
            if not number:
                listing.broken = lambda page: page == 4
                runs.fail(config, TransportError)
                listing.broken = lambda _: False
                assert at(4) not in json.dumps(state_of(runs))
            runs.load(config)
            stands.append((loaded(runs), state_of(runs)))
    assert stands[0] == stands[1]
    assert [row["id"] for row in stands[0][0]] == list(range(2, 12))


def test_windows_are_settled_when_all_have_come(tmp_path: Path) -> None:
    """Steps go on in the windows of the run that began them, and nothing is remembered before its end."""
    asked: list[tuple[str, str]] = []
    fails = [10]

    def answer(request: Request) -> Reply:
        start, end = request.param("from") or "", request.param("to") or ""
        asked.append((start, end))
        if len(asked) == fails[0]:
            return Reply(500, b"{}")
        found = [row for row in STAMPED if start <= row["at"] < end]
        return Reply(body=json.dumps({"items": found}).encode())

    windows = {"start": at(1), "end": at(25), "size": "1d", "param_start": "from", "param_end": "to", "settle": "1h"}
    stands = []
    with Server(answer) as server:
        for number, limits in enumerate(({"step_pages": 3, "in_flight": 1}, {"step_s": 0, "in_flight": 1})):
            runs = Runs(tmp_path / str(number))
            endpoint = {"windows": windows, "paginator": "single_page"}
            config = settings(server.url, client={"limits": limits}, endpoint=endpoint)
            if not number:
                runs.fail(config, TransportError)
                assert len(runs.packages) >= 2
                assert "windows" not in json.dumps(state_of(runs))
            runs.load(config)
            stands.append((loaded(runs), state_of(runs)))
            if not number:
                assert len(asked) <= len(set(asked)) + 1 + 2 * len(runs.packages)
    assert stands[0] == stands[1]
    assert len(stands[0][0]) == 12
