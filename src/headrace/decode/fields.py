"""Fields of records brought into one shape: renamed, copied, dates as ISO 8601, JSON as JSON, lone values in lists.

Records are opened level by level, only where a path leads, as in `conceal.py`; a record that has none of the fields
stays as it is, and so does a value that is not what was expected: the tables have room for it. This is the plain way,
which is taken where the quick one (`shaper.py`) is not sure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headrace.decode.odd import Odd

if TYPE_CHECKING:
    from headrace.plan.shaping import Form, Shaping

_open = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
open_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.decode
_encode = msgspec.json.Encoder().encode
_OBJECT, _LIST, _TEXT = b'{["'
_NULL: Final = b"null"
#: ISO 8601 without a zone, which means UTC.
_NAIVE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
#: A number that is larger means milliseconds, as everywhere (`moment.py`).
_LEAST_MS: Final = 1e11
#: The way in which Go prints a time by default.
_GO: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d{4}) [A-Z+\-0-9]+")


def shape_fields(records: Sequence[bytes], fields: Mapping[str, Shaping], odd: Odd | None = None) -> list[bytes]:
    """`records` with their fields as `fields` say; what is lost of what is written anew is counted in `odd`."""
    return [_shaped_record(record, fields, odd or Odd()) for record in records]


def _shaped_record(record: bytes, fields: Mapping[str, Shaping], odd: Odd) -> bytes:
    found = Odd()
    try:
        made = _shaped(record, fields, found)
    except (msgspec.DecodeError, RecursionError):
        # a lone surrogate, NaN, nested too deep: the exact path reads it, in the shape in which it came
        return record
    odd.repeated += found.repeated
    return made or record


def _shaped(raw: bytes, fields: Mapping[str, Shaping], odd: Odd) -> bytes | None:
    """The object or list `raw` with its fields in shape; None where nothing is to be done."""
    if raw[0] == _LIST:
        items = list(map(bytes, open_list(raw)))
        new = [_shaped(item, fields, odd) for item in items]
        return b"[" + b",".join(map(_either, new, items)) + b"]" if any(new) else None
    if raw[0] != _OBJECT:
        return None
    came = _open(raw)
    found: dict[str, Any] = dict(came)
    within = Odd()
    touched = False
    for name, shaping in fields.items():
        touched |= _renamed(found, name, shaping)
        if name in found and (made := _converted(bytes(found[name]), shaping, within)) is not None:
            found[name] = msgspec.Raw(made)
            touched = True
    if not touched:
        return None
    within.opened(raw, came)
    odd.repeated += within.repeated
    return _encode(found)


def _either(new: bytes | None, old: bytes) -> bytes:
    return new or old


def _renamed(found: dict[str, Any], name: str, shaping: Shaping) -> bool:
    """Let another field, or the default, take the place of `name` where that is missing; whether one did."""
    if name in found:
        return False
    other = next((each for each in (shaping.copy_of, *shaping.names) if each is not None and each in found), None)
    if other is not None:
        found[name] = found[other] if other == shaping.copy_of else found.pop(other)
    elif shaping.default is not None:
        found[name] = msgspec.Raw(shaping.default)
    else:
        return False
    return True


def _converted(raw: bytes, shaping: Shaping, odd: Odd) -> bytes | None:
    """The value in its form, its fields in shape; None where it is already."""
    made = None
    if shaping.form is not None and raw != _NULL:
        made = FORMS[shaping.form](raw)
    inside = _shaped(made or raw, shaping.inner, odd) if shaping.inner else None
    return inside or made


def _to_timestamp(raw: bytes) -> bytes | None:
    if raw[0] != _TEXT:
        return _from_milliseconds(raw)
    text = _decode(raw)
    if text[4:5] == "-":
        if _NAIVE.fullmatch(text):
            return _encode(text + "Z")
        match = _GO.fullmatch(text)
        return None if match is None else _encode(f"{match[1]}T{match[2]}{match[3]}")
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # `-0000` says UTC, and no more
    return _encode((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat())


def _from_milliseconds(raw: bytes) -> bytes | None:
    """A number that would be a far year as seconds, and is milliseconds; others are left alone."""
    try:
        number = float(raw)
        if abs(number) < _LEAST_MS:
            return None
        moment = datetime.fromtimestamp(number / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return _encode(moment.isoformat(timespec="milliseconds"))


def _to_json(raw: bytes) -> bytes | None:
    """What dlt makes JSON of: it opens a text, and stores a text that it finds inside as it is."""
    if raw[0] in (_OBJECT, _LIST):
        return None
    if raw[0] != _TEXT:
        return _encode(raw.decode())
    text = _decode(raw)
    try:
        opened = _decode(text)
    except msgspec.DecodeError:
        opened, text = "", _encode(text).decode()
    if isinstance(opened, dict | list):
        return bytes(text.strip().encode())
    return _encode(_encode(text).decode()) if isinstance(opened, str) else None


def _to_text(raw: bytes) -> bytes | None:
    if raw[0] == _TEXT:
        return None
    return json.dumps(raw.decode()).encode() if raw[0] in (_OBJECT, _LIST) else b'"%b"' % raw


def _to_list(raw: bytes) -> bytes | None:
    return None if raw[0] == _LIST else b"[" + raw + b"]"


FORMS: Final[Mapping[Form, Callable[[bytes], bytes | None]]] = {
    "timestamp": _to_timestamp,
    "json": _to_json,
    "text": _to_text,
    "list": _to_list,
}
