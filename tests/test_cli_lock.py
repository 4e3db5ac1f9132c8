"""Two runs of one pipeline at a time: one works, the other waits or says who does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crashing import Forks, Trial, configuration, forks, trial
from headrace.keep import Lock


@pytest.fixture(scope="module")
def forked():
    with forks() as made:
        yield made


def lock_of(made: Trial) -> Lock:
    return Lock(made.folder / "home" / "dlt" / "pipelines" / ".headrace" / "api", "api")


def test_the_second_ends_with_75_and_asks_for_nothing(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, world):
        lock = lock_of(made)
        lock.take()
        assert made.run() == 75
        lock.free()
        assert world.served == {}
        assert made.run("--json") == 0
    assert json.loads(made.out.read_text())["complete"]
    assert made.err.read_text() == ""


def test_the_error_names_the_first(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, _):
        lock = lock_of(made)
        lock.take()
        made.run()
        said = json.loads(lock.path.read_text())
        lock.free()
    assert made.err.read_text().splitlines() == [
        "error: expected to be the only run of pipeline `api`, "
        f"process {said['process']} on {said['host']} (since {said['started']}) holds its lock",
        "hint: try again when that has ended, or wait for it: `--wait 10m`",
    ]


def test_many_at_once_that_wait_load_one_after_the_other(tmp_path: Path) -> None:
    """Three runs of one pipeline begun together, each in a process of its own: nothing lost, nothing doubled."""
    with forks() as one, forks() as two, forks() as three, trial(tmp_path, one) as (made, world):
        others = [Trial.beside(made, each, number) for number, each in enumerate((two, three))]
        with ThreadPoolExecutor(3) as pool:
            codes = list(pool.map(lambda each: each.run("--wait", "2m"), [made, *others]))
        assert codes == [0, 0, 0]
        assert made.judge(world) == []


def test_a_wait_that_is_no_length_of_time_is_said_so(forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, _):
        (made.work / "api.yaml").write_text(configuration("http://127.0.0.1:1"))
        assert made.run("--wait", "long") == 2
    assert made.err.read_text().splitlines()[0] == "error: expected a length of time in `--wait`, got `long`"
