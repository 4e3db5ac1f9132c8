"""The layout: for a shape, which path is read as what, and where it goes in dlt's tables.

Theory. The fast path gives, for the records it takes, the same tables as the exact path would. It may take a record
only if everything in it is settled: the column is complete in the working schema (the exact path made it so), and the
kind of the value needs no decision (`READ_AS`). So the layout reads a path with its type when both hold, and as *null
only* otherwise: the strict reader then refuses a record that has a value there, and the record goes the exact way. What
is irregular about one path (numbers and texts mixed, lists in lists) costs only the records that have it.

What a nesting limit or a declared JSON column keeps as JSON is made a text before the strict reader sees it, and what a
contract discards is cut out (`Layout.edits`).

No layout exists where two paths meet in one column (`a.b` and `a__b`), or a table's name is met twice: order decides
there, and the exact path knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import pyarrow as pa

from headrace.normalise.rules import Rules
from headrace.normalise.shape import Node

_NUMBERS: Final = frozenset({"int", "float"})
#: dlt type of a column -> Arrow types to read it as, and the JSON kinds that each takes, the first one that fits; of
#: other types only the exact path knows. Other kinds may stand at the path too: the strict reader refuses the records
#: that have them.
READ_AS: Final[dict[str, tuple[tuple[pa.DataType, frozenset[str]], ...]]] = {
    "text": ((pa.string(), frozenset({"text"})),),
    "bigint": ((pa.int64(), frozenset({"int"})),),
    "double": ((pa.float64(), _NUMBERS),),
    "bool": ((pa.bool_(), frozenset({"bool"})),),
    "timestamp": ((pa.string(), frozenset({"text"})), (pa.float64(), _NUMBERS)),
}

_SCALARS: Final = frozenset({"text", "int", "float", "bool"})

#: What becomes of a value before the record is read: `True`, its JSON text; `False`, nothing, because a contract
#: discards it; a mapping, the same for the fields of the object, or of the objects of the list.
Edit = bool | Mapping[str, "Edit"]


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

    `edits` say what is done to the records before.
    """

    schema: pa.Schema
    root: TableLayout
    edits: Mapping[str, Edit]


@dataclass
class _Draft:
    """A table while its layout grows. `level` counts down the nesting that its rows may still have."""

    name: str
    fragments: tuple[str, ...]
    steps: tuple[str, ...]
    scalar: bool
    level: int
    #: Names of columns that its paths have, dlt's own among them.
    taken: set[str]
    columns: list[ColumnLayout] = field(default_factory=list)
    children: list[TableLayout] = field(default_factory=list)
    empty_lists: list[tuple[str, ...]] = field(default_factory=list)

    def finish(self) -> TableLayout:
        return TableLayout(
            self.name, self.steps, self.scalar, tuple(self.columns), tuple(self.children), tuple(self.empty_lists)
        )


@dataclass(frozen=True)
class _Place:
    """A path inside a row: its keys, the names of its keys, and the nesting that it may still have."""

    steps: tuple[str, ...]
    names: tuple[str, ...]
    level: int


#: How a path is read (None: not at all), and what is done to its values before.
_Reading = tuple[pa.DataType | None, Edit | None]
#: Only nulls: the reader refuses a record that has a value there.
_NULL: Final[_Reading] = (pa.null(), None)


class _Builder:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        system = rules.system
        self._own = {system.load_id, system.id, system.parent_id, system.root_id, system.list_idx}
        self._tables: set[str] = set()
        # asked for each of thousands of paths
        self._columns = lru_cache(maxsize=None)(rules.columns)
        #: Whether two paths meet in a column, or two lists in a table.
        self.is_ambiguous = False

    def draft(self, fragments: tuple[str, ...], steps: tuple[str, ...], *, scalar: bool, level: int) -> _Draft:
        """A table to be filled."""
        name = self._rules.shorten(*fragments)
        self.is_ambiguous |= name in self._tables
        self._tables.add(name)
        return _Draft(name, fragments, steps, scalar, level, set(self._own))

    def fields(self, node: Node, table: _Draft, at: _Place) -> tuple[list[pa.Field], dict[str, Edit]]:
        """The fields to read of an object and the edits in it; its columns are added to `table`."""
        fields, edits = [], {}
        for key, child in node.fields.items():
            place = _Place((*at.steps, key), (*at.names, self._rules.identifier(key)), at.level)
            kind, edit = self._read(child, table, place)
            if kind is not None:
                fields.append(pa.field(key, kind))
            if edit is not None:
                edits[key] = edit
        return fields, edits

    def _read(self, node: Node, table: _Draft, at: _Place) -> _Reading:
        """How the path `at` is read; its column or child table is added to `table`."""
        name = self._rules.shorten(*at.names)
        # null has a column too, whatever else stands at the path; and the last key of a name wins, also with null
        self.is_ambiguous |= name in table.taken
        table.taken.add(name)
        column = self._columns(table.name).get(name)
        if column is not None and column["data_type"] == "json":
            table.columns.append(ColumnLayout(name, at.steps, pa.string(), column.get("nullable", True)))
            return pa.string(), True
        if node.kinds & _SCALARS:
            return self._scalar(node, table, at.steps, name)
        if at.level <= 0:
            return self._discarded(table, name)
        if "object" in node.kinds:
            fields, edits = self.fields(node, table, _Place(at.steps, at.names, at.level - 1))
            return pa.struct(fields), edits or None
        if node.kinds == {"list"}:
            return self._list(node.item or Node(), table, at)
        return self._discarded(table, name)

    def _discarded(self, table: _Draft, name: str) -> _Reading:
        return (None, False) if self._rules.discards(table.name, name) else _NULL

    def _scalar(self, node: Node, table: _Draft, steps: tuple[str, ...], name: str) -> _Reading:
        column = self._columns(table.name).get(name)
        if column is None:
            return self._discarded(table, name) if node.kinds <= _SCALARS else _NULL
        ways = READ_AS.get(column["data_type"], ())
        read_as = next((arrow_type for arrow_type, kinds in ways if node.kinds & kinds), None)
        if read_as is None:
            return _NULL
        kind = self._rules.arrow_type(column)
        table.columns.append(ColumnLayout(name, steps, kind, nullable=column.get("nullable", True)))
        return read_as, None

    def _list(self, item: Node, table: _Draft, at: _Place) -> _Reading:
        *path, _ = at.names
        fragments = (*table.fragments, *path, self._rules.table_identifier(at.steps[-1]))
        child = self.draft(fragments, at.steps, scalar=item.kinds != {"object"}, level=table.level - 1)
        if self._rules.discards(child.name):
            return None, False
        if not item.kinds:
            table.empty_lists.append(at.steps)
            # not of nulls: the reader makes broken arrays of those; whatever an item is, the run is refused
            return pa.list_(pa.string()), None
        if not self._columns(child.name):
            return _NULL
        edits: dict[str, Edit] = {}
        if item.kinds == {"object"}:
            fields, edits = self.fields(item, child, _Place((), (), child.level))
            kind: pa.DataType = pa.struct(fields)
        else:
            found, _ = self._scalar(item, child, (), self._rules.system.value)
            if found is None or found == pa.null():
                return _NULL
            kind = found
        table.children.append(child.finish())
        return pa.list_(kind), edits or None


def build_layout(shape: Node, rules: Rules) -> Layout | None:
    """The layout for `shape`; None where only the exact path may read it."""
    if not rules.columnar or shape.kinds != {"object"}:
        return None
    builder = _Builder(rules)
    root = builder.draft((rules.root,), (), scalar=False, level=rules.max_nesting)
    fields, edits = builder.fields(shape, root, _Place((), (), rules.max_nesting))
    if builder.is_ambiguous:
        return None
    return Layout(pa.schema(fields), root.finish(), edits)
