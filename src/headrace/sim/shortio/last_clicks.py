"""Raw clicks, newest first (Short.io's API, raw clicks).

What makes them hard to load is all here: no id, a clock that ties, a limit whose maximum nobody knows, cursors that
some periods ignore, an order among ties that changes from call to call, and a page that is short for many reasons.
"""

from __future__ import annotations

from datetime import timezone
from itertools import groupby
from typing import TYPE_CHECKING

from headrace.sim.message import Reply
from headrace.sim.shortio.filters import filters
from headrace.sim.shortio.instants import iso, read
from headrace.sim.shortio.period import stretch, zone_asked
from headrace.sim.shortio.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.records import Click

__all__ = ["last_clicks"]


def last_clicks(ask: Ask) -> Reply:
    """One page. There is no page number: faults find it `by="hit"`."""
    world, doubts = ask.world, ask.world.doubts
    domain = ask.domain()
    limit = _limit(ask)
    tests = filters(ask)
    start, end = _bounds(ask)
    found = world.clicks(domain, start, end, newest_first=doubts.clicks_order == "newest")
    passing = (click for click in found if all(test(click) for test in tests)) if tests else found
    page = _page(ask, passing, limit)
    zone = (zone_asked(ask) if doubts.dt_in_tz else None) or timezone.utc
    rows = [f'{{"dt":"{iso(click.dt_ms, zone)}",{click.body.text[1:]}' for click in page]
    text, key = f"[{','.join(rows)}]", None
    if doubts.clicks_shape == "wrapped":
        text, key = f'{{"clicks":{text}}}', "clicks"
    elif doubts.clicks_shape == "lone" and len(rows) == 1:
        text = rows[0]
    return Reply(body=text.encode(), rows=range(len(rows)), key=key)


def _limit(ask: Ask) -> int:
    doubts = ask.world.doubts
    limit = ask.integer("limit", doubts.clicks_default_limit, 1)
    most = doubts.clicks_max_limit
    if most is None or limit <= most:
        return limit
    if doubts.clicks_over_limit == "refuse":
        raise invalid(f"body/limit must be <= {most}")
    return most


def _bounds(ask: Ask) -> tuple[int | None, int]:
    """The period, narrowed by the cursors, which are instants whatever `tz` says."""
    doubts = ask.world.doubts
    period, start, end = stretch(ask)
    after, before = ask.checked("afterDate", read_cursor), ask.checked("beforeDate", read_cursor)
    if period in doubts.cursors_ignored:
        return start, end
    unit = doubts.cursor_unit_ms
    if before is not None:
        end = min(end, before // unit * unit + doubts.before_inclusive)
    if after is not None:
        first = after // unit * unit + (not doubts.after_inclusive)
        start = first if start is None else max(start, first)
    return start, end


def read_cursor(value: object) -> int:
    """A cursor's instant: Unix ms or a date-time with a zone."""
    return read(value, None)


def _page(ask: Ask, clicks: Iterable[Click], limit: int) -> list[Click]:
    """As many as the limit says. A tie is shuffled as a whole and cut afterwards, so each call may cut it elsewhere."""
    page: list[Click] = []
    for _, tie in groupby(clicks, key=lambda click: click.dt_ms):
        group = list(tie)
        if len(group) > 1 and ask.world.doubts.tie_order == "random":
            ask.world.dice.shuffle(group)
        page += group
        if len(page) >= limit:
            break
    return page[:limit]
