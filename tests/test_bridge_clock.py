"""Windows that end by the present, on a machine whose clock is wrong, or is set."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import RealClock, TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database

BEGIN = 1_760_000_000
HOUR = 3600
DAY = 24 * HOUR
DAYS = pytest.mark.parametrize("ahead_s", [DAY, -DAY, 2 * HOUR, -300, 0])


@dataclass
class Api:
    """A row for each full hour since BEGIN, as soon as it is that hour by its own clock."""

    now: float = BEGIN + 10 * HOUR
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/places":
            return Reply(body=b'{"items": [{"id": 1}]}')
        start, end = (int(request.param(name) or 0) for name in ("from", "to"))
        self.asked.append((start, end))
        found = [{"id": hour} for hour in self.hours if start <= BEGIN + hour * HOUR <= end]
        return Reply(body=json.dumps({"items": found, "next": None}).encode())

    @property
    def hours(self) -> range:
        return range(int(self.now - BEGIN) // HOUR + 1)


def config(url: str, *, below: bool) -> dict[str, Any]:
    """Rows of time, below a parent or alone."""
    endpoint: dict[str, Any] = {
        "path": "places/{resources.places.id}/rows" if below else "rows",
        "data_selector": "items",
        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "at"},
        "windows": {"param_start": "from", "param_end": "to", "start": BEGIN - 2 * DAY},
    }
    places = {"name": "places", "endpoint": {"path": "places", "data_selector": "items", "paginator": "single_page"}}
    rows = {"name": "rows", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    return {"client": {"base_url": url}, "resources": [places, rows] if below else [rows]}


class Trial:
    """Runs into one database; the clock of the machine is `ahead_s` ahead of that of the API."""

    def __init__(self, folder: Path, *, below: bool) -> None:
        self.api = Api()
        self.reports: list[Report] = []
        self._target = pipeline(folder, "clocks")
        self._below = below

    def run(self, ahead_s: float) -> Report:
        report = Report()
        with Server(self.api, wall=lambda: self.api.now) as server:
            clock = TurnedClock(wall=self.api.now + ahead_s)
            self._target.run(
                rest_api_source(config(server.url, below=self._below), name="api", report=report, clock=clock)
            )
        return report

    @property
    def hours(self) -> list[int]:
        return sorted(row["id"] for row in read_database(self._target).rows("rows"))


@DAYS
@pytest.mark.parametrize("below", [True, False])
def test_no_row_is_lost_by_a_clock_that_is_wrong_once(ahead_s: float, below: bool, tmp_path: Path) -> None:
    """What comes behind the API's present of the first run comes with the next one, whose clock is right."""
    trial = Trial(tmp_path, below=below)
    trial.run(ahead_s)
    trial.api.now += 5 * HOUR
    trial.run(0)
    assert trial.hours == list(trial.api.hours)


@DAYS
def test_windows_end_by_the_clock_of_the_api_where_it_has_answered(ahead_s: float, tmp_path: Path) -> None:
    trial = Trial(tmp_path, below=True)
    for _ in range(2):
        trial.api.now += HOUR
        report = trial.run(ahead_s)
        assert trial.hours == list(trial.api.hours)
        assert trial.api.asked[-1][1] == pytest.approx(trial.api.now, abs=1)
        assert report.skews == ({"127.0.0.1": ahead_s} if ahead_s else {})
        assert report.of("rows").doubts == []


@DAYS
def test_a_first_answer_that_comes_too_late_bounds_what_is_remembered(ahead_s: float, tmp_path: Path) -> None:
    """Nobody told the time before the range was cut: one that is too short is said, one too long is not remembered."""
    trial = Trial(tmp_path, below=False)
    for _ in range(3):
        trial.api.now += 2 * DAY
        report = trial.run(ahead_s)
        if ahead_s >= 0:
            assert trial.hours == list(trial.api.hours)
            assert report.of("rows").doubts == []
        else:
            (doubt,) = report.of("rows").doubts
            assert "before the present of the API" in doubt
    trial.run(0)
    assert trial.hours == list(trial.api.hours)


def test_a_clock_that_is_set_in_the_midst_of_a_run_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RealClock()
    before = clock.wall()
    assert before == pytest.approx(time.time(), abs=1)
    monkeypatch.setattr("time.time", lambda: before + DAY)
    assert clock.wall() == pytest.approx(before, abs=60)
