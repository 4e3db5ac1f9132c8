"""`POST /v1/analytics/logs`: the events of all domains of the account in another shape, in pages behind tokens.

Source: Mailgun's API, logs and pagination family E.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.counts import counted, firsts
from headrace.sim.mailgun.dates import iso_ms, minus_zero
from headrace.sim.mailgun.events import low_end, token_of, token_parts
from headrace.sim.mailgun.filters import log_filter
from headrace.sim.mailgun.replies import bad, dumped, listed
from headrace.sim.mailgun.spans import moment, span_s
from headrace.sim.mailgun.timeline import Mark, Move, stretch_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.sim.mailgun.account import Account
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.doubts import Bound, Doubts
    from headrace.sim.mailgun.timeline import Event
    from headrace.sim.message import Reply

__all__ = ["EVENT_NAMES", "log_row", "logs"]

_DAY_S = 86_400
_MOST = 100
_CHANGED_AFTER_S = 600.0
_FLAGS: Final = ("is-authenticated", "is-system-test", "is-routed", "is-test-mode", "is-delayed-bounce", "is-callback")
EVENT_NAMES: Final = frozenset(
    {
        "accepted",
        "delivered",
        "failed",
        "opened",
        "unique_opened",
        "clicked",
        "unique_clicked",
        "unsubscribed",
        "complained",
        "rejected",
        "stored",
        "email_validation",
        "list_uploaded",
        "list_member_uploaded",
        "list_member_upload_error",
        "trapped",
    }
)
_KEPT: Final[tuple[str, ...]] = ("events", "metric_events", "filter", "include_subaccounts", "include_totals")


@dataclass(frozen=True)
class _Asked:
    start: float
    end: float
    ascending: bool
    limit: int
    body: dict[str, Any]
    move: Move = "first"
    mark: Mark | None = None


def log_row(event: Event, account: Account, doubts: Doubts, now: float) -> dict[str, Any]:
    """The log of an event: an array where events have a text, an object for a list, a text for an object."""
    row = event.row
    same = doubts.logs_ids == "same"
    named = {
        "id": row.pop("id") if same else own_id(row.pop("id")),
        "event": row.pop("event"),
        "@timestamp": iso_ms(row.pop("timestamp")),
        "account": {"id": account.id, **({"parent-id": account.parent_id} if account.parent_id else {})},
        "domain": {"name": event.domain},
    }
    if isinstance(row.get("user-variables"), dict):
        row["user-variables"] = json.dumps(row["user-variables"], ensure_ascii=False)
    if "method" in row:
        row["method"] = row["method"].upper()
    if "storage" in row:
        row["storage"] = {**row["storage"], "url": [row["storage"]["url"]]}
    if row.get("routes"):
        row["routes"] = {**row["routes"][0], "actions": "stop()", "description": "inbound", "priority": 10}
    if "flags" in row:
        row["flags"] = {**dict.fromkeys(_FLAGS, False), **row["flags"]}
    if doubts.logs_change and named["event"] == "delivered" and now - event.at_s >= _CHANGED_AFTER_S:
        row["delivered-at"] = iso_ms(event.at_s)
    return {**named, **row}


def own_id(event_id: str) -> str:
    """Id of a log that is not the event's."""
    return urlsafe_b64encode(blake2b(event_id.encode(), digest_size=16, person=b"log").digest())[:22].decode()


def logs(call: Call) -> Reply:
    """A page of logs."""
    given = call.body
    token = (given.get("pagination") or {}).get("token")
    if token is not None and not isinstance(token, str):
        raise bad("invalid page token")
    asked = _resumed(call, token) if token else _asked(call, given)
    accounts = call.world.family(call.account) if asked.body.get("include_subaccounts") else [call.account]
    low, high = _range(call, asked)
    stretch = stretch_of([account.timeline for account in accounts], low, high)
    keep = _keep(call, asked.body, accounts)
    events, rows = stretch.page(asked.move, asked.mark, asked.limit, ascending=asked.ascending, keep=keep)
    now = call.world.clock.now
    bodies = [dumped(log_row(event, _owner(accounts, event), call.doubts, now)) for event in events]
    more = bool(events) and bool(
        stretch.page("next", Mark(events[-1].at_s, events[-1].id), 1, ascending=asked.ascending, keep=keep)[0]
    )
    pagination: dict[str, Any] = _tokens(call, asked, events, more=more)
    aggregates: dict[str, Any] = {}
    if asked.body.get("include_totals"):
        total = len(stretch.page("first", None, stretch.stop, ascending=True, keep=keep)[0])
        pagination["total"] = aggregates["all"] = total
    return listed(
        "items",
        bodies,
        dumped(
            {
                "start": minus_zero(asked.start),
                "end": minus_zero(asked.end),
                "pagination": pagination,
                "aggregates": aggregates,
            }
        ),
        resource="logs",
        page=stretch.number(rows, asked.limit, ascending=asked.ascending) if keep is None else None,
        rows=rows,
    )


def _owner(accounts: Sequence[Account], event: Event) -> Account:
    return next((account for account in accounts if account.domain(event.domain) is not None), accounts[0])


def _asked(call: Call, body: dict[str, Any]) -> _Asked:
    now = call.world.clock.now
    end = moment(body, "end", now)
    start = moment(body, "start", now - _DAY_S)
    if body.get("duration"):
        start = end - span_s(str(body["duration"]))
    if start > end:
        raise bad("start must be before end")
    if start < call.account.timeline.oldest_s and call.doubts.logs_beyond_retention == "refuse":
        raise bad("start is out of the retention period")
    pagination = body.get("pagination") or {}
    sort = str(pagination.get("sort") or "") or call.doubts.logs_default_sort
    if sort not in {"timestamp:asc", "timestamp:desc"}:
        raise bad(f"'{sort}' is not a valid sort")
    limit = call.bounded(pagination.get("limit"), call.doubts.logs_default_limit, _MOST)
    kept = {name: body[name] for name in _KEPT if name in body}
    return _Asked(start, end, sort == "timestamp:asc", limit, kept)


def _range(call: Call, asked: _Asked) -> tuple[float, float]:
    doubts = call.doubts
    turned: Bound = "exclusive" if doubts.logs_end == "inclusive" else "inclusive"
    low = low_end(asked.start, doubts.logs_start, doubts.logs_precision)
    return max(low, call.account.timeline.oldest_s), low_end(asked.end, turned, doubts.logs_precision)


def _keep(call: Call, body: dict[str, Any], accounts: Sequence[Account]) -> Callable[[Event], bool] | None:
    names = {str(name) for name in body.get("events") or ()}
    if unknown := names - EVENT_NAMES:
        raise bad(f"'{min(unknown)}' is not a valid event")
    metrics = {str(name) for name in body.get("metric_events") or ()}
    matches = log_filter(body.get("filter"))
    if not (names or metrics or matches):
        return None
    now = call.world.clock.now
    unique = names & {"unique_opened", "unique_clicked"}
    first = firsts(event.row for account in accounts for event in account.timeline.readable()) if unique else set()

    def keep(event: Event) -> bool:
        row = event.row
        kind = row["event"]
        wanted = kind in names or (row["id"] in first and f"unique_{kind}" in unique) or bool(metrics & {*counted(row)})
        if (names or metrics) and not wanted:
            return False
        return matches is None or matches(log_row(event, _owner(accounts, event), call.doubts, now))

    return keep


def _tokens(call: Call, asked: _Asked, events: Sequence[Event], *, more: bool) -> dict[str, Any]:
    """Tokens to other pages; nothing where one page holds all."""
    if asked.move == "first" and not more and (len(events) < asked.limit or call.doubts.logs_next == "exact"):
        return {} if call.doubts.logs_next != "always" or not events else _steps(call, asked, events)
    steps = _steps(call, asked, events)
    goes_on = {"exact": more, "full_page": len(events) == asked.limit, "always": bool(events)}[call.doubts.logs_next]
    if not goes_on:
        steps.pop("next", None)
    return steps


def _steps(call: Call, asked: _Asked, events: Sequence[Event]) -> dict[str, Any]:
    marks: dict[str, Mark | None] = {"first": None, "last": None}
    if events:
        marks["next"] = Mark(events[-1].at_s, events[-1].id)
        marks["previous"] = Mark(events[0].at_s, events[0].id)
    return {
        move: token_of(
            call,
            [
                asked.start,
                asked.end,
                asked.ascending,
                asked.limit,
                asked.body,
                move,
                None if mark is None else [mark.at_s, mark.id],
            ],
        )
        for move, mark in marks.items()
    }


def _resumed(call: Call, token: str) -> _Asked:
    try:
        start, end, ascending, limit, body, move, mark = token_parts(call, token)
        return _Asked(start, end, ascending, limit, body, move, None if mark is None else Mark(*mark))
    except (ValueError, TypeError):
        raise bad("invalid page token") from None
