"""Keyset: whatever the server does to a page, the walk ends with every row once, or with an error."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.errors import PagingError
from headrace.jsonpath import compile_path
from headrace.message import PageFacts, Request
from headrace.moment import FORMS
from headrace.paginate import Keyset

REQUEST = Request("POST", "https://api.example.com/rows", json={"range": "all"}, resource="rows")
MS = 1000


def pager(**options: Any) -> Keyset:
    said: dict[str, Any] = {
        "key_path": compile_path("at"), "limit": 3, "form": FORMS["milliseconds"], "key_body_path": "before",
        "limit_param": None, "limit_body_path": "limit", "least_limit": 2, **options,
    }  # fmt: skip
    return Keyset(**said)


class Api:
    """Rows by their milliseconds; the order within one is another one each time."""

    def __init__(  # noqa: PLR0913 - the sides of the case
        self, times: Sequence[int], *, order: str = "desc", inclusive: bool = False, cap: int | None = None,
        unit: int = 1, ignores: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        self.times = times
        self.asked: list[int | None] = []
        self._sign = 1 if order == "desc" else -1
        self._inclusive = inclusive
        self._cap = cap
        self._unit = unit
        self._ignores = ignores
        self._dice = Random(seed)

    def serve(self, request: Request) -> list[tuple[int, int]]:
        """A page of (row, its milliseconds)."""
        bound, limit = request.json.get("before"), request.json["limit"]
        self.asked.append(bound)
        if bound is not None:
            bound = bound // self._unit * self._unit
        rows = list(enumerate(self.times))
        if bound is not None and not self._ignores:
            past = [self._sign * (bound - time) for _, time in rows]
            rows = [row for row, by in zip(rows, past, strict=True) if by > 0 or (self._inclusive and by == 0)]
        self._dice.shuffle(rows)
        rows.sort(key=lambda row: -self._sign * row[1])
        return rows[: min(limit, self._cap or limit)]


def facts_of(times: Sequence[int], digests: Sequence[int] | None = None) -> PageFacts:
    """A page of rows at these milliseconds, all alike unless `digests` tell them apart."""
    same = [0] * len(times) if digests is None else digests
    return PageFacts(200, {}, REQUEST.url, len(times), moments=[time * MS for time in times], digests=same)


def walk(keyset: Keyset, api: Api) -> list[int]:
    """The rows that count, by number. Raises what the walk raises."""
    taken: list[int] = []
    walk = keyset.begin(REQUEST)
    for _ in range(1000):
        request = walk.ask()
        if request is None:
            assert walk.done
            return taken
        assert walk.ask() is None
        page = api.serve(request)
        facts = facts_of([time for _, time in page], [number for number, _ in page])
        taken += [page[place][0] for place in walk.tell(facts)]
    raise AssertionError("no end")


@settings(max_examples=600, deadline=None)
@given(
    times=st.lists(st.integers(0, 30) | st.sampled_from((5, 5, 6, 7, 1000, 2001)), max_size=40),
    limit=st.integers(1, 12),
    least_limit=st.integers(1, 6),
    cap=st.none() | st.integers(1, 12),
    order=st.sampled_from(("desc", "asc")),
    inclusive=st.booleans(),
    unit=st.sampled_from((1, 1, 1, 10, 1000)),
    ignores=st.sampled_from((False, False, False, True)),
    seed=st.integers(0, 1000),
)
@example(times=[5] * 7, limit=100, least_limit=5, cap=5, order="desc", inclusive=False, unit=1, ignores=False, seed=0)
def test_all_rows_once_or_an_error(  # noqa: PLR0913, PLR0917 - the sides of the case
    times: list[int], limit: int, least_limit: int, cap: int | None, order: str, inclusive: bool, unit: int,
    ignores: bool, seed: int,
) -> None:  # fmt: skip
    """Ties within and over pages, caps in silence, both rules of the bound, bounds that are cut or ignored."""
    cap = None if cap is None else max(cap, min(limit, least_limit))
    api = Api(times, order=order, inclusive=inclusive, cap=cap, unit=unit, ignores=ignores, seed=seed)
    try:
        taken = walk(pager(limit=limit, least_limit=least_limit, order=order), api)
    except PagingError:
        most = max((times.count(time) for time in times), default=0)
        fits = most < min(limit, least_limit) and 2 * most < min(limit, cap or limit)
        assert unit > 1 or ignores or not fits, "nothing stood in the way"
        return
    assert sorted(taken) == list(range(len(times)))


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("order", ["desc", "asc"])
def test_the_last_instant_is_asked_for_again(order: str, inclusive: bool) -> None:
    """Five rows, three of one instant over the end of a page of three: one page more than there would be."""
    api = Api([1, 2, 2, 2, 3], order=order, inclusive=inclusive)
    assert sorted(walk(pager(limit=5, least_limit=5, order=order), api)) == [0, 1, 2, 3, 4]
    assert api.asked == [None, 2]
    shorter = Api([1, 2, 2, 2, 3, 4, 5], order=order, inclusive=inclusive)
    assert sorted(walk(pager(limit=5, least_limit=5, order=order), shorter)) == [0, 1, 2, 3, 4, 5, 6]


def test_an_empty_first_page_is_the_end() -> None:
    api = Api([])
    assert walk(pager(), api) == []
    assert api.asked == [None]


def test_a_short_page_says_nothing() -> None:
    """The server serves two rows whatever it is asked for."""
    api = Api([1, 2, 3, 4, 5], cap=2)
    assert sorted(walk(pager(limit=1000, least_limit=2), api)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("api", "options", "error"),
    [
        (Api([1, 2, 3, 4], ignores=True), {}, "expected no row after 3, the bound sent as `before`, got some"),
        (Api([1001, 1500, 1501], unit=1000), {}, "expected at least 1 rows at 1001, which the page before had, got 0"),
        (Api([1, 5, 5, 5, 5]), {}, "expected fewer rows at 5 than a page holds, got 3, and there may be more"),
        (Api([1, 2, 3, 4], order="asc"), {}, "expected rows in the order `desc` of `at`, got a row out of order"),
    ],
)  # fmt: skip
def test_errors_say_what_the_server_does(api: Api, options: dict[str, Any], error: str) -> None:
    with pytest.raises(PagingError) as caught:
        walk(pager(**options), api)
    assert caught.value.message == error
    assert "of `rows` (https://api.example.com/rows)" in str(caught.value.where)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("again", "comes"),
    [([7, 8, 8], True), ([8, 7, 9, 8], True), ([7, 8, 9], False), ([7, 7, 8], False), ([1, 2, 3, 4], False)],
)
def test_rows_that_are_held_back_come_again_as_often(again: list[int], comes: bool) -> None:
    """Other rows in their place are no proof that none is missing, however many they are."""
    walk = pager(limit=9, least_limit=9).begin(REQUEST)
    walk.ask()
    assert walk.tell(facts_of([3, 2, 2, 2], [1, 7, 8, 8])) == [0]
    walk.ask()
    following = facts_of([2] * len(again), again)
    if comes:
        assert walk.tell(following) == list(range(len(again)))
        return
    with pytest.raises(PagingError) as caught:
        walk.tell(following)
    assert caught.value.message == "expected all 3 rows at 2 again, which the page before had, got others"


def test_instants_are_units_of_the_bound() -> None:
    """Rows of one second are one instant where the bound says seconds, and only whole seconds are sent."""
    api = Api([1200, 1900, 3100, 5000])
    keyset = pager(form=FORMS["seconds"], limit=3)
    walk = keyset.begin(REQUEST)
    assert walk.ask().json == {"range": "all", "limit": 3}  # type: ignore[union-attr]
    assert walk.tell(facts_of([5000, 1900, 1200])) == [0]
    assert walk.ask().json["before"] == 2  # type: ignore[union-attr]
    assert len(api.times) == 4


def test_telling_without_asking_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="tell without an open ask"):
        pager().begin(REQUEST).tell(PageFacts(200, {}, "", 0))
