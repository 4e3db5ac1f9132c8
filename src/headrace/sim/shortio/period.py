"""Which stretch of time a statistics call means (Short.io's API, common parameters of the statistics calls).

`startDate` and `endDate` count under `custom` alone; every other period ends now or with its last day, on the clock of
`tz`. A stretch is half-open here, whatever the service calls its ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final

from headrace.sim.shortio.instants import DAY_MS, local, moment, zone_of
from headrace.sim.shortio.refusals import invalid

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask

__all__ = ["PERIODS", "stretch", "zone_asked"]

Stretch = tuple[datetime | None, datetime | None]
_DAY = timedelta(days=1)


def _last_month(midnight: datetime) -> Stretch:
    first = midnight.replace(day=1)
    return (first - _DAY).replace(day=1), first


#: What each period begins and ends with, from today's midnight; an end of `None` is now.
PERIODS: Final[dict[str, Callable[[datetime], Stretch]]] = {
    "today": lambda midnight: (midnight, None),
    "yesterday": lambda midnight: (midnight - _DAY, midnight),
    "week": lambda midnight: (midnight - midnight.weekday() * _DAY, None),
    "month": lambda midnight: (midnight.replace(day=1), None),
    "lastmonth": _last_month,
    "total": lambda _: (None, None),
}
_ROLLING_DAYS: Final = {"last7": 7, "last30": 30}


def zone_asked(ask: Ask) -> tzinfo | None:
    """The zone of `tz`, `None` when it was not sent."""
    name = ask.given.get("tz")
    if name is None:
        return None
    try:
        return zone_of(str(name))
    except ValueError:
        raise invalid(f"{ask.place}/tz must be a valid time zone") from None


def stretch(ask: Ask) -> tuple[str, int | None, int]:
    """The period's name, its first instant in ms (`None` is the beginning of all) and the one after its last."""
    doubts, zone, now = ask.world.doubts, zone_asked(ask), ask.world.now_ms
    period = ask.one_of("period", doubts.default_period, (*PERIODS, *_ROLLING_DAYS, "custom"))
    start, end = ask.moment("startDate", zone), ask.moment("endDate", zone)  # wrong ones are refused under any period
    if period == "custom":
        first = None if start is None else start + (not doubts.start_inclusive)
        return period, first, now + 1 if end is None else end + doubts.end_inclusive
    if period in _ROLLING_DAYS:
        return period, now - _ROLLING_DAYS[period] * DAY_MS, now + 1
    midnight = local(now, zone or timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, ends = PERIODS[period](midnight)
    return period, None if begins is None else moment(begins), now + 1 if ends is None else moment(ends)
