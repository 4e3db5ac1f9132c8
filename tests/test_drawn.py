"""Two hundred configurations drawn from dlt's features load equally through headrace and through dlt: see `drawn`.

Many are loaded as resources of one source, for a pipeline costs more than a configuration. When the tables of such a
group differ, or it cannot be loaded, its configurations are tried one by one, so that the failure names the one.
`DRAWN_SEED` draws others.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

import dlt
import duckdb
import pytest
from dlt.extract import DltSource
from dlt.sources.rest_api import rest_api_resources as their_resources

from dialects.dialect import Asked, Refused
from drawn import EVERYTHING, WORD_TOKEN, WORD_TOKEN_AT, Case, draw
from headrace import rest_api_resources as our_resources
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from parity import Stage, _active, _closing
from places import DUCKDB, Place
from stands import compare, stand_of

SEED = int(os.environ.get("DRAWN_SEED", "1"))
CASES = 200
GROUP = 25
RUNS = 2
#: Where credentials in one word are found; no waiting where a request fails; dlt lets many resources take turns as it
#: lets a few, and what is parallel ends in the order in which it began.
SETTINGS = {
    WORD_TOKEN_AT: WORD_TOKEN,
    "RUNTIME__REQUEST_MAX_ATTEMPTS": "1",
    "EXTRACT__MAX_PARALLEL_ITEMS": "1000",
    "EXTRACT__WORKERS": "1",
}
#: A database in memory: the disk would take a sixth of the time.
MEMORY = Place("memory", lambda _folder, _name: dlt.destinations.duckdb(duckdb.connect(":memory:")), DUCKDB.read)


@pytest.mark.parametrize("first", range(0, CASES, GROUP))
def test_drawn_configurations_load_equally(first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    group = [draw(number, SEED) for number in range(first, min(first + GROUP, CASES))]
    try:
        contest(group, tmp_path / "all")
    except Exception:
        failures = [text for case in group if (text := alone(case, tmp_path / case.prefix))]
        if not failures:
            raise
        raise AssertionError("\n\n".join(failures)) from None


def test_everything_is_drawn() -> None:
    """Each entry of each table comes in the seed that is tested, most of them several times."""
    facts = [draw(number, SEED).facts for number in range(CASES)]
    for dimension, wanted in EVERYTHING.items():
        found = {name for one in facts for name in one.get(dimension, ())}
        assert found == wanted, dimension


def alone(case: Case, folder: Path) -> str:
    """What is wrong with a case, empty when nothing is."""
    try:
        contest([case], folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown with the case
        last = traceback.format_exception_only(error)[-1][-3000:]
        return f"{case}\n{pformat(case.config('http://127.0.0.1:1'), width=140)}\n{last}"
    return ""


def contest(cases: Sequence[Case], folder: Path) -> None:
    """Load all of them at once, twice, through both; raises what goes wrong, an `AssertionError` for a difference."""
    targets = [MEMORY.pipeline(folder, name) for name in ("ours", "theirs")]
    with Stage() as stage:
        for run in range(RUNS):
            stage.service = service_of(cases, run)
            stands = []
            for target, mine in zip(targets, (True, False), strict=True):
                with _closing(), _active(target):
                    target.run(source_of(cases, stage.url, mine=mine))
                stands.append(stand_of(target, MEMORY.read(target), run, stage.take()))
            compare(*stands)


def source_of(cases: Sequence[Case], url: str, *, mine: bool) -> DltSource:
    """The resources of all of them, made by one or the other."""

    @dlt.source(name="drawn")
    def everything() -> Any:
        for case in cases:
            config = case.config(url)
            yield from (
                our_resources(config, report=Report(), clock=TurnedClock()) if mine else their_resources(config)
            )

    return everything()


def service_of(cases: Sequence[Case], run: int) -> Callable[[Request], Reply]:
    """The services of all of them, each below its prefix."""
    by_prefix = {case.prefix: case for case in cases}

    def serve(request: Request) -> Reply:
        asked = Asked(request, run)
        case = by_prefix.get(asked.steps[0])
        try:
            return case.answer(asked) if case else Reply(404, b"{}")
        except Refused as refused:
            return refused.reply

    return serve
