"""The exact path: JSON to Python objects, value by value, keeping what strict parsers refuse.

The standard library's parser is the most faithful of those compared: integers of any size stay exact, duplicate keys
resolve to the last, and bodies with a byte-order mark are read. NaN and infinities become None, as in dlt; lone
surrogates, which no Arrow or database text can hold, become U+FFFD. What is nested too deep stays JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from headrace.decode.depth import LEVELS, cut, is_deep
from headrace.decode.odd import REPLACEMENT, Odd
from headrace.errors import DecodeError

#: How often an answer that is not JSON is worth asking for again: it may have been cut on the way.
_RETRIES: Final = 3
#: Python's own bound for making a number of text (`sys.set_int_max_str_digits`).
_MAX_DIGITS: Final = 4300
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def load_exact(body: bytes, *, where: str | None = None, shows: bool = True, odd: Odd | None = None) -> Any:
    """Decode one JSON document exactly; what is changed on the way is counted in `odd`.

    Raises `DecodeError` with the offset and, if it `shows`, the text around it.
    """
    text = _text(body, odd)
    try:
        document = _tree(text, where, odd)
    except json.JSONDecodeError as error:
        near = f": {text[max(0, error.pos - 40) : error.pos + 40]!r}" if shows else ""
        at_end = error.pos >= len(text.rstrip())
        raise DecodeError(
            f"expected JSON, got text that {'ends early' if at_end else 'breaks'} at character {error.pos}{near}",
            where=where,
            hint="the answer was cut or is not JSON" if at_end else None,
            retries=_RETRIES,
        ) from None
    return scrub(document, odd) if _ESCAPED_SURROGATE.search(body) else document


def shallow(records: Sequence[bytes], odd: Odd | None = None) -> list[bytes]:
    """`records` with what lies deeper than `LEVELS` as JSON text; what is changed is counted in `odd`."""
    return [cut(_text(record, odd)).encode() if is_deep(record) else record for record in records]


def to_rows(records: Iterable[bytes], odd: Odd | None = None) -> list[Any]:
    """Decode records of a split page exactly, one Python value a record, in order."""
    return [load_exact(record, odd=odd) for record in records]


def scrub(value: Any, odd: Odd | None = None) -> Any:
    """`value` with every lone surrogate in its texts and keys replaced by U+FFFD, counted in `odd`."""
    if isinstance(value, str):
        text, replaced = _SURROGATE.subn(REPLACEMENT, value)
        if odd is not None:
            odd.replaced += replaced
        return text
    if isinstance(value, dict):
        return {scrub(key, odd): scrub(item, odd) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, odd) for item in value]
    return value


def _tree(text: str, where: str | None, odd: Odd | None) -> Any:
    """The document, what lies too deep in it as text."""
    try:
        return _loads(text, odd)
    except RecursionError:
        pass
    try:
        return _loads(cut(text), odd)
    except RecursionError:
        message = f"expected JSON, got text that opens more than {LEVELS} levels and does not close them"
        raise DecodeError(message, where=where, hint="the answer was cut or is not JSON", retries=_RETRIES) from None


def _text(body: bytes, odd: Odd | None = None) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "replace")
        if odd is not None:
            odd.replaced += text.count(REPLACEMENT) - body.count(REPLACEMENT.encode())
        return text


def _loads(text: str, odd: Odd | None) -> Any:
    pairs = None if odd is None else odd.pairs
    return json.loads(
        text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole, object_pairs_hook=pairs
    )


def _whole(digits: str) -> int | str:
    """An integer; its digits where there are so many that Python refuses to make a number of them."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _finite(digits: str) -> float | None:
    """A float, or None where it is beyond a double (1e400), which JSON allows and nothing downstream can hold."""
    number = float(digits)
    return None if number in (float("inf"), float("-inf")) else number
