"""Mailgun's logs: their shape beside that of events, tokens, ranges, filters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sim.mailgun import KINDS, Domain, World, dates, truth
from mailgun_asking import Asking

PATH = "/v1/analytics/logs"


@pytest.fixture
def world() -> World:
    world = World()
    world.us.add_domain("mail.acme.test")
    return world


def mail(world: World) -> Domain:
    domain = world.us.domain("mail.acme.test")
    assert domain is not None
    return domain


def span(world: World, seconds: float = 3600) -> dict[str, str]:
    """A range up to a minute after now."""
    return {"start": dates.minus_zero(world.clock.now - seconds), "end": dates.minus_zero(world.clock.now + 60)}


def test_logs_have_another_shape_than_events(world: World) -> None:
    """Texts for objects, arrays for texts, objects for arrays, milliseconds, upper case."""
    for kind in KINDS:
        mail(world).add_event(world.clock.now - 100.0004, kind=kind)
    rows = Asking(world).logs(**span(world), pagination={"sort": "timestamp:asc"})
    events = {event.id: event.row for event in mail(world).events.readable()}
    assert {row["id"] for row in rows} == set(events)
    for row in rows:
        event = events[row["id"]]
        assert {"id", "event", "@timestamp", "account", "domain"} <= set(row)
        assert row["domain"] == {"name": "mail.acme.test"}
        assert row["@timestamp"] == "2026-03-03T23:58:19.999Z"
        assert "timestamp" not in row
        if "user-variables" in event:
            assert isinstance(row["user-variables"], str)
        if isinstance(event.get("user-variables"), dict):
            assert json.loads(row["user-variables"]) == event["user-variables"]
        if "storage" in event:
            assert row["storage"]["url"] == [event["storage"]["url"]]
        if "routes" in event:
            assert row["routes"]["match"] == event["routes"][0]["match"]
            assert isinstance(row["routes"]["actions"], str)
        if "method" in event:
            assert row["method"] in {"HTTP", "SMTP"}
        if "flags" in event:
            assert {"is-callback", "is-delayed-bounce"} <= set(row["flags"])
    assert {"routes", "method", "storage"} <= {key for row in rows for key in row}
    assert rows == [fact.row for fact in truth(world, Asking(world).doubts, "logs")]


def test_one_page_has_no_tokens(world: World) -> None:
    mail(world).add_event(world.clock.now - 9)
    page = Asking(world).get(PATH, body=span(world))
    assert page["pagination"] == {}
    assert page["aggregates"] == {}
    assert page["start"] == span(world)["start"]


@given(
    times=st.lists(st.integers(0, 12), max_size=25),
    limit=st.integers(1, 7),
    ascending=st.booleans(),
    ends=st.sampled_from(["full_page", "exact", "always"]),
)
def test_tokens_give_the_range_in_order(times: list[int], limit: int, ascending: bool, ends: str) -> None:
    world = World()
    domain, base = world.us.add_domain("mail.acme.test"), world.clock.now - 100
    for second in times:
        domain.add_event(base + second)
    asking = Asking(world, logs_next=ends)
    body = {"start": dates.plus_zero(base + 2), "end": dates.plus_zero(base + 10)}
    rows = asking.logs(**body, pagination={"limit": limit, "sort": f"timestamp:{'asc' if ascending else 'desc'}"})
    inside = sorted((second for second in times if 2 <= second < 10), reverse=not ascending)
    assert [row["@timestamp"] for row in rows] == [dates.iso_ms(base + second) for second in inside]
    assert len({row["id"] for row in rows}) == len(rows)


def test_where_tokens_end(world: World) -> None:
    for second in range(4):
        mail(world).add_event(world.clock.now - 60 + second)

    def steps(ends: Any, limit: int) -> list[int]:
        """Rows of each page."""
        asking, sizes = Asking(world, logs_next=ends), []
        body: dict[str, Any] = {**span(world), "pagination": {"limit": limit}}
        while True:
            page = asking.get(PATH, body=body)
            sizes.append(len(page["items"]))
            if "next" not in page["pagination"]:
                return sizes
            body["pagination"] = {"token": page["pagination"]["next"]}

    assert [steps(ends, 2) for ends in ("exact", "full_page", "always")] == [[2, 2], [2, 2, 0], [2, 2, 0]]
    assert [steps(ends, 3) for ends in ("exact", "full_page", "always")] == [[3, 1], [3, 1], [3, 1, 0]]
    assert [steps(ends, 9) for ends in ("exact", "full_page", "always")] == [[4], [4], [4, 0]]


def test_a_range_beyond_the_retention_is_refused(world: World) -> None:
    body = span(world, 6 * 86_400)
    status, answer = Asking(world).ask(PATH, body=body)
    assert (status, list(answer)) == (400, ["message"])
    assert Asking(world, logs_beyond_retention="cut").ask(PATH, body=body)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {"start": "yesterday"},
        {"start": "Wed, 04 Mar 2026 00:00:00 -0000", "end": "Tue, 03 Mar 2026 00:00:00 -0000"},
        {"duration": "1y"},
        {"events": ["sneezed"]},
        {"pagination": {"sort": "id:asc"}},
        {"pagination": {"token": "x"}},
        {"pagination": {"limit": 0}},
        {"filter": {"AND": [{"attribute": "domain", "comparator": "~", "values": []}]}},
        [],
    ],
)
def test_wrong_queries(world: World, body: Any) -> None:
    status, answer = Asking(world).ask(PATH, body=body)
    assert (status, list(answer)) == (400, ["message"])


def test_an_unknown_attribute_is_named(world: World) -> None:
    body = {"filter": {"AND": [{"attribute": "x", "comparator": "=", "values": []}]}}
    assert Asking(world).ask(PATH, body=body) == (400, {"message": "'x' is not a valid filter predicate attribute"})


def test_filters(world: World) -> None:
    world.us.add_domain("other.test").add_event(world.clock.now - 30, kind="delivered")
    message = {"headers": {"message-id": "m1"}}
    for second, kind in enumerate(("delivered", "opened", "opened", "permanent")):
        mail(world).add_event(world.clock.now - 60 + second, kind=kind, recipient="kim@x.test", message=message)
    asking = Asking(world)

    def found(attribute: str = "", comparator: str = "=", value: str = "", **more: Any) -> list[str]:
        if attribute:
            values = [{"label": value, "value": value}]
            more["filter"] = {"AND": [{"attribute": attribute, "comparator": comparator, "values": values}]}
        rows = asking.logs(**span(world), pagination={"sort": "timestamp:asc", "limit": 1}, **more)
        return [row["event"] for row in rows]

    assert found() == ["delivered", "opened", "opened", "failed", "delivered"]
    assert found("domain", "=", "other.test") == ["delivered"]
    assert found("domain", "!=", "other.test", events=["delivered", "failed"]) == ["delivered", "failed"]
    assert found("severity", "contains", "perm") == ["failed"]
    assert found("delivery_status_code", ">", "300") == ["failed"]
    # views of opened and clicked, not rows of their own: the first of a message and a recipient
    assert found(events=["unique_opened"]) == ["opened"]
    assert found(metric_events=["delivered_smtp"]) == ["delivered", "delivered"]
    assert asking.get(PATH, body={**span(world), "include_totals": True})["aggregates"] == {"all": 5}


def test_subaccounts_are_part_where_asked_for(world: World) -> None:
    brand = world.account("us", world.add_subaccount("Brand B"))
    assert brand is not None
    mail(world).add_event(world.clock.now - 20)
    late = brand.add_domain("brand-b.test").add_event(world.clock.now - 10, arrives_s=world.clock.now + 5)
    asking = Asking(world)
    assert len(asking.logs(**span(world))) == 1
    assert len(asking.logs(**span(world), include_subaccounts=True)) == 1
    world.clock.advance(5)
    rows = asking.logs(**span(world), include_subaccounts=True, pagination={"limit": 1})
    assert rows[0]["id"] == late.id
    assert [row["account"].get("parent-id") for row in rows] == [world.us.id, None]
    assert len(asking.logs(**span(world))) == 1
    assert len(truth(world, asking.doubts, "logs", account_id=brand.id)) == 1


def test_defaults(world: World) -> None:
    """The last day, the newest first, a hundred."""
    mail(world).fill([world.clock.now - 90_000, *(world.clock.now - 1 - n for n in range(150))])
    page = Asking(world).get(PATH, body={})
    times = [row["@timestamp"] for row in page["items"]]
    assert len(times) == 100
    assert times == sorted(times, reverse=True)
    assert len(Asking(world).logs()) == 150
    assert len(Asking(world).logs(duration="30s")) == 30


def test_old_logs_vanish() -> None:
    world = World(retention_s=3600)
    domain = world.us.add_domain("mail.acme.test")
    for age in (3000, 100):
        domain.add_event(world.clock.now - age)
    world.clock.advance(700)
    asking = Asking(world, logs_beyond_retention="cut")
    assert len(asking.logs(**span(world, 9999))) == len(truth(world, asking.doubts, "logs")) == 1


def test_the_first_open_is_the_unique_one(world: World) -> None:
    message = {"headers": {"message-id": "m1"}}
    opens = [
        mail(world).add_event(world.clock.now - 60 + second, kind="opened", recipient="kim@x.test", message=message)
        for second in range(3)
    ]
    assert [row["id"] for row in Asking(world).logs(**span(world), events=["unique_opened"])] == [opens[0].id]
