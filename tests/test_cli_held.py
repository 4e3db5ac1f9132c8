"""A DuckDB file that a run keeps open: others do not get it meanwhile, and do afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from headrace.command import held as module
from headrace.command.held import Held


def is_free(path: Path) -> bool:
    """Whether another process may open it."""
    command = [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "x.duckdb"
    duckdb.connect(str(found)).close()
    return found


@pytest.mark.parametrize("way", ["open", "keep"])
def test_it_is_kept_until_it_is_freed(way: str, path: Path) -> None:
    held = Held(path)
    assert is_free(path)
    getattr(held, way)()
    assert not is_free(path)
    duckdb.connect(str(path)).close()  # in this process it is open to all, and stays open behind them
    assert not is_free(path)
    held.free()
    held.free()
    assert is_free(path)


def test_one_that_was_opened_is_freed_after_a_while(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEGIN_S", 0.05)
    held = Held(path)
    held.open()
    timer = held._timer
    assert timer is not None
    timer.join(60)
    assert is_free(path)


def test_one_that_is_kept_stays(path: Path) -> None:
    held = Held(path)
    held.open()
    timer = held._timer
    held.keep()
    assert timer is not None
    assert timer.finished.is_set()
    assert held._timer is None
    assert not is_free(path)
    held.free()


def test_one_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    held = Held(tmp_path / "x.duckdb")
    held.keep()
    held.free()
    assert not (tmp_path / "x.duckdb").exists()
