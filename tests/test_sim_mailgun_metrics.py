"""Mailgun's queries that add up: metrics, usage, bounce classification."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.sim.mailgun import Domain, World, dates
from headrace.sim.mailgun.spans import bucket_s, months_before
from mailgun_asking import Asking

PATH = "/v1/analytics/metrics"
HOUR_S = 3600


@pytest.fixture
def world() -> World:
    world = World()
    world.us.add_domain("mail.acme.test")
    return world


def mail(world: World) -> Domain:
    domain = world.us.domain("mail.acme.test")
    assert domain is not None
    return domain


def span(world: World, seconds: float = 86_400) -> dict[str, str]:
    return {"start": dates.plus_zero(world.clock.now - seconds), "end": dates.plus_zero(world.clock.now)}


def rows(page: Any) -> list[Any]:
    """(values of the dimensions, metrics)."""
    return [(tuple(one["value"] for one in row["dimensions"]), row["metrics"]) for row in page["items"]]


def test_buckets_are_sparse_and_rates_are_texts(world: World) -> None:
    now = world.clock.now
    for hours, kind in ((5, "accepted"), (5, "accepted"), (5, "delivered"), (2, "accepted"), (2, "opened")):
        mail(world).add_event(now - hours * HOUR_S + 60, kind=kind, tags=[])
    asked = ["accepted_count", "delivered_count", "delivered_rate", "unique_opened_count"]
    body = {**span(world), "resolution": "hour", "dimensions": ["time", "domain"], "metrics": asked}
    page = Asking(world).get(PATH, body={**body, "include_aggregates": True})
    assert rows(page) == [
        (
            ("Tue, 03 Mar 2026 19:00:00 +0000", "mail.acme.test"),
            {"accepted_count": 2, "delivered_count": 1, "delivered_rate": "0.5000", "unique_opened_count": 0},
        ),
        (
            ("Tue, 03 Mar 2026 22:00:00 +0000", "mail.acme.test"),
            {"accepted_count": 1, "delivered_count": 0, "delivered_rate": "0.0000", "unique_opened_count": 1},
        ),
    ]
    assert page["pagination"] == {"sort": "", "skip": 0, "limit": 1500, "total": 2}
    assert page["aggregates"]["metrics"]["accepted_count"] == 3
    mail(world).add_event(now - 5 * HOUR_S + 61, arrives_s=now + 60, kind="delivered")
    world.clock.advance(60)
    assert rows(Asking(world).get(PATH, body=body))[0][1]["delivered_rate"] == "1.0000"


def test_the_effective_range_is_said(world: World) -> None:
    """Cut to the resolution; `m` is a month."""
    body = {"end": "Sun, 30 Nov 2025 20:56:50 -0500", "duration": "1m", "resolution": "hour", "dimensions": ["time"]}
    page = Asking(world).get(PATH, body=body)
    assert (page["start"], page["end"]) == ("Sat, 01 Nov 2025 01:00:00 +0000", "Mon, 01 Dec 2025 01:00:00 +0000")
    page = Asking(world).get(PATH, body={"dimensions": ["time"]})
    assert (page["start"], page["end"]) == ("Wed, 25 Feb 2026 00:00:00 +0000", "Wed, 04 Mar 2026 00:00:00 +0000")
    assert months_before(bucket_s(1_772_582_400 + 27 * 86_400, "day"), "1m") == 1_772_582_400 - 86_400


def test_pages_by_position(world: World) -> None:
    for number in range(25):
        mail(world).add_event(
            world.clock.now - 60 - number, kind="delivered", **{"recipient-domain": f"d{number:02}.test"}
        )
    asking, body = Asking(world), {**span(world), "dimensions": ["recipient_domain"], "metrics": ["delivered_count"]}
    assert len(asking.get(PATH, body=body)["items"]) == 10
    found: list[Any] = []
    pagination = {"limit": 7, "sort": "recipient_domain:desc"}
    while page := rows(asking.get(PATH, body={**body, "pagination": {**pagination, "skip": len(found)}})):
        found += page
    assert [key for key, _ in found] == [(f"d{number:02}.test",) for number in reversed(range(25))]


def test_an_event_counts_for_each_of_its_tags(world: World) -> None:
    mail(world).add_event(world.clock.now - 60, kind="delivered", tags=["a", "b"])
    body = {**span(world), "dimensions": ["tag"], "metrics": ["sent_count"], "include_aggregates": True}
    page = Asking(world).get(PATH, body=body)
    assert rows(page) == [(("a",), {"sent_count": 1}), (("b",), {"sent_count": 1})]
    assert page["aggregates"]["metrics"] == {"sent_count": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"metrics": [f"m{number}_count" for number in range(11)]},
        {"dimensions": ["time", "domain", "tag", "ip"]},
        {"dimensions": ["moon"]},
        {"metrics": ["happiness"]},
        {"resolution": "minute"},
        {"start": "x"},
        {"metrics": "sent_count"},
        {"pagination": {"skip": -1}},
    ],
)
def test_wrong_queries(world: World, body: Any) -> None:
    status, answer = Asking(world).ask(PATH, body=body)
    assert (status, list(answer)) == (400, ["message"])


def test_hours_are_kept_sixty_days() -> None:
    world = World(retention_s=5 * 86_400)
    domain = world.us.add_domain("mail.acme.test")
    domain.add_event(world.clock.now, kind="delivered")
    world.clock.advance(61 * 86_400)
    body = {**span(world, 70 * 86_400), "dimensions": ["time"], "metrics": ["sent_count"]}
    sizes = [len(Asking(world).get(PATH, body={**body, "resolution": size})["items"]) for size in ("hour", "day")]
    assert sizes == [0, 1]


def test_usage_is_by_day_whatever_is_asked(world: World) -> None:
    for hours in (5, 3):
        mail(world).add_event(world.clock.now - hours * HOUR_S, kind="accepted")
    names = ["processed_count", "seed_test_count", *(f"email_validation_{kind}_count" for kind in ("bulk", "list"))]
    body = {**span(world), "resolution": "hour", "dimensions": ["time"], "metrics": [*names, *names, *names]}
    page = Asking(world).get("/v1/analytics/usage/metrics", body=body)
    assert [(key, row["processed_count"]) for key, row in rows(page)] == [(("Tue, 03 Mar 2026 00:00:00 +0000",), 2)]
    assert Asking(world).ask("/v1/analytics/usage/metrics", body={"dimensions": ["domain"]})[0] == 400


def test_bounces_are_classified(world: World) -> None:
    """Names with dots, whole rates, fifty rows at the most, none without failures."""
    for number in range(60):
        provider = {"recipient-provider": f"P{number:02}"}
        mail(world).add_event(world.clock.now - 90 - number, kind="permanent", **provider)
        mail(world).add_event(world.clock.now - 90 - number, kind="temporary", **provider)
        mail(world).add_event(world.clock.now - 90 - number, kind="delivered", **provider)
    mail(world).add_event(world.clock.now - 50, kind="delivered", **{"recipient-provider": "Quiet"})
    body = {**span(world), "dimensions": ["entity-name", "domain.name"], "pagination": {"limit": 99}}
    page = Asking(world).get("/v2/bounce-classification/metrics", body=body)
    assert page["pagination"] == {"sort": "", "skip": 0, "limit": 50, "total": 60}
    assert page["items"][0] == {
        "entity-name": "P00",
        "domain.name": "mail.acme.test",
        "metrics": {
            "critical_bounce_count": 1,
            "non_critical_bounce_count": 0,
            "critical_delay_count": 0,
            "non_critical_delay_count": 1,
            "classified_failures_count": 2,
            "delivered_smtp_count": 1,
            "critical_bounce_rate": 33,
            "non_critical_bounce_rate": 0,
            "critical_delay_rate": 0,
            "non_critical_delay_rate": 33,
        },
    }
    # here `m` is a minute
    assert Asking(world).get("/v2/bounce-classification/metrics", body={"duration": "1m"})["items"] == []
