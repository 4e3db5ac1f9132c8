"""One run of a pipeline at a time: the second waits or names the first, and no lock outlives its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.errors import LockedError
from headrace.keep import Lock

#: Holds a lock until it is told to end, or is killed.
HOLD = """
import sys
from pathlib import Path
from headrace.keep import Lock
lock = Lock(Path(sys.argv[1]), "mail")
lock.take()
print("held", flush=True)
sys.stdin.read()
lock.free()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_the_first_is(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(LockedError) as caught:
            Lock(tmp_path, "mail").take()
        first.communicate()
    assert caught.value.exit_code == 75
    said = str(caught.value)
    assert said.startswith(f"expected to be the only run of pipeline `mail`, process {first.pid} on ")
    assert said.endswith("holds its lock\nhint: try again when that has ended, or wait for it: `--wait 10m`")


def test_the_second_waits_and_says_so_once(tmp_path: Path) -> None:
    told: list[str] = []
    with holder(tmp_path) as first:
        looks = 0

        def sleep(_: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 3:
                first.communicate()

        lock = Lock(tmp_path, "mail")
        waited_s = lock.take(60, told.append, sleep)
    assert looks == 3
    assert waited_s == pytest.approx(0.6)
    assert len(told) == 1
    assert told[0].startswith(f"waiting for process {first.pid} on ")
    lock.free()


def test_the_time_to_wait_is_kept(tmp_path: Path) -> None:
    slept: list[float] = []
    with holder(tmp_path) as first:
        with pytest.raises(LockedError):
            Lock(tmp_path, "mail").take(1, None, slept.append)
        first.communicate()
    assert 0.9 <= sum(slept) <= 1.2


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    lock = Lock(tmp_path, "mail")
    lock.take()
    lock.free()


@pytest.mark.parametrize("left", ["", "{", '{"process": 1}', json.dumps({"process": 1, "host": "h", "started": "s"})])
def test_what_a_file_says_holds_nobody_up(left: str, tmp_path: Path) -> None:
    """A file that was left behind, torn or not, and whose process number is that of another by now."""
    (tmp_path / "lock").write_text(left)
    lock = Lock(tmp_path, "mail")
    lock.take()
    assert json.loads((tmp_path / "lock").read_text())["process"] == os.getpid()
    lock.free()


def test_a_lock_that_is_not_signed_yet_is_a_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        (tmp_path / "lock").write_text("")
        with pytest.raises(LockedError, match="another run holds its lock"):
            Lock(tmp_path, "mail").take()
        first.communicate()


def test_locks_of_other_pipelines_are_other_locks(tmp_path: Path) -> None:
    with holder(tmp_path / "a") as first:
        lock = Lock(tmp_path / "b", "other")
        lock.take()
        lock.free()
        first.communicate()
