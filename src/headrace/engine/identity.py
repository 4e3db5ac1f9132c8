"""Which rows are the same row: ids met before in this run, on disk, so that memory does not grow with the rows.

Every root row comes with a first id, made from its key or from its content. `assign` gives the id under which it is
stored. The n-th further row with the same first id gets one of its own (`repeated_id`).

* Rows identified by content stay that way: two equal clicks are two rows, with the same two ids in every run.
* Rows identified by key: only the last one is kept. `fates` says, once all rows are in, which stored ids go and which
  one takes the first id, by which the next run will know the row again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from headrace.normalise import Rules, repeated_id

#: Ids that a set may hold: about 100 bytes each.
_FEW: Final = 100_000


@dataclass(frozen=True)
class Fates:
    """What becomes of stored rows: ids that are dropped, and ids that are renamed (old -> new)."""

    dropped: frozenset[str]
    renamed: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.dropped or self.renamed)


class Identities:
    """The ids of one resource in one run; `folder` takes what does not fit into memory.

    As long as ids are distinct and few, a set is enough; then a database with a small memory of its own takes over.
    """

    def __init__(self, folder: Path, rules: Rules) -> None:
        self._folder = folder
        self._rules = rules
        self._few: set[str] | None = set()
        self._index: _Index | None = None
        self.superseded = 0

    def assign(
        self, first_ids: Sequence[str], by_key: Sequence[bool], contents: Sequence[str] | None = None
    ) -> Sequence[str]:
        """The stored id of each row; `by_key` says which of them are identified by their key.

        `contents` are ids of the rows' contents, given where `differing` shall be asked.
        """
        if contents is None and self._are_new(first_ids):
            return first_ids
        index = self._opened()
        stored = list(first_ids)
        counts = index.count(first_ids)
        if counts or len(set(first_ids)) < len(first_ids):
            repeats = []
            for row, first in enumerate(first_ids):
                ordinal = counts[first]
                counts[first] += 1
                if ordinal:
                    stored[row] = repeated_id(first, ordinal, self._rules)
                    if by_key[row]:
                        repeats.append((first, ordinal, stored[row]))
            self.superseded += len(repeats)
            index.add_repeats(repeats)
        index.add(first_ids, contents)
        return stored

    def differing(self) -> str | None:
        """The first id under which rows with different contents came; None when there is none."""
        return self._index.differing() if self._index else None

    def fates(self, stored_ids: pa.ChunkedArray) -> Fates:
        """What becomes of the rows stored under `stored_ids`, now that all rows are in."""
        if self._index is None or not self.superseded:
            return Fates(frozenset(), {})
        return self._index.fates(stored_ids)

    def settle(self) -> None:
        """Say that all rows are in: what `fates` will not need is given back."""
        if not self.superseded:
            self.close()

    def close(self) -> None:
        """Give back memory and disk."""
        self._few = None
        if self._index is not None:
            self._index.close()

    def _are_new(self, ids: Sequence[str]) -> bool:
        """Whether the set is still enough, and knows `ids` now."""
        few = self._few
        if few is None or len(few) + len(ids) > _FEW:
            return False
        if len(set(ids)) < len(ids) or not few.isdisjoint(ids):
            return False
        few.update(ids)
        return True

    def _opened(self) -> _Index:
        """The database, with all that the set knew."""
        if self._index is None:
            self._index = _Index(self._folder)
            self._index.add(list(self._few or ()), None)
            self._few = None
        return self._index


class _Index:
    """Ids that were met, and rows that repeat one, in a database that leaves its memory limit for the disk."""

    def __init__(self, folder: Path) -> None:
        # nothing here must survive the run, so no file with a log is kept
        config = {
            "memory_limit": "32MB",
            "temp_directory": str(folder / "identities"),
            "threads": "1",
            "autoinstall_known_extensions": "false",
        }
        self._connection = duckdb.connect(":memory:", config=config)
        self._connection.execute("CREATE TABLE seen (id VARCHAR, content VARCHAR)")
        self._connection.execute("CREATE TABLE repeats (first_id VARCHAR, ordinal BIGINT, stored_id VARCHAR)")

    def count(self, ids: Sequence[str]) -> Counter[str]:
        """How often each of `ids` was added before; ids never added are left out."""
        sql = "SELECT id, count(*) FROM seen WHERE id IN (SELECT id FROM given) GROUP BY id"
        return Counter(dict(self._run(sql, pa.table({"id": pa.array(ids, pa.string())}))))

    def add(self, ids: Sequence[str], contents: Sequence[str] | None) -> None:
        """Remember `ids`, with the ids of their contents where given."""
        content = pa.array(contents, pa.string()) if contents else pa.nulls(len(ids), pa.string())
        self._run(
            "INSERT INTO seen SELECT id, content FROM given",
            pa.table({"id": pa.array(ids, pa.string()), "content": content}),
        )

    def add_repeats(self, repeats: Sequence[tuple[str, int, str]]) -> None:
        """Remember rows identified by key that repeat one: first id, ordinal, stored id."""
        if repeats:
            columns = [list(values) for values in zip(*repeats, strict=True)]
            self._run("INSERT INTO repeats FROM given", pa.table(columns, names=["first_id", "ordinal", "stored_id"]))

    def differing(self) -> str | None:
        """The first id under which rows with different contents came."""
        found = self._run("SELECT id FROM seen GROUP BY id HAVING min(content) <> max(content) LIMIT 1")
        return str(found[0][0]) if found else None

    def fates(self, stored_ids: pa.ChunkedArray) -> Fates:
        """What becomes of the rows stored under `stored_ids`."""
        found = self._run(
            """
            WITH last AS (SELECT first_id, max(ordinal) AS ordinal FROM repeats GROUP BY first_id)
            SELECT id, NULL FROM given SEMI JOIN last ON id = first_id
            UNION ALL
            SELECT id, CASE WHEN last.ordinal = repeats.ordinal THEN repeats.first_id END
            FROM given JOIN repeats ON id = stored_id JOIN last ON last.first_id = repeats.first_id
            """,
            pa.table({"id": stored_ids}),
        )
        return Fates(
            frozenset(old for old, new in found if new is None), {old: new for old, new in found if new is not None}
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _run(self, sql: str, given: pa.Table | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement, in which `given` stands for a table."""
        if given is not None:
            self._connection.register("given", given)
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        if given is not None:
            self._connection.unregister("given")
        return rows
