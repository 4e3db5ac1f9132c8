"""Paging as it is declared against the simulated Mailgun: links that never end, cursors and offsets in a body.

Rows are taken as dictionaries, because no destination is asked about paging; the simulator says what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.errors import PagingError
from headrace.sim.mailgun import Doubts, Mailgun, MailgunSim, World, dates

NAME = "mail.acme.test"
LINKS: Mapping[str, Any] = {"type": "json_link", "next_url_path": "paging.next"}
ENDED = {**LINKS, "stop_after_empty_page": True}
TOKENS = {
    "type": "cursor",
    "cursor_path": "pagination.next",
    "cursor_body_path": "pagination.token",
    "stop_after_empty_page": True,
}
SKIPS = {
    "type": "offset",
    "limit": 10,
    "offset_body_path": "pagination.skip",
    "limit_body_path": "pagination.limit",
    "total_path": "pagination.total",
}


def rows_of(sim: MailgunSim, **endpoint: Any) -> tuple[list[dict[str, Any]], Report]:
    """The rows of one endpoint, and the report."""
    client = {"base_url": sim.url, "auth": {"type": "http_basic", "username": "api", "password": sim.key}}
    options = {"data_selector": "items", **endpoint}
    report = Report()
    source = rest_api_source(
        {"client": client, "resources": [{"name": "rows", "endpoint": options}]}, report=report, clock=TurnedClock()
    )
    return list(source.resources["rows"]), report


def events(count: int) -> tuple[World, dict[str, Any]]:
    """A world with so many events, and the parameters of a range that has them all."""
    world = World()
    now = world.clock.now
    world.us.add_domain(NAME).fill([now - 3600 + second for second in range(count)])
    return world, {"begin": str(now - 3600), "end": str(now), "ascending": "yes", "limit": 50}


@pytest.mark.parametrize("empty_next", ["same", "new"])
@pytest.mark.parametrize("count", [0, 1, 50, 120])
def test_events_end_at_the_empty_page(count: int, empty_next: Any) -> None:
    """`next` stands on every page; the one request that proves the end is the last one."""
    world, params = events(count)
    with Mailgun(world, Doubts(events_empty_next=empty_next)).serve() as sim:
        rows, report = rows_of(sim, path=f"v3/{NAME}/events", params=params, paginator=ENDED)
        assert [row["id"] for row in rows] == [fact.row["id"] for fact in sim.truth("events")]
    assert report.of("rows").requests == -(-count // 50) + 1


def suppressions(count: int) -> World:
    world = World()
    domain = world.us.add_domain(NAME)
    for number in range(count):
        domain.bounces.put({"address": f"{number:03}+a&b@x.test", "code": "550", "error": "", "created_at": ""})
    return world


@pytest.mark.parametrize("behind_last", ["first", "itself", "missing"])
@pytest.mark.parametrize("ampersand", ["plain", "escaped"])
@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_suppressions_end_at_the_empty_page(count: int, behind_last: Any, ampersand: Any) -> None:
    """Wherever its links lead: to the first page, to itself, nowhere."""
    world = suppressions(count)
    with Mailgun(world, Doubts(pivot_behind_last=behind_last, ampersand=ampersand)).serve() as sim:
        rows, report = rows_of(sim, path=f"v3/{NAME}/bounces", params={"limit": 10}, paginator=ENDED)
        assert [row["address"] for row in rows] == [fact.row["address"] for fact in sim.truth("bounces")]
    assert report.of("rows").requests == -(-count // 10) + 1


def test_without_the_rule_a_link_back_is_an_error() -> None:
    """The default looks at the link of the empty page, which leads to page one: no rows that come twice, an error."""
    with Mailgun(suppressions(25)).serve() as sim, pytest.raises(Exception, match="was asked for before") as caught:
        rows_of(sim, path=f"v3/{NAME}/bounces", params={"limit": 10}, paginator=LINKS)
    cause: BaseException | None = caught.value
    while cause is not None and not isinstance(cause, PagingError):
        cause = cause.__cause__
    assert cause is not None


@pytest.mark.parametrize("following", ["full_page", "exact", "always"])
@pytest.mark.parametrize("count", [0, 1, 50, 120])
def test_logs_end_without_a_token_or_without_rows(count: int, following: Any) -> None:
    """The token goes into the body beside limit and order, the range stays with it; `pagination: {}` is an end."""
    world, _ = events(count)
    now = world.clock.now
    body = {
        "start": dates.minus_zero(now - 3600),
        "end": dates.minus_zero(now),
        "pagination": {"limit": 50, "sort": "timestamp:asc"},
    }
    with Mailgun(world, Doubts(logs_next=following)).serve() as sim:
        rows, report = rows_of(sim, path="v1/analytics/logs", method="POST", json=body, paginator=TOKENS)
        assert [row["id"] for row in rows] == [fact.row["id"] for fact in sim.truth("logs")]
    pages = -(-count // 50)
    full = count > 0 and count % 50 == 0
    further = {"full_page": full, "exact": False, "always": count > 0}[following]
    assert report.of("rows").requests == max(pages, 1) + further


@pytest.mark.parametrize("count", [0, 1, 10, 25])
@pytest.mark.parametrize("total", [True, False])
def test_tags_are_skipped_over_in_the_body(count: int, total: bool) -> None:
    """Skip and limit go beside what the body has already; pages are named ahead where the total is known."""
    world = World()
    for number in range(count):
        world.us.tags.put({"tag": f"tag {number:02}", "first_s": world.clock.now, "last_s": world.clock.now})
    body = {"pagination": {"sort": "tag:asc", "include_total": total}}
    with Mailgun(world).serve() as sim:
        rows, report = rows_of(sim, path="v1/analytics/tags", method="POST", json=body, paginator=SKIPS)
        assert [row["tag"] for row in rows] == [fact.row["tag"] for fact in sim.truth("account_tags")]
    assert report.of("rows").doubts == []


def test_metrics_are_skipped_over_in_the_body() -> None:
    """25 hours in pages of ten, side by side."""
    world = World()
    now = world.clock.now
    domain = world.us.add_domain(NAME)
    for hour in range(1, 26):
        domain.add_event(now - 3600 * hour + 60, kind="delivered")
    body = {
        "start": dates.plus_zero(now - 86_400 * 2),
        "end": dates.plus_zero(now),
        "resolution": "hour",
        "dimensions": ["time", "domain"],
        "metrics": ["accepted_count", "delivered_count"],
        "pagination": {"sort": "time:asc"},
    }
    with Mailgun(world).serve() as sim:
        rows, report = rows_of(sim, path="v1/analytics/metrics", method="POST", json=body, paginator=SKIPS)
        whole, _ = rows_of(
            sim,
            path="v1/analytics/metrics",
            method="POST",
            json={**body, "pagination": {"sort": "time:asc", "limit": 1000}},
            paginator="single_page",
        )
    assert len(rows) == 25
    assert rows == whole
    assert report.of("rows").pages == 4
