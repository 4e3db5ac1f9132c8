"""Which rows are the same row: ids met before in this run, on disk, so that memory does not grow with the rows.

Every root row comes with a first id, made from its key or from its content. While rows come in, `assign` makes ids
distinct within their batch (`repeated_id`) and remembers a hash of each, no more: whether an id came in two batches is
one question at the end (`settle`), not one a batch. Most runs answer it with no, and that is all.

Otherwise `fates` says of each batch what becomes of its rows:

* Rows identified by content stay: the n-th of equal rows gets an id of its own. Two equal clicks are two rows, with the
  same two ids in every run.
* Rows identified by key: only the last one is kept, under the first id, by which the next run will know the row again.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from headrace.normalise import Rules, repeated_id

#: Hashes that wait in memory: 8 bytes each, and too few of them for a database to pay.
_FEW: Final = 100_000
#: Memory of the database while it only remembers, and when rows did come twice.
_REMEMBERING: Final = "32MB"
_SORTING: Final = "128MB"
#: Rows that are grouped at once: DuckDB groups them in memory, and has 32 MB.
_SLICE: Final = 200_000


@dataclass(frozen=True)
class Fates:
    """What becomes of stored rows: ids that are dropped, and ids that are renamed (old -> new)."""

    dropped: frozenset[str]
    renamed: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.dropped or self.renamed)


class Identities:
    """The ids of one resource in one run; `folder` takes what does not fit into memory.

    `superseded` are rows that a later one with the same key replaces, known when all is settled.
    """

    def __init__(self, folder: Path, rules: Rules) -> None:
        self._folder = folder
        self._rules = rules
        self._hashes = array("q")
        self._contents = array("q")
        self._batches = 0
        self._index: _Index | None = None
        self.superseded = 0

    def assign(
        self, first_ids: Sequence[str], by_key: Sequence[bool], contents: Sequence[str] | None = None
    ) -> Sequence[str]:
        """The ids under which the rows of the next batch are stored; `by_key` says which are identified by their key.

        `contents` are ids of the rows' contents, given for all batches or none: where `differing` shall be asked.
        """
        # the lowest bit says what the id was made of
        self._hashes.extend([hash(first) & ~1 | key for first, key in zip(first_ids, by_key, strict=True)])
        self._contents.extend(map(hash, contents or ()))
        batch, self._batches = self._batches, self._batches + 1
        if len(self._hashes) > _FEW:
            self._opened()
        if len(set(first_ids)) == len(first_ids):
            return first_ids
        stored = list(first_ids)
        ordinals: Counter[str] = Counter()
        for row, first in enumerate(first_ids):
            if ordinals[first]:
                stored[row] = repeated_id(first, ordinals[first], self._rules)
            ordinals[first] += 1
        again = [(batch, own, first) for own, first in zip(stored, first_ids, strict=True) if own != first]
        self._opened().add_again(again)
        return stored

    def settle(self, stored_ids: Iterable[Sequence[str]]) -> None:
        """Say that all rows are in; `stored_ids` are those of each batch, and are read only where some came twice."""
        if self._index is None and len(set(self._hashes)) == len(self._hashes):
            self.close()
            return
        index = self._opened()
        if not index.find_repeated():
            self.close()
            return
        for batch, ids in enumerate(stored_ids):
            index.place(batch, ids)
        self.superseded = index.rank()

    def fates(self, batch: int) -> Fates:
        """What becomes of the rows of a batch, in the order of `assign`, now that all is settled."""
        dropped, renamed = set(), {}
        for stored, first, by_key, ordinal, times in self._index.ranked(batch) if self._index else ():
            if by_key and ordinal < times - 1:
                dropped.add(stored)
                continue
            final = first if by_key or not ordinal else repeated_id(first, ordinal, self._rules)
            if final != stored:
                renamed[stored] = final
        return Fates(frozenset(dropped), renamed)

    @property
    def repeats(self) -> bool:
        """Whether rows came under one id, so that fates must be asked."""
        return self._index is not None

    def differing(self) -> str | None:
        """The id under which a row is stored whose content is not that of an earlier one; None when there is none."""
        return self._index.differing() if self._index else None

    def close(self) -> None:
        """Give back memory and disk."""
        self._hashes, self._contents = array("q"), array("q")
        if self._index is not None:
            self._index.close()
            self._index = None

    def _opened(self) -> _Index:
        """The database, with all hashes so far."""
        if self._index is None:
            self._index = _Index(self._folder)
        if self._hashes:
            self._index.add(self._hashes, self._contents)
            self._hashes, self._contents = array("q"), array("q")
        return self._index


class _Index:
    """Hashes that were met, and rows whose hash was met twice, in a database that leaves its memory for the disk."""

    def __init__(self, folder: Path) -> None:
        # nothing here must survive the run, so no file with a log is kept
        config = {
            "memory_limit": _REMEMBERING,
            "temp_directory": str(folder / "identities"),
            "threads": "1",
            "autoinstall_known_extensions": "false",
        }
        self._connection = duckdb.connect(":memory:", config=config)
        self._run("CREATE TABLE seen (hash BIGINT, content BIGINT)")
        self._run("CREATE TABLE again (batch INTEGER, stored VARCHAR, first VARCHAR)")
        self._run(
            "CREATE TABLE placed (batch INTEGER, place INTEGER, stored VARCHAR, first VARCHAR, hash BIGINT, "
            "by_key BOOLEAN, differs BOOLEAN)"
        )

    def add(self, hashes: array[int], contents: array[int]) -> None:
        """Remember hashes of first ids, and those of their contents where given."""
        content = _to_arrow(contents) if contents else pa.nulls(len(hashes), pa.int64())
        self._run("INSERT INTO seen FROM given", given=pa.table({"hash": _to_arrow(hashes), "content": content}))

    def add_again(self, again: Sequence[tuple[int, str, str]]) -> None:
        """Remember rows that are not stored under their first id: batch, stored id, first id."""
        columns = [list(values) for values in zip(*again, strict=True)]
        self._run("INSERT INTO again FROM given", given=pa.table(columns, names=["batch", "stored", "first"]))

    def find_repeated(self) -> bool:
        """Whether any hash came more than once; those that did are kept."""
        self._run("CREATE TABLE repeated (hash BIGINT, by_key BOOLEAN, differs BOOLEAN)")
        self._by_slices(
            "seen",
            """
            INSERT INTO repeated
            SELECT hash & -2 AS even, bool_or(hash & 1 = 1), min(content) <> max(content)
            FROM seen WHERE ((hash >> 8) & ?) = ? GROUP BY even HAVING count(*) > 1
            """,
        )
        self._run("DROP TABLE seen")
        found = bool(self._run("SELECT count(*) FROM repeated")[0][0])
        if found:
            self._run(f"SET memory_limit = '{_SORTING}'")
        return found

    def place(self, batch: int, stored: Sequence[str]) -> None:
        """Keep of the rows of a batch those whose hash came more than once, with their places."""
        first_of = dict(self._run("SELECT stored, first FROM again WHERE batch = ?", batch))
        firsts = [first_of.get(own, own) for own in stored]
        given = pa.table(
            {
                "batch": pa.repeat(batch, len(stored)),
                "place": pa.array(range(len(stored)), pa.int32()),
                "stored": pa.array(stored, pa.string()),
                "first": pa.array(firsts, pa.string()),
                "hash": pa.array([hash(first) & ~1 for first in firsts], pa.int64()),
            }
        )
        self._run("INSERT INTO placed BY NAME SELECT * FROM given JOIN repeated USING (hash)", given=given)

    def rank(self) -> int:
        """Count rows under each first id, in order; how many of them a later one with the same key replaces."""
        self._run("CREATE TABLE counted AS SELECT *, 0 AS ordinal, 0 AS times FROM placed LIMIT 0")
        self._by_slices(
            "placed",
            """
            INSERT INTO counted
            SELECT *, row_number() OVER same - 1, count(*) OVER (PARTITION BY first) AS times
            FROM placed WHERE ((hash >> 8) & ?) = ?
            WINDOW same AS (PARTITION BY first ORDER BY batch, place) QUALIFY times > 1
            """,
        )
        self._run("DROP TABLE placed")
        # in the order in which it is asked for
        self._run("CREATE TABLE ranked AS FROM counted ORDER BY batch")
        self._run("DROP TABLE counted")
        return int(self._run("SELECT count(*) FROM ranked WHERE by_key AND ordinal < times - 1")[0][0])

    def _by_slices(self, table: str, sql: str) -> None:
        """Run `sql` for all rows of `table`, a part of the hashes at a time: mask and bits are its two values."""
        (rows,) = self._run(f"SELECT count(*) FROM {table}")[0]  # noqa: S608 - a name of ours
        slices = 1 << (rows // _SLICE).bit_length()
        for bits in range(slices):
            self._run(sql, slices - 1, bits)

    def ranked(self, batch: int) -> list[tuple[Any, ...]]:
        """The rows of a batch that are not alone under their first id: stored and first id, by key, ordinal, times."""
        return self._run("SELECT stored, first, by_key, ordinal, times FROM ranked WHERE batch = ?", batch)

    def differing(self) -> str | None:
        """The stored id of a row whose content is not that of an earlier one with the same first id."""
        found = self._run("SELECT stored FROM ranked WHERE differs AND ordinal > 0 ORDER BY batch, place LIMIT 1")
        return found[0][0] if found else None

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _run(self, sql: str, *values: Any, given: pa.Table | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement, in which `given` stands for a table."""
        if given is not None:
            self._connection.register("given", given)
        rows: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
        if given is not None:
            self._connection.unregister("given")
        return rows


def _to_arrow(numbers: array[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
