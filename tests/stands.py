"""What a pipeline has after a run, as plain values, and how two of them differ: see `parity`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import dlt
from dlt.common.destination.utils import resolve_merge_strategy

from headrace.sim.message import Request
from loading import Database

#: A row: its columns by name, and under `[child table]` the rows below it.
Tree = dict[str, Any]

#: Columns whose values are of the load, by name or by hint: compared by their place among those of all loads.
LOAD_ID = "_dlt_load_id"
VALIDITY = ("x-valid-from", "x-valid-to")
IDS = ("_dlt_id", "_dlt_parent_id", "_dlt_root_id")
#: Columns for the values of keys that have the name of another key.
LOST = re.compile(r"__k_[0-9a-f]{8}(__v_\w+)?$")
#: Merge strategies of which dlt makes root ids by a hash.
HASHED = ("upsert", "insert-only", "scd2")


@dataclass
class Stand:
    """What one contestant has after a run; a `Level` may change it in place.

    `columns`: table -> (name, type, nullable) in order. `rows`: root table -> its trees in no order. `hints`: table ->
    hints in the stored schema. `stored`: table -> [column, hints] in the stored order. `state`: the state's `sources`.
    `requests`: what was asked in this run, in the order of arrival. `database`: what was read, untouched.
    """

    run: int
    columns: dict[str, list[tuple[str, ...]]]
    rows: dict[str, list[Tree]]
    hints: dict[str, dict[str, Any]]
    stored: dict[str, list[list[Any]]]
    state: dict[str, Any]
    requests: list[Request] = field(default_factory=list)
    database: Database = field(default_factory=lambda: Database({}))

    def of(self, root: str) -> Stand:
        """The part of `root` and of the tables below it, with the whole state; values are shared."""

        def part(tables: Mapping[str, Any]) -> dict[str, Any]:
            return {name: found for name, found in tables.items() if name == root or name.startswith(f"{root}__")}

        return replace(
            self,
            columns=part(self.columns),
            rows=part(self.rows),
            hints=part(self.hints),
            stored=part(self.stored),
            database=Database(part(self.database.tables)),
        )


#: Takes a meant difference between (ours, theirs) away, in place.
Level = Callable[[Stand, Stand], None]


def first_merge_appends(ours: Stand, theirs: Stand) -> None:
    """Rows of a table that is not there yet are appended; the schema says so until the next run."""
    for table, hints in ours.hints.items():
        of_dlt = theirs.hints.get(table, {})
        if hints.get("write_disposition") == "append" and of_dlt.get("write_disposition") == "merge":
            hints["write_disposition"] = "merge"


def statements_instead_of_csv(ours: Stand, theirs: Stand) -> None:
    """Where dlt would write Arrow as CSV (PostgreSQL), rows go in statements as dlt's own do, which takes a hint."""
    for table, hints in ours.hints.items():
        if hints.get("file_format") == "insert_values" and "file_format" not in theirs.hints.get(table, {}):
            del hints["file_format"]


def values_that_dlt_loses(ours: Stand, _: Stand) -> None:
    """Of keys that get one name as columns dlt keeps one value; the others stand in columns of their own."""
    for table, columns in ours.columns.items():
        ours.columns[table] = [column for column in columns if not LOST.search(column[0])]
    for table, stored in ours.stored.items():
        ours.stored[table] = [column for column in stored if not LOST.search(column[0])]
    ours.rows = {table: [_without_lost(tree) for tree in rows] for table, rows in ours.rows.items()}


def _without_lost(tree: Tree) -> Tree:
    return {
        name: list(map(_without_lost, cell)) if name.startswith("[") else cell
        for name, cell in tree.items()
        if not LOST.search(name)
    }


ALWAYS: tuple[Level, ...] = (first_merge_appends, statements_instead_of_csv, values_that_dlt_loses)


def stand_of(target: dlt.Pipeline, database: Database, run: int = 0, requests: Sequence[Request] = ()) -> Stand:
    """Everything that is compared, as copies."""
    schema = target.default_schema.tables if target.default_schema_name else {}
    tables = {name: table for name, table in schema.items() if not name.startswith("_dlt_")}
    parents = {name: table["parent"] for name, table in tables.items() if table.get("parent")}
    caps = target.destination.capabilities()
    # where the destination cannot merge, rows are appended, and no id is a hash
    hashed = {name for name, table in tables.items() if resolve_merge_strategy(schema, table, caps) in HASHED}
    validity = {
        name for table in tables.values() for name, facts in table["columns"].items() if any(map(facts.get, VALIDITY))
    }
    return Stand(
        run=run,
        columns={name: [tuple(column) for column in columns] for name, (columns, _) in database.tables.items()},
        rows=_Forest(database, parents, hashed, validity).trees(),
        hints={
            name: {hint: deepcopy(value) for hint, value in table.items() if hint != "columns"}
            for name, table in tables.items()
        },
        stored={
            name: [[column, deepcopy(facts)] for column, facts in table["columns"].items()]
            for name, table in tables.items()
        },
        state=_plain(target.state.get("sources", {})),
        requests=list(requests),
        database=database,
    )


def _plain(value: Any, key: str = "") -> Any:
    """State as plain values; dlt keeps hashes as a list that was a set."""
    if isinstance(value, Mapping):
        return {name: _plain(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted(map(_plain, value)) if key == "unique_hashes" else list(map(_plain, value))
    return value


class _Forest:
    """Rows joined to trees.

    `parents`: child table -> its parent. `hashed`: the root tables whose ids count. `validity`: columns with the times
    of versions.
    """

    def __init__(self, database: Database, parents: Mapping[str, str], hashed: set[str], validity: set[str]) -> None:
        self._rows = {
            table: [dict(zip([name for name, *_ in columns], row, strict=True)) for row in rows]
            for table, (columns, rows) in database.tables.items()
        }
        self._parents = parents
        self._hashed = hashed
        self._of_the_load = {LOAD_ID, *validity}
        self._ranks = {None: None, **self._ranked(LOAD_ID), **self._ranked(*validity)}
        #: (child table, parent's id) -> rows in order
        self._children: dict[tuple[str, Any], list[dict[str, Any]]] = {}
        for table in filter(parents.__contains__, self._rows):
            for row in sorted(self._rows[table], key=lambda row: row.get("_dlt_list_idx") or 0):
                self._children.setdefault((table, row.get("_dlt_parent_id")), []).append(row)
        self._reached: set[tuple[str, Any]] = set()

    def _ranked(self, *names: str) -> dict[Any, int]:
        """Load ids, or times of versions -> their place in the order of loads."""
        cells = {row[name] for rows in self._rows.values() for row in rows for name in names if row.get(name)}
        return {cell: rank for rank, cell in enumerate(sorted(cells))}

    def trees(self) -> dict[str, list[Tree]]:
        """Root table -> its rows, each with its child rows; child rows of no row stand under their own table."""
        found: dict[str, list[Tree]] = {}
        for table, rows in self._rows.items():
            if table not in self._parents:
                found[table] = [self._tree(table, row, row.get("_dlt_id"), ids=table in self._hashed) for row in rows]
        for key, rows in self._children.items():
            if key not in self._reached:
                found.setdefault(key[0], []).extend(self._tree(key[0], row, None, ids=False) for row in rows)
        return found

    def _tree(self, table: str, row: Mapping[str, Any], root: Any, *, ids: bool) -> Tree:
        found: Tree = {name: self._cell(name, cell, root, ids=ids) for name, cell in row.items()}
        for child, parent in self._parents.items():
            key = (child, row.get("_dlt_id"))
            if parent == table and key in self._children:
                self._reached.add(key)
                found[f"[{child}]"] = [self._tree(child, one, root, ids=ids) for one in self._children[key]]
        return found

    def _cell(self, name: str, cell: Any, root: Any, *, ids: bool) -> Any:
        if name in self._of_the_load:
            return self._ranks[cell]
        if name not in IDS or ids:
            return cell
        return "of the root" if name == "_dlt_root_id" and cell == root else cell is not None


def compare(ours: Stand, theirs: Stand, differences: Sequence[Level] = ()) -> None:
    """Level what is meant, in place, and raise `AssertionError` for everything else that differs."""
    __tracebackhide__ = True
    for level in (*ALWAYS, *differences):
        level(ours, theirs)
    found = list(unequal("columns", ours.columns, theirs.columns))
    for table in sorted({*ours.rows, *theirs.rows}):
        found += unequal_rows(f"rows of {table}", ours.rows.get(table, []), theirs.rows.get(table, []))
    found += unequal("schema", ours.hints, theirs.hints)
    found += unequal("schema's columns", ours.stored, theirs.stored)
    found += unequal("state", ours.state, theirs.state)
    raise_for(found, f"run {ours.run + 1}")


def raise_for(found: Sequence[str], where: str) -> None:
    """Raise `AssertionError` with all differences, if there are any."""
    __tracebackhide__ = True
    if found:
        raise AssertionError("\n".join([f"{where}: {len(found)} differences between headrace and dlt", *found]))


def unequal(where: str, ours: Any, theirs: Any) -> Iterator[str]:
    """Paths at which two plain values differ, as lines."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in dict.fromkeys([*ours, *theirs]):
            if key not in ours or key not in theirs:
                side, value = ("ours", ours[key]) if key in ours else ("dlt", theirs[key])
                yield f"  {where} / {key}: only {side}: {as_text(value)}"
            else:
                yield from unequal(f"{where} / {key}", ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from unequal(f"{where} / {place}", one, other)
    elif as_text(ours) != as_text(theirs):
        yield f"  {where}:\n    ours {as_text(ours)}\n    dlt  {as_text(theirs)}"


def unequal_rows(where: str, ours: Sequence[Any], theirs: Sequence[Any], shown: int = 3) -> list[str]:
    """Rows that only one has, a few of each, in no order."""
    of_ours, of_theirs = Counter(map(as_text, ours)), Counter(map(as_text, theirs))
    found = []
    for side, more in (("ours", of_ours - of_theirs), ("dlt", of_theirs - of_ours)):
        if more:
            lines = [f"    {text}" for text in sorted(more.elements())[:shown]]
            found.append("\n".join([f"  {where}: {more.total()} only {side}", *lines]))
    return found


def as_text(value: Any) -> str:
    """Equal text means the same value of the same type; equal instants are equal, and so are both zeros."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {as_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_text, value)) + "]"
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat() if value.tzinfo else f"{value.isoformat()} (naive)"
    if isinstance(value, float) and value == 0:
        return "0.0"
    if isinstance(value, memoryview):
        return repr(bytes(value))
    return repr(value)
