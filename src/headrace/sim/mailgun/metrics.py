"""Queries that add up events: metrics, usage and bounce classification.

All are made from what has arrived, so a late event changes a bucket of the past. Buckets without events are left out.
Source: Mailgun's API, metrics, bounce classification and pagination family F.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.mailgun.counts import RATES, USAGE, counted, firsts, rate
from headrace.sim.mailgun.dates import parsed, plus_zero
from headrace.sim.mailgun.filters import log_filter
from headrace.sim.mailgun.logs import log_row
from headrace.sim.mailgun.replies import as_json, bad
from headrace.sim.mailgun.spans import bucket_s, moment, months_before, span_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.sim.mailgun.account import Account
    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.spans import Resolution
    from headrace.sim.message import Reply

__all__ = ["bounce_classification", "metrics", "usage"]

_DAY_S = 86_400
_WEEK_S = 7 * _DAY_S
#: How long buckets can be read; months for ever.
_KEPT_S: Final = {"hour": 60 * _DAY_S, "day": 365 * _DAY_S, "month": float("inf")}
_MOST_METRICS, _MOST_DIMENSIONS = 10, 3
_EMPTY = "N/A"

#: Value of a dimension for an event and its log.
_DIMENSIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "domain": lambda row: row["domain"]["name"],
    "subaccount": lambda row: row["account"]["id"],
    "tag": lambda row: row.get("tags") or [_EMPTY],
    "recipient_domain": lambda row: row.get("recipient-domain", _EMPTY),
    "recipient_provider": lambda row: row.get("recipient-provider", _EMPTY),
    "country": lambda row: (row.get("geolocation") or {}).get("country", _EMPTY),
    "device": lambda row: (row.get("client-info") or {}).get("device-type", _EMPTY),
    "bot": lambda row: (row.get("client-info") or {}).get("bot", _EMPTY),
    "ip": lambda row: (row.get("envelope") or {}).get("sending-ip", _EMPTY),
    "ip_pool": lambda row: (row.get("envelope") or {}).get("i-ip-pool-id", _EMPTY),
}


def metrics(call: Call) -> Reply:
    """Counts and rates by up to three dimensions."""
    body = call.body
    names, dimensions = _names(body, "metrics"), _names(body, "dimensions")
    if len(names) > _MOST_METRICS or len(dimensions) > _MOST_DIMENSIONS:
        raise bad(f"at most {_MOST_METRICS} metrics and {_MOST_DIMENSIONS} dimensions are allowed")
    if unknown := set(dimensions) - {*_DIMENSIONS, "time"}:
        raise bad(f"'{min(unknown)}' is not a valid dimension")
    if unknown := {name for name in names if name not in RATES and not name.endswith("_count")}:
        raise bad(f"'{min(unknown)}' is not a valid metric")

    def shown(counts: Mapping[str, int]) -> dict[str, Any]:
        return {
            name: rate(counts, name) if name in RATES else counts.get(name.removesuffix("_count"), 0) for name in names
        }

    return _summed(call, body, dimensions, shown, "metrics")


def usage(call: Call) -> Reply:
    """Usage of the account; buckets are days, whatever resolution was asked for."""
    body = call.body
    names, dimensions = _names(body, "metrics"), _names(body, "dimensions")
    if unknown := set(dimensions) - {"time", "subaccount"}:
        raise bad(f"'{min(unknown)}' is not a valid dimension")
    if unknown := set(names) - set(USAGE):
        raise bad(f"'{min(unknown)}' is not a valid metric")
    return _summed(
        call, body, dimensions, lambda counts: {name: counts.get(USAGE[name], 0) for name in names}, "usage", daily=True
    )


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    names = body.get(key) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad(f"invalid {key}")
    return names


def _summed(
    call: Call,
    body: Mapping[str, Any],
    dimensions: Sequence[str],
    shown: Callable[[Mapping[str, int]], dict[str, Any]],
    label: str,
    *,
    daily: bool = False,
) -> Reply:
    resolution: Resolution = body.get("resolution") or "day"
    if resolution not in _KEPT_S:
        raise bad(f"'{resolution}' is not a valid resolution")
    start, end = _range(call, body, resolution)
    grain: Resolution = "day" if daily and resolution == "hour" else resolution
    groups: dict[tuple[str, ...], Counter[str]] = {}
    total: Counter[str] = Counter()
    oldest = call.world.clock.now - _KEPT_S[resolution]
    for at_s, log, names in _happened(call, body, start, end, resolution):
        if at_s < oldest:
            continue
        total.update(names)
        for key in _keys(log, dimensions, plus_zero(bucket_s(at_s, grain))):
            groups.setdefault(key, Counter()).update(names)
    order = _order(body, dimensions)
    items = [
        {
            "dimensions": [
                {"dimension": name, "value": value, "display_value": value}
                for name, value in zip(dimensions, key, strict=True)
            ],
            "metrics": shown(groups[key]),
        }
        for key in sorted(groups, key=order[0], reverse=order[1])
    ]
    limits = (1500, 1500) if "time" in dimensions else (10, 1000)
    found, pagination = _cut(call, body, items, limits)
    answer = {
        "start": plus_zero(start),
        "end": plus_zero(end),
        "resolution": resolution,
        "duration": body.get("duration") or "",
        "dimensions": list(dimensions),
        "pagination": pagination,
        "items": found,
        "aggregates": {"metrics": shown(total)} if body.get("include_aggregates") else {},
    }
    return _reply(answer, label)


def _range(call: Call, body: Mapping[str, Any], resolution: Resolution) -> tuple[float, float]:
    """The effective range: both ends cut down to the resolution, both buckets part of it."""
    now = call.world.clock.now
    end = moment(body, "end", now)
    start = moment(body, "start", end - _WEEK_S)
    end = bucket_s(end, resolution)
    duration = body.get("duration")
    return (months_before(end, str(duration)) if duration else bucket_s(start, resolution)), end


def _happened(
    call: Call, body: Mapping[str, Any], start: float, end: float, resolution: Resolution
) -> list[tuple[float, dict[str, Any], list[str]]]:
    """(time, log, names of counts) of what has arrived in the buckets of a range, past the retention of events too."""
    found = []
    matches = log_filter(body.get("filter"))
    for account in _accounts(call, body):
        events = [entry[3] for entry in account.timeline.entries]
        rows = [event.row for event in events]
        first = firsts(rows)
        for event, row in zip(events, rows, strict=True):
            if not start <= bucket_s(event.at_s, resolution) <= end:
                continue
            log = log_row(event, account, call.doubts, call.world.clock.now)
            if matches is None or matches(log):
                unique = [f"unique_{row['event']}"] if row["id"] in first else []
                names = [*counted(row), *unique]
                if names:
                    found.append((event.at_s, log, names))
    return found


def _accounts(call: Call, body: Mapping[str, Any]) -> list[Account]:
    return call.world.family(call.account) if body.get("include_subaccounts") else [call.account]


def _keys(log: Mapping[str, Any], dimensions: Sequence[str], time: str) -> list[tuple[str, ...]]:
    """The buckets of an event: one, but one for each of its tags."""
    keys: list[tuple[str, ...]] = [()]
    for name in dimensions:
        value = time if name == "time" else _DIMENSIONS[name](log)
        values = value if isinstance(value, list) else [value]
        keys = [(*key, str(one)) for key in keys for one in values]
    return keys


def _order(
    body: Mapping[str, Any], dimensions: Sequence[str]
) -> tuple[Callable[[tuple[str, ...]], tuple[Any, ...]], bool]:
    """By the dimension that is asked for, then by all; dates by time."""
    name, _, direction = str((body.get("pagination") or {}).get("sort") or "").partition(":")
    lead = dimensions.index(name) if name in dimensions else None

    def order(key: tuple[str, ...]) -> tuple[Any, ...]:
        values: list[Any] = [
            parsed(value) if dimension == "time" else value for dimension, value in zip(dimensions, key, strict=True)
        ]
        return tuple(values if lead is None else [values[lead], *values])

    return order, direction == "desc"


def _cut(
    call: Call, body: Mapping[str, Any], items: Sequence[Any], limits: tuple[int, int]
) -> tuple[list[Any], dict[str, Any]]:
    given = body.get("pagination") or {}
    skip = call.number(given.get("skip"), 0, "skip")
    limit = call.bounded(given.get("limit"), *limits)
    pagination = {"sort": given.get("sort") or "", "skip": skip, "limit": limit, "total": len(items)}
    return list(items[skip : skip + limit]), pagination


def _reply(answer: Mapping[str, Any], label: str) -> Reply:
    pagination, items = answer["pagination"], answer["items"]
    skip = min(pagination["skip"], pagination["total"])
    return as_json(
        answer, resource=label, page=skip // pagination["limit"], rows=range(skip, skip + len(items)), key="items"
    )


_CLASSES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "entity-name": lambda log: log.get("recipient-provider", "Other"),
    "domain.name": lambda log: log["domain"]["name"],
    "account.name": lambda log: log["account"]["id"],
    "envelope.sending-ip": lambda log: (log.get("envelope") or {}).get("sending-ip", ""),
    "recipient-domain": lambda log: log.get("recipient-domain", ""),
    "severity": lambda log: log.get("severity", ""),
    "criticality": lambda log: "critical" if log.get("severity") == "permanent" else "non_critical",
    "category": lambda log: log.get("reason", ""),
    "tags": lambda log: ",".join(log.get("tags") or ()),
}
_LEVELS: Final = {"permanent": "critical_bounce_count", "temporary": "non_critical_delay_count"}
_COUNTS: Final = (
    "critical_bounce_count",
    "non_critical_bounce_count",
    "critical_delay_count",
    "non_critical_delay_count",
)


def bounce_classification(call: Call) -> Reply:
    """Failures by provider, domain and so on; pages of 50 at the most, names with dots, rates in whole per cent."""
    body = call.body
    dimensions = _names(body, "dimensions") or ["entity-name"]
    if unknown := set(dimensions) - {*_CLASSES, "timestamp"}:
        raise bad(f"'{min(unknown)}' is not a valid dimension")
    now = call.world.clock.now
    end = moment(body, "end", now)
    start = end - span_s(str(body["duration"])) if body.get("duration") else moment(body, "start", end - _WEEK_S)
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for at_s, log, names in _happened(call, {**body, "filter": None}, 0.0, float("inf"), "hour"):
        if start <= at_s < end and log["event"] in {"failed", "delivered"}:
            key = tuple(
                plus_zero(bucket_s(at_s, "day")) if name == "timestamp" else _CLASSES[name](log) for name in dimensions
            )
            group = groups.setdefault(key, Counter())
            group["delivered_smtp_count"] += "delivered_smtp" in names
            if log["event"] == "failed":
                group["classified_failures_count"] += 1
                group[_LEVELS[log["severity"]]] += 1
    items = [
        {**dict(zip(dimensions, key, strict=True)), "metrics": _classified(group)}
        for key, group in sorted(groups.items())
        if group["classified_failures_count"]
    ]
    found, pagination = _cut(call, body, items, (10, 50))
    hours = int(end - start) // 3600
    answer = {
        "start": plus_zero(start),
        "end": plus_zero(end),
        "resolution": body.get("resolution") or "day",
        "duration": f"{hours}h0m0s",
        "dimensions": list(dimensions),
        "pagination": pagination,
        "items": found,
    }
    return _reply(answer, "bounce_classification")


def _classified(counts: Mapping[str, int]) -> dict[str, Any]:
    every = counts["classified_failures_count"] + counts["delivered_smtp_count"]
    return {
        **{name: counts[name] for name in _COUNTS},
        "classified_failures_count": counts["classified_failures_count"],
        "delivered_smtp_count": counts["delivered_smtp_count"],
        **{f"{name.removesuffix('count')}rate": 100 * counts[name] // every for name in _COUNTS},
    }
