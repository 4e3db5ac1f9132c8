"""A database file that may not grow: DuckDB's own writes are refused, and nothing is lost, doubled or unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crashing import Forks, Trial, World, forks, trial


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


def tried_twice(made: Trial) -> Trial:
    """A job is tried twice, and not five times, between which a run waits for seconds."""
    (made.work / ".dlt").mkdir()
    (made.work / ".dlt" / "config.toml").write_text("[load]\nraise_on_max_retries = 2\n")
    return made


@pytest.mark.parametrize("most_kb", [1, 4, 8, 13, 64, 300, 600])
def test_a_first_load(most_kb: int, forked: Forks, tmp_path: Path) -> None:
    """Its making, its statements or only its last checkpoint are refused, which leaves what is committed in the log."""
    with trial(tmp_path, forked, merged=60, appended=60) as (made, world):
        code = tried_twice(made).run(most_kb=most_kb)
        said = made.err.read_text()
        if code == 0:
            assert made.judge(world) == []
        else:
            assert code == 1
            assert "error: expected more room on the disk, got none: " in said
        assert code == 1 or most_kb > 13
        made.finish()
        assert made.judge(world) == []


@pytest.mark.parametrize("most_kb", [13, 64, 128, 400])
def test_a_second_load(most_kb: int, forked: Forks, tmp_path: Path) -> None:
    """What was committed before can be read all the while."""
    with trial(tmp_path, forked) as (made, world):
        made.finish()
        before = World(merged=world.merged, appended=world.appended)
        world.merged += 400
        code = tried_twice(made).run(most_kb=most_kb)
        said = made.err.read_text()
        if code == 0:
            assert made.judge(world) == []
        else:
            assert (code, "error: expected more room on the disk, got none: " in said) == (1, True), said
            stored = {number for (number,) in made.rows("merged", "id")}
            assert set(range(before.merged)) <= stored <= set(range(world.merged))
        assert code == 1 or most_kb > 13
        made.finish()
        assert made.judge(world) == []
