"""Options of connectors, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from difflib import get_close_matches

from headrace.errors import UsageError
from headrace.moment import length_of


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    """`value` where it is known. Raises `UsageError`, with the nearest one that is."""
    known = list(known)
    if value in known:
        return value
    near = get_close_matches(value, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    raise UsageError(f"expected {_listed(known)} as `{name}`, got {value!r}", hint=hint)


def length(name: str, value: str) -> timedelta:
    """A length of time above 0. Raises `UsageError`."""
    found = length_of(value)
    if found is None or found <= timedelta(0):
        raise UsageError(f"expected a length of time like `30m`, `12h` or `5d` as `{name}`, got {value!r}")
    return found


def _listed(known: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in known) if len(known) <= 3 else "a known name"
