"""One run at a time: a lock of the system on a file, which ends with the process that holds it, however that ends.

The file says who holds it (process, host, start), for the message to those who wait; nobody trusts it for more. So a
file that was left behind holds nobody up, and a number that another process has by now means nothing.

A lock of the system counts on one machine. On a network drive it depends on the drive: NFS passes it on to the server
since Linux 2.6.12, some others refuse it, or take it and do nothing. So who holds it tries to take it once more, by
another way to the file: where that is let through the lock means nothing, and there is none. Runs on several machines
are kept apart by the destination: see `bridge/lease.py`.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from headrace.errors import LockedError
from headrace.keep.disk import Disk

#: Seconds between two looks of one who waits.
_LOOK_S: Final = 0.2
_MOST_SAID: Final = 1000


class Lock:
    """The lock of one pipeline on this machine, held from `take` to `free` or the end of the process."""

    def __init__(self, folder: Path, name: str, disk: Disk | None = None) -> None:
        self.path = folder / "lock"
        self._name = name
        self._disk = disk or Disk()
        self._file: int | None = None

    def take(
        self, wait_s: float = 0, waits: Callable[[str], None] | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> float:
        """Hold it, after `wait_s` seconds at most; how long that took. `waits` is told once for whom.

        Raises `LockedError`, or `OSError` for a folder in which nothing can be written or locked.
        """
        self._disk.make(self.path.parent)
        file = self._disk.open(self.path)
        waited_s = 0.0
        try:
            while not _locks(file):
                self._refuse_after(wait_s - waited_s, holder := self._holder(file))
                if waits is not None and not waited_s:
                    waits(f"waiting for {holder}")
                sleep(_LOOK_S)
                waited_s += _LOOK_S
            self._prove()
            self._sign(file)
        except BaseException:
            self._disk.close(file)
            raise
        self._file = file
        return waited_s

    def free(self) -> None:
        """Let others have it."""
        file, self._file = self._file, None
        if file is not None:
            self._disk.close(file)

    def _prove(self) -> None:
        """Raises `OSError` where another one could take it too."""
        other = self._disk.open(self.path)
        try:
            if _locks(other):
                raise OSError(errno.ENOLCK, "Locks do nothing there", str(self.path))
        finally:
            self._disk.close(other)

    def _sign(self, file: int) -> None:
        started = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        said = {"process": os.getpid(), "host": socket.gethostname(), "started": started}
        self._disk.cut(file, 0)
        self._disk.append(file, json.dumps(said).encode())

    def _refuse_after(self, left_s: float, holder: str) -> None:
        if left_s <= 0:
            raise LockedError(
                f"expected to be the only run of pipeline `{self._name}`, {holder} holds its lock",
                hint="try again when that has ended, or wait for it: `--wait 10m`",
            )

    def _holder(self, file: int) -> str:
        try:
            said: Any = json.loads(self._disk.read(file, _MOST_SAID, 0))
            return f"process {said['process']} on {said['host']} (since {said['started']})"
        except (ValueError, TypeError, KeyError, OSError):
            return "another run"  # it has just been taken, and not been signed


def _locks(file: int) -> bool:
    """Whether the file could be locked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, _MOST_SAID, os.SEEK_SET)  # behind what is written, which others read
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
