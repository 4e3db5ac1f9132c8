"""Ids of rows: by key, by content, by chance, and those of child rows. All are dlt's: base64 of a short digest.

* `key_ids`: from the key's values (dlt: `get_row_hash`), so a row keeps its id from run to run.
* `content_ids`: from everything in the record that is not null, in an order of keys of its own, for rows without a key.
* `child_ids`: from the parent's id, the table and the place in the list (dlt: `get_nested_row_hash`), vectorised here
  because there are many: one base64 call a batch instead of one a row.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.rules import Rules

_shake = hashlib.shake_128


def key_ids(keys: Iterable[bytes | None], records: Sequence[bytes], rules: Rules) -> list[str]:
    """One id a row: by its key, by its content where the key is None."""
    size = rules.id_bytes()
    return _encode(
        [
            _shake(key).digest(size) if key is not None else content_digest(record, size)
            for key, record in zip(keys, records, strict=True)
        ]
    )


def content_ids(records: Sequence[bytes], rules: Rules) -> list[str]:
    """One id a row from its content."""
    size = rules.id_bytes()
    return _encode([content_digest(record, size) for record in records])


def text_ids(texts: Sequence[bytes], rules: Rules) -> list[str]:
    """One id a text."""
    size = rules.id_bytes()
    return _encode([_shake(text).digest(size) for text in texts])


def random_ids(count: int, rules: Rules) -> list[str]:
    """`count` ids by chance."""
    size = rules.id_bytes()
    chance = os.urandom(count * size)
    return _encode([chance[start : start + size] for start in range(0, count * size, size)])


def repeated_id(first: str, ordinal: int, rules: Rules) -> str:
    """The id of the `ordinal`-th further row that has the id `first` (1 is the second such row)."""
    return _encode([hashlib.shake_128(f"{first}_{ordinal}".encode()).digest(rules.id_bytes())])[0]


def child_ids(parents: pa.Array, table: str, places: pa.Array, rules: Rules) -> pa.Array:
    """One id a child row, from its parent's id and its place in the parent's list."""
    size = rules.id_bytes()
    texts = pc.binary_join_element_wise(parents, f"_{table}_", places.cast(pa.string()), "")
    return _to_array([_shake(text).digest(size) for text in texts.cast(pa.binary()).to_pylist()])


def content_digest(record: bytes, size: int) -> bytes:
    """A digest of what a record says: nulls left out, keys in order, so that neither spacing nor order matters."""
    try:
        content = msgspec.json.encode(_without_nulls(msgspec.json.decode(record)), order="sorted")
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        # `parse_int=str`: Python refuses to make a number of thousands of digits, and none is needed here
        value = json.loads(record.decode("utf-8", "replace"), parse_int=str)
        content = json.dumps(_without_nulls(value), sort_keys=True).encode()
    return hashlib.shake_128(content).digest(size)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _encode(digests: Sequence[bytes]) -> list[str]:
    """base64 without padding of digests of one size."""
    ids: list[str] = _to_array(digests).to_pylist()
    return ids


def _to_array(digests: Sequence[bytes]) -> pa.Array:
    """The same as an array, in one call: each digest is filled up to whole groups of three bytes, the rest cut off."""
    if not digests:
        return pa.array([], pa.string())
    size = len(digests[0])
    fill = bytes(-size % 3)
    width = (size + len(fill)) // 3 * 4
    text = pa.py_buffer(base64.b64encode(fill.join(digests) + fill))
    wide = pa.Array.from_buffers(pa.binary(width), len(digests), [None, text])
    return pc.binary_slice(wide.cast(pa.binary()), 0, (size * 8 + 5) // 6).cast(pa.string())
