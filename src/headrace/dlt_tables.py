"""dlt's rules for the tables of one resource: naming, coercion, types, ids, over a working copy of the schema.

The exact path *is* dlt: rows go through dlt's own JSON normaliser, with a storage that keeps them in memory instead of
writing them. What it decides (columns, variants, child tables) stands in the working copy afterwards, and from there
the fast path reads it. So the two cannot disagree about a rule; they can only disagree about a value, and the property
tests compare those.
"""

from __future__ import annotations

import itertools
import json as standard_json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.json import json
from dlt.common.libs.pyarrow import get_py_arrow_datatype
from dlt.common.normalizers.utils import DLT_ID_LENGTH_BYTES
from dlt.common.schema import Schema
from dlt.common.schema.exceptions import SchemaException
from dlt.common.schema.utils import is_complete_column
from dlt.normalize.items_normalizers.jsonl import JsonLItemsNormalizer

from headrace.errors import AnswerError
from headrace.normalise import ExactRows, StandIn, SystemColumns

_INT64: Final = range(-(2**63), 2**63)
#: dlt's own default: deeper objects than this stay JSON.
_UNLIMITED_NESTING: Final = 1000


class _Capture:
    """A storage for dlt's normaliser that keeps the rows of each table, in order, each seen by `settle` first."""

    def __init__(self, settle: Callable[[str, dict[str, Any]], None]) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._settle = settle

    def write_data_item(self, _load_id: str, _schema: str, table: str, row: Any, _columns: Any) -> None:
        self._settle(table, row)
        self.rows.setdefault(table, []).append(row)


class WorkingTables:
    """`headrace.normalise.Rules` for the resource whose root table is `table`, over a copy of `schema`.

    `table` is dlt's computed table of the resource (its hints). `caps` are the destination's capabilities.
    Not thread-safe: one resource converts one batch at a time.
    """

    def __init__(self, schema: Schema, tables: Sequence[Any], caps: DestinationCapabilitiesContext) -> None:
        self._caps = caps
        with self._destination():
            updated = schema.clone()
            for table in tables:
                updated.update_table(table, merge_compound_props=False)
            # dlt's normaliser reads what it propagates to child rows when it is made, which is before a table is added
            self.schema = updated.clone()
        naming = self.schema.naming
        self.root: str = naming.normalize_tables_path(tables[0]["name"])
        #: The declared key: column name -> whether it may be null. While rows are read it may: those that lack the key
        #: are kept and get one of their own.
        self.key: dict[str, bool] = {}
        for name, column in self.schema.tables[self.root]["columns"].items():
            if column.get("primary_key"):
                self.key[name] = column.get("nullable", False)
                column["nullable"] = True
        self._capture = _Capture(self._move_wide_integers)
        self._numbers = itertools.count()
        self.identifier = lru_cache(maxsize=None)(_named(naming.normalize_path))
        self.table_identifier = lru_cache(maxsize=None)(_named(naming.normalize_tables_path))
        self.shorten = lru_cache(maxsize=None)(naming.shorten_fragments)
        self.system = SystemColumns(
            **{
                name: naming.normalize_identifier(raw)
                for name, raw in {
                    "load_id": "_dlt_load_id", "id": "_dlt_id", "parent_id": "_dlt_parent_id",
                    "root_id": "_dlt_root_id", "list_idx": "_dlt_list_idx", "value": "value",
                }.items()
            }
        )  # fmt: skip
        self.dlt_makes_ids = self.schema.tables[self.root].get("x-merge-strategy") == "scd2"
        self._normalizer = self._make_normalizer()
        self.propagates_root_id = self._propagates_root_id()
        self.columnar = self._is_columnar()

    def columns(self, table: str) -> Mapping[str, Any]:
        """The complete columns of `table` in order; empty when there is none yet."""
        if table not in self.schema.tables:
            return {}
        return {
            name: column for name, column in self.schema.tables[table]["columns"].items() if is_complete_column(column)
        }

    def arrow_type(self, column: Mapping[str, Any]) -> pa.DataType:
        """The Arrow type in which dlt writes `column` for this destination."""
        return get_py_arrow_datatype(column, self._caps, "UTC")

    def exact(self, rows: Iterable[Any]) -> ExactRows:
        """Rows as dlt's normaliser makes them. Raises `AnswerError` when one does not fit the declared columns."""
        with self._destination():
            return self._normalise(rows)

    def _normalise(self, rows: Iterable[Any]) -> ExactRows:
        self._capture.rows = {}
        sources: list[int] = []
        for number, row in enumerate(rows):
            try:
                item = _named_blanks(row) if isinstance(row, dict) else {self.system.value: row}
                self._normalizer._normalize_chunk(self.root, [item], may_have_pua=False, skip_write=False)  # noqa: SLF001
            except (SchemaException, ArithmeticError, OSError, RecursionError, ValueError) as error:
                # the last four come out of dlt's coercion and nesting: a date of the year 292277026596, 600 levels
                text = str(error).partition("\n")[0] or type(error).__name__
                raise AnswerError(
                    f"expected a row that fits the columns of table `{self.root}`, got one that dlt refuses: {text}"
                ) from error
            # a contract or a filter may have taken the row out
            if len(self._capture.rows.get(self.root, ())) > len(sources):
                sources.append(number)
        return ExactRows(self._capture.rows, sources)

    def parent(self, table: str) -> str | None:
        """The parent of a child table, None for the root."""
        parent: str | None = self.schema.tables[table].get("parent")
        return parent

    def json_text(self, value: Any) -> str:
        """The text of a JSON column, as dlt writes it; the standard library writes integers too wide for dlt's."""
        if isinstance(value, str):
            return value
        try:
            return str(json.dumps(value))
        except TypeError:
            return standard_json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def id_bytes(self) -> int:
        """Bytes of a digest that make an id."""
        return int(DLT_ID_LENGTH_BYTES)

    def tables(self) -> list[str]:
        """The root table and the tables of its lists, parents first."""
        names = [self.root]
        for name in names:
            names.extend(table for table, schema in self.schema.tables.items() if schema.get("parent") == name)
        return names

    def _destination(self) -> AbstractContextManager[Any]:
        """Tell dlt of this thread what the destination can do: from that come merge strategies, and so ids by hash."""
        context: AbstractContextManager[Any] = Container().injectable_context(self._caps)
        return context

    def _make_normalizer(self) -> JsonLItemsNormalizer:
        if not self.dlt_makes_ids:
            # dlt asks this method of its own instance for every id; the real ones are made later, for whole columns
            nesting = self.schema.data_item_normalizer
            nesting._add_row_id = self._stand_in  # noqa: SLF001
        config: Any = SimpleNamespace(destination_capabilities=self._caps)
        nothing: Any = None
        return JsonLItemsNormalizer(self._capture, nothing, nothing, self.schema, "", config)

    def _stand_in(self, _table: str, _row: Any, flat: Any, parent: str, place: int, is_root: bool) -> str:  # noqa: FBT001
        """Put a stand-in for the row's id into the flat row, as dlt puts its ids."""
        if not is_root:
            flat[self.system.parent_id] = parent
            flat[self.system.list_idx] = place
        flat[self.system.id] = identity = StandIn(str(next(self._numbers)))
        return identity

    def _propagates_root_id(self) -> bool:
        config = self.schema.data_item_normalizer.get_normalizer_config(self.schema)
        propagation: Any = config.get("propagation") or {}
        in_root = (propagation.get("tables") or {}).get(self.root) or {}
        return self.system.root_id in {**(propagation.get("root") or {}), **in_root}.values()

    def _is_columnar(self) -> bool:
        """Whether columns may be read at all: a nesting limit, a contract, a filter or scd2 ids leave it to dlt."""
        table = self.schema.tables[self.root]
        normalizer: Any = self.schema.data_item_normalizer
        limit = table.get("x-normalizer", {}).get("max_nesting")
        if limit is None:
            limit = normalizer.get_normalizer_config(self.schema).get("max_nesting", _UNLIMITED_NESTING)
        contract = self.schema.resolve_contract_settings_for_table(self.root)
        return (
            limit >= _UNLIMITED_NESTING
            and not self.dlt_makes_ids
            and set(contract.values()) == {"evolve"}
            and not any("filters" in schema for schema in self.schema.tables.values())
        )

    def _move_wide_integers(self, table: str, row: dict[str, Any]) -> None:
        """Integers beyond 64 bits out of bigint columns into a text variant: dlt would fail to load them.

        Row by row, because what a column is decides how dlt reads the next row.
        """
        wide = [name for name, value in row.items() if type(value) is int and value not in _INT64]
        columns = self.schema.tables[table]["columns"]
        for name in wide:
            if columns[name]["data_type"] != "bigint":
                continue
            variant = self.shorten(name, "v_text")
            if columns.get(variant, {}).get("data_type", "text") != "text":
                # dlt puts a text that is a moment there, and then makes it a column of moments
                variant = self.shorten(name, "v_text", "v_text")
            row[variant] = str(row.pop(name))
            column: Any = {"name": variant, "data_type": "text", "nullable": True, "variant": True}
            columns.setdefault(variant, column)


def _named(normalise: Any) -> Any:
    """A key's name by dlt's rule, with dlt's name for a blank key."""
    return lambda key: normalise(key) if key and not key.isspace() else normalise("_empty")


def _named_blanks(row: dict[str, Any]) -> dict[str, Any]:
    """`row` with lists under a blank key under dlt's name for such a key: dlt would put their rows into the parent."""
    blank = [key for key, value in row.items() if (not key or key.isspace()) and isinstance(value, list)]
    nested = [key for key, value in row.items() if isinstance(value, dict | list)]
    if not blank and not nested:
        return row
    return {("_empty" if key in blank else key): _blanks_inside(value) for key, value in row.items()}


def _blanks_inside(value: Any) -> Any:
    if isinstance(value, dict):
        return _named_blanks(value)
    return [_blanks_inside(item) for item in value] if isinstance(value, list) else value
