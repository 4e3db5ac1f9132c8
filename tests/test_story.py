"""Any story of an API and its reader: rows come, come late, change and go, while runs work, fail and are killed.

After each story the command runs until it is through, and once more. Then every row of the time that runs look back
on stands in the table once, as the API has it; every row that a run had listed stands there once, in some state that
it was in; and no other row does. A back-fill brings what came or changed before that time.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from crashing import Forks, Trial
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

HOUR = 3600
DAYS = 6
#: Runs look that far back; rows that come later than that are a back-fill's.
OVERLAP_H = 30
#: When a row came to be, in hours ago; half of them late, but not too late.
HOURS = st.one_of(st.integers(2, OVERLAP_H - 2), st.integers(1, DAYS * 24 - 1))
PAGE = 3
STEPS = 150


class Shop:
    """The API: rows by their id, each with a time and a version."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self.rows: dict[int, tuple[int, int]] = {}
        #: Versions that a row ever had; rows that are gone too.
        self.known: dict[int, set[int]] = {}
        self.fails = 0

    def put(self, number: int, moment: int, version: int) -> None:
        self.rows[number] = (moment, version)
        self.known.setdefault(number, set()).add(version)

    def between(self, start: float, end: float) -> dict[int, int]:
        return {number: version for number, (at, version) in self.rows.items() if start <= at <= end}

    def __call__(self, request: Request) -> Reply:
        if self.fails:
            self.fails -= 1
            return Reply(503, b"{}")
        start, end, at = (int(request.param(name) or 0) for name in ("from", "to", "at"))
        found = sorted(self.between(start, end).items())
        items = [{"id": number, "time": self.rows[number][0], "version": version} for number, version in found]
        following = str(at + PAGE) if at + PAGE < len(items) else None
        return Reply(body=json.dumps({"items": items[at : at + PAGE], "next": following}).encode())


def configuration(url: str, start: int) -> dict[str, Any]:
    windows = {"param_start": "from", "param_end": "to", "start": start, "size": "2d", "overlap": f"{OVERLAP_H}h"}
    endpoint = {
        "path": "items", "data_selector": "items", "windows": windows,
        "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "at"},
    }  # fmt: skip
    hints = {"primary_key": "id", "write_disposition": "merge"}
    return {
        "client": {"base_url": url, "retry": {"max_retries": 0}, "limits": {"in_flight": 2}},
        "resources": [{"name": "items", **hints, "endpoint": endpoint}],
    }


class Story(RuleBasedStateMachine):
    """Steps of the API and of its reader, in any order."""

    forks: Forks

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.count = 0
        #: Rows that a run that was through must have brought.
        self.sure: set[int] = set()
        self.folder = tempfile.TemporaryDirectory(prefix="headrace-story-", ignore_cleanup_errors=True)
        self.server = Server(self.shop).__enter__()
        self.trial = Trial(Path(self.folder.name), self.server.url, self.forks)
        settings = configuration(self.server.url, self.shop.now - DAYS * 24 * HOUR)
        (self.trial.work / "api.yaml").write_text(json.dumps(settings))

    @initialize(hours=st.lists(HOURS, max_size=8), loaded=st.booleans())
    def opens(self, hours: list[int], loaded: bool) -> None:
        self.add(hours)
        if loaded:
            self.runs()

    @rule(hours=st.lists(HOURS, min_size=1, max_size=4))
    def add(self, hours: list[int]) -> None:
        """Rows of so many hours ago."""
        for each in hours:
            self.shop.put(self.count, self.shop.now - each * HOUR, 0)
            self.count += 1

    @rule(pick=st.integers(0, 99))
    def changes(self, pick: int) -> None:
        if self.shop.rows:
            number = sorted(self.shop.rows)[pick % len(self.shop.rows)]
            at, version = self.shop.rows[number]
            self.shop.put(number, at, version + 1)

    @rule(pick=st.integers(0, 99))
    def deletes(self, pick: int) -> None:
        if self.shop.rows:
            del self.shop.rows[sorted(self.shop.rows)[pick % len(self.shop.rows)]]

    @rule(step=st.integers(0, STEPS), torn=st.booleans())
    def is_killed(self, step: int, torn: bool) -> None:
        assert self.trial.run(crash_at=step, torn=torn) in (0, 137), self.said()

    @rule(fails=st.integers(1, 2))
    def fails(self, fails: int) -> None:
        self.shop.fails = fails
        assert self.trial.run() in (0, 1), self.said()
        self.shop.fails = 0

    @rule()
    def runs(self) -> None:
        self.through()
        self.sure |= set(self.looked_back())

    @rule(days=st.integers(1, DAYS), long=st.integers(1, DAYS))
    def fills_back(self, days: int, long: int) -> None:
        """List a part of the past anew; what is left of earlier runs is loaded before."""
        start = self.shop.now - days * 24 * HOUR
        end = min(start + long * 24 * HOUR, self.shop.now)
        self.through()
        self.through("--since", f"items={start}", "--until", f"items={end}")
        # its last bound is not in it; that of the last window may be
        filled = self.shop.between(start, end - 1)
        assert filled.items() <= self.stored().items()
        self.sure |= set(filled)

    def teardown(self) -> None:
        try:
            self.through()
            self.through()
            stored = self.stored()
            self.sure |= set(self.looked_back())
            assert self.looked_back().items() <= stored.items()
            assert self.sure <= set(stored)
            for number, version in stored.items():
                assert version in self.shop.known.get(number, ()), (number, version)
        finally:
            self.server.__exit__()
            self.folder.cleanup()

    def looked_back(self) -> dict[int, int]:
        """Rows of the time that every run lists."""
        return self.shop.between(self.shop.now - (OVERLAP_H - 1) * HOUR, self.shop.now)

    def through(self, *arguments: str) -> None:
        """Run until it is through; what is left of a run that was killed may take a further one."""
        for _ in range(3):
            if self.trial.run(*arguments) == 0:
                return
        raise AssertionError(self.said())

    def stored(self) -> dict[int, int]:
        """Id -> version. No row is there twice."""
        with duckdb.connect(str(self.trial.work / "api.duckdb")) as connection:
            try:
                rows = connection.execute("SELECT id, version FROM api_dataset.items").fetchall()
            except duckdb.CatalogException:
                return {}
        assert len(rows) == len(dict(rows)), rows
        return dict(rows)

    def said(self) -> str:
        return self.trial.err.read_text()


def test_any_story_ends_with_the_rows_of_the_api() -> None:
    Story.forks = Forks()
    machine = Story.TestCase
    machine.settings = settings(
        max_examples=6, stateful_step_count=6, deadline=None, derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    try:
        machine().runTest()
    finally:
        Story.forks.close()
