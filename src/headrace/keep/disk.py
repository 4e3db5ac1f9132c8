"""All that kept pages do to the disk, in one place: a test fails any of it, and any number of them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

_OWNER_ALONE: Final = 0o600
#: Windows translates line ends in files that are not opened so.
_BINARY: Final = getattr(os, "O_BINARY", 0)


class Disk:
    """Operations on files that their owner alone can read. Each may raise `OSError`."""

    def __init__(self) -> None:
        self._reading = threading.Lock()

    def make(self, folder: Path) -> None:
        """Make a folder and those above it; the folder itself for its owner alone."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)

    def open(self, path: Path) -> int:
        """A descriptor of the file, made where there is none, for reading and appending."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, _OWNER_ALONE)

    def size(self, file: int) -> int:
        """Bytes of the file."""
        return os.fstat(file).st_size

    def read(self, file: int, size: int, place: int) -> bytes:
        """Bytes from `place` on, fewer where the file ends."""
        if hasattr(os, "pread"):
            return os.pread(file, size, place)
        with self._reading:  # Windows; what is appended goes to the end wherever this leaves off
            os.lseek(file, place, os.SEEK_SET)
            return os.read(file, size)

    def append(self, file: int, data: bytes) -> None:
        """Put all of `data` at the end; what fails may leave a part of it."""
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]

    def cut(self, file: int, size: int) -> None:
        """Cut the file down to `size`."""
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Wait until what was written would outlast a loss of power."""
        os.fsync(file)

    def close(self, file: int) -> None:
        """Let the file go."""
        os.close(file)

    def remove(self, path: Path) -> None:
        """Remove the file, if it is there."""
        path.unlink(missing_ok=True)
