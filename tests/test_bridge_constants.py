"""Columns that no row brings: constants of a resource, and fields of the parent under names of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.errors import ConfigError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database


def answer(request: Request) -> Reply:
    rows: Any = [{"name": "a"}, {"name": "b"}] if request.path == "/boxes" else [{"id": 1}, {"id": 2}]
    return Reply(body=json.dumps(rows).encode())


def config(url: str, region: str, **events: Any) -> dict[str, Any]:
    endpoint = {"data_selector": "$", "paginator": "single_page"}
    return {
        "client": {"base_url": url},
        "resource_defaults": {"write_disposition": "merge", "constants": {"region": region}},
        "resources": [
            {"name": "boxes", "primary_key": ["region", "name"], "endpoint": {"path": "boxes", **endpoint}},
            {
                "name": "events",
                "primary_key": ["region", "box", "id"],
                "include_from_parent": {"name": "box"},
                "endpoint": {"path": "boxes/{resources.boxes.name}/events", **endpoint},
                **events,
            },
        ],
    }


def test_rows_of_several_places_stand_in_one_table_without_clashing_keys(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "places")
    with Server(answer) as server:
        for region in ("us", "eu", "us"):
            target.run(rest_api_source(config(server.url, region), name="api"))
    rows = read_database(target).rows("events")
    found = [(row["region"], row["box"], row["id"]) for row in rows]
    assert sorted(found) == [(place, box, number) for place in ("eu", "us") for box in "ab" for number in (1, 2)]
    boxes = read_database(target).rows("boxes")
    assert sorted((row["region"], row["name"]) for row in boxes) == [
        (region, box) for region in ("eu", "us") for box in "ab"
    ]


def test_what_is_remembered_of_calls_is_not_shared_between_constants(tmp_path: Path) -> None:
    """One source name, two regions: a window that is complete in one is not in the other."""
    asked: list[str] = []

    def windowed(request: Request) -> Reply:
        if request.path != "/boxes":
            asked.append(f"{request.param('from')}")
        return answer(request)

    windows = {"param_start": "from", "param_end": "to", "start": "2026-01-01", "end": "2026-01-03", "size": "1d"}
    target = pipeline(tmp_path, "remembered")
    with Server(windowed) as server:
        for region in ("us", "eu", "us"):
            settings = config(server.url, region)
            settings["resources"][1]["endpoint"]["windows"] = windows
            target.run(rest_api_source(settings, name="api"))
    # two windows of two boxes, twice
    assert len(asked) == 8


@pytest.mark.parametrize(
    ("option", "value"),
    [("constants", {"region": None}), ("constants", ["eu"]), ("include_from_parent", {"name": ""}),
     ("include_from_parent", {"name": 1})],
)  # fmt: skip
def test_what_is_none_is_named(option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=option):
        rest_api_source(config("https://api.test", "eu", **{option: value}))
