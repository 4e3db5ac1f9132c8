"""A run that is ended at a step that outlasts it: the next one goes on, with nothing lost and nothing doubled.

Here a part of the steps, drawn by a seed; all of them, kills at random moments and races by `scripts/trials`.
"""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest

from crashing import IN_STEPS, Forks, forks, trial, what_is_wrong_after_crash, what_is_wrong_after_failure

SEED = 2026
CRASHES = 14
FAILURES = 6
STEPPED = 6


@pytest.fixture(scope="module")
def forked():
    with forks() as made:
        yield made


@pytest.fixture(scope="module")
def steps(forked: Forks, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with trial(tmp_path_factory.mktemp("steps"), forked) as (made, world):
        names = made.steps()
        assert made.judge(world) == []
    assert sum(name == "append" for name in names) > 20
    return names


@pytest.mark.parametrize("part", range(CRASHES))
def test_ended_at_a_step(part: int, steps: list[str], forked: Forks, tmp_path: Path) -> None:
    step = random.Random(SEED + part).randrange(part * len(steps) // CRASHES, (part + 1) * len(steps) // CRASHES)
    assert what_is_wrong_after_crash(tmp_path, forked, step, torn=bool(part % 2)) == [], steps[step]


@pytest.fixture(scope="module")
def stepped(forked: Forks, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with trial(tmp_path_factory.mktemp("stepped"), forked, **IN_STEPS) as (made, world):
        names = made.steps()
        assert made.judge(world) == []
        assert len(made.rows("_dlt_loads", "load_id")) >= 3
    return names


@pytest.mark.parametrize("part", range(STEPPED))
def test_a_run_that_loads_in_steps_ended_at_a_step(
    part: int, stepped: list[str], forked: Forks, tmp_path: Path
) -> None:
    """Before, in and between its packages."""
    step = random.Random(SEED + part).randrange(part * len(stepped) // STEPPED, (part + 1) * len(stepped) // STEPPED)
    assert what_is_wrong_after_crash(tmp_path, forked, step, torn=bool(part % 2), **IN_STEPS) == [], stepped[step]


@pytest.mark.parametrize("table", ["parts", "parts__tags"])
def test_a_merge_ended_between_its_first_statement_and_the_note_of_it(
    table: str, forked: Forks, tmp_path: Path
) -> None:
    """The rows are in the staging dataset, and the next run puts them there again."""
    with trial(tmp_path, forked, **IN_STEPS) as (made, world):
        assert made.run(crash_behind=[f'_staging"."{table}"', f".pending_transitions/{table}."]) == 137
        made.finish()
        assert made.judge(world) == []


@pytest.mark.parametrize("part", range(FAILURES))
def test_refused_at_a_step(part: int, steps: list[str], forked: Forks, tmp_path: Path) -> None:
    """The disk is full, or broken, at one operation: the run says so or goes on, and the next one is right."""
    step = random.Random(SEED + part).randrange(part * len(steps) // FAILURES, (part + 1) * len(steps) // FAILURES)
    number = errno.ENOSPC if part % 2 else errno.EIO
    assert what_is_wrong_after_failure(tmp_path, forked, step, number) == [], steps[step]


def statement(steps: list[str], text: str) -> int:
    """The middle one of the steps that are such statements."""
    places = [place for place, name in enumerate(steps) if name.startswith("sql ") and text in name]
    assert places, text
    return places[len(places) // 2]


@pytest.mark.parametrize("text", ["INSERT INTO", "commit_transaction"])
def test_a_destination_whose_disk_is_full(text: str, steps: list[str], forked: Forks, tmp_path: Path) -> None:
    """Rows, or the end of a transaction, are refused once."""
    assert what_is_wrong_after_failure(tmp_path, forked, statement(steps, text), errno.ENOSPC) == []


@pytest.mark.parametrize("text", ["CREATE TABLE", "CREATE SCHEMA"])
def test_a_migration_that_fails_half_way(text: str, steps: list[str], forked: Forks, tmp_path: Path) -> None:
    assert what_is_wrong_after_failure(tmp_path, forked, statement(steps, text), errno.EIO) == []


def test_ended_at_the_commit(steps: list[str], forked: Forks, tmp_path: Path) -> None:
    """The transaction of the destination is open, and nobody ends it."""
    assert what_is_wrong_after_crash(tmp_path, forked, statement(steps, "commit_transaction")) == []
