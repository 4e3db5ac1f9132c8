"""The declared key of rows, read off the typed columns: what the destination compares is what decides here.

`9` and `"9"` in a bigint column are one key, and so are two spellings of one instant. A key of which a part is null, or
went to a variant column because it is of another kind, is no key: such a row is told apart by its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.part import Part

#: One key a row: the JSON object that dlt hashes, names in order; None where a part of the key is null.
Key = bytes | None

_to_json = msgspec.json.Encoder(order="sorted").encode
#: What a text in JSON has to escape.
_ESCAPED: Final = r'[\x00-\x1f"\\]'


def read_keys(root: Part, names: Sequence[str]) -> list[Key]:
    """The key of each row of a root part."""
    if not names or not all(name in root.columns for name in names):
        return [None] * len(root.owners)
    pieces: list[Any] = []
    for name in sorted(names):
        values = _as_json(root.columns[name])
        if values is None:
            return _read_by_row(root, names)
        pieces += [f"{',' if pieces else '{'}{_to_json(name).decode()}:", values]
    keys: list[Key] = pc.binary_join_element_wise(*pieces, "}", "").cast(pa.binary()).to_pylist()
    return keys


def key_values(key: Key) -> dict[str, Any]:
    """The values of a key, by name."""
    return {} if key is None else msgspec.json.decode(key, type=dict[str, Any])


def _as_json(column: pa.Array) -> pa.Array | None:
    """The values as JSON; None for those that take more than to be written down."""
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type) or pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        return None
    return pc.binary_join_element_wise('"', column, '"', "")


def _read_by_row(root: Part, names: Sequence[str]) -> list[Key]:
    values = [_plain(root.columns[name]) for name in names]
    keys = zip(*values, strict=True)
    return [None if None in key else _to_json(dict(zip(names, key, strict=True))) for key in keys]


def _plain(column: pa.Array) -> list[Any]:
    """Values as texts, numbers and booleans; those of other types as the text that Arrow gives them."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values: list[Any] = column.to_pylist()
    else:
        values = column.cast(pa.string()).to_pylist()
    return values
