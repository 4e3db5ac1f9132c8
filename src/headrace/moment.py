"""Moments and lengths of time: what a configuration says, seconds since 1970, and the forms in which APIs take them.

A form cuts down, never up: what it says is at most one unit before what was meant. Whoever asks from one unit earlier
has therefore lost nothing, however an API treats its bounds (`plan/window.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Final, TypeAlias

#: Seconds or, from `LEAST_MS` on, milliseconds since 1970; a text or object of a date or a time; a length of time
#: that counts from the run, negative before it.
Moment: TypeAlias = str | int | float | date | timedelta

DAY_S: Final = 86400
#: A number that is larger means milliseconds: as seconds it would lie in the year 5138.
LEAST_MS: Final = 1e11
_LENGTH: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)\s*")
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": DAY_S, "w": 7 * DAY_S}
_MAIL_DATE: Final = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}(?::\d{2})? (\S+)")


def length_of(text: str) -> timedelta | None:
    """The length of time that `30m` or `1.5d` names; None where it names none.

    >>> length_of("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = _LENGTH.fullmatch(text)
    return None if match is None else timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def moment_of(text: str) -> str | timedelta | None:
    """A text that says a moment, as it is; one before the run (`-3d`) as a length; None where it says none.

    >>> moment_of("-3d")
    datetime.timedelta(days=-3)
    """
    text = text.strip()
    if text.startswith("-"):
        length = length_of(text[1:])
        return None if length is None else -length
    try:
        _read(text)
    except ValueError:
        return None
    return text


def seconds_of(moment: Moment, now_s: float) -> float:
    """Seconds since 1970; what has no zone is UTC."""
    if isinstance(moment, timedelta):
        return now_s + moment.total_seconds()
    if isinstance(moment, int | float):
        return moment / 1000 if abs(moment) >= LEAST_MS else moment
    found = _read(moment.isoformat() if isinstance(moment, date) else moment)
    return found.replace(tzinfo=found.tzinfo or timezone.utc).timestamp()


@dataclass(frozen=True)
class Form:
    """How an API takes moments: `say` writes one, cut down to a multiple of `unit_s`."""

    unit_s: float
    #: Not shown: what a function shows of itself is another text in each process.
    say: Callable[[float], str | int | float] = field(repr=False)

    def cut(self, moment_s: float) -> float:
        """The moment that is said in place of `moment_s`."""
        if self.unit_s < 1:
            return _cut(moment_s, 1000) / 1000
        return moment_s // self.unit_s * self.unit_s


def form_of(name: str | None, like: Moment) -> Form:
    """The form of this name; without one that of the moment `like`, whose zone is kept in any case."""
    zone, has_z = _zone(like)
    forms = {
        **FORMS,
        "datetime": Form(1, partial(_iso, zone=zone, has_z=has_z)),
        "datetime_ms": Form(0.001, partial(_iso, zone=zone, has_z=has_z, timespec="milliseconds")),
    }
    return forms[name or _name(like)]


def words(moment_s: float) -> str:
    """A moment for a reader, to the second."""
    return str(_iso(moment_s))


def length_words(length: timedelta) -> str:
    """A length of time in its largest whole unit.

    >>> length_words(timedelta(hours=72)), length_words(timedelta(minutes=90))
    ('3 days', '90 minutes')
    """
    seconds = length.total_seconds()
    for unit_s, name in ((DAY_S, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {name}{'' if seconds == unit_s else 's'}"
    return f"{seconds:g} seconds"


def moment_words(moment: Moment) -> str:
    """A moment as a configuration says it, for a reader."""
    if not isinstance(moment, timedelta):
        return str(moment)
    return f"{length_words(abs(moment))} {'before' if moment <= timedelta(0) else 'after'} the run"


def _read(text: str) -> datetime:
    """Raises `ValueError` for a text that says no moment."""
    if _MAIL_DATE.fullmatch(text):
        return parsedate_to_datetime(text)
    return datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))


def _name(like: Moment) -> str:
    """The form of a moment that somebody wrote."""
    if isinstance(like, timedelta):
        return "datetime"
    if isinstance(like, int | float):
        if abs(like) >= LEAST_MS:
            return "milliseconds"
        return "seconds" if isinstance(like, int) else "decimal_seconds"
    text = like.isoformat() if isinstance(like, date) else like
    if mail := _MAIL_DATE.fullmatch(text):
        return "rfc1123" if mail[1] == "GMT" else "rfc2822"
    return "date" if len(text) == len("2026-01-01") else "datetime"


def _zone(like: Moment) -> tuple[tzinfo | None, bool]:
    """The zone of a date-time, and whether it is written as `Z`; UTC and `Z` for everything else."""
    if isinstance(like, timedelta | int | float) or _name(like) != "datetime":
        return timezone.utc, True
    # the parser makes a fixed offset of every zone
    zone = _read(like.isoformat() if isinstance(like, date) else like).tzinfo
    return zone, isinstance(like, str) and like[-1:] in "zZ"


def _cut(moment_s: float, units: int) -> int:
    """So many units of a second, cut down; through whole microseconds, because a float of seconds would fall short."""
    return round(moment_s * 1_000_000) * units // 1_000_000


def _utc(moment_s: float, units: int = 1) -> datetime:
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=_cut(moment_s, units) / units)


def _iso(moment_s: float, zone: tzinfo | None = timezone.utc, *, has_z: bool = True, timespec: str = "seconds") -> str:
    moment = _utc(moment_s, 1000 if timespec == "milliseconds" else 1)
    text = moment.astimezone(zone or timezone.utc).replace(tzinfo=zone).isoformat(timespec=timespec)
    return text.replace("+00:00", "Z") if has_z else text


#: Every form by its name; `datetime` and `datetime_ms` take the zone of what they are like.
FORMS: Final[Mapping[str, Form]] = {
    "seconds": Form(1, math.floor),
    "decimal_seconds": Form(0.001, lambda moment_s: _cut(moment_s, 1000) / 1000),
    "milliseconds": Form(0.001, lambda moment_s: _cut(moment_s, 1000)),
    "date": Form(DAY_S, lambda moment_s: _utc(moment_s).date().isoformat()),
    "datetime": Form(1, _iso),
    "datetime_ms": Form(0.001, partial(_iso, timespec="milliseconds")),
    "rfc2822": Form(1, lambda moment_s: format_datetime(_utc(moment_s))),
    "rfc2822_days": Form(DAY_S, lambda moment_s: format_datetime(_utc(moment_s // DAY_S * DAY_S))),
    "rfc1123": Form(1, lambda moment_s: format_datetime(_utc(moment_s), usegmt=True)),
}
