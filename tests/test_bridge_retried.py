"""Loads that are broken off are tried as often as dlt would, a try each, and not by a run that may write no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.load.exceptions import LoadClientJobRetry
from dlt.pipeline.exceptions import PipelineStepFailed

from headrace.bridge.retried import load_again
from headrace.errors import LockedError
from loading import pipeline

SETTING = "LOAD__RAISE_ON_MAX_RETRIES"


def nothing() -> None:
    """Everything may go on."""


class Broken:
    """A load step that is broken off so many times."""

    def __init__(self, target: dlt.Pipeline, times: int) -> None:
        self._target = target
        self._left = times
        self.settings: list[str | None] = []

    def __call__(self) -> str:
        self.settings.append(os.environ.get(SETTING))
        self._left -= 1
        if self._left >= 0:
            retry = LoadClientJobRetry("1", "job", 1, 1, "gone", OSError("gone"))
            raise PipelineStepFailed(self._target, "load", "1", retry, None)  # type: ignore[arg-type]
        return "loaded"


@pytest.fixture
def target(tmp_path: Path) -> dlt.Pipeline:
    return pipeline(tmp_path, "broken")


def test_each_try_is_one_of_dlt_and_waits_longer(target: dlt.Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    load, slept = Broken(target, 4), list[float]()
    assert load_again(target, load, nothing, slept.append) == "loaded"
    assert load.settings == ["1"] * 5
    assert slept == [1, 2, 4, 8]
    assert SETTING not in os.environ


@pytest.mark.parametrize(("said", "tries"), [(None, 5), ("2", 2)])
def test_it_ends_where_dlt_would(
    said: str | None, tries: int, target: dlt.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        monkeypatch.setenv(SETTING, said)
    load = Broken(target, 99)
    with pytest.raises(PipelineStepFailed):
        load_again(target, load, nothing, lambda _: None)
    assert len(load.settings) == tries
    assert os.environ.get(SETTING) == said


def test_nothing_is_tried_by_a_run_that_may_write_no_more(target: dlt.Pipeline) -> None:
    """Its lease is another's by then."""
    load, may = Broken(target, 99), iter([True, False])

    def check() -> None:
        if not next(may):
            raise LockedError("another has it")

    with pytest.raises(LockedError):
        load_again(target, load, check, lambda _: None)
    assert len(load.settings) == 1


def test_another_failure_is_no_reason_to_try(target: dlt.Pipeline) -> None:
    def load() -> Any:
        raise PipelineStepFailed(target, "load", "1", ValueError("wrong"), None)  # type: ignore[arg-type]

    with pytest.raises(PipelineStepFailed):
        load_again(target, load, nothing, lambda _: pytest.fail("it waits"))
