"""Whatever is asked, the simulated Mailgun answers: with rows, or with 400 and a message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.sim.mailgun import Clock, Size, World, demo_world
from headrace.sim.mailgun.routes import ROUTES
from mailgun_asking import Asking

QUERIES = sorted({route.pattern for route in ROUTES if route.method == "POST"})
PARAMS = ("begin", "end", "ascending", "limit", "skip", "page", "address", "tag", "p", "event", "size", "to", "term")
DATES = st.sampled_from(
    ["Mon, 02 Mar 2026 10:00:00 GMT", "1772582400", "1772582400.5", "32 Foo 2026", "1e99", "nan", "-1"]
)
values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 9999), st.text('ab>1("OR ', max_size=6), DATES, st.just("timestamp:asc")
)
predicates = st.fixed_dictionaries(
    {
        "attribute": st.sampled_from(["size", "domain", "tag", "delivered_at", "moon"]),
        "comparator": st.sampled_from(["=", "!=", "contains", "not contains", "<", ">", "~"]),
        "values": st.lists(st.fixed_dictionaries({"value": values}), max_size=2),
    }
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "start": st.one_of(DATES, values),
        "end": st.one_of(DATES, values),
        "duration": st.one_of(values, st.sampled_from(["1d", "1m", "999m", "99999d", "48h"])),
        "resolution": st.one_of(values, st.sampled_from(["hour", "day", "month"])),
        "events": st.lists(st.one_of(values, st.just("opened"), st.just("unique_opened")), max_size=2),
        "metrics": st.lists(st.one_of(values, st.just("delivered_count"), st.just("opened_rate")), max_size=2),
        "dimensions": st.lists(st.one_of(values, st.sampled_from(["time", "tag", "entity-name"])), max_size=2),
        "filter": st.one_of(
            values, st.fixed_dictionaries({"AND": st.one_of(values, st.lists(predicates, max_size=2))})
        ),
        "include_subaccounts": values,
        "include_totals": values,
        "pagination": st.one_of(
            values, st.dictionaries(st.sampled_from(["sort", "skip", "limit", "token"]), values, max_size=3)
        ),
    },
)


@pytest.fixture(scope="module")
def world() -> World:
    return demo_world(Size(domains=1, events=60, addresses=6, members=4), clock=Clock())


@settings(max_examples=300)
@given(data=st.data())
def test_queries(world: World, data: Any) -> None:
    path, body = data.draw(st.sampled_from(QUERIES)), data.draw(bodies)
    status, answer = Asking(world, logs_beyond_retention="cut").ask(path, body=body)
    assert status in {200, 400}
    assert "items" in answer if status == 200 else list(answer) == ["message"]


@settings(max_examples=300)
@given(
    path=st.sampled_from(["events", "bounces", "tags", "templates"]),
    params=st.dictionaries(st.sampled_from(PARAMS), values.map(str), max_size=4),
)
def test_lists(world: World, path: str, params: dict[str, str]) -> None:
    status, answer = Asking(world).ask(f"/v3/mail0.acme.test/{path}", **params)
    assert status in {200, 400}
    assert "items" in answer if status == 200 else list(answer) == ["message"]


@given(raw=st.one_of(st.binary(max_size=8), st.sampled_from([b"[]", b"null", b"1", b'{"pagination": []}', b"{"])))
def test_bodies_that_are_no_objects(world: World, raw: bytes) -> None:
    asking = Asking(world)
    for path in QUERIES:
        status, _ = asking.ask(path, raw=raw)
        assert status == (200 if raw == b"" else 400)
