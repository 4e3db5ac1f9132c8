"""Load jobs that the destination broke off are done again, behind what they may have written.

dlt does such a job again at once, though what it wrote may be committed: the connection breaks, and nobody knows. Here
it does not: the step ends, `take_back` deletes what may be there, and it goes on with what is left, as often as dlt
would have tried (`load.raise_on_max_retries`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import dlt
from dlt.load.configuration import LoaderConfiguration
from dlt.load.exceptions import LoadClientJobRetry
from dlt.pipeline.exceptions import PipelineStepFailed

from headrace.bridge.take_back import take_back

if TYPE_CHECKING:
    from dlt.pipeline.pipeline import Pipeline

T = TypeVar("T")
_SETTING: Final = "LOAD__RAISE_ON_MAX_RETRIES"
#: Seconds before the second try, doubled with each one to `_LONGEST_S`.
_FIRST_S: Final = 1.0
_LONGEST_S: Final = 30.0


def load_again(
    pipeline: Pipeline, load: Callable[[], T], check: Callable[[], None], sleep: Callable[[float], Any] = time.sleep
) -> T:
    """What `load`, the load step of `pipeline`, gives, in the end. Raises what it raises.

    `check` raises where this run may write no more; it is asked before each try, and before anything is deleted.
    """
    said = dlt.config.get("load.raise_on_max_retries", int)
    most = LoaderConfiguration.raise_on_max_retries if said is None else said
    with _one_try_each():
        for tried in count(1):
            check()
            if tried > 1:
                take_back(pipeline)
            try:
                return load()
            except PipelineStepFailed as failed:
                if not isinstance(failed.exception, LoadClientJobRetry) or tried == most:
                    raise
            sleep(min(_FIRST_S * 2 ** (tried - 1), _LONGEST_S))
    raise AssertionError("counted to the end of numbers")


@contextmanager
def _one_try_each() -> Iterator[None]:
    before = os.environ.get(_SETTING)
    os.environ[_SETTING] = "1"
    try:
        yield
    finally:
        del os.environ[_SETTING]
        if before is not None:
            os.environ[_SETTING] = before
