"""All that kept pages do to the disk, in one place: a test fails any of it, and any number of them."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Final

_OWNER_ALONE: Final = 0o600
#: Windows translates line ends in files that are not opened so.
_BINARY: Final = getattr(os, "O_BINARY", 0)
#: What file systems say that do not sync folders, or have no second names.
_CANNOT_SYNC: Final = (errno.EINVAL, errno.ENOTSUP)
_CANNOT_LINK: Final = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS)


class Disk:
    """Operations on files that their owner alone can read. Each may raise `OSError`."""

    def __init__(self) -> None:
        self._reading = threading.Lock()

    def make(self, folder: Path) -> None:
        """Make a folder and those above it; the folder itself for its owner alone."""
        new = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        for each in new:
            self.sync_folder(each.parent)

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

    def sync_file(self, path: Path) -> None:
        """The same for a file that is written by others."""
        file = os.open(path, os.O_RDWR | _BINARY)
        try:
            self.sync(file)
        finally:
            os.close(file)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in it would outlast a loss of power. Windows knows no such thing."""
        if os.name == "nt":
            return
        file = os.open(folder, os.O_RDONLY)
        try:
            self.sync(file)
        except OSError as failure:
            if failure.errno not in _CANNOT_SYNC:
                raise
        finally:
            os.close(file)

    def replace(self, path: Path, data: bytes) -> None:
        """Have `data` in the file instead of what was there, and behind a loss of power one of the two, and whole."""
        beside = path.with_name(f"{path.name}.new")
        file = self.open(beside)
        try:
            self.cut(file, 0)  # one that was killed may have left something
            self.append(file, data)
            self.sync(file)
        finally:
            self.close(file)
        beside.replace(path)
        self.sync_folder(path.parent)

    def link(self, path: Path, second: Path) -> None:
        """Give a file a second name; where there is no such thing, make a copy."""
        try:
            os.link(path, second)
        except FileNotFoundError:
            raise
        except OSError as failure:
            if failure.errno not in _CANNOT_LINK:
                raise
            shutil.copyfile(path, second)

    def close(self, file: int) -> None:
        """Let the file go."""
        os.close(file)

    def remove(self, path: Path) -> None:
        """Remove the file, if it is there."""
        path.unlink(missing_ok=True)
