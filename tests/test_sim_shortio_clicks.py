"""Raw clicks of the simulated Short.io: a careful loader gets them all, and every known trap is there."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.sim.message import Request
from headrace.sim.shortio import iso, moment
from shortio_calls import DAY, NOW, Calls, T

LAST_CLICKS = "/statistics/domain/555001/last_clicks"


class LoudError(Exception):
    """The loader cannot say that it has all rows."""


def load(calls: Calls, start: int, end: int, limit: int, floor: int) -> list[str]:
    """All clicks from `start` up to before `end`, as texts, newest first.

    The last instant of each page is held back and read again. `floor` is the smallest limit that a server has.
    """
    rows: list[str] = []
    oldest, held = None, Counter[str]()
    while True:
        cursor = {} if oldest is None else {"beforeDate": iso(oldest + 1)}
        served = calls.clicks(startDate=iso(start), endDate=iso(end), limit=limit, **cursor)
        page = [(moment(row["dt"]), json.dumps(row)) for row in served]
        if oldest is None and not page:
            return rows
        if oldest is not None:
            if any(dt > oldest + 1 for dt, _ in page):
                raise LoudError("the cursor was ignored")
            page = [(dt, text) for dt, text in page if dt <= oldest]
            if held - Counter(text for dt, text in page if dt == oldest):
                raise LoudError("rows of the last instant did not come again")
        last = min(dt for dt, _ in page)
        if last == oldest and len(served) >= min(limit, floor):
            raise LoudError("one instant fills the page")
        ready = page if last == oldest else [(dt, text) for dt, text in page if dt > last]
        rows += [text for dt, text in ready if start <= dt < end]
        if last == oldest:
            return rows
        oldest, held = last, Counter(text for dt, text in page if dt == last)


@settings(max_examples=300, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0, 0, 0, 1, 2, 900]), max_size=40),
    kinds=st.integers(1, 3),
    limit=st.integers(1, 50),
    cap=st.none() | st.integers(4, 8),
    inclusive=st.booleans(),
    unit=st.sampled_from([1, 1, 1, 1000]),
    ignored=st.sampled_from([("total",), ("total",), ("total", "custom")]),
)
def test_a_careful_loader_has_exactly_the_truth_or_fails_loudly(  # noqa: PLR0913 - each is a dimension
    *, gaps: list[int], kinds: int, limit: int, cap: int | None, inclusive: bool, unit: int, ignored: tuple[str, ...]
) -> None:
    """Ties, twins, silent caps, both cursor rules, cursors that are cut or ignored, clicks at both ends of a window."""
    calls = Calls(
        before_inclusive=inclusive,
        clicks_max_limit=cap,
        clicks_default_limit=4,
        cursor_unit_ms=unit,
        cursors_ignored=ignored,
    )
    dt = T
    for place, gap in enumerate(gaps):
        dt += gap
        calls.visit(dt, f"/{place % kinds}")
    calls.visit(dt + 1)  # the end of the window, which the server takes for a part of it
    truth = Counter(json.dumps(row) for row in calls.truth.clicks(calls.id, T, dt + 1))
    assert truth.total() == len(gaps)
    most = max(Counter(calls.truth.clicks(calls.id)[place]["dt"] for place in range(len(gaps) + 1)).values())
    try:
        rows = load(calls, T, dt + 1, limit, 4)
    except LoudError:
        # a page that is as long as the smallest limit may be cut, and an inclusive cursor brings two instants
        honest = unit == 1 and "custom" not in ignored
        assert not honest or min(limit, 4) <= 2 * most
    else:
        assert Counter(rows) == truth


def naive(calls: Calls, limit: int) -> list[Any]:
    """As known connectors do: the last row's instant is the next cursor, a short page is the end."""
    rows: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        page = calls.clicks(limit=limit, **cursor)
        rows += page
        if len(page) < limit or len(rows) > 20:
            return rows
        cursor = {"beforeDate": page[-1]["dt"]}


@pytest.mark.parametrize("inclusive", [False, True])
def test_the_bare_instant_as_cursor_loses_or_doubles(inclusive: bool) -> None:
    """One click at .003, three at .002, one at .001, in pages of 3."""
    calls = Calls(before_inclusive=inclusive, tie_order="stable")
    for ms, path in ((3, "/a"), (2, "/b"), (2, "/c"), (2, "/d"), (1, "/e")):
        calls.visit(T + ms, path)
    rows = naive(calls, 3)
    assert len(calls.truth.clicks(calls.id)) == 5
    if inclusive:
        assert len(rows) > 20  # the three fill the page: the cursor never moves
    else:
        assert [row["path"] for row in rows] == ["/a", "/d", "/c", "/e"]


def test_total_ignores_cursors() -> None:
    calls = Calls()
    calls.visit(T)
    for period, count in (("total", 1), ("custom", 0)):
        assert len(calls.clicks(period=period, beforeDate=iso(T))) == count
        assert len(calls.clicks(period=period, afterDate=iso(T))) == count


def test_cursors_are_instants_whatever_the_zone() -> None:
    """`startDate` is read on the clock of `tz`, `beforeDate` is not; both take Unix milliseconds."""
    calls = Calls()
    calls.visit(T)
    shifted = {"tz": "Asia/Tokyo"}
    assert len(calls.clicks(beforeDate=iso(T + 1), **shifted)) == 1
    assert len(calls.clicks(beforeDate=T + 1, startDate=T, endDate=T, **shifted)) == 1
    assert len(calls.clicks(startDate=iso(T), endDate=iso(T), **shifted)) == 0
    assert len(calls.clicks(startDate=iso(T), endDate=iso(T))) == 1


def test_a_bare_end_date_leaves_its_day_out() -> None:
    calls = Calls()
    calls.visit(T)
    assert len(calls.clicks(startDate="2026-08-31", endDate="2026-08-31")) == 0
    assert len(calls.clicks(startDate="2026-08-31", endDate="2026-09-01")) == 1


@pytest.mark.parametrize(
    ("period", "days_ago"),
    [
        ("today", [0]),
        ("yesterday", [1]),
        ("week", [0, 1]),
        ("month", [0]),
        ("lastmonth", [1, 6, 8, 29]),
        ("last7", [0, 1, 6]),
        ("last30", [0, 1, 6, 8, 29]),
        ("total", [0, 1, 6, 8, 29, 40]),
        (None, [0, 1, 6, 8, 29]),
    ],
)
def test_periods_end_now(period: str | None, days_ago: list[int]) -> None:
    """Tuesday, 1 September at noon; without a period it is about 30 days, and history is silently missing."""
    calls = Calls()
    for days in (0, 1, 6, 8, 29, 40):
        calls.visit(NOW - days * DAY)
    status, rows = calls.post(LAST_CLICKS, {"period": period} if period else {})
    assert status == 200
    assert [row["dt"] for row in rows] == [iso(NOW - days * DAY) for days in days_ago]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"limit": 0}, "body/limit must be >= 1"),
        ({"limit": "x"}, "body/limit must be integer"),
        ({"period": "lastMonth"}, "body/period must be equal to one of the allowed values"),
        ({"startDate": "2026-08-01T00:00:00"}, 'body/startDate must match format "date-time"'),
        ({"beforeDate": "2026-08-01T00:00:00"}, 'body/beforeDate must match format "date-time"'),
        ({"tz": "Mars/Olympus"}, "body/tz must be a valid time zone"),
        ({"include": {"statuses": 404}}, "body/statuses must be array"),
        ({"include": []}, "body/include must be object"),
    ],
)
def test_wrong_bodies_are_refused_in_the_words_of_the_schema(body: dict[str, Any], message: str) -> None:
    status, said = Calls().post(LAST_CLICKS, body)
    assert (status, said["code"], said["error"]) == (400, "FST_ERR_VALIDATION", "Bad Request")
    assert said["message"] == message


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"", 400, "FST_ERR_CTP_EMPTY_JSON_BODY"),
        ("application/json", b"{", 400, "FST_ERR_CTP_INVALID_JSON_BODY"),
        ("application/json; charset=utf-8", b"[]", 400, "FST_ERR_VALIDATION"),
        ("text/plain", b"{}", 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE"),
        ("", b"{}", 415, "FST_ERR_CTP_INVALID_MEDIA_TYPE"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(content_type: str, body: bytes, status: int, code: str) -> None:
    calls = Calls()
    headers = {**calls.headers, **({"content-type": content_type} if content_type else {})}
    reply = calls.ask(Request("POST", LAST_CLICKS, LAST_CLICKS, (), headers, body))
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


def test_filters_split_clicks_into_halves() -> None:
    """`include` and `exclude` of one value give the whole; unknown names are dropped in silence."""
    calls = Calls()
    for place in range(12):
        calls.visit(
            T + place,
            f"/{place % 2}",
            human=place % 3 > 0,
            st=404 if place % 4 == 0 else 302,
            browser=None if place % 5 == 0 else "Firefox",
            country="JP" if place == 1 else "DE",
        )
    for name, values, count in (
        ("human", True, 8),
        ("statuses", [404], 3),
        ("browsers", ["Firefox"], 9),
        ("paths", ["/1"], 6),
        ("paths", ["1"], 0),  # without its slash
        ("countries", ["JP"], 1),
        ("dt", [iso(T + 2), iso(T + 4)], 3),
        ("unheardOf", ["x"], 12),
    ):
        included = calls.clicks(include={name: values})
        assert len(included) == count
        if name != "unheardOf":
            assert len(calls.clicks(exclude={name: values})) == 12 - count
    assert len(calls.clicks(include={"human": True, "statuses": [404]}, exclude={"paths": ["/0"]})) == 0


def test_identical_bodies_get_the_answer_of_a_minute_ago() -> None:
    """Another body, another key or a minute later: the truth."""
    calls = Calls()
    assert calls.clicks() == []
    calls.visit(NOW)
    assert calls.clicks() == []
    assert len(calls.clicks(limit=31)) == 1
    calls.world.advance(59.9)
    assert calls.clicks() == []
    calls.world.advance(0.1)
    assert len(calls.clicks()) == 1


def test_refusals_are_not_remembered() -> None:
    calls = Calls()
    path = "/statistics/domain/555002/last_clicks"
    assert calls.post(path, {})[0] == 404
    calls.world.add_domain()
    assert calls.post(path, {})[0] == 200


def test_late_clicks_come_in_the_middle_of_what_was_read() -> None:
    """The truth has them from the moment on at which they can be read."""
    calls = Calls()
    calls.visit(T)
    late = calls.visit(T - 1, arrives_ms=NOW + 90_000)
    assert [row["dt"] for row in calls.clicks(limit=1000)] == [iso(T)]
    assert len(calls.truth.clicks(calls.id)) == 1
    calls.world.advance(90)
    assert [row["dt"] for row in calls.clicks(limit=1001)] == [iso(T), iso(T - 1)]
    assert calls.truth.clicks(calls.id) == calls.clicks(limit=1002)[::-1]
    assert repr(late) == "<Click 2026-08-31T09:59:59.999Z />"


def test_clicks_ahead_of_the_clock_come_when_it_gets_there() -> None:
    calls = Calls()
    calls.visit(NOW + 1000)
    assert calls.truth.clicks(calls.id, ever=True) == []
    calls.world.advance(1)
    assert len(calls.clicks(endDate=iso(NOW + DAY))) == 1


def test_fields_change_later() -> None:
    """At once, or at a moment that was told before; the click stays where it is."""
    calls = Calls()
    one, other = calls.visit(T), calls.visit(T + 1)
    calls.world.change_click(one, human=False)
    calls.world.at(NOW + 1000, lambda: calls.world.change_click(other, goal_completed="purchase"))
    assert [(row["human"], row["goal_completed"]) for row in calls.clicks()] == [(True, None), (False, None)]
    calls.world.advance(60)
    assert [row["goal_completed"] for row in calls.clicks()] == ["purchase", None]
    assert calls.truth.clicks(calls.id)[1]["goal_completed"] == "purchase"


def test_retention_cuts_and_truth_remembers() -> None:
    """What came too late to be read at all was never there."""
    calls = Calls(retention_days=1)
    calls.visit(NOW - DAY)
    calls.visit(NOW - DAY, arrives_ms=NOW + 5)
    assert len(calls.clicks()) == len(calls.truth.clicks(calls.id)) == 1
    calls.world.advance(60)
    assert calls.clicks() == calls.truth.clicks(calls.id) == []
    assert len(calls.truth.clicks(calls.id, ever=True)) == 1


def test_cleared_clicks_are_gone_and_truth_remembers() -> None:
    calls = Calls()
    calls.world.delete_click(calls.visit(T))
    assert calls.clicks() == calls.truth.clicks(calls.id) == []
    assert len(calls.truth.clicks(calls.id, ever=True)) == 1
