"""What waits between fetching and loading: table batches in order, in memory while they are few, then in Parquet.

Waiting here is what lets a run hand the destination one settled set of columns and rows with distinct keys, without
holding the rows in memory. A table is written in the columns that are known when it is written, in a file of its own;
when a later batch brings another column, a new file begins. So a table whose columns were settled early, as most are,
ends as one file that the destination can take as it is.

Files are written by a thread of the spool's own, beside the batches that come meanwhile, in row groups of some MB. A
destination may like whole groups of its own number of rows better: those are gathered where the room allows it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.message import TableBatch
from headrace.normalise import fit, joined

_PREFIX: Final = "headrace-"
#: Arrow bytes of a table that are written at once, as one row group; fewer need no disk.
_PIECE: Final = 8 << 20
#: Arrow bytes that a gathered row group may have.
_LARGEST_GROUP: Final = 80 << 20
#: Arrow bytes of all spools of a load together: a group that is being written, and what comes meanwhile.
_ROOM: Final = 92 << 20


class FileWriter(Protocol):
    """A Parquet file that is being written."""

    def write_table(self, table: pa.Table) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


OpenFile = Callable[[Path, pa.Schema], FileWriter]
#: Tables, and parts of each that are written as one row group.
_Due = list[tuple[str, list[pa.Table]]]


class Room:
    """Arrow bytes that wait or are being written, of all spools of a load."""

    def __init__(self) -> None:
        self._bytes = 0
        self._lock = Lock()

    def add(self, size: int) -> None:
        """So many bytes more, or fewer."""
        with self._lock:
            self._bytes += size

    @property
    def is_full(self) -> bool:
        """Whether somebody must write before more comes."""
        return self._bytes > _ROOM


class Spool:
    """The batches of one resource, in a folder under `parent` that its owner alone can read.

    `constants` are columns that have one value in all rows, and that batches need not bring. `open_file` opens a
    Parquet file for writing, if it shall have settings of its own. `group_rows` is the number of rows of a row group
    that the destination takes over as it is, 0 if there is none; `from_the_first` says that the first of them is
    written whole as well. `room` is shared with the spools beside.
    """

    def __init__(  # noqa: PLR0913 - all but two are named
        self,
        resource: str,
        parent: Path | None = None,
        *,
        constants: Mapping[str, str] | None = None,
        open_file: OpenFile = pq.ParquetWriter,
        group_rows: int = 0,
        from_the_first: bool = False,
        room: Room | None = None,
    ) -> None:
        if parent is not None:
            _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        self._resource = resource
        self._constants = constants or {}
        self._open_file = open_file
        self._counts: list[dict[str, int]] = []
        self._tables: dict[str, _Table] = {}
        self._schemas: Mapping[str, pa.Schema] = {}
        self._group_rows = group_rows
        self._pieces_before = 0 if from_the_first else group_rows
        self._room = room or Room()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="headrace-spool")
        self._writing: Future[None] | None = None

    def append(self, batch: TableBatch) -> None:
        """Take one batch. Raises `OSError` when the disk did not take an earlier one."""
        self._counts.append({name: table.num_rows for name, table in batch.tables.items()})
        self._schemas = batch.schemas
        for name, rows in batch.tables.items():
            if name not in self._tables:
                self._tables[name] = _Table(self.folder / f"{len(self._tables):04}")
            self._tables[name].add(rows)
            self._room.add(rows.nbytes)
        gathering = {
            name: table
            for name, table in self._tables.items()
            if table.written >= self._pieces_before and table.gathers(self._group_rows)
        }
        due = [
            (name, table.take(self._group_rows))
            for name, table in gathering.items()
            for _ in range(table.rows // self._group_rows)
        ]
        loose = self._tables.keys() - gathering
        if sum(self._tables[name].bytes for name in loose) >= _PIECE:
            due += self._rest(loose)
        self._write(due)
        if self._room.is_full:
            self._wait()
        if self._room.is_full:
            self._write(self._rest(self._tables))

    def settle(self) -> None:
        """Say that all batches are in: what is on disk becomes whole there. Raises `OSError`."""
        if self._writing is not None:
            self._write(self._rest(self._tables))
            self._wait()
            for table in self._tables.values():
                table.close()
        self._pool.shutdown()

    def file(self, name: str, schema: pa.Schema) -> Path | None:
        """The file with all rows of a table, where there is one and its columns are those of `schema`."""
        files = self._tables[name].files if name in self._tables else []
        return files[0] if len(files) == 1 and pq.read_schema(files[0]).equals(schema) else None

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """All rows of a table in order, some MB at once."""
        if name in self._tables:
            yield from self._tables[name].pieces()

    def column(self, table: str, column: str) -> Iterator[list[Any]]:
        """The values of a column of a table, batch by batch."""
        reader = _Reader(self._tables[table].pieces([column])) if table in self._tables else None
        for counts in self._counts:
            values = reader.take(counts.get(table, 0)) if reader else pa.table({column: []})
            yield values.column(column).to_pylist()

    def __iter__(self) -> Iterator[TableBatch]:
        """The batches as they were taken, perhaps in more columns."""
        readers = {name: _Reader(table.pieces()) for name, table in self._tables.items()}
        for counts in self._counts:
            tables = {name: readers[name].take(count) for name, count in counts.items()}
            yield TableBatch(self._resource, tables, self._schemas)

    def remove(self) -> None:
        """Delete the folder and all in it."""
        self._pool.shutdown()
        for table in self._tables.values():
            table.close()
            self._room.add(-table.bytes)
        self._tables = {}
        shutil.rmtree(self.folder, ignore_errors=True)

    def _rest(self, names: Iterable[str]) -> _Due:
        """All that waits of some tables, in pieces."""
        return [(name, piece) for name in names for piece in self._tables[name].rest()]

    def _write(self, due: _Due) -> None:
        """Have rows written, when what was written before is through."""
        if due:
            self._wait()
            self._writing = self._pool.submit(self._write_parts, due, self._schemas)

    def _write_parts(self, due: _Due, schemas: Mapping[str, pa.Schema]) -> None:
        while due:
            name, parts = due.pop(0)
            size = sum(part.nbytes for part in parts)
            self._tables[name].write(fit(joined(parts), schemas[name], self._constants), self._open_file)
            del parts
            self._room.add(-size)
        # what is freed in a thread other than that which made it would stay with the process
        pa.default_memory_pool().release_unused()

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()


class _Table:
    """One table's files, whose names begin with `place`, and its rows that wait to be written."""

    def __init__(self, place: Path) -> None:
        self.files: list[Path] = []
        self.waiting: list[pa.Table] = []
        #: Arrow bytes, and rows, of what waits.
        self.bytes = 0
        self.rows = 0
        #: Rows that were taken to be written.
        self.written = 0
        self._place = place
        self._writer: FileWriter | None = None
        self._schema: pa.Schema | None = None

    def add(self, rows: pa.Table) -> None:
        """More rows that wait."""
        self.waiting.append(rows)
        self.bytes += rows.nbytes
        self.rows += rows.num_rows

    def gathers(self, group_rows: int) -> bool:
        """Whether whole groups are written, for which the rows wait."""
        return group_rows > 0 and self.bytes * group_rows <= _LARGEST_GROUP * self.rows

    def rest(self) -> Iterator[list[pa.Table]]:
        """All that waits, in pieces."""
        while self.rows:
            pieces = max(1, round(self.bytes / _PIECE))
            yield self.take(-(-self.rows // pieces))

    def take(self, count: int) -> list[pa.Table]:
        """The first `count` rows, which wait no more."""
        taken, left = [], count
        while left > 0:
            rows = self.waiting.pop(0)
            if rows.num_rows > left:
                self.waiting.insert(0, rows.slice(left))
                rows = rows.slice(0, left)
            taken.append(rows)
            left -= rows.num_rows
        self.rows -= count
        self.written += count
        self.bytes -= sum(rows.nbytes for rows in taken)
        return taken

    def write(self, rows: pa.Table, open_file: OpenFile) -> None:
        """Add rows, to the file that has their columns."""
        if self._writer is None or rows.schema != self._schema:
            self.close()
            self.files.append(self._place.with_name(f"{self._place.name}-{len(self.files)}.parquet"))
            self._writer, self._schema = open_file(self.files[-1], rows.schema), rows.schema
        self._writer.write_table(rows)

    def close(self) -> None:
        """Finish the file that is being written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def pieces(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order, those of one file after those of the one before."""
        for path in self.files:
            # not mapped into memory
            with pa.OSFile(str(path)) as source, pq.ParquetFile(source) as file:
                for number in range(file.num_row_groups):
                    yield file.read_row_group(number, columns, use_threads=False)
        yield from (part.select(columns) if columns else part for part in self.waiting)


class _Reader:
    """Rows taken off pieces one after the other."""

    def __init__(self, pieces: Iterator[pa.Table]) -> None:
        self._pieces = pieces
        self._rest = pa.table({})

    def take(self, count: int) -> pa.Table:
        """The next `count` rows."""
        parts = []
        while count > self._rest.num_rows:
            parts.append(self._rest)
            count -= self._rest.num_rows
            self._rest = next(self._pieces)
        parts.append(self._rest.slice(0, count))
        self._rest = self._rest.slice(count)
        return joined([part for part in parts if part.num_columns] or parts[-1:])


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
