"""A DuckDB file whose making was killed holds no later run up, and no file of another kind is touched."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from crashing import Forks, forks, trial
from headrace.command.begun import finish_begun


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
