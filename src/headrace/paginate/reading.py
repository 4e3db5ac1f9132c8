"""What an API declares about its paging, read with types: totals, flags, cursors, links.

Theory. dlt takes whatever lies under a path and breaks on it later or loops (`'int' object has no attribute 'decode'`).
Here a value is read once, where it arrives, into one of three outcomes: a value, "the end" (None), or a `PagingError`
that names path, type and page. A total is the exception: it is a hint, so a bad one is no total and never an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, JsonPath
from headrace.message import PageFacts, Request
from headrace.secrets import mask

#: Characters of a next link or cursor. Usual servers take request lines of 8 KiB (nginx 8k, Apache 8190); longer ones
#: can only be refused later with a worse message.
LONGEST_REFERENCE: Final = 8192
#: Characters of a foreign value that a message shows.
_LONGEST_SHOWN: Final = 40
#: Digits of a total: 10**18 rows are nonsense, and `int` refuses texts over 4300 digits.
_LONGEST_TOTAL: Final = 18
#: Bits of a cursor that is a number; ids have 64 to 256.
_LONGEST_INTEGER_BITS: Final = 4096

#: Texts that dlt takes as flags (`str2bool`), lower case.
_FLAGS: Final[Mapping[str, bool]] = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
}

#: JSON's own names for the types of decoded values, for messages.
_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a text",
    type(None): "null",
    type(MISSING): "nothing",
}


def name_type(value: object) -> str:
    """The type of a decoded JSON value in words, with its article."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def show(value: object) -> str:
    """`value` for a message: quoted, at most 40 characters, marked when cut."""
    text = mask(str(value))  # before it is cut: of a secret that was cut nobody knows what it is
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}... ({len(text)} characters)"


def name_place(request: Request, page_number: int) -> str:
    """Where an error happened: page number from 1, resource, address without its query."""
    parts = urlsplit(request.url)
    address = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
    of = f"`{request.resource}` ({address})" if request.resource else address
    return f"page {page_number} of {of}"


def look_up(facts: PageFacts, path: JsonPath) -> Any:
    """The value under `path`, `MISSING` where there is none."""
    return facts.values.get(path.text, MISSING)


def read_total(facts: PageFacts, path: JsonPath | None) -> int | None:
    """The declared total, None when it is absent or no count (a hint is never an error)."""
    value = MISSING if path is None else look_up(facts, path)
    if isinstance(value, str) and len(value) <= _LONGEST_TOTAL and value.isascii() and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**_LONGEST_TOTAL:
        return None
    return value


def read_has_more(facts: PageFacts, path: JsonPath, place: str) -> bool:
    """The declared flag: a boolean, or a text that dlt takes for one. Raises `PagingError` for anything else."""
    value = look_up(facts, path)
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
    if flag is None:
        came = show(value) if isinstance(value, str) else name_type(value)
        raise PagingError(
            f"expected true or false under `{path}`, got {came}",
            where=place,
            hint="check `has_more_path`; the flag must be on every page that has rows",
        )
    return flag


def read_cursor(value: Any, source: str, place: str) -> str | None:
    """A cursor as text, None for the end: missing, and whatever is null, false, 0 or empty, as in dlt.

    An empty list or object is an end too: PHP writes `[]` where there is nothing. A cursor that starts at 0 cannot come
    back to 0; no API is known that needs it. `source` names it in errors.
    """
    if not value:
        return None
    if isinstance(value, dict | list):
        raise _no_cursor(value, source, place)
    return check_length(str(_printable(value, source, place)), source, place)


def read_body_cursor(value: Any, source: str, place: str) -> Any:
    """A cursor that goes back into a body as it came, None for the end: missing, and whatever is null, 0 or empty.

    It may be an object or a list, and of any length: scroll ids of search engines grow past what an address holds.
    """
    if not value:
        return None
    return value if isinstance(value, dict | list) else _printable(value, source, place)


def read_link(value: Any, source: str, place: str) -> str | None:
    """A next link as text, None for the end: missing, null, false or "". Raises `PagingError` for anything else."""
    if value is None or value is MISSING or value is False:
        return None
    if not isinstance(value, str):
        raise PagingError(
            f"expected an address as next link in {source}, got {name_type(value)}",
            where=place,
            hint="check that the path leads to the link itself; a number or an id is paged with `cursor`",
        )
    return check_length(value.strip(), source, place) or None


def check_length(reference: str, source: str, place: str) -> str:
    """`reference` itself. Raises `PagingError` when it is too long to be asked for."""
    if len(reference) > LONGEST_REFERENCE:
        raise PagingError(
            f"expected at most {LONGEST_REFERENCE} characters in {source}, got {show(reference)}",
            where=place,
            hint="check that the path leads to the next page's cursor or link",
        )
    return reference


def _printable(value: Any, source: str, place: str) -> Any:
    """A text or a number; no flag, no NaN or infinity, no integer past the 4300 digits that `str` writes."""
    is_endless = isinstance(value, float) and not math.isfinite(value)
    is_long = isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER_BITS
    if is_endless or is_long or isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _no_cursor(value, source, place)
    return value


def _no_cursor(value: Any, source: str, place: str) -> PagingError:
    return PagingError(
        f"expected a text or a number as cursor in {source}, got {name_type(value)}",
        where=place,
        hint="check that the path leads to the cursor itself",
    )
