"""The system has no more to give: threads, memory, files, or a place for files that pass."""

from __future__ import annotations

import errno
from typing import Final

from headrace.errors import HeadraceError

_THREADS: Final = HeadraceError(
    "expected another thread of the system, got none",
    hint="processes and threads may be limited (`ulimit -u`, the pids of a container), or the memory for their stacks",
)
_MEMORY: Final = HeadraceError(
    "expected more memory of the system, got none",
    hint="memory may be limited (`ulimit -v`, a container); `client.limits.max_waiting_bytes`, `max_page_bytes` and "
    "`in_flight` bound what a run holds",
)
_FILES: Final = HeadraceError(
    "expected another open file of the system, got none",
    hint="open files may be limited (`ulimit -n`); `client.limits.in_flight` bounds the connections",
)
_PLACE: Final = HeadraceError(
    "expected a folder for files that pass, found none that can be written",
    hint="make /tmp writable, or name another folder in `TMPDIR`",
)
#: What libraries say, in lower case.
_WORDS: Final = {
    "start new thread": _THREADS,
    "launch worker thread": _THREADS,
    "allocation failure": _MEMORY,
    "malloc of size": _MEMORY,
    "failed to allocate": _MEMORY,
    "no usable temporary directory": _PLACE,
}


def shortage(error: BaseException) -> HeadraceError | None:
    """What there was too little of, if that is what `error` says."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return _FILES
    text = str(error).lower()
    return next((told for words, told in _WORDS.items() if words in text), None)
