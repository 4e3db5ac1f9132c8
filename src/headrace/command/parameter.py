"""Values of `--param` (`name=value`, repeated for several values), of `--since` and `--until` (`resource=moment`)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from headrace.errors import UsageError
from headrace.moment import Moment, length_of
from headrace.plan.ranged import ALL


def parse_params(said: Iterable[str]) -> dict[str, list[str | int]]:
    """Parameter -> its values in order. Raises `UsageError` for a text without a name or without `=`.

    >>> parse_params(["domain_id=7", "domain_id=8", "code=007"])
    {'domain_id': [7, 8], 'code': ['007']}
    """
    values: dict[str, list[str | int]] = {}
    for text in said:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            # what stands there is not repeated: it may be a secret that lost its name
            raise UsageError("expected `--param name=value`", hint="for example `--param domain_id=7`")
        values.setdefault(name.strip(), []).append(_value(value))
    return values


def parse_range(said: Iterable[str]) -> dict[str, Moment]:
    """Resource -> moment, text as it was written; what stands alone is for all resources that are not named.

    >>> parse_range(["-3d", "events=1772582400"])
    {'*': '-3d', 'events': 1772582400}
    """
    moments: dict[str, Moment] = {}
    for text in said:
        name, equals, value = text.partition("=")
        name, value = (name.strip(), value) if equals else (ALL, name)
        moments[name] = _value(value.strip())
    return moments


def parse_wait(said: str | None) -> float:
    """Seconds of `--wait`: `10m`, `30s`; none without it. Raises `UsageError`."""
    length = timedelta(0) if said is None else length_of(said)
    if length is None or length < timedelta(0):
        raise UsageError(f"expected a length of time in `--wait`, got `{said}`", hint="for example `--wait 10m`")
    return length.total_seconds()


def _value(text: str) -> str | int:
    """A whole number where the text is exactly how one is written; everything else (`007`, `1.0`) stays text."""
    with suppress(ValueError):
        if str(int(text)) == text:
            return int(text)
    return text
