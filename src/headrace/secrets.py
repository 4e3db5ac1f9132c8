"""Text that must never be shown, and the mask that keeps it out of every output.

A secret is masked by its *value*, not by the name of the field that held it: once a `Secret` exists, `mask` removes
that value from any text, in the encodings in which it travels (plain, URL, base64 alone and as part of a Basic pair,
JSON, hexadecimal, as Python writes it), and where it was split in two (`split_secret.py`).
The set of known values is process-wide on purpose: an error may be printed far from the place that knew the secret.
Values that come and go (tokens, signatures of single requests) are known for a while, so that a long run neither grows
nor slows down by them.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import OrderedDict
from typing import Final
from urllib.parse import quote, quote_plus

from headrace.split_secret import MASKED, mask_parts

#: Shorter values would mask ordinary words; nobody's key is that short (dlt uses the same bound).
_MIN_LENGTH: Final = 3

_QUERY_VALUE: Final = re.compile("=[^&]*")
#: Passing values that are known at once: more than requests are in flight, few enough to look for in every text.
_PASSING: Final = 256

# signers run in threads of their own; `mask` reads the tuple, which is replaced and never changed
_lock: Final = threading.Lock()
_lasting: Final[set[str]] = set()
_passing: Final[OrderedDict[str, frozenset[str]]] = OrderedDict()
_tokens: Final[set[str]] = set()
_longest_first: tuple[str, ...] = ()
_in_parts: tuple[str, ...] = ()


class Secret:
    """A secret text: `reveal()` gives the value, every other way of printing it gives `***`.

    `name` is that under which a secret store has it, None where it comes from nowhere else.
    """

    __slots__ = ("_value", "name")

    def __init__(self, value: str, name: str | None = None) -> None:
        self._value = value
        self.name = name
        remember(value)

    def reveal(self) -> str:
        """The value itself, to be put into a request and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return MASKED

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(MASKED, format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        # A pickled secret is the mask: traces and crash dumps are pickles.
        return (str, (MASKED,))


def remember(value: str) -> None:
    """Add `value` in all its encodings to what `mask` removes; values under 3 characters are not masked."""
    if len(value) >= _MIN_LENGTH:
        _add(_encodings(value))


def remember_passing(value: str, *, parts: bool = True) -> None:
    """The same for a value that is soon replaced by another: it is forgotten when 256 newer ones have come.

    Without `parts` it is masked where it stands whole only: half of somebody's address is an ordinary word.
    """
    if len(value) < _MIN_LENGTH:
        return
    with _lock:
        if value in _passing:
            _passing.move_to_end(value)
            return
        _passing[value] = _encodings(value)
        if parts:
            _tokens.add(value)
        if len(_passing) > _PASSING:
            _tokens.discard(_passing.popitem(last=False)[0])
        _sort()


def remember_pair(username: str, password: str) -> None:
    """Add the base64 form of a Basic pair to what `mask` removes."""
    _add(frozenset({base64.b64encode(f"{username}:{password}".encode()).decode()}))


def mask(text: str) -> str:
    """`text` with every known secret replaced by `***`, the longest first, and those that stand there in two parts."""
    for secret in _longest_first:
        if secret in text:
            text = text.replace(secret, MASKED)
    return mask_parts(text, _in_parts)


def without_values(url: str) -> str:
    """An address whose query shows names alone: `https://host/path?page=***`."""
    path, mark, query = url.partition("?")
    return path + mark + _QUERY_VALUE.sub(f"={MASKED}", query)


def _encodings(value: str) -> frozenset[str]:
    raw = value.encode()
    return frozenset(
        {
            value,
            quote(value, safe=""),
            quote(value),
            quote_plus(value),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
            raw.hex(),
            raw.hex().upper(),
            repr(value)[1:-1],
        }
    )


def _add(texts: frozenset[str]) -> None:
    with _lock:
        if not texts <= _lasting:
            _lasting.update(texts)
            _sort()


def _sort() -> None:
    global _longest_first, _in_parts  # noqa: PLW0603 - one set of secrets a process, see above
    _longest_first = tuple(sorted(_lasting.union(*_passing.values()), key=len, reverse=True))
    _in_parts = tuple(sorted(_lasting | _tokens, key=len, reverse=True))


def in_words(error: BaseException) -> str:
    """The class of a foreign error and the head of its text, masked."""
    text = " ".join(mask(str(error)).split())[:200]
    return f"{type(error).__name__} ({text})" if text else type(error).__name__


def shown_cause(error: BaseException | None) -> BaseException | None:
    """The error as a cause, unless its text holds a secret: a traceback prints causes unmasked."""
    return error if error is not None and mask(str(error)) == str(error) else None
