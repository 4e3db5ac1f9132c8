"""Counts over time: `by_interval`, and the chart inside of snapshots (Short.io's API, domain series)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.message import Reply
from headrace.sim.shortio.instants import iso, local, moment
from headrace.sim.shortio.records import text_of
from headrace.sim.shortio.scope import scope_of

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.scope import Scope

__all__ = ["INTERVALS", "by_interval", "link_by_interval", "points"]

_HOUR_MS: Final = 3_600_000
INTERVALS: Final = ("hour", "day", "week", "month")
_SHAPES: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "clicksStatistics": lambda data: {"clicksStatistics": data},
    "clickStatistics": lambda data: {"clickStatistics": data},
    "nested": lambda data: {"clickStatistics": {"datasets": [{"data": data}]}},
}


def by_interval(ask: Ask) -> Reply:
    """A domain's series."""
    return _series(ask, scope_of(ask, ask.domain()))


def link_by_interval(ask: Ask) -> Reply:
    """A link's series."""
    link = ask.link()
    return _series(ask, scope_of(ask, ask.world.domains[link.domain_id], link))


def points(scope: Scope, interval: str) -> list[dict[str, str]]:
    """`x` is the bucket's beginning in the request's zone, `y` the count as a text; empty buckets are there."""
    moments = [click.dt_ms for click in scope.counted()]
    first = scope.start_ms if scope.start_ms is not None else (moments or [scope.end_ms])[0]
    at = _floor(local(first, scope.zone), interval)
    found = []
    while (begin := moment(at)) < scope.end_ms:
        # hours are stepped as instants: on the clock of a zone some come twice and some never
        at = local(begin + _HOUR_MS, scope.zone) if interval == "hour" else _floor(at + _BEYOND[interval], interval)
        count = bisect_left(moments, moment(at)) - bisect_left(moments, begin)
        found.append({"x": iso(begin, scope.zone), "y": str(count)})
    return found


def _series(ask: Ask, scope: Scope) -> Reply:
    interval = ask.one_of("clicksChartInterval", "day", INTERVALS)
    data = points(scope, interval)
    body = _SHAPES[ask.world.doubts.series_key](data)
    return Reply(body=text_of(body).encode(), page=0, rows=range(len(data)), key=next(iter(body)))


#: Added to a bucket's beginning it ends in the next one, whatever a change of clocks or a month's length does.
_BEYOND: Final = {
    "day": timedelta(hours=36),
    "week": timedelta(days=8),
    "month": timedelta(days=32),
}


def _floor(at: datetime, interval: str) -> datetime:
    at = at.replace(minute=0, second=0, microsecond=0)
    if interval == "hour":
        return at
    at = at.replace(hour=0)
    if interval == "week":
        return at - timedelta(days=at.weekday())
    return at.replace(day=1) if interval == "month" else at
