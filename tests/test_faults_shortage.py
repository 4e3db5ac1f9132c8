"""Runs to which the system gives too little: they end with words, or as if killed, and the next one is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crashing import Forks, forks, trial
from headrace.command.shortage import shortage


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


@pytest.mark.parametrize("threads", [0, 1, 3, 5])
def test_no_more_threads(threads: int, forked: Forks, tmp_path: Path) -> None:
    with trial(tmp_path, forked) as (made, world):
        assert made.run(threads=threads) == 1
        said = made.err.read_text()
        assert "expected another thread of the system, got none" in said
        assert "this should not happen" not in said
        made.finish()
        assert made.judge(world) == []


@pytest.mark.parametrize("more_mb", [2, 20, 60])
def test_no_more_memory(more_mb: int, forked: Forks, tmp_path: Path) -> None:
    """What a library in C++ cannot have ends the process, and what Python cannot have is said.

    But where a new thread has a stack and nothing else, CPython waits for it for ever: SIGALRM ends that.
    """
    with trial(tmp_path, forked) as (made, world):
        code = made.run(more_mb=more_mb, limit_s=20)
        said = made.err.read_text()
        assert code != 0 or more_mb > 2  # beyond that, a smaller run may have enough
        assert code < 0 or code in (0, 127) or "of the system, got none" in said
        made.finish()
        assert made.judge(world) == []


def test_no_temporary_folder(forked: Forks, tmp_path: Path) -> None:
    """A run into DuckDB needs none."""
    with trial(tmp_path, forked) as (made, world):
        assert made.run(no_tmp=True) == 0, made.err.read_text()
        assert made.judge(world) == []


def test_no_temporary_folder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(FileNotFoundError) as refused:
        tempfile.gettempdir()
    told = shortage(refused.value)
    assert told is not None
    assert "TMPDIR" in str(told)
