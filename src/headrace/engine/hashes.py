"""Hashes of all ids of a run: 8 bytes each, in a file beyond some of them, and which of them came more than once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

#: Hashes that wait in memory, 4 MB.
_CHUNK: Final = 1 << 19
#: Hashes that are read at once: few, because each step of the search makes as much again.
_READ: Final = 1 << 16
#: Hashes that are sorted at once, 4 MB and as much for their order; each slice reads them all.
_SLICE: Final = 1 << 19


class Hashes:
    """Integers of 64 bits in the order in which they came; `file` takes what is more than a few."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._written = 0
        self._waiting = array("q")

    def __len__(self) -> int:
        return self._written + len(self._waiting)

    def extend(self, hashes: Iterable[int]) -> None:
        """Remember more of them. Raises `OSError` when the disk does not take them."""
        self._waiting.extend(hashes)
        if len(self._waiting) >= _CHUNK:
            with self._file.open("ab") as file:
                self._waiting.tofile(file)
            self._written += len(self._waiting)
            self._waiting = array("q")

    def chunks(self) -> Iterator[pa.Array]:
        """All of them, some at once."""
        if self._written:
            with self._file.open("rb") as file:
                while data := file.read(_READ * 8):
                    yield _integers(data)
        yield _integers(self._waiting.tobytes())

    def repeated(self) -> pa.Array:
        """Those that came more than once, in no order, each once."""
        slices = 1 << (len(self) // _SLICE).bit_length()
        found = []
        for bits in range(slices):
            part = pa.concat_arrays([_slice(chunk, slices, bits) for chunk in self.chunks()])
            part = part.take(pc.sort_indices(part))
            found.append(part[1:].filter(pc.equal(part[1:], part[:-1])).unique())
        return pa.concat_arrays(found)

    def clear(self) -> None:
        """Forget them all."""
        self._file.unlink(missing_ok=True)
        self._written, self._waiting = 0, array("q")


def _slice(chunk: pa.Array, slices: int, bits: int) -> pa.Array:
    """Those of `chunk` in one of `slices` parts, a power of two; all bits of a hash are alike."""
    if slices == 1:
        return chunk
    return chunk.filter(pc.equal(pc.bit_wise_and(pc.shift_right(chunk, 8), slices - 1), bits))


def _integers(data: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(data) // 8, [None, pa.py_buffer(data)])
