"""Mailgun's events: ranges, page links, what is late and what is old."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.sim.mailgun import KINDS, Domain, World, dates, demo_world, truth
from headrace.sim.mailgun.clock import Clock
from mailgun_asking import HOST, Asking

PATH = "/v3/mail.acme.test/events"
Built = tuple[World, Domain, float]


@pytest.fixture
def built() -> Built:
    """A domain, and the moment at which it was made."""
    world = World()
    return world, world.us.add_domain("mail.acme.test"), world.clock.now


def ids(rows: list[Any]) -> list[str]:
    return [row["id"] for row in rows]


def test_events_have_all_kinds_and_odd_rows(built: Built) -> None:
    _, domain, now = built
    domain.fill([now - 900 + n * 0.1234567 for n in range(600)])
    rows = [event.row for event in domain.events.readable()]
    assert {row["event"] for row in rows} == {row["event"] for row in rows[: len(KINDS)]}
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[\w-]{22}", row["id"], re.ASCII) for row in rows)
    assert any(row["id"].startswith("-") for row in rows)
    assert any(len(repr(row["timestamp"]).partition(".")[2]) == 7 for row in rows)
    assert any(isinstance(row.get("user-variables"), str) for row in rows)
    assert any(row.get("envelope") == {} for row in rows)
    assert any("recipient" not in row for row in rows if row["event"] in {"rejected", "stored"})
    assert any("brand_new" in row for row in rows)
    assert [row["timestamp"] for row in rows] == [event.at_s for event in domain.events.readable()]


def test_links_are_paths_of_this_host_and_are_always_there(built: Built) -> None:
    """Four of them, on the empty page too; no query, and the token carries everything."""
    world, domain, now = built
    for second in range(5):
        domain.add_event(now - 60 + second)
    asking = Asking(world)
    page = asking.get(PATH, begin=now - 100, end=now, limit=2)
    while page["items"]:
        assert sorted(page["paging"]) == ["first", "last", "next", "previous"]
        assert all(re.fullmatch(rf"http://{HOST}{PATH}/[\w=-]+", link) for link in page["paging"].values())
        page = asking.get(page["paging"]["next"])
    assert asking.get(page["paging"]["next"]) == page
    assert len(asking.get(page["paging"]["last"])["items"]) == 2
    first = asking.get(page["paging"]["first"])
    assert ids(first["items"]) == ids(asking.get(PATH, begin=now - 100, end=now, limit=2)["items"])
    assert asking.get(first["paging"]["previous"])["items"] == []


@given(
    times=st.lists(st.integers(0, 12), max_size=30),
    limit=st.integers(1, 7),
    ascending=st.booleans(),
    begin=st.integers(-2, 14),
    end=st.integers(-2, 14),
)
def test_pages_hold_the_range_in_order(times: list[int], limit: int, ascending: bool, begin: int, end: int) -> None:
    """Equal times over the edges of pages lose and double nothing, in both directions and back again."""
    world = World()
    domain, base = world.us.add_domain("mail.acme.test"), world.clock.now - 100
    for second in times:
        domain.add_event(base + second)
    low, high = sorted((begin, end))
    asking = Asking(world, events_begin="inclusive", events_end="exclusive", events_precision="exact")
    if ascending:
        inside = [second for second in times if low <= second < high]
        page = {"begin": base + low, "end": base + high}
    else:
        inside = [second for second in times if low < second <= high]
        page = {"begin": base + high, "end": base + low}
    if begin == end:
        inside = []
    rows = asking.items(PATH, **page, limit=limit)
    assert [row["timestamp"] - base for row in rows] == sorted(inside, reverse=not ascending)
    assert len(set(ids(rows))) == len(rows)
    if rows:
        last = asking.get(asking.get(PATH, **page, limit=limit)["paging"]["last"])
        back = list(last["items"])
        while (last := asking.get(last["paging"]["previous"]))["items"]:
            back = last["items"] + back
        assert ids(back) == ids(rows)


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("inclusive", "exclusive", [10.0, 10.5, 11.9999]),
        ("inclusive", "inclusive", [10.0, 10.5, 11.9999, 12.0, 12.0004]),
        ("exclusive", "exclusive", [10.5, 11.9999]),
        ("exclusive", "inclusive", [10.5, 11.9999, 12.0, 12.0004]),
    ],
)
def test_bounds_are_read_as_the_doubts_say(built: Built, begin: Any, end: Any, expected: list[float]) -> None:
    """To the millisecond: 12.0004 is at the end 12."""
    world, domain, _ = built
    base = 1_772_582_000
    for offset in (9.9999, 10.0, 10.5, 11.9999, 12.0, 12.0004, 12.001):
        domain.add_event(base + offset)
    asking = Asking(world, events_begin=begin, events_end=end)
    rows = asking.items(PATH, begin=base + 10, end=base + 12)
    assert [round(row["timestamp"] - base, 4) for row in rows] == expected


def test_seconds_only_cut_both_sides(built: Built) -> None:
    world, domain, now = built
    for offset in (-10.5, -9.5, -8.5, -7.5):
        domain.add_event(now + offset)
    rows = Asking(world, events_precision="s").items(PATH, begin=now - 9.2, end=now - 8.2)
    assert [row["timestamp"] - now for row in rows] == [-9.5]


def test_directions(built: Built) -> None:
    """`ascending` must agree; without anything the newest come first; equal bounds are an empty page."""
    world, domain, now = built
    for second in range(4):
        domain.add_event(now - 40 + second)
    asking = Asking(world)
    times = lambda **params: [row["timestamp"] - now + 40 for row in asking.items(PATH, **params)]  # noqa: E731
    assert times() == times(begin=now) == times(begin=dates.gmt(now), ascending="no") == [3, 2, 1, 0]
    assert times(begin=now - 100, ascending="yes") == times(end=now, ascending="yes") == [0, 1, 2, 3]
    assert times(begin=now, end=now - 38) == [3]
    assert times(begin=now - 40, end=now - 40) == []
    for wrong in (
        {"begin": now - 10, "end": now, "ascending": "no"},
        {"begin": now, "end": now - 10, "ascending": "yes"},
        {"ascending": "true"},
        {"begin": "yesterday"},
        {"limit": 0},
        {"limit": "x"},
        {"recipient": "(a"},
    ):
        status, body = asking.ask(PATH, **wrong)
        assert (status, list(body)) == (400, ["message"])
    assert asking.ask(f"{PATH}/nonsense")[0] == 400


def test_an_open_end_gives_what_is_new_later(built: Built) -> None:
    world, domain, now = built
    domain.add_event(now - 5)
    asking = Asking(world)
    page = asking.get(asking.get(PATH, begin=now - 60, ascending="yes")["paging"]["next"])
    assert page["items"] == []
    world.clock.advance(30)
    new = domain.add_event()
    page = asking.get(page["paging"]["next"])
    assert ids(page["items"]) == [new.id]


def test_late_events_are_inserted_into_pages_already_served(built: Built) -> None:
    world, domain, now = built
    domain.add_event(now - 50)
    late = domain.add_event(now - 45, arrives_s=now + 600)
    domain.add_event(now - 40)
    asking = Asking(world)
    page = asking.get(PATH, begin=now - 60, ascending="yes")
    assert len(page["items"]) == 2
    world.clock.advance(599)
    assert asking.get(page["paging"]["next"])["items"] == []
    world.clock.advance(1)
    assert asking.get(page["paging"]["next"])["items"] == []
    assert ids(asking.items(PATH, begin=now - 60, ascending="yes"))[1] == late.id
    facts = truth(world, asking.doubts, "events")
    assert [fact.row["id"] for fact in facts][1] == late.id
    assert facts[0].parent == ("mail.acme.test",)
    assert len(truth(world, asking.doubts, "events", at_s=now)) == 2


def test_old_events_vanish_but_were_there() -> None:
    world = World(retention_s=3600)
    domain, now = world.us.add_domain("mail.acme.test"), world.clock.now
    domain.add_event(now - 3000)
    domain.add_event(now - 100)
    domain.add_event(now - 3500, arrives_s=now + 200)  # too old when it arrives
    asking = Asking(world)
    assert len(asking.items(PATH, begin=now - 9999, end=now)) == 2
    world.clock.advance(700)
    assert len(asking.items(PATH, begin=now - 9999, end=now)) == 1
    assert len(truth(world, asking.doubts, "events")) == 1
    assert len(truth(world, asking.doubts, "events", ever=True)) == 2
    assert Asking(world, events_beyond_retention="refuse").ask(PATH, begin=now - 9999, end=now)[0] == 400


def test_filters_are_expressions_and_from_is_a_header(built: Built) -> None:
    world, domain, now = built
    for number, kind in enumerate(("delivered", "opened", "permanent", "temporary")):
        domain.add_event(now - 50 + number, kind=kind, recipient=f"kim.{number}@x.test", tags=["a", "b c"])
    asking = Asking(world)
    found = lambda **params: [round(row["timestamp"] - now + 50) for row in asking.items(PATH, **params)][::-1]  # noqa: E731
    assert found(event="failed") == [2, 3]
    assert found(event="delivered OR opened") == found(event="NOT failed") == [0, 1]
    assert found(event="failed", severity="permanent") == found(event="failed AND NOT delivered", severity="permanent")
    assert found(recipient='"kim.1@x.test" OR (kim.2 x.test)') == [1, 2]
    assert found(size=">0") == [0, 2, 3]
    assert found(tags='"b c"') == [0, 1, 2, 3]
    assert found(**{"from": "shop@mail.acme.test"}) == [0, 2, 3]
    # a page link as `from`, as a cursor would be sent, fits no header: an empty page with another next
    page = asking.get(PATH)
    wrong = asking.get(PATH, **{"from": page["paging"]["next"]})
    assert wrong["items"] == []
    assert wrong["paging"]["next"] != page["paging"]["next"]
    links = asking.get(PATH, event="failed", limit=1)["paging"]
    assert {row["event"] for row in asking.items(links["next"])} == {"failed"}


def test_limits(built: Built) -> None:
    """100 unless asked, 300 at the most."""
    world, domain, now = built
    domain.fill([now - n for n in range(350)])
    asking = Asking(world)
    assert [len(asking.get(PATH, **more)["items"]) for more in ({}, {"limit": 300}, {"limit": 301})] == [100, 300, 300]


def test_copies_of_an_event_are_equal(built: Built) -> None:
    world, domain, now = built
    event = domain.add_event(now - 9)
    domain.add_events([event])
    rows = Asking(world).items(PATH)
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_another_region_has_other_data_and_a_deleted_domain_none() -> None:
    world = demo_world(seed=3, clock=Clock())
    asking = Asking(world)
    path = "/v3/mail0.acme.test/events"
    here, there = asking.items(path), asking.items(path, region="us")
    assert here == there
    page = asking.get(path, region="eu")
    assert not set(ids(page["items"])) & set(ids(here))
    world.us.delete_domain("mail0.acme.test")
    assert asking.ask(path) == (404, {"message": "Domain not found: mail0.acme.test"})
    assert {fact.parent for fact in truth(world, asking.doubts, "events")} == {
        ("mail1.acme.test",),
        ("mail2.acme.test",),
    }
    assert len(truth(world, asking.doubts, "events", ever=True)) > len(truth(world, asking.doubts, "events"))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 600), st.integers(0, 1800)),
        st.tuples(st.just("run"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 900), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(steps=steps, begin=st.sampled_from(["inclusive", "exclusive"]), end=st.sampled_from(["inclusive", "exclusive"]))
def test_a_reader_with_an_overlap_ends_with_all_that_was_readable(steps: list[Any], begin: str, end: str) -> None:
    """Whatever is late by up to 30 minutes is found by who reads the last 31 minutes again, and merges on the id."""
    world = World()
    domain, asking = world.us.add_domain("mail.acme.test"), Asking(world, events_begin=begin, events_end=end)
    read: dict[str, Any] = {}
    settled = world.clock.now - 3600

    def run() -> None:
        nonlocal settled
        now = world.clock.now
        rows = asking.items(PATH, begin=settled - 60, end=now + 1, ascending="yes", limit=3)
        read.update((row["id"], row) for row in rows)
        settled = now - 1860

    for what, one, other in steps:
        if what == "event":
            at_s = world.clock.now - one / 7
            domain.add_event(at_s, arrives_s=at_s + other)
        elif what == "run":
            run()
        else:
            world.clock.advance(one)
    world.clock.advance(1801)
    run()
    assert list(read.values()) != [] or not domain.events.readable()
    wanted = {fact.row["id"]: fact.row for fact in truth(world, asking.doubts, "events")}
    assert read == wanted


def test_pages_have_numbers_within_their_range_and_rows_places(built: Built) -> None:
    """Faults go by the number, the ledger by the places, in both directions."""
    world, domain, now = built
    domain.fill([now - 100 + second for second in range(10)])
    asking = Asking(world)
    page = asking.get(PATH, limit=7)
    for number in range(3):
        assert (asking.last.page, len(page["items"])) == (number, (7, 3, 0)[number])
        page = asking.get(page["paging"]["next"])
    for begin, end, places in ((now - 96, now, [4, 6, 8, 10]), (now, now - 100, [8, 6, 4, 2])):
        page = asking.get(PATH, begin=begin, end=end, limit=2)
        for number, place in enumerate(places):
            assert (asking.last.page, asking.last.rows.start) == (number, place)
            page = asking.get(page["paging"]["next"])
    asking.get(PATH, event="delivered")
    assert asking.last.page is None


def test_events_come_while_a_demonstration_runs() -> None:
    world = demo_world(clock=Clock(), ahead_s=60)
    asking = Asking(world)
    path = "/v3/mail0.acme.test/events"
    before = len(asking.items(path))
    world.clock.advance(60)
    assert before < len(asking.items(path)) < before + 30
    world.clock.advance(1800)
    assert len(asking.items(path)) == before + 30
