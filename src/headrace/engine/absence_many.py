"""The rows that stood and those that came, too many to be compared one by one: see `absence.py`.

All of it is in a database that leaves its memory for the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from headrace.engine.scratch import scratch

#: What tells a call, as in `absence.py`.
_Scopes = Collection[tuple[str | None, ...]]


class Many:
    """A key has `keys` columns, a scope `fixed` and `kept` ones. All methods are those of `Absences`."""

    def __init__(self, folder: Path, *, keys: int, fixed: int = 0, kept: int = 0) -> None:
        self._keys = [f"k{number}" for number in range(keys)]
        self._scope = [f"s{number}" for number in range(fixed + kept)]
        self._fixed = self._scope[:fixed]
        self._connection = scratch(folder / "absences")
        self._create("stood", ["id", *self._keys, *self._scope], "missed BIGINT")
        self._create("came", [*self._keys, *self._scope])
        self._create("asked", self._scope, "whole BOOLEAN")
        self._create("about", self._fixed, "asked BOOLEAN")

    def stand(self, rows: pa.Table) -> None:
        """Rows that stand unmarked, by position: id, key, scope, and how many listings in a row lacked it before."""
        self._insert("stood", rows)

    def come(self, rows: pa.Table) -> None:
        """Rows of this run, by position: key, scope."""
        self._insert("came", rows)

    def stray(self, whole: _Scopes, broken: _Scopes, about: _Scopes) -> tuple[str | None, ...] | None:
        """The scope of a row that came and is of no call that was made; None when there is none. Asked first."""
        for value, scopes in ((True, whole), (False, broken)):
            self._insert_scopes("asked", self._scope, scopes, value=value)
        self._insert_scopes("about", self._fixed, about, value=True)
        same = _all(f"asked.{name} IS NOT DISTINCT FROM came.{name}" for name in self._scope)
        select = ", ".join(self._scope) or "1"
        found = self._run(f"SELECT {select} FROM came WHERE NOT EXISTS (SELECT 1 FROM asked WHERE {same}) LIMIT 1")  # noqa: S608
        return found[0] if found else None

    def settle(self, after: int, orphans_after: int | None) -> tuple[int, int, int]:
        """Decide, when `stray` was asked: how many rows were looked for, are gone, and lack."""
        orphans = f"WHEN asked.whole IS NULL AND about.asked THEN {orphans_after or 'NULL'}"
        whole = _all(f"{name} IS NOT NULL" for name in (*self._keys, *(f"stood.{name}" for name in self._scope)))
        self._run(f"""
            CREATE TABLE looked AS
            SELECT stood.* EXCLUDE (missed), coalesce(missed, 0) + 1 AS missed,
            CASE WHEN asked.whole THEN {after} {orphans} END AS allowed
            FROM stood LEFT JOIN asked ON {_same("stood", "asked", self._scope)}
            LEFT JOIN about ON {_same("stood", "about", self._fixed)}
            WHERE {whole} AND allowed IS NOT NULL
        """)  # noqa: S608 - names and numbers of our own
        self._run("DROP TABLE stood")
        # where two rows have one key the merge makes one of them
        self._run(f"""
            CREATE TABLE lacking AS
            SELECT min(id) AS id, max(missed) AS missed, max(missed) >= max(allowed) AS gone
            FROM looked ANTI JOIN came USING ({", ".join(self._keys)}) GROUP BY {", ".join(self._keys)}
        """)  # noqa: S608
        (looked_for,) = self._run("SELECT count(*) FROM looked")[0]
        self._run("DROP TABLE looked")
        gone, lacking = self._run("SELECT count(*) FILTER (gone), count(*) FILTER (NOT gone) FROM lacking")[0]
        return looked_for, gone, lacking

    def lacking(self, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows that lack, `size` at once, by their ids."""
        # by a cursor of its own, so that the reader of one is not ended by another statement
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT id, missed, gone FROM lacking ORDER BY id")
            while rows := cursor.fetchmany(size):
                yield rows

    def close(self) -> None:
        """Give back memory and disk."""
        self._connection.close()

    def _create(self, table: str, texts: Sequence[str], *others: str) -> None:
        self._run(f"CREATE TABLE {table} ({', '.join([*(f'{name} VARCHAR' for name in texts), *others])})")

    def _insert_scopes(
        self, table: str, names: Sequence[str], scopes: Iterable[tuple[str | None, ...]], *, value: bool
    ) -> None:
        rows = [*scopes]
        columns = {name: pa.array([scope[at] for scope in rows], pa.string()) for at, name in enumerate(names)}
        self._insert(table, pa.table({**columns, "value": pa.array([value] * len(rows), pa.bool_())}))

    def _insert(self, table: str, rows: pa.Table) -> None:
        self._connection.register("given", rows)
        self._run(f"INSERT INTO {table} FROM given")
        self._connection.unregister("given")

    def _run(self, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows


def _same(left: str, right: str, names: Sequence[str]) -> str:
    return _all(f"{left}.{name} = {right}.{name}" for name in names)


def _all(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "true"
