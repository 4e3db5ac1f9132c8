"""What dlt traces of a run, as JSON: dlt keeps it as a pickle, which runs code when it is read.

Nothing of headrace reads the file. It is for people: when each step began and ended, what was loaded, which
configuration was read, and from where.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from dlt.common import json
from dlt.common.storages.file_storage import FileStorage
from dlt.pipeline.trace import TRACE_FILE_NAME

from headrace.secrets import mask

NAME: Final = "trace.json"


@contextmanager
def traced_as_json() -> Iterator[None]:
    """Pipelines write `trace.json` into their working folders meanwhile, and no pickle; one that is there goes."""
    dlts: Any = import_module("dlt.pipeline.pipeline")  # `dlt.pipeline` is a function, and dlt has no setting for it
    pickled = dlts.save_trace
    dlts.save_trace = _save
    try:
        yield
    finally:
        dlts.save_trace = pickled


def _save(folder: str, trace: Any) -> None:
    """In place of dlt's `save_trace`. A trace that cannot be written ends no run."""
    with suppress(OSError):
        Path(folder, TRACE_FILE_NAME).unlink(missing_ok=True)
        try:
            text = mask(json.dumps(trace.asdict()))
        except (TypeError, ValueError):
            return  # something in it that JSON does not know: dlt leaves out what cannot be pickled, too
        FileStorage.save_atomic(folder, NAME, text, file_type="t")
        Path(folder, NAME).chmod(0o600)
