"""The exact path: dlt's own JSON normaliser over rows in memory, made to end well.

Rows go through dlt's normaliser as in its own runs, with a storage that keeps them instead of writing them. What it
decides stays dlt's; added is only what it does not decide, because there it fails, or loses a value without a word:

* a value that its column cannot hold in any destination (an integer beyond 64 bits, a decimal with too many digits, a
  moment in the year 292277026596) goes to a variant of the column, named by dlt's rule;
* so does a whole number of which a column of doubles would keep but the first digits (2**53 + 1), where the column may
  have a variant: no contract forbids it, and rows without a value in it are allowed;
* of keys that get one name (`userId`, `user_id`) dlt keeps the value that comes last; the others, where they differ,
  get a column of their own (`LOST`);
* rows of a list under a blank key get a table of their own, and a list whose table would have a name that no file can
  have stays JSON in its column.

And one thing on demand: a new column of integers becomes one of doubles when a fraction comes (`widens`), unless it
holds a whole number that no double does.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json as standard_json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, Final

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.capabilities import adjust_column_schema_to_capabilities
from dlt.common.json import json, may_have_pua
from dlt.common.libs.pyarrow import get_py_arrow_datatype
from dlt.common.normalizers.json.helpers import get_row_hash
from dlt.common.normalizers.json.relational import DataItemNormalizer
from dlt.common.normalizers.utils import DLT_ID_LENGTH_BYTES
from dlt.common.schema import Schema
from dlt.common.schema.exceptions import CannotCoerceColumnException, SchemaException
from dlt.common.schema.typing import DLT_NAME_PREFIX
from dlt.common.schema.utils import is_complete_column
from dlt.common.storages.file_storage import FileStorage
from dlt.common.time import normalize_timezone
from dlt.common.utils import digest128
from dlt.normalize.items_normalizers.jsonl import JsonLItemsNormalizer

from headrace.bridge.digits import has_all_digits, nearest_double
from headrace.errors import AnswerError
from headrace.normalise import ExactRows, SystemColumns

#: dlt's name for a blank key.
EMPTY_KEY: Final[str] = DataItemNormalizer.EMPTY_KEY_IDENTIFIER
INT64: Final = range(-(2**63), 2**63)
#: Begins the last part of the name of a column that holds what another key of the same name lost.
LOST: Final = "k_"
#: Bytes of a table's name: dlt names files by tables, and no file system takes more than 255 with what it adds.
_TABLE_NAME_BYTES: Final = 225


class _TooWide(Exception):  # noqa: N818 - a signal
    """dlt would put an integer beyond 64 bits into a bigint variant."""


class _Capture:
    """A storage for dlt's normaliser: the rows of each table in order, and the number of the root row of each."""

    def __init__(self, settle: Any) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.roots: dict[str, list[int]] = {}
        self.root_rows = 0
        self._settle = settle

    def write_data_item(self, _load_id: str, _schema: str, table: str, row: Any, _columns: Any) -> None:
        self._settle(table, row)
        self.rows.setdefault(table, []).append(row)
        self.roots.setdefault(table, []).append(self.root_rows)


@dataclass(frozen=True)
class Options:
    """What is added to dlt's rules, see above; `makes_ids`: dlt makes the root rows' ids itself, of their contents."""

    makes_ids: bool = False
    keeps_lost: bool = True
    widens: bool = False


class ExactNormaliser(JsonLItemsNormalizer):  # type: ignore[misc]  # dlt is untyped here
    """dlt's normaliser for the rows of one root table, over a schema that it changes.

    Where dlt makes no ids itself, stand-ins are put where ids will be. Not thread-safe.
    """

    def __init__(
        self, schema: Schema, root: str, system: SystemColumns, caps: DestinationCapabilitiesContext, options: Options
    ) -> None:
        self._root = root
        self._system = system
        self._caps = caps
        self._capture = _Capture(self._settle)
        nothing: Any = None
        config: Any = SimpleNamespace(destination_capabilities=caps)
        super().__init__(self._capture, nothing, nothing, schema, "", config)
        self._nester: Any = schema.data_item_normalizer
        # dlt asks this of every value whose type is not its column's
        self._coerce_type = partial(_coerced, self._nester.coerce_type)
        self._lost_keys: dict[tuple[str, str], str] = {}
        self._options = options
        #: Columns that stood in the schema before this run, whose types stay.
        self._stored = {
            (name, column["name"])
            for name, table in schema.tables.items()
            for column in table["columns"].values()
            if is_complete_column(column)
        }
        #: Columns with whole numbers that no double holds: they do not widen.
        self._whole: set[tuple[str, str]] = set()
        #: Begins what stands where an id will be: no id that a row brings does.
        self.stand_in = os.urandom(8).hex()
        self._numbers = itertools.count()
        # dlt asks these methods of its own instance for every row
        self._nester._flatten = self._flatten  # noqa: SLF001
        self._nester._add_row_id = self._add_id  # noqa: SLF001

    def take(self, rows: Iterable[Any]) -> ExactRows:
        """Decoded JSON rows as tables. May change the rows."""
        return self._taken((row, False) for row in rows)

    def take_objects(self, rows: Iterable[Any]) -> ExactRows:
        """Python rows (moments, decimals, dataclasses ...) as tables, by way of dlt's typed JSON."""
        return self._taken(map(_retyped, rows))

    def _taken(self, rows: Iterable[tuple[Any, bool]]) -> ExactRows:
        capture = self._capture
        capture.rows, capture.roots, capture.root_rows = {}, {}, -1
        sources: list[int] = []
        for number, (row, typed) in enumerate(rows):
            capture.root_rows += 1
            item = row if isinstance(row, dict) else {self._system.value: row}
            try:
                self._normalize_chunk(self._root, [item], may_have_pua=typed, skip_write=False)
            except (SchemaException, ArithmeticError, OSError, RecursionError, ValueError) as error:
                raise refusal(self._root, error) from error
            # a contract or a filter may have taken the row out
            if len(capture.rows.get(self._root, ())) > len(sources):
                sources.append(number)
            else:
                capture.root_rows -= 1
        return ExactRows(capture.rows, sources, capture.roots, self.stand_in)

    def refuse(self, tables: Iterable[str]) -> None:
        """Leave all rows of `tables` out: a contract forbids the tables."""
        self._filtered_tables.update(tables)

    def keep_whole(self, table: str, column: str) -> None:
        """Have `column` stay one of integers whatever comes: it holds one that no double does."""
        self._whole.add((table, column))

    def text_of(self, row: Any) -> bytes:
        """A row of Python objects as JSON text, equal for rows of equal content."""
        made, _ = _retyped(row)
        try:
            return bytes(json.dumpb(made))
        except TypeError:
            return standard_json.dumps(made, default=str).encode()

    def discards(self, table: str, column: str | None = None) -> bool:
        """Whether a contract takes every value of `column` out of its rows, or every row out of `table`."""
        if column is None:
            return bool(table in self._filtered_tables)
        return bool(self._filtered_tables_columns.get(table, {}).get(column) == "discard_value")

    def row_id(self, row: Any) -> str:
        """The id that dlt makes of a decoded row where it makes ids of contents (scd2)."""
        try:
            return str(get_row_hash(row if isinstance(row, dict) else {self._system.value: row}))
        except TypeError:  # an integer beyond 64 bits, of which dlt makes no id
            content = {key: value for key, value in row.items() if not key.startswith(DLT_NAME_PREFIX)}
            text = standard_json.dumps(content, sort_keys=True, default=str)
            return str(digest128(text, DLT_ID_LENGTH_BYTES))

    def _add_id(self, _table: str, row: Any, flat: Any, parent: str, place: int, is_root: bool) -> str:  # noqa: FBT001
        """Put a stand-in for the row's id into the flat row, as dlt puts its ids."""
        if not is_root:
            flat[self._system.parent_id] = parent
            flat[self._system.list_idx] = place
        made = self._options.makes_ids and is_root
        flat[self._system.id] = identity = self.row_id(row) if made else f"{self.stand_in}{next(self._numbers)}"
        return identity

    def _flatten(self, table: str, row: Any, level: int) -> tuple[dict[str, Any], dict[tuple[str, ...], Any]]:
        """The columns of a row and its lists by path, in dlt's order.

        dlt works through a stack: all scalars of an object first, then the objects in it, the last one first.
        """
        nester = self._nester
        flat: dict[str, Any] = {}
        lists: dict[tuple[str, ...], Any] = {}
        keys: dict[Any, tuple[tuple[str, ...], str]] = {}
        lost: list[tuple[Any, str, tuple[tuple[str, ...], str], Any]] = []
        stack: list[tuple[Any, int, tuple[str, ...], tuple[str, ...]]] = [(row, level, (), ())]
        while stack:
            current, depth, raw, path = stack.pop()
            for key, value in current.items():
                blank = not key or key.isspace()
                name = EMPTY_KEY if blank else nester._normalize_identifier(key)  # noqa: SLF001
                column = self._shorten_fragments(*path, name) if path else name
                kind = type(value)
                place: Any = column
                if (kind is dict or kind is list) and not nester._is_nested_type(table, column, depth):  # noqa: SLF001
                    if kind is dict:
                        stack.append((value, depth - 1, (*raw, key), (*path, name)))
                        continue
                    item = nester._normalize_table_identifier(EMPTY_KEY if blank else key)  # noqa: SLF001
                    if _names_a_file(self._shorten_fragments(table, *path, item)):
                        place = (*path, item)
                taken: dict[Any, Any] = flat if place is column else lists
                if place in taken:
                    lost.append((place, column, keys[place], taken[place]))
                taken[place] = value
                keys[place] = raw, key
        # a column more is what a contract may refuse
        if lost and self._options.keeps_lost and self._contract(table)["columns"] == "evolve":
            self._add_lost(table, flat, lists, lost)
        return flat, lists

    def _add_lost(self, table: str, flat: dict[str, Any], lists: Mapping[Any, Any], lost: Iterable[Any]) -> None:
        """Add to a flat row the values of keys that a later key with the same name put out, where they differ."""
        for place, column, (raw, key), value in lost:
            is_list = place is not column
            stayed = lists[place] if is_list else flat[column]
            if value is None or (is_list and not value) or (type(value) is type(stayed) and value == stayed):
                continue
            digest = hashlib.shake_128("\x1f".join((*raw, key)).encode("utf-8", "replace")).hexdigest(4)
            name = self._shorten_fragments(column, LOST + digest)
            self._lost_keys[table, name] = ".".join((*raw, key))
            flat[name] = value

    def _coerce_non_null_value(
        self,
        columns: Any,
        table: str,
        name: str,
        value: Any,
        is_variant: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        """What dlt decides about a value that does not simply fit; a text variant where dlt has none that takes it."""
        if is_variant:
            if type(value) is int and value not in INT64:
                raise _TooWide
            return super()._coerce_non_null_value(columns, table, name, value, is_variant)
        column = columns.get(name, {})
        if type(value) is float and self._may_widen(table, column):
            column["data_type"] = "double"
            return name, None, value
        if column.get("data_type") == "double" and not self._may_vary(table, column):
            nearest = nearest_double(value)
            if nearest is not None:
                return name, None, nearest
        try:
            return super()._coerce_non_null_value(columns, table, name, value, is_variant)
        except (CannotCoerceColumnException, KeyError, _TooWide):
            # dlt's variant would not take the value either: a text that looks like a moment makes it one of moments
            text = value if isinstance(value, str) else str(value) if isinstance(value, int) else json.dumps(value)
            return self._text_variant(columns, name, text)

    def _text_variant(self, columns: Any, name: str, text: str) -> tuple[str, Any, str]:
        """A variant of the column `name` that takes any text: its name, its column where it is new, the text."""
        variant = self._shorten_fragments(name, "v_text")
        if columns.get(variant, {}).get("data_type", "text") != "text":
            # dlt puts a text that is a moment there, and then makes it a column of moments
            variant = self._shorten_fragments(name, "v_text", "v_text")
        if variant in columns:
            return variant, None, text
        column = self._infer_column(variant, text, data_type="text", is_variant=True)
        return variant, adjust_column_schema_to_capabilities(column, self._caps), text

    def _may_widen(self, table: str, column: Mapping[str, Any]) -> bool:
        """Whether `column` holds integers that doubles hold, is new, and is no variant and no part of a key."""
        if not self._options.widens or column.get("data_type") != "bigint":
            return False
        hints = ("variant", "primary_key", "merge_key")
        place = table, column["name"]
        stays = place in self._stored or place in self._whole
        return not stays and not any(column.get(hint) for hint in hints)

    def _may_vary(self, table: str, column: Mapping[str, Any]) -> bool:
        """Whether values that `column` does not hold may go elsewhere: dlt would keep a number's first digits there."""
        return column.get("nullable", True) and self._contract(table)["data_type"] == "evolve"

    def _settle(self, table: str, row: dict[str, Any]) -> None:
        """Move what its column cannot hold to a text variant; row by row: columns decide how the next one is read."""
        columns = self.schema.tables[table]["columns"]
        for name in [name for name, value in row.items() if not self._fits(columns, name, value)]:
            variant, column, text = self._text_variant(columns, name, str(row.pop(name)))
            if column is not None and (mode := self._contract(table)["data_type"]) != "evolve":
                if mode == "freeze":
                    raise SchemaException(
                        self.schema.name,
                        f"Column `{name}` of `{table}` cannot hold a value, and may have no variant",
                    )
                continue
            row[variant] = text
            if column is not None:
                columns[variant] = column
        if self._options.widens:
            self._whole |= {
                (table, name)
                for name, value in row.items()
                if type(value) is int and value in INT64 and not has_all_digits(float(value), value)
            }
        if self._lost_keys:
            for name in row.keys() & {column for of, column in self._lost_keys if of == table}:
                columns[name].setdefault("description", f"Values of the key `{self._lost_keys[table, name]}`")

    def _contract(self, table: str) -> Mapping[str, str]:
        """The contract of a table, of the root where it is new."""
        of = table if table in self.schema.tables else self._root
        settings: Mapping[str, str] = self.schema.resolve_contract_settings_for_table(of)
        return settings

    def _fits(self, columns: Any, name: str, value: Any) -> bool:
        kind = type(value)
        if kind is int:
            return value in INT64 or columns[name]["data_type"] != "bigint"
        return kind is not Decimal or self._holds(columns[name], value)

    def _holds(self, column: Mapping[str, Any], value: Decimal) -> bool:
        """Whether a decimal column has digits enough before the point for `value`."""
        if column["data_type"] != "decimal":
            return True
        kind = get_py_arrow_datatype(column, self._caps, "UTC")
        return bool(value.is_finite() and value.adjusted() < kind.precision - kind.scale)


@lru_cache(maxsize=4096)
def _names_a_file(table: str) -> bool:
    """Whether dlt can name files by `table`; some naming conventions keep keys as they are."""
    try:
        FileStorage.validate_file_name_component(table)
    except ValueError:
        return False
    return len(table.encode()) <= _TABLE_NAME_BYTES


def _coerced(coerce: Any, to_type: str, from_type: str, value: Any) -> Any:
    """What dlt's coercion makes of a value; its only failure is a `ValueError`, after which dlt makes a variant."""
    try:
        made = coerce(to_type, from_type, value)
        if to_type == "timestamp" and not 1 < made.year < 9999:
            normalize_timezone(made, timezone=True)  # overflows at the ends of time
    except (ArithmeticError, OSError, RecursionError) as error:
        raise ValueError(value) from error
    if to_type == "bigint" and from_type != "bigint" and made not in INT64:
        raise ValueError(value)
    if to_type == "double" and not has_all_digits(made, value):
        raise ValueError(value)
    return made


def _retyped(row: Any) -> tuple[Any, bool]:
    """A Python row as it comes out of dlt's typed JSON, and whether it may hold marks of types."""
    try:
        line = json.typed_dumpb([row])
    except TypeError as error:
        if "64-bit" not in str(error):
            raise
        return copy.deepcopy(row), False  # an integer beyond 64 bits, which dlt's JSON refuses
    (made,) = json.loadb(line)
    return made, may_have_pua(line)


def refusal(root: str, error: Exception) -> AnswerError:
    """What to raise when dlt refuses a row of table `root`: what it says, without the row that it says it of."""
    reason = str(error).partition("\n")[0].partition(" Offending data item")[0] or type(error).__name__
    return AnswerError(f"expected a row that fits the columns of table `{root}`, got one that dlt refuses: {reason}")
