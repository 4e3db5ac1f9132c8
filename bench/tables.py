"""Whether databases hold the same rows, generated ids and load ids aside.

    python bench/tables.py '{"databases": {"headrace": "x.duckdb", ...}, "keys": {"events": "id"}, ...}'

Says on a line what differs, and nothing if nothing does. In a process of its own, because what it takes of memory would
be counted as the peak of every process that the same one starts afterwards.

A child row is compared together with its place: the key of the row at the top, and the position in each list above it.
So rows that hang on the wrong parent are a difference, though ids are generated.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

__all__ = ["checked", "compared", "difference"]


def difference(job: dict[str, Any]) -> str:
    """What differs, in a sentence; "" if nothing does.

    `nested` names the database whose tables have nested columns: it is compared by number and keys of its rows.
    """
    try:
        sums = {name: checked(path, job["keys"], job["counts"]) for name, path in job["databases"].items()}
        for name, found in sums.items():
            if found != next(iter(sums.values())):
                return f"expected the keys of {next(iter(sums))}, got others from {name}"
        flat = [path for name, path in job["databases"].items() if name != job["nested"]]
        for other in flat[1:]:
            compared(flat[0], other, job["keys"])
    except ValueError as error:
        return str(error)
    return ""


def checked(database: str, keys: Mapping[str, str], counts: Mapping[str, int]) -> dict[str, str]:
    """A sum over the key of each table, of hashes, so that the order does not matter.

    Raises `ValueError` for a table with another number of rows, or of keys, than the API had.
    """
    sums = {}
    with duckdb.connect(database, read_only=True) as connection:
        for table, key in keys.items():
            count, distinct, total = connection.execute(
                f'SELECT count(*), count(DISTINCT "{key}"), sum(hash("{key}"::VARCHAR))::VARCHAR FROM loaded.{table}'
            ).fetchall()[0]
            if not count == distinct == counts[table]:
                found = f"{count:,} with {distinct:,} keys in {database}"
                raise ValueError(f"expected {counts[table]:,} rows in {table}, got {found}")
            sums[table] = total
    return sums


def compared(one: str, two: str, keys: Mapping[str, str]) -> None:
    """Raises `ValueError` with the first table that differs."""
    with duckdb.connect() as connection:
        for alias, path in (("one", one), ("two", two)):
            connection.execute(f"ATTACH '{path}' AS {alias} (READ_ONLY)")
        tables, others = (_columns(connection, alias) for alias in ("one", "two"))
        if tables != others:
            raise ValueError(f"expected the same tables and columns, got {_apart(tables, others)}")
        for table in tables:
            left, right = (_rows(alias, table, tables, keys) for alias in ("one", "two"))
            for some, rest in ((left, right), (right, left)):
                extra = connection.execute(f"SELECT count(*) FROM ({some} EXCEPT ALL {rest})").fetchall()[0][0]
                if extra:
                    raise ValueError(f"expected the same rows in {table}, got {extra:,} that differ")


def _columns(connection: duckdb.DuckDBPyConnection, alias: str) -> dict[str, list[tuple[str, str]]]:
    found = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND "
        "schema_name = 'loaded' AND NOT starts_with(table_name, '_dlt') ORDER BY ALL",
        [alias],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in found:
        tables.setdefault(table, []).append((column, kind))
    return tables


def _rows(alias: str, table: str, tables: Mapping[str, Sequence[tuple[str, str]]], keys: Mapping[str, str]) -> str:
    """A query for the values of a table and the place of each row."""
    columns = [f'self."{name}"' for name, _ in tables[table] if not name.startswith("_dlt")]
    joins: list[str] = []
    places: list[str] = []
    own, above = "self", table
    while (parent := _parent(above, tables)) is not None:
        up = f"up_{len(joins)}"
        joins.append(f"JOIN {alias}.loaded.{parent} AS {up} ON {up}._dlt_id = {own}._dlt_parent_id")
        places.append(f"{own}._dlt_list_idx")
        own, above = up, parent
    chosen = ", ".join([*columns, *places, f'{own}."{keys[above]}"'])
    return f"SELECT {chosen} FROM {alias}.loaded.{table} AS self {' '.join(joins)}"


def _parent(table: str, tables: Mapping[str, object]) -> str | None:
    """The longest name of a table that this one's begins with."""
    above = [name for name in tables if table.startswith(f"{name}__")]
    return max(above, key=len, default=None)


def _apart(one: Mapping[str, object], two: Mapping[str, object]) -> str:
    return f"{[name for name in one if one[name] != two.get(name)]} and {[n for n in two if two[n] != one.get(n)]}"


if __name__ == "__main__":
    sys.stdout.write(difference(json.loads(sys.argv[1])))
