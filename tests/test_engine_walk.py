"""Calls side by side: in order whatever comes first, within the bound of what waits, gone when nobody wants them."""

from __future__ import annotations

import asyncio
import json
from base64 import b85encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine import Errand, Waiting
from headrace.errors import AnswerError, RefusedError
from headrace.message import Page, Request
from headrace.transport import Transport
from walking import Answer, Api, Walked, in_no_time, plan_of, walk, walk_with

PAGE = 10
PAGERS: dict[str, Any] = {
    "offset": {"type": "offset", "limit": PAGE, "total_path": None},
    "offset with a total": {"type": "offset", "limit": PAGE, "total_path": "total"},
    "page_number": {"type": "page_number", "total_path": None},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "offset"},
    "json_link": {"type": "json_link", "next_url_path": "link"},
}


def listings(counts: Iterable[int], *, text_bytes: int = 0, past_the_end: int = 200) -> Answer:
    """Listing `n` has as many rows as the n-th count; a page past its end is answered with `past_the_end`.

    Each row has a text of its own of `text_bytes`, a multiple of five, which nothing makes smaller.
    """
    rows = list(counts)

    def text(number: int, row: int) -> str:
        return b85encode(Random(f"{number}/{row}").randbytes(text_bytes * 4 // 5)).decode()

    def answer(params: Mapping[str, str], url: str) -> tuple[int, Any, Mapping[str, str]]:
        query = {**params, **dict(pair.split("=") for pair in url.partition("?")[2].split("&") if pair)}
        number, at = int(query["n"]), int(query.get("offset") or PAGE * int(query.get("page", 0)))
        page = [{"n": number, "row": row, "text": text(number, row)} for row in range(at, min(at + PAGE, rows[number]))]
        if not page and at:
            return past_the_end, {"items": []}, {}
        more = at + PAGE < rows[number]
        link = f"https://api.example.com/items?n={number}&offset={at + PAGE}" if more else None
        return 200, {"items": page, "total": rows[number], "next": str(at + PAGE) if more else None, "link": link}, {}

    return answer


def calls_of(counts: Iterable[int]) -> Callable[[Iterable[Errand]], Iterator[Errand]]:
    """One call for each listing."""

    def calls(found: Iterable[Errand]) -> Iterator[Errand]:
        (errand,) = found
        for number, _ in enumerate(counts):
            request = errand.call.request.with_param("n", str(number))
            yield replace(errand, call=replace(errand.call, request=request))

    return calls


def by_chance(seed: int, *, longest_s: float = 1.0) -> Callable[[Request], float]:
    dice = Random(seed)
    return lambda _: dice.choice((0.0, 0.01, longest_s * dice.random()))


@settings(max_examples=150, deadline=None)
@given(
    counts=st.lists(st.integers(0, 95), max_size=25),
    pager=st.sampled_from(sorted(PAGERS)),
    in_flight=st.integers(1, 9),
    budget=st.sampled_from((1, 500, 5_000, 1 << 26)),
    seed=st.integers(0, 1000),
)
def test_order_is_that_of_the_calls(counts: list[int], pager: str, in_flight: int, budget: int, seed: int) -> None:
    """Whatever the latencies, the slots, the bound and the pace of who takes the pages: the same rows in one order."""
    plan = plan_of(PAGERS[pager], in_flight=in_flight, max_waiting_bytes=budget)
    api = Api(listings(counts), by_chance(seed))
    walked = Walked()
    dice = Random(seed + 1)

    async def take(errand: Errand, page: Page) -> None:
        await walked.take(errand, page)
        await asyncio.sleep(dice.choice((0.0, 0.5)))

    in_no_time(walk(plan, api, walked, calls=calls_of(counts), take=take))
    assert [(row["n"], row["row"]) for row in walked.rows] == [
        (number, row) for number, count in enumerate(counts) for row in range(count)
    ]
    assert api.most <= in_flight


@pytest.mark.parametrize("pager", ["cursor", "offset"])
@pytest.mark.parametrize("budget", [1, 30_000, 100_000])
@pytest.mark.parametrize("pause_s", [0.0, 0.02])
def test_what_waits_is_bounded(pager: str, budget: int, pause_s: float) -> None:
    """The first call is slow, the last ones are heavy, and who takes the pages may be slow too: fetched and not handed
    on are the bound, one share more, and what was under way."""
    counts = [50] + [400] * 20
    page_bytes = PAGE * (1000 + 80)
    plan = plan_of(PAGERS[pager], max_waiting_bytes=budget)
    served = taken = most = 0
    answer = listings(counts, text_bytes=1000)

    def counted(params: Mapping[str, str], url: str) -> Any:
        nonlocal served, most
        found = answer(params, url)
        served += bool(found[1]["items"])
        most = max(most, served - taken)
        return found

    async def take(_errand: Errand, page: Page) -> None:
        nonlocal taken
        taken += bool(page.records)
        await asyncio.sleep(pause_s)

    api = Api(counted, lambda request: 2.0 if ("n", "0") in request.params else 0.1)
    in_no_time(walk(plan, api, Walked(), calls=calls_of(counts), take=take))
    assert taken == served == 5 + 20 * 40
    assert (most - 1) * page_bytes <= budget + budget / 8 + 16 * page_bytes
    if budget > 8 * page_bytes:
        assert most * page_bytes >= budget / 2, "the bound is made use of"


def test_what_is_alike_waits_in_less_room() -> None:
    """Pages that wait for their turn are made small when room gets short, and are handed on as they were."""
    counts = [400, *[400] * 4]
    plan = plan_of(PAGERS["cursor"], max_waiting_bytes=100_000)
    answer, walked = listings(counts, text_bytes=0), Walked()
    long = "x" * 1000
    served = 0

    def padded(params: Mapping[str, str], url: str) -> Any:
        nonlocal served
        status, body, headers = answer(params, url)
        served += 1
        return status, {**body, "items": [{**row, "text": long} for row in body["items"]]}, headers

    at_first: list[int] = []

    async def take(_errand: Errand, page: Page) -> None:
        at_first.append(served)
        walked.rows.extend(json.loads(record) for record in page.records)

    api = Api(padded, lambda request: 60.0 if ("n", "0") in request.params else 0.1)
    in_no_time(walk(plan, api, walked, calls=calls_of(counts), take=take))
    assert [(row["n"], row["row"], row["text"]) for row in walked.rows] == [
        (number, row, long) for number, count in enumerate(counts) for row in range(count)
    ]
    assert at_first[0] * PAGE * 1000 > 10 * 100_000


def test_the_bound_is_one_for_all_resources() -> None:
    """Three resources, each with a slow first call: together they hold what one would, and a share more each."""
    counts = [20] + [400] * 8
    plan = plan_of(PAGERS["cursor"], max_waiting_bytes=100_000)
    answer = listings(counts, text_bytes=1000)
    waiting = Waiting(plan.limits)
    most = 0

    def watched(params: Mapping[str, str], url: str) -> Any:
        nonlocal most
        most = max(most, waiting.bytes)
        return answer(params, url)

    api = Api(watched, lambda request: 2.0 if ("n", "0") in request.params else 0.1)
    found = [Walked() for _ in range(3)]

    async def all_three() -> None:
        transports = [
            Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=api.send) for _ in found
        ]
        await asyncio.gather(
            *(
                walk_with(transport, plan, walked, calls=calls_of(counts), waiting=waiting)
                for transport, walked in zip(transports, found, strict=True)
            )
        )

    in_no_time(all_three())
    assert [len(walked.rows) for walked in found] == [sum(counts)] * 3
    assert most <= 100_000 + 3 * 12_500 + 24 * PAGE * 1100
    assert waiting.bytes == 0


def test_a_bound_smaller_than_a_page_is_no_deadlock() -> None:
    """The call whose turn it is may always go on; the clock would stop this test if everybody waited."""
    counts = [35] * 12
    for pager in PAGERS.values():
        walked, _ = in_no_time(
            walk(plan_of(pager, max_waiting_bytes=1), Api(listings(counts)), Walked(), calls=calls_of(counts))
        )
        assert len(walked.rows) == sum(counts)


def test_calls_of_one_page_fill_the_slots() -> None:
    """1,000 calls of 0.1 s by 8 slots take 12.5 s."""
    counts = [PAGE] * 1000
    api = Api(listings(counts))
    walked, seconds = in_no_time(walk(plan_of("single_page"), api, Walked(), calls=calls_of(counts)))
    assert len(walked.rows) == 10_000
    assert api.most == 8
    assert seconds == pytest.approx(12.5)


def test_a_slow_call_holds_up_nobody() -> None:
    """The first of 100 calls takes 1.5 s; the others need 1.3 s with the 7 slots that are left."""
    counts = [PAGE] * 92
    api = Api(listings(counts), lambda request: 1.5 if ("n", "0") in request.params else 0.1)
    _, seconds = in_no_time(walk(plan_of("single_page"), api, Walked(), calls=calls_of(counts)))
    assert seconds == pytest.approx(1.5)


def test_cursors_of_several_calls_are_walked_side_by_side() -> None:
    """Eight calls of 20 pages take as long as one: nobody stops because it is not yet the first."""
    counts = [20 * PAGE] * 8
    walked, seconds = in_no_time(
        walk(plan_of(PAGERS["cursor"]), Api(listings(counts)), Walked(), calls=calls_of(counts))
    )
    assert len(walked.rows) == sum(counts)
    assert seconds == pytest.approx(2.0)


def test_resources_share_the_slots_of_a_host() -> None:
    """Three resources by one gate: 8 requests under way together, and none of them is kept waiting to the end."""
    plan = plan_of(PAGERS["offset with a total"])
    api = Api(listings([800, 800, 800]))
    transport = Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=api.send)
    ends: list[float] = []
    waiting = Waiting(plan.limits)

    async def one(number: int) -> None:
        calls = calls_of([0] * 3)
        await walk_with(transport, plan, Walked(), calls=lambda found: [list(calls(found))[number]], waiting=waiting)
        ends.append(asyncio.get_running_loop().time())

    async def all_three() -> None:
        await asyncio.gather(*map(one, range(3)))

    _, seconds = in_no_time(all_three())
    assert api.most == 8
    # 240 pages, three probes, and two rounds until all slots are in use
    assert seconds <= (240 + 3) / 8 * 0.1 + 0.2
    assert ends[0] > 0.9 * seconds


@pytest.mark.parametrize(("pager", "requests"), [("offset with a total", 81), ("offset", 88), ("page_number", 88)])
def test_positions_are_named_ahead(pager: str, requests: int) -> None:
    """80 pages by 8 slots: with a total one round more than the ideal and one request more than pages, which proves the
    end; without one two rounds more, and seven requests past the end."""
    api = Api(listings([80 * PAGE]))
    walked, seconds = in_no_time(walk(plan_of(PAGERS[pager]), api, Walked(), calls=calls_of([0])))
    assert len(walked.rows) == 80 * PAGE
    assert seconds <= 80 / 8 * 0.1 + (0.11 if "total" in pager else 0.21)
    assert len(api.asked) <= requests


@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (PAGE - 1, 3), (PAGE, 3), (2 * PAGE, 5)])
def test_short_listings_cost_little(rows: int, requests: int) -> None:
    api = Api(listings([rows]))
    in_no_time(walk(plan_of(PAGERS["offset"]), api, Walked(), calls=calls_of([0])))
    assert len(api.asked) <= requests


def test_a_slow_page_does_not_stop_the_others() -> None:
    """The 20th of 80 pages takes 0.8 s; meanwhile the seven slots that are left go on with later ones."""
    api = Api(listings([80 * PAGE]), lambda request: 0.8 if ("offset", "200") in request.params else 0.1)
    _, seconds = in_no_time(walk(plan_of(PAGERS["offset with a total"]), api, Walked(), calls=calls_of([0])))
    assert seconds <= 1.55


@pytest.mark.parametrize("status", [400, 404, 500])
def test_refusals_past_the_end_do_not_matter(status: int) -> None:
    """A page past the total may be refused; what was named beyond the end of any listing may even fail."""
    declared = listings([8 * PAGE], past_the_end=status)
    if status != 500:
        walked, _ = in_no_time(
            walk(plan_of(PAGERS["offset with a total"]), Api(declared), Walked(), calls=calls_of([0]))
        )
        assert len(walked.rows) == 8 * PAGE

    def first_past_the_end_is_empty(params: Mapping[str, str], url: str) -> Any:
        return (200, {"items": []}, {}) if params.get("offset") == "80" else declared(params, url)

    walked, _ = in_no_time(
        walk(plan_of(PAGERS["offset"]), Api(first_past_the_end_is_empty), Walked(), calls=calls_of([0]))
    )
    assert len(walked.rows) == 8 * PAGE


def test_a_refused_page_in_the_middle_is_an_error() -> None:
    answer = listings([80 * PAGE])

    def refusing(params: Mapping[str, str], url: str) -> Any:
        return (404, {}, {}) if params.get("offset") == "300" else answer(params, url)

    walked = Walked()
    with pytest.raises(RefusedError):
        in_no_time(walk(plan_of(PAGERS["offset with a total"]), Api(refusing), walked, calls=calls_of([0])))
    assert [row["row"] for row in walked.rows] == list(range(300))


@pytest.mark.parametrize("pager", sorted(PAGERS))
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.35, 0.8])
def test_cancelling_leaves_no_task(pager: str, after_s: float) -> None:
    """No walker, no request under way, wherever it is when nobody wants it any more."""
    api = Api(listings([200] * 20), by_chance(1, longest_s=0.2))
    plan = plan_of(PAGERS[pager])
    waiting = Waiting(plan.limits)
    transport = Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=api.send)

    async def cancelled() -> None:
        walking = walk_with(transport, plan, Walked(), calls=calls_of([0] * 20), waiting=waiting)
        work = asyncio.create_task(walking)
        await asyncio.sleep(after_s)
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    in_no_time(cancelled())
    assert api.under_way == waiting.bytes == 0


def test_failures_leave_no_task() -> None:
    """Of who takes the pages, and of who makes the calls; what the others brought is dropped without a word."""
    api = Api(listings([200] * 20))

    async def take(_errand: Errand, _page: Page) -> None:
        raise ValueError("enough")

    def calls(found: Iterable[Errand]) -> Iterator[Errand]:
        yield from calls_of([0] * 12)(found)
        raise AnswerError("a row without the field")

    with pytest.raises(ValueError, match="enough"):
        in_no_time(walk(plan_of(PAGERS["offset"]), api, Walked(), calls=calls_of([0] * 20), take=take))
    with pytest.raises(AnswerError, match="a row without"):
        in_no_time(walk(plan_of(PAGERS["cursor"]), api, Walked(), calls=calls))
    assert api.under_way == 0


class Closed:
    """A watermark after whose first page nothing is wanted."""

    closed = True

    def keep(self, rows: list[Any]) -> list[Any]:
        return rows

    def hold(self) -> None:
        raise AssertionError("no call was skipped")


def test_a_call_that_is_closed_while_it_ends_frees_its_slot() -> None:
    """Each call is stopped in the moment in which it waits for a page past its end to go; no other one is lost."""

    class SlowToGo(Api):
        async def send(self, request: Request) -> Any:
            try:
                return await super().send(request)
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                raise

    def latency_s(request: Request) -> float:
        return 0.5 if dict(request.params)["offset"] == "20" else 0.1

    async def take(errand: Errand, page: Page) -> None:
        await walked.take(errand, page)
        await asyncio.sleep(0.12)

    def calls(found: Iterable[Errand]) -> Iterator[Errand]:
        return (replace(errand, watermark=Closed()) for errand in calls_of([0] * 6)(found))

    walked = Walked()
    api = SlowToGo(listings([PAGE] * 6), latency_s)
    in_no_time(walk(plan_of(PAGERS["offset"], in_flight=2), api, walked, calls=calls, take=take))
    assert len(walked.rows) == 6 * PAGE
