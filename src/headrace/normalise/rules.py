"""What normalising must equal and does not decide: dlt's naming, coercion, types and ids, passed in as one value.

The implementation stands in `bridge/tables.py`; here is only what this room may ask of it.
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


@dataclass(frozen=True)
class ExactRows:
    """Rows by table, the root first and parents before children; `sources` are the places of the root rows' records.

    `roots` says of each row which root row it came with. A text that begins with `stand_in` stands where an id will be;
    any other text there is an id that stays.
    """

    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    sources: Sequence[int]
    roots: Mapping[str, Sequence[int]]
    stand_in: str


class Rules(Protocol):
    """dlt's rules for one resource, over a working copy of its schema."""

    root: str
    system: SystemColumns
    #: Whether child rows carry the id of their root row.
    propagates_root_id: bool
    #: Whether records may be read as columns at all (no filter).
    columnar: bool
    #: Whether dlt makes the ids of root rows itself, by `row_id`.
    dlt_makes_ids: bool
    #: Whether a new column of integers becomes one of doubles when a fraction comes.
    widens: bool
    #: Levels of objects and lists of a row that become columns and tables; what lies deeper stays JSON.
    max_nesting: int

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

    def schema_of(self, table: str) -> pa.Schema:
        """The columns of `table` as they are handed to the destination if every row has the declared key."""
        ...

    def arrow_type(self, column: Column) -> pa.DataType:
        """The Arrow type in which `column` is handed to the destination."""
        ...

    def exact(self, rows: Iterable[Any], *, objects: bool = False) -> ExactRows:
        """Rows as dlt's own normaliser makes them, new columns settled on the way.

        `objects` says that they may hold values that JSON lacks. Raises `AnswerError` where a contract refuses one.
        """
        ...

    def discards(self, table: str, column: str | None = None) -> bool:
        """Whether a contract takes every value of `column` out of its rows, or every row out of `table`."""
        ...

    def keep_whole(self, table: str, column: str) -> None:
        """Have `column` stay one of integers whatever comes: it holds one that no double does."""
        ...

    def row_id(self, row: Any) -> str:
        """The id that dlt makes of a decoded row."""
        ...

    def text_of(self, row: Any) -> bytes:
        """A row of Python objects as JSON text, equal for rows of equal content."""
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
