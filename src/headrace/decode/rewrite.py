"""Changes to a record before it is read: parameters of the source in, JSON columns as text.

A record is opened level by level (`dict[str, Raw]`), as deep as needed, so the values that stay are copied as bytes,
never built.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from headrace.decode.depth import is_deep
from headrace.decode.exact import load_exact

_open = msgspec.json.Decoder(dict[str, msgspec.Raw])
_open_list = msgspec.json.Decoder(list[msgspec.Raw])


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


def append_each(records: Sequence[bytes], key: str, values: Sequence[str]) -> list[bytes]:
    """`records`, all objects, each with the text of `values` at its place as the last value, under `key`."""
    head = json.dumps(key).encode() + b":"
    tails = {value: head + json.dumps(value).encode() + b"}" for value in set(values)}
    return [
        (b"{" if (body := record.rstrip()[:-1]).strip() == b"{" else body + b",") + tails[value]
        for record, value in zip(records, values, strict=True)
    ]


def edit_values(
    records: Sequence[bytes], edits: Mapping[str, Any], to_text: Callable[[Any], str]
) -> list[bytes] | None:
    """`records` with values made JSON text or left out, as `edits` say; None where that cannot be done.

    `edits` maps keys to `True` (objects and lists become their text), `False` (the key goes) or the same for the fields
    of the object or of the objects of the list. `to_text` gets a decoded value.
    """
    try:
        return [_edited(record, edits, to_text, 1) for record in records]
    except (msgspec.DecodeError, RecursionError):
        return None


def _edited(raw: bytes, edits: Mapping[str, Any], to_text: Callable[[Any], str], level: int) -> bytes:
    if raw.startswith(b"["):
        items = _open_list.decode(raw)
        return b"[%b]" % b",".join(_edited(bytes(item), edits, to_text, level + 1) for item in items)
    if not raw.startswith(b"{"):
        return raw
    fields: dict[str, Any] = dict(_open.decode(raw))
    for key in fields.keys() & edits.keys():
        edit = edits[key]
        value = bytes(fields[key])
        if edit is False:
            del fields[key]
        elif edit is not True:
            fields[key] = msgspec.Raw(_edited(value, edit, to_text, level + 1))
        elif value.startswith((b"{", b"[")):
            if is_deep(value, level):
                raise msgspec.DecodeError("expected a value whose JSON can be a tree")
            fields[key] = to_text(_decoded(value))
        elif value != b"null":
            raise msgspec.DecodeError("expected an object or a list")
    return msgspec.json.encode(fields)


def _decoded(raw: bytes) -> Any:
    """A value as `load_exact` gives it; its own parser is three times as fast, and says where it would differ."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return load_exact(raw)
