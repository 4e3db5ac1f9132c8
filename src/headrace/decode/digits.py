"""Whole numbers that a double does not hold exactly: whether records have one where doubles were read.

The reader of columns makes the nearest double of them, and of numbers beyond all doubles it may make infinity. What it
made is known; the text is searched for numbers that become just this and are another. A first look, by Arrow, tells
which records have a whole number of so many digits at all: most large doubles are written with a fraction or exponent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

#: A whole number of 16 digits or more, as many as 2**53 has. Text that looks like one is found too.
_WHOLE: Final = r"[:,\[]\s*(-?\d{16}\d*)\s*[,\]}]"
_find = re.compile(_WHOLE.replace(r"\s*[,\]}]", r"(?=\s*[,\]}])").encode()).findall


def were_rounded(records: Sequence[bytes], rows: pa.Array, doubles: pa.Array) -> bool:
    """Whether one of `doubles` may stand for a number that it does not equal; `rows` are the places of its records.

    An infinity always does. That none does is certain; that one does may be wrong where a text holds the number.
    """
    if pc.any(pc.is_inf(doubles)).as_py():
        return True
    places = pc.unique(rows)
    found = pc.match_substring_regex(pa.array([records[row] for row in places.to_pylist()], pa.binary()), _WHOLE)
    here = pc.is_in(rows, places.filter(found))
    by_row: dict[int, set[float]] = {}
    for row, double in zip(rows.filter(here).to_pylist(), doubles.filter(here).to_pylist(), strict=True):
        by_row.setdefault(row, set()).add(double)
    return any(_was_rounded(records[row], each) for row, each in by_row.items())


def _was_rounded(record: bytes, doubles: Collection[float]) -> bool:
    return any((near := float(digits)) in doubles and int(digits) != near for digits in _find(record))
