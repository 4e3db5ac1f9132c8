"""Fields taken out of records, or hashed in them, before anything else gets to see them.

Records are opened level by level (`dict[str, Raw]`), only where a path leads, and written once: what stays is copied as
bytes. A record without any of the fields stays as it is; with one of them every level above it is written anew, so that
a key that came twice leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.decode.exact import load_exact
from headrace.decode.odd import Odd
from headrace.plan.privacy import ANY_KEY

if TYPE_CHECKING:
    from headrace.decode.keyed_hash import KeyedHash
    from headrace.plan.privacy import Fates

_open = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_open_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_OBJECT, _LIST = b"{["
_encode = msgspec.json.Encoder().encode


def conceal(records: Sequence[bytes], fates: Fates, keyed: KeyedHash, odd: Odd | None = None) -> list[bytes]:
    """`records` with their fields as `fates` say; what is lost of what is written anew is counted in `odd`."""
    return [_concealed(record, fates, keyed, odd or Odd()) for record in records]


def _concealed(record: bytes, fates: Fates, keyed: KeyedHash, odd: Odd) -> bytes:
    found = Odd()
    try:
        made = _from_raw(record, fates, keyed.raw, found)
    except (msgspec.DecodeError, RecursionError):
        # msgspec refuses a lone surrogate in a key, NaN, and what is nested too deep; the standard library reads it
        return json.dumps(_from_value(load_exact(record, odd=odd), fates, keyed)).encode()
    odd.repeated += found.repeated
    return record if made is None else _encode(made)


def _from_raw(raw: bytes, fates: Fates, hashed: Callable[[bytes], Any], odd: Odd) -> Any:
    """What stands in place of an object or list; None where it has none of the fields."""
    if raw[0] != _OBJECT:
        return _from_list(raw, fates, hashed, odd) if raw[0] == _LIST else None
    fields: dict[str, Any] = _open(raw)
    touched = [
        (key, fate) for key, fate in (_named(fates, fields) if ANY_KEY in fates else fates).items() if key in fields
    ]
    if not touched:
        return None
    odd.opened(raw, fields)
    for key, fate in touched:
        if fate == "hash":
            fields[key] = hashed(bytes(fields[key]))
        elif fate == "drop":
            del fields[key]
        elif (new := _from_raw(bytes(fields[key]), fate, hashed, odd)) is not None:
            fields[key] = new
    return fields


def _from_list(raw: bytes, fates: Fates, hashed: Callable[[bytes], Any], odd: Odd) -> Any:
    items = list(map(bytes, _open_list(raw)))
    made = [_from_raw(item, fates, hashed, odd) for item in items]
    if all(item is None for item in made):
        return None
    return [msgspec.Raw(item) if new is None else new for item, new in zip(items, made, strict=True)]


def _from_value(value: Any, fates: Fates, keyed: KeyedHash) -> Any:
    """The same of a decoded value."""
    if isinstance(value, list):
        return [_from_value(item, fates, keyed) for item in value]
    if not isinstance(value, dict):
        return value
    made = dict(value)
    for key, fate in _named(fates, value).items():
        if key not in value:
            continue
        if fate == "hash":
            made[key] = keyed.value(value[key])
        elif fate == "drop":
            del made[key]
        else:
            made[key] = _from_value(value[key], fate, keyed)
    return made


def _named(fates: Fates, fields: Mapping[str, Any]) -> Fates:
    """`fates` with what counts for any key under the keys that are there."""
    if ANY_KEY not in fates:
        return fates
    return {key: fates.get(key, fates[ANY_KEY]) for key in fields}
