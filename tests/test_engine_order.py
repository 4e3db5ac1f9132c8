"""Windows of rows that come oldest first: no page is dropped, what is handed on is the range, and few requests go."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursts import DAY, times
from headrace.config import validate
from headrace.engine.order import Order
from headrace.errors import ConfigError, PagingError
from headrace.message import Request
from walking import Answer, Api, Walked, in_no_time, plan_of, walk

PAGE = 5
LINK = {"type": "json_link", "next_url_path": "link", "stop_after_empty_page": True}


def history(times: Sequence[float], *, bounds: str = "[)", shuffled: Random | None = None, width: int = 0) -> Answer:
    """Rows with these times, oldest first but for those of one second, behind endless links like Mailgun's."""
    rows = [{"id": row, "time": time, "text": "x" * width} for row, time in enumerate(times)]
    if shuffled is not None:
        rows.sort(key=lambda row: (row["time"] // 1, shuffled.random()))

    def answer(params: Mapping[str, str], url: str) -> tuple[int, Any, Mapping[str, str]]:
        query = {**params, **dict(pair.split("=") for pair in url.partition("?")[2].split("&") if pair)}
        start, end, at = float(query["from"]), float(query["to"]), int(query.get("at") or 0)
        low = (bisect_left if bounds[0] == "[" else bisect_right)(times, start)
        high = (bisect_right if bounds[1] == "]" else bisect_left)(times, end)
        among = rows[low:high] if shuffled is None else [row for row in rows if low <= row["id"] < high]
        listed = among[at : at + PAGE]
        link = f"https://api.example.com/items?from={start}&to={end}&at={at + len(listed)}"
        return 200, {"items": listed, "link": link}, {}

    return answer


def ordered(end: float = 40 * DAY, **others: Any) -> dict[str, Any]:
    return {
        "param_start": "from",
        "param_end": "to",
        "start": 0,
        "end": end,
        "format": "decimal_seconds",
        "resolution": "1s",
        "time_path": "time",
        "row_order": "asc",
        **others,
    }


@settings(max_examples=60, deadline=None)
@given(
    found=times(digits=3),
    size=st.sampled_from((None, "7h", "36d")),
    bounds=st.sampled_from(("[)", "[]", "(]", "()")),
    in_flight=st.integers(1, 8),
    budget=st.sampled_from((1, 3_000, 40_000, 1 << 26)),
    seed=st.integers(0, 100),
)
def test_every_row_comes_once_and_by_its_window(
    found: list[float], size: str | None, bounds: str, in_flight: int, budget: int, seed: int
) -> None:
    """For any density, slots, bound, latencies and reading of bounds: windows tile the range, each row comes once."""
    dice = Random(seed)
    cut_by = ordered(**({"size": size} if size else {}))
    api = Api(history(found, bounds=bounds, shuffled=dice), lambda _: dice.choice((0.1, dice.random())))
    plan = plan_of(LINK, cut_by, in_flight=in_flight, max_waiting_bytes=budget)
    walked, _ = in_no_time(walk(plan, api, Walked()))
    assert sorted(row["id"] for row in walked.rows) == list(range(len(found)))
    assert [row["time"] // 1 for row in walked.rows] == sorted(row["time"] // 1 for row in walked.rows)
    bounds_of = [0, *walked.ledger.ends]
    assert bounds_of[-1] == 40 * DAY
    assert all(one < other for one, other in pairwise(bounds_of))
    assert all(cut % 1 == 0 for cut in bounds_of)
    if size == "7h":
        assert all(other - one <= 7 * 3600 for one, other in pairwise(bounds_of))


def even(pages: int, end: float = 40 * DAY) -> list[float]:
    return [end * row // (pages * PAGE) for row in range(pages * PAGE)]


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_little_costs_no_request_too_many(pages: int) -> None:
    """A run that finds little asks for its pages and for the empty one, wherever in the range they lie."""
    early = [row * 60 for row in range(pages * PAGE)]
    for found in (early, [40 * DAY - 1 - time for time in reversed(early)], early[:-2]):
        api = Api(history(found))
        in_no_time(walk(plan_of(LINK, ordered(), in_flight=8), api, Walked()))
        needed = -(-len(found) // PAGE) + 1
        assert len(api.asked) == needed


@pytest.mark.parametrize(("pages", "of_needed", "of_ideal"), [(60, 1.25, 2.0), (400, 1.15, 1.3)])
def test_requests_and_seconds_of_one_call(pages: int, of_needed: float, of_ideal: float) -> None:
    api = Api(history(even(pages)))
    walked, seconds = in_no_time(walk(plan_of(LINK, ordered(), in_flight=8), api, Walked()))
    assert len(walked.rows) == pages * PAGE
    assert len(api.asked) <= of_needed * (pages + 1)
    assert seconds <= of_ideal * pages / 8 * 0.1
    assert api.most == 8


def test_what_is_behind_the_front_leaves_room_for_it() -> None:
    """Density grows tenfold and more, so first windows are far too long, and the bound is a tenth of all pages."""
    found = [40 * DAY * (row / 2000) ** 0.3 for row in range(2000)]
    plan = plan_of(LINK, ordered(), in_flight=8, max_waiting_bytes=40 * PAGE * 5_000)
    walked, seconds = in_no_time(walk(plan, Api(history(found, width=5_000)), Walked()))
    assert len(walked.rows) == 2000
    assert seconds <= 2 * 400 / 8 * 0.1


def test_the_end_may_be_asked_beyond_the_window_but_never_beyond_the_range() -> None:
    api = Api(history(even(100)))
    in_no_time(walk(plan_of(LINK, ordered(size="10d"), in_flight=8), api, Walked()))
    asked = [(float(query["from"]), float(query["to"])) for query in map(params_of, api.asked) if "at" not in query]
    assert all(start < end <= min(40 * DAY, start + 1 + 10 * DAY) for start, end in asked)


def params_of(request: Request) -> dict[str, str]:
    return {
        **dict(request.params),
        **dict(pair.split("=") for pair in request.url.partition("?")[2].split("&") if pair),
    }


def test_rows_in_another_order_are_an_error() -> None:
    """Otherwise rows behind the first late one would be lost in silence."""
    found = even(4)
    answer = history(found)

    def newest_first(params: Mapping[str, str], url: str) -> tuple[int, Any, Mapping[str, str]]:
        status, document, headers = answer(params, url)
        return status, {**document, "items": document["items"][::-1]}, headers

    with pytest.raises(
        PagingError, match=r"expected rows oldest first, as `row_order: asc` says, got one of 1970"
    ) as it:
        in_no_time(walk(plan_of(LINK, ordered()), Api(newest_first), Walked()))
    assert "leave out `windows.row_order`" in str(it.value)


@given(
    moments=st.lists(st.integers(0, 10_000_000), max_size=30),
    slack=st.sampled_from((0.0, 1.0, 2.5)),
    cut=st.integers(1, 30),
)
def test_order_is_seen_over_pages_as_over_one(moments: list[int], slack: float, cut: int) -> None:
    """Refused is what lies more than the slack before a row that came, wherever pages end."""
    is_wrong = any(late < max(moments[:place]) - slack * 1e6 for place, late in enumerate(moments) if place)
    order = Order("items", slack)
    try:
        for place in range(0, len(moments), cut):
            order.see(moments[place : place + cut])
    except PagingError:
        assert is_wrong
        return
    assert not is_wrong
    assert order.latest_s == (max(moments) / 1e6 if moments else None)


def test_an_order_needs_the_time_of_rows() -> None:
    config = {
        "client": {"base_url": "https://api.example.com"},
        "resources": [{"name": "a", "endpoint": {"path": "a", "windows": {**ordered(), "time_path": None}}}],
    }
    with pytest.raises(ConfigError, match="expected `time_path` beside `row_order`"):
        validate(config, resolve_secret=lambda name: name)
