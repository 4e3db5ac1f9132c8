"""Windows of time through dlt: each row once, and a next run from the last end, over a real wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.command.plan_text import plan_text
from headrace.config import validate
from headrace.engine import Report
from headrace.plan import build_plan, describe
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database

PAGE = 10
RANGE = {"param_start": "from", "param_end": "to", "start": 0}
PAGERS = {
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "at"},
    "json_link": {"type": "json_link", "next_url_path": "link"},
}


def times(run: int) -> list[int]:
    """A row an hour for a month, and 500 in one of them; a day more each run, and a row that comes late."""
    late = [24 * 3600 * 31 - 60] * run
    return sorted(
        [3600 * hour for hour in range(24 * (31 + run))] + [3600 * 400 + second for second in range(500)] + late
    )


def service(run: int) -> Callable[[Request], Reply]:
    """Both bounds are part of a range, so rows on a bound come twice."""

    def answer(request: Request) -> Reply:
        start, end, at = (int(request.param(name) or 0) for name in ("from", "to", "at"))
        found = [{"id": f"{time}", "time": time, "seen": run} for time in times(run) if start <= time <= end]
        document: dict[str, Any] = {"items": found[at : at + PAGE], "next": None, "link": None}
        if at + PAGE < len(found):
            document["next"] = str(at + PAGE)
            document["link"] = f"/items?from={start}&to={end}&at={at + PAGE}"
        return Reply(body=json.dumps(document).encode())

    return answer


def config(url: str, pager: str, **windows: Any) -> dict[str, Any]:
    endpoint = {"path": "items", "data_selector": "items", "paginator": PAGERS[pager], "windows": {**RANGE, **windows}}
    merged = {"primary_key": "id", "write_disposition": "merge"}
    return {"client": {"base_url": url}, "resources": [{"name": "items", **merged, "endpoint": endpoint}]}


@pytest.mark.parametrize("pager", sorted(PAGERS))
@pytest.mark.parametrize("size", [None, "3d"])
def test_each_row_once_whatever_is_cut(pager: str, size: str | None, tmp_path: Path) -> None:
    """A busy hour is cut finely; the second run looks at its own day and the overlap, and finds what came late."""
    target = pipeline(tmp_path, "windowed")
    for run in range(2):
        report = Report()
        end = 24 * 3600 * (31 + run)
        with Server(service(run)) as server:
            settings = config(server.url, pager, end=end, overlap="2h", **({"size": size} if size else {}))
            target.run(rest_api_source(settings, name="api", report=report, clock=TurnedClock()))
        rows = read_database(target).rows("items")
        assert sorted(row["time"] for row in rows) == sorted({time for time in times(run) if time <= end})
        assert target.state["sources"]["api"]["resources"]["items"]["windows"] == {"{}": float(end)}
    assert report.of("items").requests <= 12
    assert sorted(row["time"] for row in rows if row["seen"]) == [
        time for time in sorted({*times(1)}) if 24 * 3600 * 31 - 2 * 3600 <= time <= end
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "windows  from 0 to now, sent as from and to, side by side"),
        ({"size": "1d"}, "windows  of 1 day at most, from 0 to now, sent as from and to, side by side"),
        (
            {"start": "-3d", "end": "-90m", "settle": "2h", "overlap": 90, "retention": "3d", "reread_every": "1d"},
            "windows  from 3 days before the run to 90 minutes before the run, sent as from and to, side by side, "
            "again from before the last end by 90 seconds, settled after 2 hours, far back every 1 day, "
            "nothing older than 3 days",
        ),
    ],
)
def test_plans_say_how_a_range_is_cut(options: dict[str, Any], line: str) -> None:
    settings = config("https://api.example.com", "cursor", **options)
    plan = build_plan(validate(settings, resolve_secret=lambda name: name))
    assert f"   {line}" in plan_text(describe(plan)).splitlines()
