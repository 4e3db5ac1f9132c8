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

import duckdb
import pyarrow as pa

from headrace.normalise import Rules, repeated_id


@dataclass(frozen=True)
class Fates:
    """What becomes of stored rows: ids that are dropped, and ids that are renamed (old -> new)."""

    dropped: frozenset[str]
    renamed: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.dropped or self.renamed)


class Identities:
    """The ids of one resource in one run; `folder` takes what does not fit into memory."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self._rules = rules
        self.superseded = 0
        # in memory up to the limit, beyond it in temporary files: nothing here must survive the run, so no log is kept
        config = {
            "memory_limit": "32MB",
            "temp_directory": str(folder / "identities"),
            "threads": "1",
            "autoinstall_known_extensions": "false",
        }
        self._connection = duckdb.connect(":memory:", config=config)
        self._connection.execute("CREATE TABLE seen (id VARCHAR, content VARCHAR)")
        self._connection.execute("CREATE TABLE repeats (first_id VARCHAR, ordinal BIGINT, stored_id VARCHAR)")

    def assign(
        self, first_ids: Sequence[str], by_key: Sequence[bool], contents: Sequence[str] | None = None
    ) -> list[str]:
        """The stored id of each row; `by_key` says which of them are identified by their key.

        `contents` are ids of the rows' contents, given where `differing` shall be asked.
        """
        batch = pa.table(
            {
                "id": pa.array(first_ids, pa.string()),
                "content": pa.array(contents, pa.string()) if contents else pa.nulls(len(first_ids), pa.string()),
            }
        )
        counts = self._seen_before(batch)
        stored = list(first_ids)
        if counts or len(set(first_ids)) < len(first_ids):
            repeats = []
            for row, first in enumerate(first_ids):
                ordinal = counts[first]
                counts[first] += 1
                if ordinal:
                    stored[row] = repeated_id(first, ordinal, self._rules)
                    if by_key[row]:
                        repeats.append((first, ordinal, stored[row]))
            self._remember_repeats(repeats)
        self._connection.register("batch", batch)
        self._connection.execute("INSERT INTO seen SELECT id, content FROM batch")
        self._connection.unregister("batch")
        return stored

    def differing(self) -> str | None:
        """The first id under which rows with different contents came; None when there is none."""
        found = self._connection.execute(
            "SELECT id FROM seen GROUP BY id HAVING min(content) <> max(content) LIMIT 1"
        ).fetchone()
        return None if found is None else str(found[0])

    def fates(self, stored_ids: pa.ChunkedArray) -> Fates:
        """What becomes of the rows stored under `stored_ids`, now that all rows are in."""
        if not self.superseded:
            return Fates(frozenset(), {})
        self._connection.register("stored", pa.table({"id": stored_ids}))
        found = self._connection.execute(
            """
            WITH last AS (SELECT first_id, max(ordinal) AS ordinal FROM repeats GROUP BY first_id)
            SELECT id, NULL FROM stored SEMI JOIN last ON id = first_id
            UNION ALL
            SELECT id, CASE WHEN last.ordinal = repeats.ordinal THEN repeats.first_id END
            FROM stored JOIN repeats ON id = stored_id JOIN last ON last.first_id = repeats.first_id
            """
        ).fetchall()
        self._connection.unregister("stored")
        return Fates(
            frozenset(old for old, new in found if new is None), {old: new for old, new in found if new is not None}
        )

    def settle(self) -> None:
        """Say that all rows are in: what `fates` will not need is given back."""
        if not self.superseded:
            self.close()

    def close(self) -> None:
        """Give back memory and disk."""
        self._connection.close()

    def _seen_before(self, batch: pa.Table) -> Counter[str]:
        self._connection.register("batch", batch)
        counts = self._connection.execute(
            "SELECT id, count(*) FROM seen WHERE id IN (SELECT id FROM batch) GROUP BY id"
        ).fetchall()
        self._connection.unregister("batch")
        return Counter(dict(counts))

    def _remember_repeats(self, repeats: Sequence[tuple[str, int, str]]) -> None:
        self.superseded += len(repeats)
        if repeats:
            columns = [list(values) for values in zip(*repeats, strict=True)]
            self._connection.register("batch", pa.table(columns, names=["first_id", "ordinal", "stored_id"]))
            self._connection.execute("INSERT INTO repeats SELECT * FROM batch")
            self._connection.unregister("batch")
