"""Windows of time: whatever is cut and given up, what is handed on is the range, once, and in order."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bursts import DAY, times
from headrace.engine import Errand
from headrace.engine.window import Strides, Window
from headrace.errors import TransportError
from headrace.message import Page, Request
from headrace.plan import Call, Mark, Windows
from walking import Answer, Api, Settled, Walked, in_no_time, plan_of, walk

PAGE = 5
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}
LINK = {"type": "json_link", "next_url_path": "link"}
OFFSET = {"type": "offset", "limit": PAGE, "total_path": None, "offset_param": "at"}
PAGERS: dict[str, Any] = {"cursor": CURSOR, "json_link": LINK, "offset": OFFSET}


def seconds_of(bound: str) -> int:
    if bound.removeprefix("-").isdigit():
        return int(bound)
    moment = datetime.fromisoformat(bound.replace("Z", "+00:00"))
    return int(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp())


def history(times: Sequence[int], *, bounds: str = "[)", newest_first: bool = False) -> Answer:
    """Rows with these times (ascending), the bounds of what is asked among it or not."""

    def answer(params: Mapping[str, str], url: str) -> tuple[int, Any, Mapping[str, str]]:
        query = {**params, **dict(pair.split("=") for pair in url.partition("?")[2].split("&") if pair)}
        start, end = seconds_of(query["from"]), seconds_of(query["to"])
        low = (bisect_left if bounds[0] == "[" else bisect_right)(times, start)
        high = (bisect_right if bounds[1] == "]" else bisect_left)(times, end)
        rows = [{"id": row, "time": times[row]} for row in range(low, high)]
        if newest_first:
            rows.reverse()
        at = int(query.get("at") or 0)
        more = at + PAGE < len(rows)
        link = f"https://api.example.com/items?from={start}&to={end}&at={at + PAGE}" if more else None
        return 200, {"items": rows[at : at + PAGE], "next": str(at + PAGE) if more else None, "link": link}, {}

    return answer


def windows(start: Any = 0, end: Any = None, **others: Any) -> dict[str, Any]:
    return {"param_start": "from", "param_end": "to", "start": start, "end": end, **others}


def touches(walked: Walked, start: float, end: float) -> bool:
    """Whether what was handed on is the range from `start` to `end` in pieces that follow each other."""
    bounds = [start, *walked.ledger.ends]
    pieces = list(pairwise(bounds))
    return bounds[-1] == end and set(walked.windows) <= set(pieces) and all(one < other for one, other in pieces)


@settings(max_examples=120, deadline=None)
@given(
    found=times(),
    pager=st.sampled_from(sorted(PAGERS)),
    form=st.sampled_from(("seconds", "times", "dates")),
    size=st.sampled_from((None, "1s", "7h", "1d", "36d")),
    bounds=st.sampled_from(("[)", "[]", "(]", "()")),
    newest_first=st.booleans(),
    in_flight=st.integers(1, 8),
    budget=st.sampled_from((1, 3_000, 1 << 26)),
    seed=st.integers(0, 100),
)
def test_every_row_comes_once_and_in_order(  # noqa: PLR0913, PLR0917 - the sides of the case
    found: list[int],
    pager: str,
    form: str,
    size: str | None,
    bounds: str,
    newest_first: bool,
    in_flight: int,
    budget: int,
    seed: int,
) -> None:
    """For any density, order within a listing, form and size of windows, slots, bound and latencies: windows that are
    handed on tile the range, so each row comes once, or twice where it lies on a bound that the API counts twice."""
    last = 40 * DAY
    if size == "1s":
        last, found = 200, sorted(time % 200 for time in found)
    start, end = {
        "seconds": (0, last),
        "times": ("1970-01-01T00:00:00Z", datetime.fromtimestamp(last, timezone.utc).isoformat()),
        "dates": ("1970-01-01", datetime.fromtimestamp(last, timezone.utc).date().isoformat()),
    }[form]
    if form == "dates":
        last = last // DAY * DAY
        found = [time for time in found if time < last]
    found = [time for time in found if time > 0]  # what lies at the very start is nobody's with `(]`
    cut_by = windows(start, end, exclusive=bounds == "()", **({"size": size} if size else {}))
    plan = plan_of(PAGERS[pager], cut_by, in_flight=in_flight, max_waiting_bytes=budget)
    if last == 0:
        return
    dice = Random(seed)
    api = Api(history(found, bounds=bounds, newest_first=newest_first), lambda _: dice.choice((0.1, dice.random())))
    walked, _ = in_no_time(walk(plan, api, Walked()))
    assert touches(walked, 0, last)
    cuts = set(walked.ledger.ends[:-1])
    ids = [row["id"] for row in walked.rows]
    if bounds != "[]" and not (bounds == "()" and form == "dates"):
        assert len(ids) == len(set(ids))
        assert newest_first or ids == sorted(ids)
    if bounds == "[]":
        assert all(row["time"] in cuts for row in walked.rows if ids.count(row["id"]) > 1)
    assert sorted(set(ids)) == list(range(len(found)))
    unit = DAY if form == "dates" else 1
    assert all(cut % unit == 0 for cut in cuts)
    for request in api.asked:
        query = dict(request.params)
        assert not query or seconds_of(query["from"]) < seconds_of(query["to"])


@settings(max_examples=100, deadline=None)
@given(
    start=st.floats(0, 1e10),
    length=st.floats(0.001, 1e9),
    unit=st.sampled_from((1, DAY)),
    size=st.floats(0.5, 1e9) | st.just(math.inf),
    slots=st.integers(1, 64),
    dice=st.randoms(use_true_random=False),
)
@example(start=100.7, length=0.2, unit=1, size=1.0, slots=8, dice=Random(1))
def test_parts_are_the_whole(start: float, length: float, unit: int, size: float, slots: int, dice: Random) -> None:
    """By any sequence of ends and of giving up: parts touch, end on whole units, and the last where the range does."""
    end = start + length
    strides = Strides()
    stride = strides.begin(Windows("a", "b", "1970-01-01" if unit == DAY else 0, None, None))
    stride.longest_s = size
    line = [Errand(CALL, window=Window(start, end, stride, lambda window: Errand(CALL, window=window)))]
    at = start
    for _ in range(60):
        if not line:
            break
        window = line.pop(0).window
        assert window is not None
        first, rest = window.first(slots)
        line[:0] = [] if rest is None else [rest]
        part = first.window
        assert part is not None
        assert part.start == at < part.end <= end
        assert part.end == end or part.end % unit == 0
        assert part.end - part.start <= max(size, unit) + 1e-3
        if part.is_heavy(pages := dice.choice((1, 4, 20, 1000)), slots):
            assert (part.start // unit + 1) * unit < part.end, "there is a bound within it"
            line.insert(0, part.given_up(pages, slots))
        else:
            part.ended(dice.choice((0, 1, pages)))
            at = part.end
    assert line or at == end


CALL = Call(Request("GET", "https://api.example.com"))


def spread(pages: int, longest: int = 365 * DAY) -> list[int]:
    return [longest * row // (pages * PAGE) for row in range(pages * PAGE)]


@pytest.mark.parametrize(("pages", "requests"), [(0, 1), (1, 1), (3, 3)])
def test_little_costs_no_request_too_many(pages: int, requests: int) -> None:
    """Most runs have little to fetch: they ask as if there were no windows."""
    api = Api(history(spread(pages)))
    walked, _ = in_no_time(walk(plan_of(CURSOR, windows(0, 365 * DAY)), api, Walked()))
    assert len(walked.rows) == pages * PAGE
    assert len(api.asked) == requests


@pytest.mark.parametrize("pager", ["cursor", "json_link"])
@pytest.mark.parametrize(("pages", "of_ideal", "of_pages"), [(200, 1.3, 1.15), (400, 1.75, 1.65), (1600, 1.3, 1.3)])
def test_a_year_by_eight_slots(pager: str, pages: int, of_ideal: float, of_pages: float) -> None:
    """The worst case are 400 pages, of which a sixteenth of the year has a few more than it should."""
    api = Api(history(spread(pages)))
    walked, seconds = in_no_time(walk(plan_of(PAGERS[pager], windows(0, 365 * DAY)), api, Walked()))
    assert [row["id"] for row in walked.rows] == list(range(pages * PAGE))
    assert seconds <= of_ideal * pages / 8 * 0.1
    assert len(api.asked) <= of_pages * pages
    assert api.most == 8


def test_all_in_one_hour_of_a_year() -> None:
    """Where rows lie is found in steps of a sixteenth."""
    found = [200 * DAY + 7 * row // 4 for row in range(2000)]
    _, seconds = in_no_time(walk(plan_of(CURSOR, windows(0, 365 * DAY)), Api(history(found)), Walked()))
    assert seconds <= 2.25 * 400 / 8 * 0.1


def test_a_declared_size_is_kept() -> None:
    """No window is longer, light ones are not cut, heavy ones are."""
    plan = plan_of(CURSOR, windows(0, 16 * DAY, size="1d"))
    found = [5 * DAY + row % DAY for row in range(0, 50 * DAY * PAGE, DAY // 3)]
    light = [DAY * day + second for day in range(16) for second in range(3)]
    walked, _ = in_no_time(walk(plan, Api(history(light)), Walked()))
    assert walked.ledger.ends == [DAY * (day + 1) for day in range(16)]
    walked, _ = in_no_time(walk(plan, Api(history(sorted(light + found))), Walked()))
    assert set(range(DAY, 17 * DAY, DAY)) < set(walked.ledger.ends)


def test_one_slot_cuts_nothing() -> None:
    """There is nobody to give a part to."""
    walked, _ = in_no_time(walk(plan_of(CURSOR, windows(0, 99), in_flight=1), Api(history([5] * 500)), Walked()))
    assert walked.ledger.ends == [99]
    assert len(walked.rows) == 500


def test_a_second_with_many_pages_is_walked_to_its_end() -> None:
    """Nothing finer can be said; it is handed on as it comes, and its pages need not wait for each other."""
    walked, _ = in_no_time(walk(plan_of(CURSOR, windows(0, 3), max_waiting_bytes=1), Api(history([1] * 500)), Walked()))
    assert [row["id"] for row in walked.rows] == list(range(500))
    assert walked.ledger.ends == [1, 2, 3]


def test_heavy_windows_fit_under_the_bound() -> None:
    """Windows are as short as the bytes demand, though they have few pages."""
    fetched, most = 0, 0
    found = spread(400)
    answer = history(found)

    def heavy(params: Mapping[str, str], url: str) -> Any:
        nonlocal fetched, most
        status, document, headers = answer(params, url)
        for row in document["items"]:
            row["text"] = "x" * 10_000
        fetched += 1
        return status, document, headers

    walked = Walked()
    plan = plan_of(CURSOR, windows(0, 365 * DAY), max_waiting_bytes=1 << 20)
    _, seconds = in_no_time(walk(plan, Api(heavy), walked))
    assert len(walked.rows) == 2000
    # windows of at most 2.6 pages of 50 kB, where 21 pages fill the bound
    assert seconds <= 2.5 * 400 / 8 * 0.1


def test_windows_settle_in_order_and_a_failure_settles_no_further() -> None:
    """Later windows are done first, and do not count while an earlier one is not."""
    plan = plan_of(CURSOR, windows(0, 10 * DAY, size="1d"))
    answer = history(list(range(0, 10 * DAY, 3600)))

    def failing(params: Mapping[str, str], url: str) -> Any:
        return (500, {}, {}) if params["from"] == str(4 * DAY) else answer(params, url)

    walked = Walked()
    slow_first = Api(failing, lambda request: 1.0 if ("from", "0") in request.params else 0.1)
    with pytest.raises(TransportError):
        in_no_time(walk(plan, slow_first, walked))
    assert walked.ledger.ends == [DAY, 2 * DAY, 3 * DAY, 4 * DAY]
    assert [row["time"] for row in walked.rows] == list(range(0, 4 * DAY, 3600))


def test_a_later_run_begins_at_the_last_end_less_the_overlap() -> None:
    plan = plan_of(CURSOR, windows(0, overlap="1h"))
    api = Api(history(list(range(0, DAY, 60))))
    walked = Walked(ledger=Settled(now_s=2 * 3600 + 0.5, mark=Mark(7200.0)))
    in_no_time(walk(plan, api, walked))
    assert dict(api.asked[0].params) == {"from": "3600", "to": "7200"}
    assert walked.ledger.ends[-1] == 7200, "no more than was asked for"
    nothing_passed = Walked(ledger=Settled(now_s=0.0))
    in_no_time(walk(plan, api, nothing_passed))
    assert nothing_passed.ledger.ends == []


def test_dates_are_sent_as_dates_and_never_cut_within_a_day() -> None:
    plan = plan_of(CURSOR, windows(date(2026, 1, 1), date(2026, 3, 1), size="6h"))
    start = seconds_of("2026-01-01")
    found = sorted(start + row * 977 % (59 * DAY) for row in range(3000))
    api = Api(history(found))
    walked, _ = in_no_time(walk(plan, api, Walked()))
    assert [row["id"] for row in walked.rows] == list(range(3000))
    asked = {(query["from"], query["to"]) for query in (dict(request.params) for request in api.asked)}
    assert len(asked) == 59
    assert all(date.fromisoformat(last) > date.fromisoformat(first) for first, last in asked)


def test_handing_on_waits_for_the_end_of_a_window() -> None:
    """What was handed on can never be given up: a window's first page comes after its last one was fetched."""
    answered: list[str] = []
    answer = history(spread(30, DAY))

    def noting(params: Mapping[str, str], url: str) -> Any:
        answered.append(params["from"])
        return answer(params, url)

    async def take(errand: Errand, _page: Page) -> None:
        assert errand.window is not None
        taken.setdefault(str(int(errand.window.start)), answered.count(str(int(errand.window.start))))
        counts[str(int(errand.window.start))] = counts.get(str(int(errand.window.start)), 0) + 1

    taken: dict[str, int] = {}
    counts: dict[str, int] = {}
    plan = plan_of(CURSOR, windows(0, DAY, size="6h"))
    in_no_time(walk(plan, Api(noting), Walked(), take=take))
    assert taken == counts
