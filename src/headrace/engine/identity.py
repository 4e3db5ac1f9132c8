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

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.engine.hashes import Hashes
from headrace.engine.scratch import scratch
from headrace.normalise import Rules, repeated_id

#: The database's memory; most runs need none.
#: Rows that are ranked at once: DuckDB does that in memory.
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
        self._hashes = Hashes(folder / "hashes")
        self._contents = Hashes(folder / "contents")
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
        values = self._hashes.repeated()
        if not values:
            self.close()
            return
        index = self._opened()
        index.begin(self._repeated(values))
        for batch, ids in enumerate(stored_ids):
            index.place(batch, ids)
        self.superseded = index.rank()

    def _repeated(self, values: pa.Array) -> pa.Table:
        """The hashes of `values`, whether they are of keys, and whether the contents differ."""
        found = pa.table({"hash": pc.bit_wise_and(values, -2), "by_key": pc.bit_wise_and(values, 1)})
        found = found.group_by("hash").aggregate([("by_key", "max")]).rename_columns({"by_key_max": "by_key"})
        pairs = [pa.table({"hash": pa.array([], pa.int64()), "content": pa.array([], pa.int64())})]
        for hashes, contents in zip(self._hashes.chunks(), self._contents.chunks(), strict=False):
            if len(contents):
                pair = pa.table({"hash": pc.bit_wise_and(hashes, -2), "content": contents})
                pairs.append(pair.filter(pc.is_in(pair.column("hash"), found.column("hash").combine_chunks())))
        bounds = pa.concat_tables(pairs).group_by("hash").aggregate([("content", "min"), ("content", "max")])
        differs = pc.not_equal(bounds.column("content_min"), bounds.column("content_max"))
        return found.join(bounds.select(["hash"]).append_column("differs", differs), "hash")

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
        self._hashes.clear()
        self._contents.clear()
        if self._index is not None:
            self._index.close()
            self._index = None

    def _opened(self) -> _Index:
        if self._index is None:
            self._index = _Index(self._folder)
        return self._index


class _Index:
    """Rows that came under one id, in a database that leaves its memory for the disk."""

    def __init__(self, folder: Path) -> None:
        self._connection = scratch(folder / "identities")
        self._run("CREATE TABLE again (batch INTEGER, stored VARCHAR, first VARCHAR)")
        self._run(
            "CREATE TABLE placed (batch INTEGER, place INTEGER, stored VARCHAR, first VARCHAR, hash BIGINT, "
            "by_key BOOLEAN, differs BOOLEAN)"
        )

    def add_again(self, again: Sequence[tuple[int, str, str]]) -> None:
        """Remember rows that are not stored under their first id: batch, stored id, first id."""
        columns = [list(values) for values in zip(*again, strict=True)]
        self._run("INSERT INTO again FROM given", given=pa.table(columns, names=["batch", "stored", "first"]))

    def begin(self, repeated: pa.Table) -> None:
        """Say which hashes came more than once."""
        self._run("CREATE TABLE repeated AS SELECT hash, by_key = 1 AS by_key, differs FROM given", given=repeated)

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
        (rows,) = self._run("SELECT count(*) FROM placed")[0]
        slices = 1 << (rows // _SLICE).bit_length()
        for bits in range(slices):
            self._run(
                """
                INSERT INTO counted
                SELECT *, row_number() OVER same - 1, count(*) OVER (PARTITION BY first) AS times
                FROM placed WHERE ((hash >> 8) & ?) = ?
                WINDOW same AS (PARTITION BY first ORDER BY batch, place) QUALIFY times > 1
                """,
                slices - 1,
                bits,
            )
        self._run("DROP TABLE placed")
        # in the order in which it is asked for
        self._run("CREATE TABLE ranked AS FROM counted ORDER BY batch")
        self._run("DROP TABLE counted")
        return int(self._run("SELECT count(*) FROM ranked WHERE by_key AND ordinal < times - 1")[0][0])

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
