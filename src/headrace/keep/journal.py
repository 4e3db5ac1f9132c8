"""A file of entries that only grows; what a crash tore off its end is known and cut when it is opened.

An entry is a fixed line (a mark, kind, sizes, two sums), a head and a body. The first sum covers the line and the head,
and is checked for every entry when the file is opened: at the first one that is not whole the file ends. The second
covers the body, and is checked when the body is read, so that opening does not read what may not be wanted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.keep.disk import Disk

_MARK: Final = b"hrk2"
_LINE: Final = struct.Struct("<4sBIII")
_SUM: Final = struct.Struct("<I")


@dataclass(frozen=True)
class Entry:
    """One entry: its `kind`, its head, and where its body lies."""

    kind: int
    head: bytes
    body_place: int
    body_size: int
    body_sum: int


class Journal:
    """The entries of one file. Every method may raise `OSError`; after one it is not to be written any more."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self._disk = disk or Disk()
        self._file: int | None = self._disk.open(path)
        self.size = self._disk.size(self._file)
        self._is_dirty = False

    def entries(self) -> Iterator[Entry]:
        """The entries from the first to the last whole one; what follows that is cut off."""
        place = 0
        while (entry := self._entry(place)) is not None:
            yield entry
            place = entry.body_place + entry.body_size
        if place < self.size:
            self._cut(place)

    def body(self, entry: Entry) -> bytes | None:
        """The body of an entry, None where it is damaged."""
        body = self._read(entry.body_size, entry.body_place)
        return body if len(body) == entry.body_size and zlib.crc32(body) == entry.body_sum else None

    def append(self, kind: int, head: bytes, body: bytes = b"") -> Entry:
        """Add an entry."""
        line = _LINE.pack(_MARK, kind, len(head), len(body), zlib.crc32(body))
        begin = line + _SUM.pack(zlib.crc32(line + head)) + head
        place, self._is_dirty = self.size, True
        self._disk.append(self._opened, begin + body)
        self.size = place + len(begin) + len(body)
        return Entry(kind, head, place + len(begin), len(body), zlib.crc32(body))

    def clear(self) -> None:
        """Forget all entries."""
        if self.size:
            self._cut(0)

    def sync(self) -> None:
        """Have all that was added outlast a loss of power."""
        if self._is_dirty and self._file is not None:
            self._is_dirty = False
            self._disk.sync(self._file)

    def close(self) -> None:
        """Let the file go; whatever fails, it is gone."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                self._disk.close(file)

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        self._disk.remove(self.path)

    @property
    def _opened(self) -> int:
        if self._file is None:
            raise OSError(f"{self.path} is closed")
        return self._file

    def _entry(self, place: int) -> Entry | None:
        line = self._read(_LINE.size + _SUM.size, place)
        if len(line) < _LINE.size + _SUM.size or not line.startswith(_MARK):
            return None
        _, kind, head_size, body_size, body_sum = _LINE.unpack_from(line)
        if place + len(line) + head_size + body_size > self.size:
            return None
        head = self._read(head_size, place + len(line))
        if zlib.crc32(line[: _LINE.size] + head) != _SUM.unpack_from(line, _LINE.size)[0]:
            return None
        return Entry(kind, head, place + len(line) + head_size, body_size, body_sum)

    def _read(self, size: int, place: int) -> bytes:
        return self._disk.read(self._opened, size, place)

    def _cut(self, size: int) -> None:
        self._disk.cut(self._opened, size)
        self.size = size
