"""dlt's rules for the tables of one resource: naming, coercion, types, ids, over a working copy of the schema.

The exact path *is* dlt: rows go through dlt's own JSON normaliser, with a storage that keeps them in memory instead of
writing them. What it decides (columns, variants, child tables) stands in the working copy afterwards, and from there
the fast path reads it. So the two cannot disagree about a rule; they can only disagree about a value, and the property
tests compare those.
"""

from __future__ import annotations

import copy
import json as standard_json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.json import json
from dlt.common.libs.pyarrow import get_py_arrow_datatype
from dlt.common.normalizers.utils import DLT_ID_LENGTH_BYTES
from dlt.common.schema import Schema
from dlt.common.schema.exceptions import DataValidationError
from dlt.common.schema.utils import has_table_seen_data, is_complete_column, normalize_table_identifiers

from headrace.bridge.exact import EMPTY_KEY, ExactNormaliser, Options, refusal
from headrace.normalise import ExactRows, SystemColumns, arrow_schema

#: dlt's own default: deeper objects than this stay JSON.
_UNLIMITED_NESTING: Final = 1000


class WorkingTables:
    """`headrace.normalise.Rules` for the resource whose root table is the first of `tables`, over a copy of `schema`.

    `tables` are dlt's computed tables of the resource (its hints). `caps` are the destination's capabilities.
    `keeps_lost` and `widens`: see `headrace.bridge.exact`. Not thread-safe: one resource converts one batch at a time.
    """

    def __init__(
        self,
        schema: Schema,
        tables: Sequence[Any],
        caps: DestinationCapabilitiesContext,
        *,
        keeps_lost: bool = True,
        widens: bool = False,
    ) -> None:
        self._caps = caps
        self._options = Options(keeps_lost=keeps_lost, widens=widens)
        self.widens = widens
        naming = schema.naming
        self.root: str = naming.normalize_tables_path(tables[0]["name"])
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
        self._begin(schema, tables)

    def follow(self, earlier: WorkingTables) -> None:
        """Begin again where `earlier` ended: another resource that writes the same table, and comes first.

        As in dlt its hints are those of the table, and ours are not looked at.
        """
        self._begin(earlier.schema, ())
        self.key.update(earlier.key)

    @property
    def ids_may_differ(self) -> bool:
        """Whether dlt gives rows with one key different ids; where it makes ids of keys, they are one row to it."""
        return self.schema.tables[self.root].get("x-merge-strategy") not in ("upsert", "insert-only", "scd2", "cdc")

    def _begin(self, schema: Schema, hints: Sequence[Any]) -> None:
        with self._destination():
            self.schema = _excerpt(schema, self.root)
            self._refusal, refused = _declare(self.schema, hints)
            # dlt's normaliser reads what it propagates to child rows when it is made, which is before a table is added
            normalizer: Any = self.schema.data_item_normalizer
            normalizer._reset()  # noqa: SLF001 - cheaper than another copy
            # a table that a contract forbids stands here too, and stays without columns
            table = self.schema.tables.setdefault(self.root, {"name": self.root, "columns": {}})
            #: The declared key: column name -> whether it may be null. While rows are read it may: those that lack the
            #: key are kept and get one of their own.
            self.key: dict[str, bool] = {}
            for name, column in table["columns"].items():
                if column.get("primary_key"):
                    self.key[name] = column.get("nullable", False)
                    column["nullable"] = True
            # a destination that cannot merge appends, and dlt then makes ids by chance
            self.dlt_makes_ids = resolve_merge_strategy(self.schema.tables, table, self._caps) == "scd2"
            options = replace(self._options, makes_ids=self.dlt_makes_ids)
            self._exact = ExactNormaliser(self.schema, self.root, self.system, self._caps, options)
        self._exact.refuse(refused)
        self.propagates_root_id = self._propagates_root_id()
        self.max_nesting = self._max_nesting(table)
        self.columnar = not any("filters" in table for table in schema.tables.values())

    def columns(self, table: str) -> Mapping[str, Any]:
        """The complete columns of `table` in order; empty when there is none yet."""
        if table not in self.schema.tables:
            return {}
        return {
            name: column for name, column in self.schema.tables[table]["columns"].items() if is_complete_column(column)
        }

    def schema_of(self, table: str) -> pa.Schema:
        """The columns of `table` as they are handed over if every row has the declared key."""
        key = self.key if table == self.root else {}
        columns = self.columns(table)
        final = {name: {**column, "nullable": key[name]} if name in key else column for name, column in columns.items()}
        return arrow_schema(final, self)

    def arrow_type(self, column: Mapping[str, Any]) -> pa.DataType:
        """The Arrow type in which dlt writes `column` for this destination."""
        return get_py_arrow_datatype(column, self._caps, "UTC")

    def exact(self, rows: Iterable[Any], *, objects: bool = False) -> ExactRows:
        """Rows as dlt's normaliser makes them. Raises `AnswerError` when one does not fit the declared columns.

        `objects` says that they may hold values that JSON lacks (moments, decimals).
        """
        if self._refusal is not None:
            raise refusal(self.root, self._refusal) from self._refusal
        with self._destination():
            return self._exact.take_objects(rows) if objects else self._exact.take(rows)

    def row_id(self, row: Any) -> str:
        """The id that dlt makes of a decoded row where it makes ids itself."""
        return self._exact.row_id(row)

    def discards(self, table: str, column: str | None = None) -> bool:
        """Whether a contract takes every value of `column` out of its rows, or every row out of `table`."""
        return self._exact.discards(table, column)

    def keep_whole(self, table: str, column: str) -> None:
        """Have `column` stay one of integers whatever comes: it holds one that no double does."""
        self._exact.keep_whole(table, column)

    def text_of(self, row: Any) -> bytes:
        """A row of Python objects as JSON text, equal for rows of equal content."""
        return self._exact.text_of(row)

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

    def link(self, table: str) -> None:
        """Give a child table that no row came to the columns that tie its rows: dlt adds them with the first row."""
        system = self.system
        columns: Any = self.schema.tables[table]["columns"]
        ties = {system.root_id: "root_key"} if self.propagates_root_id else {}
        ties[system.parent_id] = "parent_key"
        for name, hint in ties.items():
            columns.setdefault(name, {"name": name, "data_type": "text", "nullable": False, hint: True})
        place = {"name": system.list_idx, "data_type": "bigint", "nullable": False}
        columns.setdefault(system.list_idx, place)
        own = {"name": system.id, "data_type": "text", "nullable": False, "unique": True, "row_key": True}
        columns.setdefault(system.id, own)

    def _destination(self) -> AbstractContextManager[Any]:
        """Tell dlt of this thread what the destination can do: from that come merge strategies, and so ids by hash."""
        context: AbstractContextManager[Any] = Container().injectable_context(self._caps)
        return context

    def _propagates_root_id(self) -> bool:
        config = self.schema.data_item_normalizer.get_normalizer_config(self.schema)
        propagation: Any = config.get("propagation") or {}
        in_root = (propagation.get("tables") or {}).get(self.root) or {}
        return self.system.root_id in {**(propagation.get("root") or {}), **in_root}.values()

    def _max_nesting(self, table: Mapping[str, Any]) -> int:
        """Levels of objects and lists in a row that become columns and tables; what lies deeper stays JSON."""
        limit = table.get("x-normalizer", {}).get("max_nesting")
        if limit is None:
            normalizer: Any = self.schema.data_item_normalizer
            limit = normalizer.get_normalizer_config(self.schema).get("max_nesting", _UNLIMITED_NESTING)
        return int(limit)


def _excerpt(schema: Schema, root: str) -> Schema:
    """A copy of `schema` with the tables that matter to `root`: of hundreds a copy takes long, for each resource.

    By the state that dlt pickles: to store a schema and read it again checks all of it once more, 1 ms a resource.
    """
    own = set(schema.dlt_table_names())
    state = schema.__getstate__()
    state["_schema_tables"] = {
        name: table
        for name, table in schema.tables.items()
        if name.startswith(root) or name in own or "filters" in table
    }
    excerpt = Schema.__new__(Schema)
    excerpt.__dict__.update(copy.deepcopy(state))
    excerpt.naming = schema.naming
    excerpt.data_item_normalizer = type(schema.data_item_normalizer)(excerpt)
    return excerpt


def _declare(schema: Schema, tables: Sequence[Any]) -> tuple[DataValidationError | None, set[str]]:
    """Put declared tables into `schema` as dlt's extract does, under the contract in force.

    What the contract says when it refuses one; and the names of those that it leaves out.
    """
    refused: set[str] = set()
    for declared in tables:
        table = normalize_table_identifiers(declared, schema.naming)
        name = table["name"]
        contract = schema.resolve_contract_settings_for_table(name, table)
        if contract["columns"] != "evolve" and schema.is_new_table(name):
            # the first load may bring any column; this is how dlt says so, and a nesting limit goes lost with it
            table["x-normalizer"] = {"evolve-columns-once": True}
        elif _is_merged_again(schema, table) and "x-normalizer" in table:
            # dlt forgets it until rows come again, and fails when none do and a table must be made for staging
            table["x-normalizer"] = {"seen-data": True, **table["x-normalizer"]}
        try:
            allowed, filters = schema.apply_schema_contract(contract, table)
        except DataValidationError as error:
            return error, refused
        refused |= {of for entity, of, _ in filters if entity == "tables"}
        if allowed:
            schema.update_table(allowed, normalize_identifiers=False, merge_compound_props=False)
    return None, refused


def _is_merged_again(schema: Schema, table: Mapping[str, Any]) -> bool:
    seen = has_table_seen_data(schema.tables.get(table["name"], {}))
    return bool(seen and table.get("write_disposition") == "merge")


def _named(normalise: Any) -> Any:
    """A key's name by dlt's rule, with dlt's name for a blank key."""
    return lambda key: normalise(key) if key and not key.isspace() else EMPTY_KEY
