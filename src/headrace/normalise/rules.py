"""What normalising must equal and does not decide: dlt's naming, coercion, types and ids, passed in as one value.

The implementation stands in `dlt_tables.py`; here is only what this room may ask of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

#: A column as dlt's schema has it: name, data_type, nullable, precision ...
Column = Mapping[str, Any]


@dataclass(frozen=True)
class SystemColumns:
    """The names of dlt's own columns under the naming convention in force."""

    load_id: str
    id: str
    parent_id: str
    root_id: str
    list_idx: str
    value: str


class StandIn(str):
    """Stands where an id will be, in rows of the exact path; any other text there is an id that stays."""

    __slots__ = ()


@dataclass(frozen=True)
class ExactRows:
    """Rows by table, the root first and parents before children; `sources` are the places of the root rows' records."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    sources: Sequence[int]


class Rules(Protocol):
    """dlt's rules for one resource, over a working copy of its schema."""

    root: str
    system: SystemColumns
    #: Whether child rows carry the id of their root row.
    propagates_root_id: bool
    #: Whether records may be read as columns at all (no nesting limit, no filter, no id that dlt must compute).
    columnar: bool

    def identifier(self, key: str) -> str:
        """The name of one key."""
        ...

    def table_identifier(self, key: str) -> str:
        """The name of one key as part of a table name."""
        ...

    def shorten(self, *fragments: str) -> str:
        """Names joined to one, shortened where the destination needs it."""
        ...

    def columns(self, table: str) -> Mapping[str, Column]:
        """The complete columns of `table` in order; empty when there is no such table yet."""
        ...

    def arrow_type(self, column: Column) -> pa.DataType:
        """The Arrow type in which `column` is handed to the destination."""
        ...

    def exact(self, rows: Iterable[Any]) -> ExactRows:
        """Rows as dlt's own normaliser makes them, new columns settled on the way."""
        ...

    def parent(self, table: str) -> str | None:
        """The parent of a child table, None for the root."""
        ...

    def json_text(self, value: Any) -> str:
        """The text that a JSON column holds for `value`."""
        ...

    def id_bytes(self) -> int:
        """Bytes of a digest that make an id."""
        ...
