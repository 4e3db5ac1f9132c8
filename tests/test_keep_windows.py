"""Windows of rows that come oldest first are gone on with where they were cut, though nothing listed them to an end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import TransportError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from keeping import Runs, settings
from loading import read_database

_PAGE = 3
_ROWS = 300


@dataclass
class Times:
    """Rows with the times 0, 10, 20...; `budget` are the answers that it gives before it refuses with 500."""

    budget: int
    asked: int = 0

    def __call__(self, request: Request) -> Reply:
        if self.asked >= self.budget:
            return Reply(500, b"{}")
        self.asked += 1
        start, end = float(request.param("from") or 0), float(request.param("to") or 0)
        at = int(request.param("at") or 0)
        found = [{"id": row, "time": 10 * row} for row in range(_ROWS) if start <= 10 * row < end][at : at + _PAGE]
        link = f"{request.path}?from={start}&to={end}&at={at + len(found)}"
        return Reply(body=json.dumps({"items": found, "link": link}).encode())


def config(url: str) -> dict[str, Any]:
    windows = {
        "param_start": "from", "param_end": "to", "start": 0, "end": 10 * _ROWS, "format": "decimal_seconds",
        "time_path": "time", "row_order": "asc",
    }  # fmt: skip
    paginator = {"type": "json_link", "next_url_path": "link", "stop_after_empty_page": True}
    return settings(url, endpoint={"windows": windows, "paginator": paginator}, client={"limits": {"in_flight": 4}})


@pytest.mark.parametrize("budget", [1, 5, 20, 60, 100])
def test_what_came_is_taken_and_the_rest_is_asked_for(budget: int, tmp_path: Path) -> None:
    """Wherever the first run fails: the second has all rows, and asks again for a page a window at most."""
    api = Times(budget)
    with Server(api) as server:
        runs = Runs(tmp_path)
        runs.fail(config(server.url), TransportError)
        api.budget, api.asked = 10_000, 0
        report = runs.load(config(server.url)).of("items")
    found = read_database(runs.target).rows("items", without=("_dlt_load_id", "_dlt_id"))
    assert sorted(row["id"] for row in found) == list(range(_ROWS))
    assert report.kept_pages >= budget - 1 - 2 * 4
    assert api.asked <= 1.3 * _ROWS / _PAGE + 2 - report.kept_pages + 2 * 4
