"""A seeded tenth of the random trials: schedules of faults, kills, races, windows; all by `scripts/trials`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from crashing import Complaint, Forks, forks
from headrace.sim.faults import FAULTS
from schedules import KINDS as FAULT_KINDS
from schedules import WAITS, drawn
from trials import Tally, Whole, judged

SEED = 2026
PARTS = 10
#: What a run takes where nothing else runs; its steps are not asked for here.
WHOLE = Whole(steps=(), seconds=1.5)
#: A part is so many of each.
COUNTS = {"schedule": 10, "kill": 3, "race": 3}
WINDOWS = 30
#: Faults of the simulator that are no matter of chance, and why.
ELSEWHERE = {
    "bomb": "size", "flood": "size", "headers": "pace", "beside": "drawn with an address", "redirect": "drawn"
}  # fmt: skip


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Forks, Forks]]:
    with forks() as first, forks() as second:
        yield first, second


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", COUNTS)
def test_nothing_is_lost_or_doubled(kind: str, part: int, two: tuple[Forks, Forks], tmp_path: Path) -> None:
    for number in range(part * COUNTS[kind], (part + 1) * COUNTS[kind]):
        found = judged(kind, number, SEED, tmp_path / str(number), two, WHOLE)
        assert found == [], f"scripts/trials --seed {SEED} --only {kind}:{number}"


@pytest.mark.parametrize("number", range(WINDOWS))
def test_windows_in_steps_lose_and_double_nothing(number: int, two: tuple[Forks, Forks], tmp_path: Path) -> None:
    assert judged("window", number, SEED, tmp_path, two, WHOLE) == [], (
        f"scripts/trials --seed {SEED} --only window:{number}"
    )


def test_every_fault_is_drawn() -> None:
    assert {name for name, _ in (*FAULT_KINDS, *WAITS)} | set(ELSEWHERE) == set(FAULTS)


def test_a_schedule_comes_from_its_seed_alone() -> None:
    first, again, other = (drawn(random.Random(seed), "http://127.0.0.1:9") for seed in ("1/a", "1/a", "1/b"))
    assert first == again != other


def test_a_trial_that_breaks_down_costs_no_other(tmp_path: Path) -> None:
    """What forks died: the trial that meets it is told as wrong, and the next one is as ever."""
    with forks() as forked:
        forked.end()
        broken, whole = (judged("kill", 0, SEED, tmp_path / name, (forked, forked), WHOLE) for name in ("a", "b"))
    assert [each.text for each in broken] == ["OSError: the process that forks ended"]
    assert whole == []


def test_what_is_wrong_is_counted() -> None:
    tally = Tally()
    for found in ([], [Complaint("lost", lost=2), Complaint("more", doubled=3)], [Complaint("asked", foreign=1)]):
        tally.add(found)
    assert tally == Tally(tried=3, wrong=2, lost=2, doubled=3, silent=1, foreign=1)
