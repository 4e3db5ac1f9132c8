"""The declared key of rows, read off the typed columns: what the destination compares is what decides here.

`9` and `"9"` in a bigint column are one key, and so are two spellings of one instant. A key of which a part is null, or
went to a variant column because it is of another kind, is no key: such a row is told apart by its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from headrace.normalise.part import Part

#: One key a row: its values in the order of the key's columns; None where a part of it is null.
Key = tuple[Any, ...] | None


def read_keys(root: Part, names: Sequence[str]) -> list[Key]:
    """The key of each row of a root part."""
    if not names or not all(name in root.columns for name in names):
        return [None] * len(root.owners)
    values = [_plain(root.columns[name]) for name in names]
    keys = list(zip(*values, strict=True))
    if not any(root.columns[name].null_count for name in names):
        return [*keys]
    return [None if None in key else key for key in keys]


def _plain(column: pa.Array) -> list[Any]:
    """Values as texts, numbers and booleans; those of other types as the text that Arrow gives them."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values: list[Any] = column.to_pylist()
    else:
        values = column.cast(pa.string()).to_pylist()
    return values
