"""A DuckDB file that was begun and not finished, or that somebody holds: what a run does before its first request."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from crashing import Forks, forks, trial
from headrace.command.begun import finish_begun
from headrace.command.target import DuckDbFile, check_duckdb
from headrace.errors import LockedError


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database without tables."""
    path = tmp_path_factory.mktemp("whole") / "empty.duckdb"
    duckdb.connect(str(path)).close()
    return path.read_bytes()


@pytest.mark.parametrize("size", [0, 12, 4096, 8192, 12287])
def test_what_was_begun_becomes_an_empty_database(size: int, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    path.write_bytes(whole[:size])
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(path))
    file = path.stat().st_ino
    assert finish_begun(path)
    assert path.stat().st_ino == file
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1")


def test_another_file_stays_as_it_is(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    for data in (b"id,name\n1,a\n", b"\0", b"DUCK", b"SQLite format 3\0" + bytes(4000), whole, bytes(4096)):
        path.write_bytes(data)
        assert not finish_begun(path)
        assert path.read_bytes() == data
    assert not finish_begun(tmp_path / "none.duckdb")


#: Holds a database until it is told to end.
HOLD = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.communicate()


def test_one_that_is_held_is_waited_for_and_the_holder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    told: list[str] = []
    slept: list[float] = []
    with held(path) as holder:

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                holder.communicate()

        check_duckdb(DuckDbFile(str(path)), 60, told.append, sleep)
    assert len(slept) == 3
    assert len(told) == 1
    assert re.fullmatch(rf"waiting for `{path}`: process {holder.pid} \(.*\) holds it", told[0])


def test_one_that_is_held_for_longer_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    slept: list[float] = []
    with held(path) as holder, pytest.raises(LockedError, match=f"process {holder.pid} .* holds it"):
        check_duckdb(DuckDbFile(str(path)), 3, None, slept.append)
    assert sum(slept) == pytest.approx(3)


def test_one_that_somebody_is_making_is_left_to_them(tmp_path: Path, forked: Forks) -> None:
    """The lock of another process, which is that of DuckDB, stands before it."""
    with trial(tmp_path, forked) as (made, world):
        path = made.work / "api.duckdb"
        with path.open("r+b" if path.exists() else "w+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            assert made.run() == 75
        assert path.read_bytes() == b""
        assert world.served == {}
        assert made.run() == 0
        assert made.judge(world) == []
