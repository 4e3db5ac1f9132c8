"""Text that must never be shown, and the mask that keeps it out of every output.

A secret is masked by its *value*, not by the name of the field that held it: once a `Secret` exists, `mask` removes
that value from any text, in the encodings in which it travels (plain, URL, base64 alone and as part of a Basic pair,
JSON).
The set of known values is process-wide on purpose: an error may be printed far from the place that knew the secret.
"""

from __future__ import annotations

import base64
import json
from typing import Final
from urllib.parse import quote, quote_plus

MASKED: Final = "***"
#: Shorter values would mask ordinary words; nobody's key is that short (dlt uses the same bound).
_MIN_LENGTH: Final = 3

_masked_texts: set[str] = set()


class Secret:
    """A secret text: `reveal()` gives the value, every other way of printing it gives `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
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
    if len(value) < _MIN_LENGTH:
        return
    raw = value.encode()
    _masked_texts.update(
        {
            value,
            quote(value, safe=""),
            quote(value),
            quote_plus(value),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
        }
    )


def remember_pair(username: str, password: str) -> None:
    """Add the base64 form of a Basic pair to what `mask` removes."""
    _masked_texts.add(base64.b64encode(f"{username}:{password}".encode()).decode())


def mask(text: str) -> str:
    """`text` with every known secret replaced by `***`, the longest first."""
    for secret in sorted(_masked_texts, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MASKED)
    return text
