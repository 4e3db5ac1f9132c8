"""The one who writes what is kept: a thread of its own, within bounds of bytes and of time.

Theory. Keeping a page costs about a microsecond for each 1,000 bytes (LZ4, a sum, the copy into the system's memory),
a tenth of what the rest of the way costs. A page that took a second to come is worth that; one that comes from a server
on the same machine, 100 MB in a second, is not: asking for it again costs as little. So keeping may take a share of the
time that the run has taken, and something to begin with; what would go beyond is not kept. At 2 % that is all of a run
that gets 20 MB a second or less, and the first 100 MB of any.

What is written outlasts the end of the process at once, and a loss of power when it was synced, which is done every
second. Where the disk refuses, no more is kept, and the run goes on: `failure` says why.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import quote

from headrace.keep.disk import Disk
from headrace.keep.journal import Journal

#: Share of the time since the beginning that keeping may take, and seconds that it may take in any case.
SHARE: Final = 0.02
_TO_BEGIN_WITH_S: Final = 0.1
#: Bytes that wait to be written: where the disk is slower than that, a page that comes meanwhile is not kept.
_MOST_WAITING: Final = 32 << 20
#: Seconds between two syncs.
_SYNC_S: Final = 1.0
#: Seconds a byte, until the first one was measured.
_S_PER_BYTE: Final = 1e-9
_SALT: Final = 16


class Keeper:
    """Writes the journals of one folder. `max_bytes` bounds them together, `share` the time it takes.

    `executor` runs what is submitted to it one after the other, in a thread of its own where none is given.
    The folder is made, and its salt read, when first asked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        share: float = SHARE,
        disk: Disk | None = None,
        executor: Executor | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.failure: OSError | None = None
        self._disk = disk or Disk()
        self._share = share
        self._now = now
        self._began = self._synced = now()
        self._journals: dict[str, Journal] = {}
        self._is_named = True
        self._waiting = 0
        self._spent_s = 0.0
        self._per_byte = _S_PER_BYTE
        self._thread = executor or ThreadPoolExecutor(1, thread_name_prefix="headrace-keep")

    def __repr__(self) -> str:
        return f"<Keeper of {len(self._journals)} journals, {self.size} bytes, spent {self._spent_s:.3f} s>"

    @property
    def size(self) -> int:
        """Bytes of all journals."""
        return sum(journal.size for journal in self._journals.values())

    def salt(self) -> bytes:
        """The folder's salt. Raises `OSError`."""
        self._disk.make(self.folder)
        file = self._disk.open(self.folder / "salt")
        try:
            salt = self._disk.read(file, _SALT, 0)
            if len(salt) < _SALT:
                self._disk.cut(file, 0)
                salt = os.urandom(_SALT)
                self._disk.append(file, salt)
            return salt
        finally:
            self._disk.close(file)

    def journal(self, name: str) -> Journal:
        """The journal of a resource. Raises `OSError`."""
        if name not in self._journals:
            self._journals[name] = Journal(self._path(name), self._disk)
            self._is_named = False
        return self._journals[name]

    def has_room(self, size: int, max_bytes: int) -> bool:
        """Whether so many bytes more may be kept, `max_bytes` being the bound for the folder."""
        if self.failure is not None or self._waiting > _MOST_WAITING or self.size >= max_bytes:
            return False
        spent_s = self._spent_s + (self._waiting + size) * self._per_byte
        return spent_s <= _TO_BEGIN_WITH_S + self._share * (self._now() - self._began)

    def write(self, journal: Journal, make: Callable[[], tuple[int, bytes, bytes]], size: int = 0) -> Future[None]:
        """Add what `make` gives (kind, head, body) in the thread, after all that came before; `size` is a guess.

        What comes back is done when that is written, or could not be.
        """
        self._waiting += size
        return self._thread.submit(self._write, journal, make, size)

    def _write(self, journal: Journal, make: Callable[[], tuple[int, bytes, bytes]], size: int) -> None:
        begin = time.thread_time()
        try:
            if self.failure is None:
                journal.append(*make())
                if self._now() - self._synced >= _SYNC_S:
                    self._sync()
        except OSError as failure:
            self.failure = failure
        finally:
            took_s = time.thread_time() - begin
            self._waiting -= size
            self._spent_s += took_s
            if size >= 1 << 16:
                self._per_byte = (self._per_byte + took_s / size) / 2

    def _sync(self) -> None:
        self._synced = self._now()
        for journal in list(self._journals.values()):
            journal.sync()
        if not self._is_named:
            self._is_named = True
            self._disk.sync_folder(self.folder)

    def settle(self) -> None:
        """Wait until all that was given is written."""
        self._thread.submit(lambda: None).result()

    def sync(self) -> None:
        """Have all that was given outlast a loss of power."""
        self._thread.submit(self._sync_all).result()

    def _sync_all(self) -> None:
        try:
            if self.failure is None:
                self._sync()
        except OSError as failure:
            self.failure = failure

    def discard(self, name: str) -> None:
        """Remove the journal of a resource: what it kept is loaded."""
        self.settle()
        journal = self._journals.pop(name, None)
        try:
            if journal is not None:
                journal.remove()
            else:
                self._disk.remove(self._path(name))
        except OSError as failure:
            self.failure = failure

    def close(self) -> None:
        """Write and sync what is left, and let the files go."""
        self._thread.shutdown(wait=True)
        self._sync_all()
        for journal in self._journals.values():
            journal.close()
        self._journals = {}

    def _path(self, name: str) -> Path:
        # a name may hold anything, a file's name may not; 255 bytes is the usual bound
        return self.folder / f"{quote(name, safe='')[:200]}.pages"
