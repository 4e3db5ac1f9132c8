"""Moments as the service reads and prints them. Inside the simulator a moment is an integer: Unix milliseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

__all__ = ["DAY_MS", "SECOND_MS", "iso", "local", "moment", "read", "zone_of"]

SECOND_MS: Final = 1000
DAY_MS: Final = 86_400 * SECOND_MS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS: Final = timedelta(milliseconds=1)
_TEXT: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d)?)(?:\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)


def iso(moment_ms: int, zone: tzinfo = timezone.utc) -> str:
    """ISO 8601 with milliseconds: `Z` in UTC, else the offset of that moment."""
    seconds, rest = divmod(moment_ms, SECOND_MS)
    text = datetime.fromtimestamp(seconds, zone).isoformat()
    return f"{text[:19]}.{rest:03d}{'Z' if zone is timezone.utc else text[19:]}"


def local(moment_ms: int, zone: tzinfo) -> datetime:
    """The moment on the clock of a zone."""
    return (_EPOCH + moment_ms * _MS).astimezone(zone)


def moment(when: str | datetime) -> int:
    """Moment of an ISO text or an aware datetime; a text without a zone is UTC.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(when, datetime):
        return (when - _EPOCH) // _MS
    return read(when, None) if "T" not in when or _is_zoned(when) else read(f"{when}Z", None)


def zone_of(name: str) -> tzinfo:
    """Time zone of an IANA name.

    Raises:
        ValueError: there is none.
    """
    if name in ("UTC", "Etc/UTC", "GMT"):
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(name) from error


def read(value: Any, zone: tzinfo | None, reading: Literal["twice", "digits", "instant"] = "instant") -> int:
    """Moment that a request names: Unix milliseconds, a date, or a date-time with a zone.

    `zone` is the request's `tz`, `None` when it has none. A date is its first midnight there; a number is an instant.
    What a zoned text is beside `tz`, `reading` says (see `Doubts.zone_reading`).

    Raises:
        ValueError: none of these, a date-time without a zone above all.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)  # noqa: TRY004 - one error for all that names no moment
    if isinstance(value, int) or re.fullmatch(r"-?\d+", value):
        return int(value)
    found = _TEXT.fullmatch(value)
    if found is None:
        raise ValueError(value)
    at = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}")
    at += int((found["fraction"] or "0").ljust(3, "0")[:3]) * _MS
    if found["time"] is None:
        return moment(at.replace(tzinfo=zone or timezone.utc))
    if found["zone"] is None:
        raise ValueError(value)
    instant = moment(at.replace(tzinfo=_offset(found["zone"])))
    if zone is None or reading == "instant":
        return instant
    digits = at if reading == "digits" else local(instant, timezone.utc)
    return moment(digits.replace(tzinfo=zone))


def _offset(text: str) -> timezone:
    if text == "Z":
        return timezone.utc
    away = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-away if text[0] == "-" else away)


def _is_zoned(text: str) -> bool:
    found = _TEXT.fullmatch(text)
    return found is not None and found["zone"] is not None
