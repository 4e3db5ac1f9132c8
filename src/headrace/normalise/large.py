"""Numbers around the bound of whole numbers in doubles: 2**53, up to which a double holds every one.

Columns are asked for their greatest value, which is nearly free; only where it lies beyond the bound are single values
looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.part import Part

#: Up to here, and down to its negative, doubles hold every whole number.
_BOUND: Final = 2**53
#: The bits of the bound as an integer: without their sign doubles are in the order of their bits, and Arrow finds the
#: greatest integer in 40 % of the time that it takes for a double.
(_BOUND_BITS,) = struct.unpack("=q", struct.pack("=d", _BOUND))


def large_doubles(parts: Sequence[Part]) -> tuple[pa.Array, pa.Array] | None:
    """The doubles of 2**53 and more in all tables, negative ones too: their root rows, and they; None without any."""
    rows, found = [], []
    for number, part in enumerate(parts):
        for values in part.columns.values():
            if values.type != pa.float64():
                continue
            sizes = pc.abs(values)
            greatest = pc.max(sizes.view(pa.int64())).as_py()
            if greatest is not None and greatest >= _BOUND_BITS:
                places = pc.indices_nonzero(pc.greater_equal(sizes, float(_BOUND)))
                rows.append(_root_rows(parts, number, places))
                found.append(pc.take(values, places))
    return (pa.concat_arrays(rows), pa.concat_arrays(found)) if found else None


def whole_columns(parts: Sequence[Part]) -> set[tuple[str, str]]:
    """Table and name of the columns of integers with one that no double holds."""
    return {
        (part.name, name)
        for part in parts
        for name, values in part.columns.items()
        if pa.types.is_integer(values.type) and _has_more_digits(values)
    }


def _has_more_digits(values: pa.Array) -> bool:
    bounds: Any = pc.min_max(values)
    if values.null_count == len(values) or max(-bounds["min"].as_py(), bounds["max"].as_py()) <= _BOUND:
        return False
    beyond = pc.or_(pc.greater(values, _BOUND), pc.less(values, -_BOUND))
    return any(float(value) != value for value in values.filter(beyond).to_pylist())


def _root_rows(parts: Sequence[Part], number: int, places: pa.Array) -> pa.Array:
    """The root rows of the rows at `places` of the part `number`."""
    rows = places.cast(pa.int64())
    while number:
        rows = pc.take(parts[number].owners, rows)
        number = parts[number].parent
    return rows
