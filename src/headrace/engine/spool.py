"""What waits on disk between fetching and loading: table batches in order, in files that only the owner can read.

A batch is one Arrow IPC file a table, compressed where there is much. Waiting here is what lets a run hand the
destination one settled set of columns and rows with distinct keys, without holding the rows in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.ipc

from headrace.message import TableBatch

_PREFIX: Final = "headrace-"
#: Bytes that are written as they are; compressing costs a twentieth of a small run, and what is large needs the space.
_PLAIN_BYTES: Final = 256 << 20


class Spool:
    """A folder of batches of one resource, made under `parent` and readable by its owner alone."""

    def __init__(self, resource: str, parent: Path | None = None) -> None:
        if parent is not None:
            _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        self._resource = resource
        self._batches: list[list[str]] = []
        self._bytes = 0

    def append(self, batch: TableBatch) -> None:
        """Write one batch. Raises `OSError` when the disk does not take it."""
        for number, table in enumerate(batch.tables.values()):
            options = pa.ipc.IpcWriteOptions(compression="lz4" if self._bytes > _PLAIN_BYTES else None)
            self._bytes += table.nbytes
            with pa.ipc.new_file(self._file(len(self._batches), number), table.schema, options=options) as writer:
                writer.write_table(table)
        self._batches.append(list(batch.tables))

    def __iter__(self) -> Iterator[TableBatch]:
        """The batches in the order of writing; the next one is read while the one before is used."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            following = pool.submit(self._read, 0)
            for number in range(1, len(self._batches) + 1):
                batch = following.result()
                following = pool.submit(self._read, number)
                yield batch

    def _read(self, number: int) -> TableBatch:
        """One batch; an empty one past the end."""
        tables = {}
        for place, name in enumerate(self._batches[number] if number < len(self._batches) else ()):
            # not by its path: that would map the file into memory
            with pa.OSFile(self._file(number, place)) as file, pa.ipc.open_file(file) as reader:
                tables[name] = reader.read_all()
        return TableBatch(self._resource, tables)

    def remove(self) -> None:
        """Delete the folder and all in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, batch: int, number: int) -> str:
        return str(self.folder / f"{batch:06}-{number}.arrow")


def _sweep(parent: Path) -> None:
    """Remove spools under `parent` whose process is gone: it was killed, and what it held was not loaded."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    """Whether a process with this number runs; where that cannot be asked harmlessly (Windows), it may."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
