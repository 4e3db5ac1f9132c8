"""From spooled batches to dlt: what is done in dlt's main thread when a resource is completely fetched.

Before the first row goes out the tables stand in dlt's schema with all their columns, so a package has one file a table
and column order does not depend on what comes first. Rows that a later row replaced are left out here.

dlt's Arrow path knows no child tables. Three things make it take them (dlt 1.31, `extract/extractors.py`):
a hint variant of the resource for each child, freed of what it inherits from the root; tables named by their hints; and
a table dictionary that answers `resource`, which metrics ask of every table written and which a child must not store.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import dlt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.common.schema.utils import has_table_seen_data
from dlt.extract import DltResource
from dlt.extract.items import DataItemWithMeta

from headrace.bridge.distinct import distinct_keys
from headrace.bridge.first import current_pipeline, is_first_load
from headrace.bridge.format import better_format
from headrace.bridge.parquet import FileMark
from headrace.engine import FileWriter, later_collision, settled
from headrace.errors import AnswerError
from headrace.message import TableBatch
from headrace.normalise import arrow_schema, conform, joined

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun

#: Arrow bytes of a table that are written at once, as one row group.
_PIECE: Final = 8 << 20


def load_tables(run: ResourceRun) -> Iterator[DataItemWithMeta | None]:
    """The tables of a finished run in row order, each marked with its hints when it comes first; None while waiting."""
    while run.waits:
        yield None
    if run.is_void:
        run.loaded = True
        run.close()
        return
    # what is learned of this run's rows must not stay on a resource that may be run again
    hints, variants = copy.deepcopy(run.resource._hints), copy.copy(run.resource._hints_variants)  # noqa: SLF001
    try:
        run.convert_late()
        run.warn_keyless()
        loader = _Loader(run)
        with distinct_keys(run):
            yield from loader.tables()
        # dlt comes back when the last table is written: what its Arrow path added to the columns is taken back
        loader.restore()
    finally:
        run.resource._hints, run.resource._hints_variants = hints, variants  # noqa: SLF001
        run.loaded = True
        run.close()


class _Loader:
    def __init__(self, run: ResourceRun) -> None:
        self._run = run
        self._tables = run.tables
        self._resource: DltResource = run.resource
        self._schemas: Mapping[str, pa.Schema] = {}
        self._hinted: set[str] = set()
        self._registered: list[str] = []

    def tables(self) -> Iterator[DataItemWithMeta]:
        if not self._run.rows and not self._has_vanished() and not self._declare_empty():
            if self._run.report.pages:
                # a page without rows tells dlt of the table, though not the destination
                yield DataItemWithMeta(None, [])
            return
        self._ease_hints()
        self._settle_rows()
        self._has_vanished()
        if self._run.replaced:
            self._run.replaced.settle()
        pa.default_memory_pool().release_unused()
        self._settle_keys()
        # a table of which a contract took every row has no columns, and is no table
        columns = {name: found for name in self._tables.tables() if (found := self._tables.columns(name))}
        schema = dlt.current.source_schema()
        self._settle_hints(schema)
        self._registered = list(columns)
        for name in columns:
            self._register(name, schema)
        self._schemas = {name: arrow_schema(found, self._tables) for name, found in columns.items()}
        yield from self._settled_tables() if self._run.identities.repeats else self._whole_tables()
        for name in columns:
            if name not in self._hinted and self._stands_without_rows(name):
                yield self._empty(name)
        if self._run.vanished:
            yield from self._written(self._run.vanished.tables())
        if self._run.replaced:
            yield from self._written(self._run.replaced.tables())

    def _has_vanished(self) -> bool:
        """Whether rows that vanished at the API are to be written; decided when all batches are in."""
        return bool(self._run.vanished and self._run.vanished.settle())

    def _whole_tables(self) -> Iterator[DataItemWithMeta]:
        """All tables where every row stays, each as the file in which its rows wait, if that has the final columns."""
        for name, schema in self._schemas.items():
            if file := self._run.spool.file(name, schema):
                yield self._imported(name, file)
            else:
                yield from self._written((name, piece) for piece in self._run.spool.pieces(name))

    def _settled_tables(self) -> Iterator[DataItemWithMeta]:
        """All tables without the rows that were superseded."""
        yield from self._written(pair for batch in self._batches() for pair in batch.tables.items())

    def _written(self, rows: Iterable[tuple[str, pa.Table]]) -> Iterator[DataItemWithMeta]:
        """Rows of tables in their final columns, each table as one file."""
        files: dict[str, tuple[Path, FileWriter]] = {}
        for name, parts in _gathered(rows):
            table = conform(joined(parts), self._schemas[name], self._run.constants)
            if name not in files:
                place = self._run.spool.folder / f"{len(self._hinted) + len(files)}.parquet"
                files[name] = place, self._run.open_file(place, table.schema)
            files[name][1].write_table(table)
        for _, writer in files.values():
            writer.close()
        for name, (place, _) in files.items():
            yield self._imported(name, place)

    def _settle_rows(self) -> None:
        """Find out which rows are the same row. Raises `KeyCollisionError` where rows differ that may not."""
        run, root = self._run, self._tables.root
        run.spool.settle()
        run.identities.settle(run.spool.column(root, self._tables.system.id))
        run.report.superseded += run.identities.superseded
        differing = run.identities.differing()
        if differing is not None:
            for rows in run.spool.pieces(root):
                found = rows.filter(pc.equal(rows.column(self._tables.system.id), differing))
                if found.num_rows:
                    raise later_collision([found.column(name)[0].as_py() for name in self._tables.key], run.plan)

    def _ease_hints(self) -> None:
        """Take from the resource, for as long as it loads, hints that dlt would apply to tables that have them."""
        hints = self._resource._hints or {}  # noqa: SLF001
        # child tables stand in the schema with all their columns; through these dlt would give them the root's too
        hints.pop("nested_hints", None)
        # rows are what the contract left of them; to Arrow columns dlt would apply it once more, and otherwise
        hints["schema_contract"] = "evolve"

    def _batches(self) -> Iterator[TableBatch]:
        """The spooled batches without superseded rows."""
        for number, batch in enumerate(self._run.spool):
            fates = self._run.identities.fates(number)
            yield settled(batch, fates, self._tables.tables(), self._tables)

    def _settle_keys(self) -> None:
        """The ties of child tables that are declared and have no rows yet, and the key of the root."""
        for name in self._tables.tables()[1:]:
            if self._is_declared(name):
                self._tables.link(name)
        self._settle_root_key()

    def _settle_root_key(self) -> None:
        """The key by which the destination merges, now that it is known whether all rows have the declared one."""
        root = self._tables.schema.tables[self._tables.root]
        keys = [root["columns"][name] for name in self._tables.key]
        if not self._run.by_content:
            for column in keys:
                column["nullable"] = self._tables.key[column["name"]]
            return
        stored = dlt.current.source_schema().tables.get(self._tables.root, {}).get("columns", {})
        strict = [name for name in self._tables.key if _is_strict(stored.get(name, {}))]
        if strict and self._run.report.keyless:
            raise AnswerError(
                f"expected the key {', '.join(strict)} in every row, as in the rows that table `{self._tables.root}` "
                f"holds, got {self._run.report.keyless} rows without it",
                where=f"resource `{self._run.plan.name}`",
                hint="load into another dataset or table, or declare the `primary_key` that all rows have",
            )
        for column in keys:
            column.pop("primary_key")
            if "data_type" not in column:
                del root["columns"][column["name"]]
        root["columns"][self._tables.system.id]["primary_key"] = True

    def _settle_hints(self, schema: Schema) -> None:
        """Hints of the root table that depend on the destination and on what stands there."""
        self._run.report.appended = self._may_append(schema)
        if self._run.turn.before is not None:
            self._run.turn.before.report.appended = False  # the table is merged after all
        root = self._tables.schema.tables[self._tables.root]
        if file_format := better_format(root, Container()[DestinationCapabilitiesContext]):
            root["file_format"] = file_format

    def _may_append(self, schema: Schema) -> bool:
        """Whether the rows may be appended although a merge is declared: the table is empty, and no two are one row."""
        distinct = self._run.id_source in ("key", "content") or self._run.appends_keyless
        alone = self._run.turn.alone and not current_pipeline().has_pending_data
        if not distinct or not alone or not self._run.lets_append:
            return False
        try:
            stored = self._run.stored
        except Exception:  # noqa: BLE001 - each destination fails in its own way, and the load itself says in which
            return False
        return is_first_load(stored, schema, self._tables.tables())

    def restore(self) -> None:
        """Give the tables in dlt's schema, and their columns, the properties that dlt's JSON path gives them."""
        schema = dlt.current.source_schema()
        for name in self._registered:
            table = copy.deepcopy(self._tables.schema.tables[name])
            schema.tables[name]["columns"].update(table.pop("columns"))
            if name == self._tables.root:
                schema.tables[name].pop("schema_contract", None)
                schema.tables[name].update(self._as_loaded(table))

    def _as_loaded(self, root: dict[str, Any]) -> dict[str, Any]:
        """The root table with the disposition of this load."""
        return root | {"write_disposition": "append"} if self._run.report.appended else root

    def _register(self, name: str, schema: Schema) -> None:
        """Put the table with all its columns into dlt's schema, and its hints onto the resource."""
        table = copy.deepcopy(self._tables.schema.tables[name])
        if name == self._tables.root:
            table = self._as_loaded(table)
        schema.update_table(table, normalize_identifiers=False, merge_compound_props=False)
        if parent := table.get("parent"):
            schema.tables[name] = _ChildTable(schema.tables[name], self._resource.name)
            self._resource.apply_hints(
                table_name=name, parent_table_name=parent, columns={}, primary_key=[], merge_key=[], nested_hints={},
                additional_table_hints={}, write_disposition=schema.tables[self._tables.root]["write_disposition"],
                create_table_variant=True,
            )  # fmt: skip
            # the root's; to apply none leaves them
            self._resource._hints_variants[name].pop("references", None)  # noqa: SLF001

    def _empty(self, name: str) -> DataItemWithMeta:
        """No rows of table `name`, which dlt makes, or truncates, all the same."""
        self._hint(name, 0)
        table = self._schemas[name].empty_table()
        is_root = name == self._tables.root
        return DataItemWithMeta(None, table) if is_root else dlt.mark.with_table_name(table, name)

    def _imported(self, name: str, file: Path) -> DataItemWithMeta:
        """A file that holds all rows of table `name`, which dlt takes as it is."""
        rows = pq.read_metadata(file).num_rows
        self._hint(name, rows)
        return DataItemWithMeta(FileMark(name, file, rows), self._schemas[name].empty_table())

    def _hint(self, name: str, rows: int) -> None:
        """Count `rows` of a table, and give the resource what dlt cannot see of its columns when they come first."""
        counts = self._run.report.tables
        counts[name] = counts.get(name, 0) + rows
        if name in self._hinted:
            return
        self._hinted.add(name)
        schema = self._tables.schema.tables[name]
        columns = [column for column in self._tables.columns(name).values() if _needs_hint(column)]
        if name != self._tables.root:
            hints = dlt.mark.make_hints(table_name=name, parent_table_name=schema["parent"], columns=columns)
            self._resource.merge_hints(hints, create_table_variant=True)
            return
        hints = dlt.mark.make_hints(
            columns=columns,
            primary_key=[column["name"] for column in columns if column.get("primary_key")],
            additional_table_hints={hint: schema[hint] for hint in _ROOT_FLAGS if hint in schema},
            write_disposition="append" if self._run.report.appended else None,
        )
        self._resource.merge_hints(hints)

    def _declare_empty(self) -> bool:
        """Whether a table must be made though no row came: a column of it is declared with its type.

        Not where a key is declared without one, which the destination would miss.
        """
        columns = self._tables.schema.tables[self._tables.root]["columns"]
        merged = (name for name, column in columns.items() if column.get("merge_key"))
        has_typed_key = all("data_type" in columns[name] for name in (*self._tables.key, *merged))
        if not self._is_declared(self._tables.root) or not has_typed_key:
            return False
        self._tables.exact([{}])  # gives the tables dlt's own columns
        return True

    def _stands_without_rows(self, name: str) -> bool:
        """Whether a table of which no row is left is handed over: a column is declared, or there is one to truncate."""
        table = self._tables.schema.tables[name]
        # a nesting limit makes dlt forget that the table has rows
        is_old_root = name == self._tables.root and "max_nesting" not in table.get("x-normalizer", {})
        return (is_old_root and has_table_seen_data(table)) or self._is_declared(name)

    def _is_declared(self, name: str) -> bool:
        return name in self._run.declared


def _gathered(pairs: Iterable[tuple[str, pa.Table]]) -> Iterator[tuple[str, list[pa.Table]]]:
    """Rows of tables, in order of each, enough of one at once for a row group."""
    waiting: dict[str, list[pa.Table]] = {}
    sizes: Counter[str] = Counter()
    for name, rows in pairs:
        waiting.setdefault(name, []).append(rows)
        sizes[name] += rows.nbytes
        if sizes[name] >= _PIECE:
            yield name, waiting.pop(name)
            sizes[name] = 0
    yield from ((name, parts) for name, parts in waiting.items() if any(part.num_rows for part in parts))


#: Types that dlt reads off an Arrow column, and properties that it keeps when the Arrow column does not say them.
_SEEN_IN_ARROW: Final = frozenset({"text", "bigint", "double", "bool", "timestamp"})
_KEPT: Final = frozenset({"name", "data_type", "nullable", "unique", "row_key", "root_key", "parent_key"})


def _needs_hint(column: Mapping[str, Any]) -> bool:
    """Whether dlt would take the column for another one without a hint; each hint costs it 0.3 ms a batch."""
    return column["data_type"] not in _SEEN_IN_ARROW or not _KEPT.issuperset(column)


_ROOT_FLAGS: Final = ("file_format",)


def _is_strict(column: Mapping[str, Any]) -> bool:
    """Whether the destination has this column and refuses null in it."""
    return "data_type" in column and not column.get("nullable", True)


class _ChildTable(dict[str, Any]):
    """A child table in dlt's schema that answers `resource` without storing it, and takes no hints of the root."""

    _OWN: Final = ("name", "parent", "columns", "references")

    def __init__(self, table: Mapping[str, Any], resource: str) -> None:
        super().__init__(table)
        self._resource = resource

    def __missing__(self, key: str) -> str:
        if key == "resource":
            return self._resource
        raise KeyError(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self._OWN:
            super().__setitem__(key, value)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return copy.deepcopy(dict(self), memo)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return (dict, (dict(self),))
