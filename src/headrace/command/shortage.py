"""The system has no more to give: threads, memory, files, room on the disk, or a place for files that pass."""

from __future__ import annotations

import errno
from typing import Final, TypeAlias

from headrace.errors import HeadraceError

#: What is short, and what to do about it.
_Short: TypeAlias = tuple[str, str]

_THREADS: Final[_Short] = (
    "another thread of the system",
    "processes and threads may be limited (`ulimit -u`, the pids of a container), or the memory for their stacks",
)
_MEMORY: Final[_Short] = (
    "more memory of the system",
    "memory may be limited (`ulimit -v`, a container); `max_waiting_bytes` of `client.limits` bounds what a run holds",
)
_FILES: Final[_Short] = (
    "another open file of the system",
    "open files may be limited (`ulimit -n`); `client.limits.in_flight` bounds the connections",
)
_ROOM: Final[_Short] = (
    "more room on the disk",
    "free some, or name another place: `--to` for the database, `DLT_DATA_DIR` for what dlt and headrace keep",
)
_PLACE: Final[_Short] = (
    "a folder for files that pass, of the system",
    "make /tmp writable, or name another folder in `TMPDIR`",
)
#: What libraries say, in lower case.
_WORDS: Final = {
    "start new thread": _THREADS,
    "launch worker thread": _THREADS,
    "allocation failure": _MEMORY,
    "malloc of size": _MEMORY,
    "failed to allocate": _MEMORY,
    "no usable temporary directory": _PLACE,
    "no space left on device": _ROOM,
    "disk quota exceeded": _ROOM,
    "file too large": _ROOM,
}


def shortage(error: BaseException) -> HeadraceError | None:
    """What there was too little of, in the words of who wanted it, if that is what `error` says."""
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, MemoryError):
        short = _MEMORY
    elif isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        short = _FILES
    else:
        found = next((short for words, short in _WORDS.items() if words in text.lower()), None)
        if found is None:
            return None
        short = found
    what, hint = short
    return HeadraceError(f"expected {what}, got none" + (f": {text}" if text else ""), hint=hint)
