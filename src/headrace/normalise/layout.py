"""The layout: for a shape, which path is read as what, and where it goes in dlt's tables.

Theory. The fast path gives, for the records it takes, the same tables as the exact path would. It may take a record
only if everything in it is settled: the column is complete in the working schema (the exact path made it so), and the
kind of the value needs no decision (`READ_AS`). So the layout reads a path with its type when both hold, and as *null
only* otherwise: the strict reader then refuses a record that has a value there, and the record goes the exact way. What
is irregular about one path (numbers and texts mixed, lists in lists) costs only the records that have it.

No layout exists where two paths meet in one column (`a.b` and `a__b`), or a table's name is met twice: order decides
there, and the exact path knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from headrace.normalise.rules import Rules
from headrace.normalise.shape import Node

#: (JSON kinds seen at a path, dlt type of its column) -> Arrow type to read; absent: only the exact path knows.
READ_AS: Final[dict[tuple[frozenset[str], str], pa.DataType]] = {
    (frozenset({"text"}), "text"): pa.string(),
    (frozenset({"int"}), "bigint"): pa.int64(),
    (frozenset({"int", "float"}), "bigint"): pa.int64(),
    (frozenset({"float"}), "double"): pa.float64(),
    (frozenset({"int"}), "double"): pa.float64(),
    (frozenset({"int", "float"}), "double"): pa.float64(),
    (frozenset({"bool"}), "bool"): pa.bool_(),
    (frozenset({"text"}), "timestamp"): pa.string(),
}
_SCALARS: Final = frozenset({"text", "int", "float", "bool"})


@dataclass(frozen=True)
class ColumnLayout:
    """One column: its name, the steps of its path inside the row, its final Arrow type, whether null is allowed."""

    name: str
    steps: tuple[str, ...]
    type: pa.DataType
    nullable: bool


@dataclass(frozen=True)
class TableLayout:
    """One table: its columns, and the lists in its rows that become child tables.

    `steps` lead from the parent row to the list (empty for the root); `scalar` says that list items are bare values.
    `empty_lists` are paths of lists of which nothing but empty ones is known.
    """

    name: str
    steps: tuple[str, ...]
    scalar: bool
    columns: tuple[ColumnLayout, ...]
    children: tuple[TableLayout, ...]
    empty_lists: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Layout:
    """How records of one shape are read (`schema`) and spread over tables (`root`).

    `json_keys` are top-level keys whose objects and lists are read as text into a JSON column.
    """

    schema: pa.Schema
    root: TableLayout
    json_keys: frozenset[str]


@dataclass
class _Draft:
    """A table while its layout grows."""

    name: str
    fragments: tuple[str, ...]
    steps: tuple[str, ...]
    scalar: bool
    columns: list[ColumnLayout] = field(default_factory=list)
    children: list[TableLayout] = field(default_factory=list)
    empty_lists: list[tuple[str, ...]] = field(default_factory=list)

    def finish(self) -> TableLayout:
        return TableLayout(
            self.name, self.steps, self.scalar, tuple(self.columns), tuple(self.children), tuple(self.empty_lists)
        )


class _Builder:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.json_keys: set[str] = set()

    def fields(self, node: Node, table: _Draft, steps: tuple[str, ...], names: tuple[str, ...]) -> list[pa.Field]:
        """The fields to read of an object, its columns added to `table`."""
        return [
            pa.field(key, self._read(child, table, (*steps, key), (*names, self._rules.identifier(key))))
            for key, child in node.fields.items()
        ]

    def _read(self, node: Node, table: _Draft, steps: tuple[str, ...], names: tuple[str, ...]) -> pa.DataType:
        """How the path `steps` is read; its column or child table added to `table`."""
        column = self._rules.columns(table.name).get(self._rules.shorten(*names))
        if column is not None and column["data_type"] == "json":
            return self._json(table, steps, column["name"], nullable=column.get("nullable", True))
        if node.kinds == {"object"}:
            return pa.struct(self.fields(node, table, steps, names))
        if node.kinds == {"list"}:
            return self._list(node.item or Node(), table, steps, names)
        return self._scalar(node, table, steps, self._rules.shorten(*names))

    def _scalar(self, node: Node, table: _Draft, steps: tuple[str, ...], name: str) -> pa.DataType:
        column = self._rules.columns(table.name).get(name)
        if column is None or not node.kinds <= _SCALARS:
            return pa.null()
        read_as = READ_AS.get((frozenset(node.kinds), column["data_type"]))
        if read_as is None:
            return pa.null()
        kind = self._rules.arrow_type(column)
        table.columns.append(ColumnLayout(name, steps, kind, nullable=column.get("nullable", True)))
        return read_as

    def _json(self, table: _Draft, steps: tuple[str, ...], name: str, *, nullable: bool) -> pa.DataType:
        if len(steps) > 1 or table.steps:
            return pa.null()
        self.json_keys.add(steps[0])
        table.columns.append(ColumnLayout(name, steps, pa.string(), nullable))
        return pa.string()

    def _list(self, item: Node, table: _Draft, steps: tuple[str, ...], names: tuple[str, ...]) -> pa.DataType:
        *path, _ = names
        fragments = (*table.fragments, *path, self._rules.table_identifier(steps[-1]))
        child = _Draft(self._rules.shorten(*fragments), fragments, steps, scalar=item.kinds != {"object"})
        if not item.kinds:
            table.empty_lists.append(steps)
            # not of nulls: the reader makes broken arrays of those; whatever an item is, the run is refused
            return pa.list_(pa.string())
        if not self._rules.columns(child.name):
            return pa.null()
        if item.kinds == {"object"}:
            kind: pa.DataType = pa.struct(self.fields(item, child, (), ()))
        else:
            kind = self._scalar(item, child, (), self._rules.system.value)
            if kind == pa.null():
                return kind
        table.children.append(child.finish())
        return pa.list_(kind)


def build_layout(shape: Node, rules: Rules) -> Layout | None:
    """The layout for `shape`; None where only the exact path may read it."""
    if not rules.columnar or shape.kinds != {"object"}:
        return None
    builder = _Builder(rules)
    root = _Draft(rules.root, (rules.root,), (), scalar=False)
    schema = pa.schema(builder.fields(shape, root, (), ()))
    layout = Layout(schema, root.finish(), frozenset(builder.json_keys))
    return layout if _is_unambiguous(layout, shape, rules) else None


def _is_unambiguous(layout: Layout, shape: Node, rules: Rules) -> bool:
    """Whether no two paths meet in a column and no two lists in a table."""
    tables = list(_tables(layout.root))
    if len({table.name for table in tables}) < len(tables):
        return False
    return _distinct(shape, rules)


def _tables(table: TableLayout) -> Iterator[TableLayout]:
    yield table
    for child in table.children:
        yield from _tables(child)


def _distinct(row: Node, rules: Rules) -> bool:
    """Whether all paths of a row have columns of their own, none of them one of dlt's, down to the last child."""
    system = rules.system
    own = {system.load_id, system.id, system.parent_id, system.root_id, system.list_idx}
    seen: set[str] = set(own)

    def walk(node: Node, names: tuple[str, ...]) -> bool:
        for key, child in node.fields.items():
            path = (*names, rules.identifier(key))
            name = rules.shorten(*path)
            if child.fields and not walk(child, path):
                return False
            if child.kinds != {"object"}:
                if name in seen:
                    return False
                seen.add(name)
            if child.item is not None and child.item.fields and not _distinct(child.item, rules):
                return False
        return True

    return walk(row, ())
