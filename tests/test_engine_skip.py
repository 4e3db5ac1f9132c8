"""Calls that are refused are skipped: the others are whole, in order, and each skip is told with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.config import validate
from headrace.engine import Unskippable, errands
from headrace.engine.waiting import Waiting
from headrace.engine.walk import walk_all
from headrace.errors import RefusedError
from headrace.message import Request
from headrace.plan import Plan, build_plan
from headrace.secrets import Secret
from headrace.transport import Transport
from walking import MERGED, URL, Api, Settled, Walked, in_no_time

PAGE = 10
PAGERS: dict[str, Any] = {
    "offset": {"type": "offset", "limit": PAGE, "total_path": None},
    "offset with a total": {"type": "offset", "limit": PAGE, "total_path": "total"},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "offset"},
}


def plan_of(
    pager: Any, calls: int, *actions: Mapping[str, Any], retries: int = 0, windows: Any = None, **more: Any
) -> Plan:
    """A plan of one resource with a call for each number; 403 is skipped where nothing else is said."""
    endpoint = {
        "path": "items",
        "params": {"n": "{n}"} if calls else {},
        "data_selector": "items",
        "paginator": pager,
        "response_actions": list(actions) or [{"status_code": 403, "action": "skip"}],
        **({"windows": windows} if windows else {}),
    }
    config = {
        "client": {"base_url": URL, "retry": {"max_retries": retries}},
        "resources": [{"name": "items", "endpoint": endpoint, **more}],
        **({"params": {"n": list(range(calls))}} if calls else {}),
    }
    return build_plan(validate(config, resolve_secret=lambda name: name))


class Listings:
    """Listing `n` has as many rows as the n-th count; from its row `refused[n]` on it answers `status`."""

    def __init__(self, counts: list[int], refused: Mapping[int, int], status: int = 403, body: Any = None) -> None:
        self.counts = counts
        self.refused = refused
        self.status = status
        self.body = {"message": "not yours"} if body is None else body

    def __call__(self, params: Mapping[str, str], _url: str) -> tuple[int, Any, Mapping[str, str]]:
        number, at = int(params.get("n", 0)), int(params.get("offset", 0))
        if at >= self.refused.get(number, 1 << 30):
            return self.status, self.body, {}
        rows = self.counts[number]
        page = [{"n": number, "row": row} for row in range(at, min(at + PAGE, rows))]
        return 200, {"items": page, "total": rows, "next": str(at + PAGE) if at + PAGE < rows else None}, {}


class Ledger(Settled):
    """The ends of settled windows by call."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: dict[int, list[float]] = {}

    def settle(self, key: str, until: float) -> None:
        self.settled.setdefault(json.loads(key)["n"], []).append(until)


def walked(plan: Plan, api: Api, unskippable: Unskippable = Unskippable()) -> Walked:  # noqa: B008 - frozen
    async def walk() -> Walked:
        made, resource = Walked(ledger=Ledger()), plan.resources[0]
        transport = Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=api.send)
        async with transport:
            found = errands(resource, ledger=made.ledger, unskippable=unskippable)
            await walk_all(resource, found, Waiting(plan.limits), transport, made.report, made.take)
        return made

    return in_no_time(walk())[0]


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(0, 45), min_size=1, max_size=12),
    refused=st.dictionaries(st.integers(0, 11), st.sampled_from([0, PAGE, 2 * PAGE]), max_size=12),
    pager=st.sampled_from(sorted(PAGERS)),
    seed=st.integers(0, 1000),
)
def test_the_others_are_whole_whatever_comes_first(
    counts: list[int], refused: dict[int, int], pager: str, seed: int
) -> None:
    """Rows, their order and the skips follow from what is refused, not from when an answer comes."""
    dice = Random(seed)
    api = Api(Listings(counts, refused), lambda _: dice.choice((0.0, 0.01, dice.random())))
    made = walked(plan_of(PAGERS[pager], len(counts)), api)
    pages = [-(-rows // PAGE) for rows in counts]
    # a cursor ends at the last page with rows, positions at the empty one behind it
    last = [PAGE * max(each - 1, 0) if pager == "cursor" else PAGE * each for each in pages]
    skipped = {number: at for number, at in refused.items() if number < len(counts) and at <= last[number]}
    whole = {number: skipped.get(number, rows) for number, rows in enumerate(counts)}
    assert [(row["n"], row["row"]) for row in made.rows] == [
        (number, row) for number, rows in whole.items() for row in range(min(rows, counts[number]))
    ]
    assert [(skip.params, skip.rows) for skip in made.report.skipped] == [
        ({"n": number}, min(at, counts[number])) for number, at in sorted(skipped.items())
    ]


class Ranges:
    """Call `n` has a row a minute up to `END_S`, and `busy` more in the first; ranges past `refused[n]` are refused."""

    def __init__(self, busy: int, refused: Mapping[int, int]) -> None:
        self.busy = busy
        self.refused = refused

    def __call__(self, params: Mapping[str, str], _url: str) -> tuple[int, Any, Mapping[str, str]]:
        number, start, end, at = (int(params.get(name, 0)) for name in ("n", "from", "to", "offset"))
        if end > self.refused.get(number, END_S):
            return 403, {"message": "not yours"}, {}
        times = sorted([*range(0, END_S, 60), *(second % 60 for second in range(self.busy))])
        found = [{"n": number, "time": time} for time in times if start <= time < end]
        following = str(at + PAGE) if at + PAGE < len(found) else None
        return 200, {"items": found[at : at + PAGE], "next": following}, {}


END_S = 40 * 60


@settings(max_examples=60, deadline=None)
@given(
    refused=st.dictionaries(st.integers(0, 3), st.integers(0, END_S), max_size=4),
    size=st.sampled_from([None, "5m", "17m"]),
    busy=st.sampled_from([0, 200]),
    in_flight=st.integers(1, 8),
    seed=st.integers(0, 1000),
)
def test_no_window_behind_a_refused_one_is_settled(
    refused: dict[int, int], size: str | None, busy: int, in_flight: int, seed: int
) -> None:
    """What is remembered of a call has no gap, whichever of its windows was answered first; other calls are whole."""
    windows = {"param_start": "from", "param_end": "to", "start": 0, "end": END_S, **({"size": size} if size else {})}
    plan = plan_of(PAGERS["cursor"], 4, windows=windows, **MERGED)
    plan = replace(plan, limits=replace(plan.limits, in_flight=in_flight))
    dice = Random(seed)
    api = Api(Ranges(busy, refused), lambda _: dice.choice((0.0, 0.01, dice.random())))
    made = walked(plan, api)
    assert isinstance(made.ledger, Ledger)
    closed = {number: at for number, at in refused.items() if at < END_S}
    assert [skip.params["n"] for skip in made.report.skipped] == sorted(closed)
    for number in range(4):
        ends = made.ledger.settled.get(number, [])
        assert ends == sorted(ends)
        until = ends[-1] if ends else 0
        assert until <= closed.get(number, END_S)
        assert number in closed or until == END_S
        rows = [row["time"] for row in made.rows if row["n"] == number]
        whole = sorted([*range(0, END_S, 60), *(second % 60 for second in range(busy))])
        assert rows == [time for time in whole if time < until]
    assert api.under_way == 0


def test_a_page_past_the_total_is_no_skip() -> None:
    """404 means that a domain is gone, and past the total that there is no such page."""
    plan = plan_of(PAGERS["offset with a total"], 2, {"status_code": 404, "action": "skip"})
    made = walked(plan, Api(Listings([2 * PAGE, 3], {0: 2 * PAGE}, status=404)))
    assert len(made.rows) == 2 * PAGE + 3
    assert made.report.skipped == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Forbidden - user\n may not"}, "Forbidden - user may not"),
        ({"Description": "webhook not found"}, "webhook not found"),
        ({"error": {"code": 7}, "title": "No"}, "No"),
        ({"message": ""}, '{"message": ""}'),
        ("Forbidden", '"Forbidden"'),
        ({"message": "for sesame-9911 " + "x" * 300}, "for *** " + "x" * 192 + "... cut"),
    ],
)
def test_the_reason_is_in_the_words_of_the_api(body: Any, words: str) -> None:
    Secret("sesame-9911")
    made = walked(plan_of("single_page", 2), Api(Listings([1, 1], {1: 0}, body=body)))
    (skip,) = made.report.skipped
    assert (skip.status, skip.words) == (403, words)
    assert str(skip) == f"n=1: 403 {words}"
    assert json.loads(json.dumps(made.report.as_dict()))["skipped"] == [
        {"params": {"n": 1}, "status": 403, "words": words, "rows": 0}
    ]


def test_a_text_that_is_skipped_may_come_with_200() -> None:
    plan = plan_of("single_page", 2, {"content": "Magnificent", "action": "skip"})
    made = walked(plan, Api(Listings([1, 1], {0: 0}, status=200, body="Mailgun Magnificent API")))
    assert [row["n"] for row in made.rows] == [1]
    assert str(made.report.skipped[0]) == 'n=0: 200 "Mailgun Magnificent API"'


def test_what_may_pass_is_asked_again_first() -> None:
    plan = plan_of("single_page", 1, {"status_code": 503, "action": "skip"}, retries=2)
    api = Api(Listings([1], {0: 0}, status=503))
    assert [skip.status for skip in walked(plan, api).report.skipped] == [503]
    assert len(api.asked) == 3


@pytest.mark.parametrize("constants", [{}, {"region": "eu"}])
def test_the_only_call_is_never_skipped(constants: dict[str, str]) -> None:
    """The same error as without the action; a constant makes no further call."""
    with pytest.raises(RefusedError) as without:
        walked(plan_of("single_page", 0, {"status_code": 418, "action": "skip"}), Api(Listings([1], {0: 0})))
    with pytest.raises(RefusedError) as caught:
        walked(plan_of("single_page", 0, constants=constants), Api(Listings([1], {0: 0})))
    assert str(caught.value) == str(without.value)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("unskippable", "refused", "fails"),
    [
        (Unskippable("rows are lost"), {1: 0}, True),
        (Unskippable(None, "rows come twice"), {1: 0}, False),
        (Unskippable(None, "rows come twice"), {1: PAGE}, True),
    ],
)
def test_a_call_that_must_be_whole_is_an_error(
    unskippable: Unskippable, refused: dict[int, int], *, fails: bool
) -> None:
    plan = plan_of(PAGERS["cursor"], 3)
    api = Api(Listings([25, 25, 25], refused))
    if not fails:
        assert len(walked(plan, api, unskippable).report.skipped) == 1
        return
    with pytest.raises(RefusedError, match=r"the call cannot be skipped, because rows (are lost|come twice)") as caught:
        walked(plan, api, unskippable)
    assert '403 Forbidden ({"message": "not yours"})' in str(caught.value)
    assert api.under_way == 0


def test_a_slow_refusal_holds_up_nobody() -> None:
    """Seven slots go on while the first call waits for its refusal."""
    counts = [PAGE] * 92
    slow = Request("GET", "", (("n", "0"),)).params[0]
    api = Api(Listings(counts, {0: 0}), lambda request: 1.5 if slow in request.params else 0.1)
    made = walked(plan_of("single_page", 92), api)
    assert len(made.rows) == 91 * PAGE
    assert api.most == 8
