"""`GET /v3/{domain}/events`: ranges of time in both directions, and page links that carry everything.

A token of a page link is base64url of JSON: range, filters, limit, direction, the row that the page begins behind. So a
link can be asked again whenever: an open range then gives what is new at its end, and an event that arrived late is
only seen by those who read its time again. Source: Mailgun's API, events in depth and pagination family A.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.dates import floored, parsed
from headrace.sim.mailgun.filters import EVENT_FIELDS, event_filter
from headrace.sim.mailgun.replies import NO_PATH, RefusedError, bad, dumped, listed
from headrace.sim.mailgun.timeline import Mark, stretch_of

if TYPE_CHECKING:
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.doubts import Bound, Precision
    from headrace.sim.mailgun.timeline import Event, Move, Timeline
    from headrace.sim.message import Reply

__all__ = ["account_events", "domain_events", "low_end", "token_of", "token_parts"]

_LIMITS: Final = (100, 300)
_UNITS: Final = {"ms": "0.001", "s": "1"}


@dataclass(frozen=True)
class _Asked:
    """A range and where in it a page lies; `begin` is the later end of a descending one, `None` is open."""

    begin: float | None
    end: float | None
    ascending: bool
    limit: int
    filters: tuple[tuple[str, str], ...] = ()
    move: Move = "first"
    mark: Mark | None = None


def domain_events(call: Call) -> Reply:
    """A page of a domain's events."""
    domain = call.domain
    return _page(call, domain.events, f"events/{domain.name}")


def account_events(call: Call) -> Reply:
    """A page of all domains' events, where a doubt says that there is such an endpoint."""
    if not call.doubts.events_of_account:
        raise RefusedError(NO_PATH)
    return _page(call, call.account.timeline, "events")


def low_end(at_s: float, bound: Bound, precision: Precision) -> float:
    """The least time that is not before a bound: where a range begins that leaves out what is before `at_s`.

    The same for the end of a range, which leaves out all from there on: an end is inclusive where a beginning is
    exclusive.
    """
    if precision == "exact":
        return at_s if bound == "inclusive" else math.nextafter(at_s, math.inf)
    unit = _UNITS[precision]
    cut = floored(at_s, unit)
    return float(cut if bound == "inclusive" else cut + type(cut)(unit))


def token_of(call: Call, content: list[Any]) -> str:
    """Opaque text for some content, with the moment where tokens die."""
    dies = None if call.doubts.token_life_s is None else call.world.clock.now + call.doubts.token_life_s
    return base64.urlsafe_b64encode(dumped([*content, dies])).decode()


def token_parts(call: Call, token: str) -> list[Any]:
    """The content of a token.

    Raises:
        RefusedError: it is not one of ours, or too old.
    """
    try:
        content: list[Any]
        *content, dies = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise bad("invalid page token") from None
    if dies is not None and dies < call.world.clock.now:
        raise bad("page token expired")
    return content


def _page(call: Call, timeline: Timeline, label: str) -> Reply:
    token = call.parts.get("token")
    asked = _asked(call, timeline) if token is None else _resumed(call, token)
    keep = event_filter(asked.filters)
    low, high = _range(call, asked, timeline.oldest_s)
    stretch = stretch_of([timeline], low, high)
    events, rows = stretch.page(
        asked.move,
        asked.mark,
        asked.limit,
        ascending=asked.ascending,
        keep=None if keep is None else lambda event: keep(event.row),
    )
    paging = dumped({"paging": _links(call, asked, events)})
    bodies = (event.body for event in events)
    number = stretch.number(rows, asked.limit, ascending=asked.ascending) if keep is None else None
    return listed("items", bodies, paging, resource=label, page=number, rows=rows)


def _asked(call: Call, timeline: Timeline) -> _Asked:
    begin, end = _moment(call, "begin"), _moment(call, "end")
    given = call.param("ascending")
    if given not in {None, "yes", "no"}:
        raise bad(f"invalid ascending: {given}")
    ascending = given == "yes"
    if begin is not None and end is not None:
        direction = end >= begin
        if given is not None and begin != end and ascending != direction:
            raise bad("ascending does not agree with begin and end")
        ascending = direction
    elif end is not None and begin is None:
        begin = timeline.oldest_s if ascending else call.world.clock.now
        ascending = end >= begin
    elif begin is not None and given is None and call.doubts.events_begin_alone == "refuse":
        raise bad("ascending must be given if end is not")
    elif begin is None and not ascending:
        # newest first, from a moment that is fixed here: what comes later shifts no page
        begin = call.world.clock.now
    oldest = begin if ascending else end
    if oldest is not None and oldest < timeline.oldest_s and call.doubts.events_beyond_retention == "refuse":
        raise bad("begin is out of the retention period")
    filters = tuple((name, value) for name, value in call.request.query if name in EVENT_FIELDS)
    return _Asked(begin, end, ascending, call.limit(*_LIMITS), filters)


def _moment(call: Call, name: str) -> float | None:
    text = call.param(name)
    if not text:
        return None
    at_s = parsed(text)
    if at_s is None:
        raise bad(f"invalid {name}: {text}")
    return at_s


def _range(call: Call, asked: _Asked, oldest_s: float) -> tuple[float, float]:
    """From which time on and before which time events are wanted."""
    if asked.begin == asked.end and asked.begin is not None:
        return math.inf, -math.inf
    doubts = call.doubts
    ends = [(asked.begin, doubts.events_begin), (asked.end, doubts.events_end)]
    (low, low_bound), (high, high_bound) = ends if asked.ascending else reversed(ends)
    turned: Bound = "exclusive" if high_bound == "inclusive" else "inclusive"
    from_s = oldest_s if low is None else max(low_end(low, low_bound, doubts.events_precision), oldest_s)
    return from_s, math.inf if high is None else low_end(high, turned, doubts.events_precision)


def _links(call: Call, asked: _Asked, events: list[Event]) -> dict[str, str]:
    """All four, on every page; those of an empty page lead back into the range, or to where it is."""
    steps: dict[str, tuple[Move, Mark | None]] = {"first": ("first", None), "last": ("last", None)}
    if events:
        steps["next"] = ("next", Mark(events[-1].at_s, events[-1].id))
        steps["previous"] = ("previous", Mark(events[0].at_s, events[0].id))
    else:
        steps["next"] = (asked.move, asked.mark) if asked.move in {"first", "next"} else ("first", None)
        steps["previous"] = ("last", None) if asked.move == "next" else ("previous", asked.mark)
    base = call.link.rpartition("/")[0] if "token" in call.parts else call.link
    fresh = not events and call.doubts.events_empty_next == "new"
    return {
        name: f"{base}/{_token(call, replace(asked, move=move, mark=mark), fresh=fresh)}"
        for name, (move, mark) in steps.items()
    }


def _token(call: Call, asked: _Asked, *, fresh: bool) -> str:
    mark = None if asked.mark is None else [asked.mark.at_s, asked.mark.id]
    ordinal = call.world.next_ordinal() if fresh else 0
    return token_of(
        call, [asked.begin, asked.end, asked.ascending, asked.limit, asked.filters, asked.move, mark, ordinal]
    )


def _resumed(call: Call, token: str) -> _Asked:
    try:
        begin, end, ascending, limit, filters, move, mark, _ = token_parts(call, token)
        return _Asked(
            begin,
            end,
            bool(ascending),
            int(limit),
            tuple((name, value) for name, value in filters),
            move,
            None if mark is None else Mark(*mark),
        )
    except (ValueError, TypeError):
        raise bad("invalid page token") from None
