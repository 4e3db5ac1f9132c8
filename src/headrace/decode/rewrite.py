"""Changes to a record before it is read: private fields out, parameters of the source in, JSON columns as text.

A record is opened one level deep (`dict[str, Raw]`), so the values that stay are copied as bytes, never built.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from headrace.decode.exact import load_exact

_open = msgspec.json.Decoder(dict[str, msgspec.Raw])


def drop_keys(records: Sequence[bytes], dropped: Collection[str]) -> list[bytes]:
    """`records` without the top-level keys in `dropped`."""
    return [_without(record, dropped) for record in records]


def _without(record: bytes, dropped: Collection[str]) -> bytes:
    if not record.startswith(b"{"):
        return record
    try:
        fields = _open.decode(record)
    except msgspec.DecodeError:
        # msgspec refuses a lone surrogate in a key; the standard library reads it
        kept = {key: value for key, value in load_exact(record).items() if key not in dropped}
        return json.dumps(kept).encode()
    kept_raw = {key: value for key, value in fields.items() if key not in dropped}
    return record if len(kept_raw) == len(fields) else msgspec.json.encode(kept_raw)


def add_values(records: Sequence[bytes], values: Mapping[str, Any]) -> list[bytes]:
    """`records` with `values` as their first keys; a record's own key of the same name comes later and wins."""
    if not values:
        return list(records)
    head = json.dumps(dict(values)).encode()[:-1]
    return [
        (head + (b"}" if record[1:].strip() == b"}" else b"," + record[1:])) if record.startswith(b"{") else record
        for record in records
    ]


def append_values(records: Sequence[bytes], values: Mapping[str, Any]) -> list[bytes]:
    """`records`, all objects, with `values` as their last keys, which win over keys of the same name."""
    tail = json.dumps(dict(values)).encode()[1:]
    return [(b"{" if (body := record.rstrip()[:-1]).strip() == b"{" else body + b",") + tail for record in records]


def texts_for_json(
    records: Sequence[bytes], keys: Collection[str], to_text: Callable[[bytes], str]
) -> list[bytes] | None:
    """`records` with objects and lists under `keys` replaced by their text; None where another kind stands there."""
    rewritten = []
    for record in records:
        try:
            fields: dict[str, Any] = dict(_open.decode(record))
        except msgspec.DecodeError:
            return None
        for key in keys:
            raw = bytes(fields.get(key, b"null"))
            if raw[:1] in (b"{", b"["):
                fields[key] = to_text(raw)
            elif raw != b"null":
                return None
        rewritten.append(msgspec.json.encode(fields))
    return rewritten
