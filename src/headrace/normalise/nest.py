"""Nested columns to flat tables: structs become columns, lists become child tables, as the layout says.

All of it works on whole columns. Rows keep their order; child rows stand in the order of their parents and of the list.
`spread` refuses (None) when a record holds something that the layout did not foresee, and the exact path must read it.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.layout import ColumnLayout, Layout, TableLayout
from headrace.normalise.part import Part

#: Ticks a second, by the unit of a timestamp.
_TICKS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
#: The first second of the year 1 and of the year 10000.
_FIRST_SECOND: Final = -62_135_596_800
_AFTER_LAST_SECOND: Final = 253_402_300_800


def spread(nested: pa.Table, layout: Layout) -> list[Part] | None:
    """`nested` as one part a table, parents before children; None when a record does not fit."""
    columns = [_one_chunk(column) for column in nested.columns]
    rows = (
        pa.StructArray.from_arrays(columns, fields=list(nested.schema))
        if columns
        else pa.nulls(nested.num_rows, pa.struct([]))
    )
    parts: list[Part] = []
    return parts if _add_part(rows, layout.root, 0, _count(len(rows)), None, parts) else None


def _add_part(
    rows: pa.Array,
    layout: TableLayout,
    parent: int,
    owners: pa.Array,
    places: pa.Array | None,
    parts: list[Part],
) -> bool:
    """Add the part of `rows` and those of their lists; False when a value does not fit."""
    columns: dict[str, pa.Array] = {}
    objects = _Objects(rows)
    for column in layout.columns:
        values = _cast(objects.at(column.steps), column)
        if values is None:
            return False
        columns[column.name] = values
    if any(len(pc.list_flatten(objects.at(steps))) for steps in layout.empty_lists):
        return False
    own = len(parts)
    parts.append(Part(layout.name, columns, parent, owners, places))
    for child in layout.children:
        lists = objects.at(child.steps)
        of = pc.list_parent_indices(lists)
        if not _add_part(pc.list_flatten(lists), child, own, of, _places(lists, of), parts):
            return False
    return True


def _places(lists: pa.Array, owners: pa.Array) -> pa.Array:
    """The place of each item in its list, from 0."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
    starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
    return pc.subtract(_count(len(owners)), pc.take(starts, owners))


def _count(size: int) -> pa.Array:
    """The integers from 0 to `size`, without it."""
    return pc.subtract(pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), size)), 1)


class _Objects:
    """The values inside rows, by path; each object is taken apart once."""

    def __init__(self, rows: pa.Array) -> None:
        self._rows = rows
        self._fields: dict[tuple[str, ...], dict[str, pa.Array]] = {}

    def at(self, steps: tuple[str, ...]) -> pa.Array:
        """The values at `steps`, null where an object on the way is null; the rows themselves without steps."""
        return self._fields_at(steps[:-1])[steps[-1]] if steps else self._rows

    def _fields_at(self, steps: tuple[str, ...]) -> dict[str, pa.Array]:
        if steps not in self._fields:
            objects = self.at(steps)
            # `flatten` hands a null of the object down to its fields, `field` would not
            self._fields[steps] = dict(zip((field.name for field in objects.type), objects.flatten(), strict=True))
        return self._fields[steps]


def _cast(values: pa.Array, column: ColumnLayout) -> pa.Array | None:
    """`values` in the column's type; None when one does not go, or is null where the column allows none."""
    if values.null_count and not column.nullable:
        return None
    if values.type == column.type:
        return values
    if pa.types.is_floating(values.type) and pa.types.is_timestamp(column.type):
        return _moments(values, column.type)
    try:
        made = values.cast(column.type)
    except pa.ArrowInvalid:
        made = _naive_as_utc(values, column.type)
    if made is None or not pa.types.is_timestamp(column.type):
        return made
    return made if _are_dates(made) else None


def _moments(seconds: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Seconds since 1970 as moments, rounded as Python's `datetime.fromtimestamp` does; None outside of its years."""
    if kind != pa.timestamp("us", "UTC"):
        return None
    bounds = pc.min_max(seconds)
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is not None and not _FIRST_SECOND <= first <= last < _AFTER_LAST_SECOND - 1:
        return None
    whole = pc.trunc(seconds)
    rest = pc.round(pc.multiply(pc.subtract(seconds, whole), 1e6), round_mode="half_to_even")
    ticks = pc.add(pc.multiply(whole.cast(pa.int64()), 10**6), rest.cast(pa.int64()))
    return ticks.cast(kind)


def _naive_as_utc(values: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Texts of moments without a zone as moments in UTC, as dlt reads them; None when they are something else."""
    if not pa.types.is_timestamp(kind) or kind.tz != "UTC":
        return None
    try:
        return pc.assume_timezone(values.cast(pa.timestamp(kind.unit)), "UTC")
    except pa.ArrowInvalid:
        return None


def _are_dates(moments: pa.Array) -> bool:
    """Whether all moments lie in the years that dlt, and Python, know."""
    bounds = pc.min_max(moments.cast(pa.int64()))
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    ticks = _TICKS[moments.type.unit]
    return first is None or (_FIRST_SECOND * ticks <= first and last < _AFTER_LAST_SECOND * ticks)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)  # Arrow would copy it
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
