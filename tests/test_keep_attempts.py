"""Kept pages that end the process of each run that takes them are asked for again after two such runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from crashing import Forks, Trial, World, forks, trial

#: A run is ended when it has kept some pages; when it has told that it uses some, and keeps one more.
WHILE_IT_FETCHES = ["append"] * 12
WHILE_IT_USES = ["/attempts", "append", "append"]


@pytest.fixture(scope="module")
def forked():
    with forks() as made:
        yield made


def attempts(made: Trial) -> Path:
    return made.folder / "home" / "dlt" / "pipelines" / ".headrace" / "api" / "attempts"


def asked_again(made: Trial, world: World) -> int:
    """How many pages a run asks for that were served before; it is the last one."""
    before = dict(world.served)
    assert made.run() == 0, made.err.read_text()
    return sum(world.served[page] > times for page, times in before.items())


def test_after_two_runs_that_ended_without_a_word_pages_are_asked_for_again(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, world):
        assert made.run(crash_behind=WHILE_IT_FETCHES) == 137
        assert not attempts(made).exists()
        for number in (1, 2):
            assert made.run(crash_behind=WHILE_IT_USES) == 137
            assert attempts(made).read_bytes() == b"." * number
        served = len(world.served)
        assert asked_again(made, world) == served
        assert "warning: two runs in a row ended without a word" in made.err.read_text()
        assert not attempts(made).exists()
        assert made.judge(world) == []


def test_one_run_that_ended_so_is_gone_on_with(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, world):
        made.run(crash_behind=WHILE_IT_FETCHES)
        assert made.run(crash_behind=WHILE_IT_USES) == 137
        assert asked_again(made, world) <= 6 < len(world.served)
        assert made.err.read_text() == ""
        assert not attempts(made).exists()
        assert made.judge(world) == []


def test_a_run_that_fails_with_a_word_does_not_count(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, world):
        made.run(crash_behind=WHILE_IT_FETCHES)
        assert made.run(crash_behind=WHILE_IT_USES) == 137
        world.fails = True
        assert made.run() == 1, made.err.read_text()
        world.fails = False
        assert not attempts(made).exists()
        assert made.run(crash_behind=WHILE_IT_USES) == 137
        assert attempts(made).read_bytes() == b"."
