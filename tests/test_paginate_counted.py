"""Offset and PageNumber: every end rule by a table of literals."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.errors import PagingError
from headrace.jsonpath import compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import Offset, PageNumber
from headrace.paginate.counted import CountedWalk

REQUEST = Request("GET", "https://api.example.com/v1/domains", params=(("state", "active"),), resource="domains")
TOTAL = compile_path("total")
MORE = compile_path("more")


def facts(rows: int, fingerprint: str = "", **values: Any) -> PageFacts:
    """The facts of a page with `rows` rows."""
    return PageFacts(200, {}, REQUEST.url, rows, fingerprint, values)


def position(request: Request | None, param: str = "offset") -> int | None:
    """The position that a request asks for, None for no request."""
    return None if request is None else int(dict(request.params)[param])


def ask_all(walk: CountedWalk, at_most: int = 20, param: str = "offset") -> list[int]:
    """The positions that can be named now, `at_most` of them."""
    named: list[int] = []
    while len(named) < at_most and (found := position(walk.ask(), param)) is not None:
        named.append(found)
    return named


def test_sends_position_and_limit_beside_own_params() -> None:
    """The first request keeps its parameters and gets both of ours, texts as they are sent."""
    request = Offset(1000, offset_param="skip").begin(REQUEST).ask()
    assert request is not None
    assert request.params == (("state", "active"), ("limit", "1000"), ("skip", "0"))


def test_names_pages_ahead_before_any_is_told() -> None:
    """Without a bound there is always a next page to name."""
    assert ask_all(Offset(10).begin(REQUEST), 4) == [0, 10, 20, 30]
    assert ask_all(PageNumber(base_page=1).begin(REQUEST), 3, "page") == [1, 2, 3]
    assert ask_all(PageNumber(base_page=1, page=5).begin(REQUEST), 2, "page") == [5, 6]
    assert ask_all(Offset(10, offset=7).begin(REQUEST), 3) == [7, 17, 27]


def test_empty_page_ends_and_later_ones_do_not_count() -> None:
    """The first empty page in page order ends, although more pages were named."""
    walk = Offset(10).begin(REQUEST)
    ask_all(walk, 5)
    walk.tell(facts(10))
    walk.tell(facts(0))
    assert walk.done
    assert walk.ask() is None
    with pytest.raises(AssertionError):
        walk.tell(facts(10))


def test_short_page_proves_nothing() -> None:
    """The step is the limit, whatever the length of a page (P14)."""
    walk = Offset(10).begin(REQUEST)
    for rows in (3, 10, 1):
        walk.ask()
        walk.tell(facts(rows))
    assert not walk.done
    assert position(walk.ask()) == 30


def test_tell_without_ask_is_a_programming_error() -> None:
    """A driver that tells more than it asked is wrong."""
    with pytest.raises(AssertionError):
        Offset(10).begin(REQUEST).tell(facts(1))


@pytest.mark.parametrize(
    ("total", "ahead"),
    [
        (25, [10, 20, 30]),
        ("25", [10, 20, 30]),
        (25.0, [10, 20, 30]),
        (30, [10, 20, 30]),
        (31, [10, 20, 30, 40]),
        (5, [10]),
        (0, [10]),
    ],
)
def test_total_bounds_what_is_named_ahead(total: Any, ahead: list[int]) -> None:
    """Every page below the total and one probe at or past it are named, no more."""
    walk = Offset(10, total_path=TOTAL).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, total=total))
    assert ask_all(walk) == ahead


@pytest.mark.parametrize(
    "total", [None, -1, "many", "-5", "", True, [5], {"n": 5}, 2.5, "9" * 30, 10**30, float("nan")]
)
def test_nonsense_total_is_ignored(total: Any) -> None:
    """A total that is no count is no total, and no error (P13)."""
    walk = Offset(10, total_path=TOTAL).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, total=total))
    assert ask_all(walk, 5) == [10, 20, 30, 40, 50]


def test_absent_total_keeps_the_one_seen_before() -> None:
    """A page without a total does not lift the bound of an earlier page."""
    walk = Offset(10, total_path=TOTAL).begin(REQUEST)
    ask_all(walk, 2)
    walk.tell(facts(10, total=30))
    walk.tell(facts(10))
    assert ask_all(walk) == [20, 30]


def test_beyond_a_total_that_is_too_small_pages_come_one_by_one() -> None:
    """A wrong total costs speed and no row."""
    walk = Offset(10, total_path=TOTAL).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, total=10))
    for expected in (10, 20, 30):
        assert ask_all(walk) == [expected]
        assert walk.probing
        walk.tell(facts(10, total=10))
    ask_all(walk)
    walk.tell(facts(0, total=10))
    assert walk.done
    assert walk.doubt is None


def test_honest_total_costs_one_request() -> None:
    """25 rows in pages of 10: three pages and the probe."""
    walk = Offset(10, total_path=TOTAL).begin(REQUEST)
    asked = len(ask_all(walk, 1))
    for rows in (10, 10, 5, 0):
        assert walk.probing == (rows == 0)
        walk.tell(facts(rows, total=25))
        asked += len(ask_all(walk))
    assert (walk.done, asked, walk.doubt, walk.probing) == (True, 4, None, False)


def test_total_that_promised_more_leaves_a_doubt() -> None:
    """An API that caps `limit` loses rows without a word; the walk says so."""
    walk = Offset(1000, total_path=TOTAL).begin(REQUEST)
    for rows in (100, 0):
        walk.ask()
        walk.tell(facts(rows, total=250))
    assert walk.doubt == (
        "`total` names 250 rows, and 100 were counted: the API may cap pages at 100 rows, try it as `limit`"
    )


def test_total_of_page_numbers_is_pages() -> None:
    """`total_path` of a page number leads to the number of pages, counted from the base."""
    walk = PageNumber(base_page=1, total_path=TOTAL).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, total=3))
    assert ask_all(walk, param="page") == [2, 3, 4]
    walk.tell(facts(10, total=3))
    walk.tell(facts(0, total=3))
    assert walk.doubt == "`total` names 3 pages, and `page`=3 is empty: check `page_param` and `base_page`"


@pytest.mark.parametrize(
    ("more", "done"),
    [(True, False), (False, True), ("true", False), ("False", True), ("yes", False), ("0", True), (" TRUE ", False)],
)
def test_has_more_decides(more: Any, done: bool) -> None:
    """False ends at once; true goes on. Texts as dlt takes them."""
    walk = Offset(10, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, more=more))
    assert walk.done is done


@pytest.mark.parametrize(
    ("values", "came"),
    [
        ({}, "nothing"),
        ({"more": None}, "null"),
        ({"more": 1}, "a number"),
        ({"more": "perhaps"}, "'perhaps'"),
        ({"more": []}, "a list"),
    ],
)
def test_has_more_of_another_kind_is_an_error(values: dict[str, Any], came: str) -> None:
    """A declared flag that is missing is never taken for an end."""
    walk = Offset(10, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(10, **values))
    assert str(caught.value) == (
        f"expected true or false under `more`, got {came} at page 1 of `domains` (https://api.example.com/v1/domains)\n"
        "hint: check `has_more_path`; the flag must be on every page that has rows"
    )


def test_has_more_is_not_asked_of_the_empty_last_page() -> None:
    """The empty page is the end already; many APIs leave the flag out there."""
    walk = Offset(10, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    walk.tell(facts(0))
    assert walk.done


def test_maximum_bounds_asking_and_ends() -> None:
    """A position at the maximum is not asked for; the last one below it ends the walk."""
    walk = Offset(10, maximum_offset=25).begin(REQUEST)
    assert ask_all(walk) == [0, 10, 20]
    for done in (False, False, True):
        walk.tell(facts(10))
        assert walk.done is done


def test_first_page_is_asked_even_at_the_maximum() -> None:
    """As dlt does."""
    walk = PageNumber(base_page=1, maximum_page=1).begin(REQUEST)
    assert ask_all(walk, param="page") == [1]
    walk.tell(facts(10))
    assert walk.done


def test_without_the_empty_page_rule_something_else_must_end() -> None:
    """Nothing to end paging is an error before the first request."""
    with pytest.raises(PagingError) as caught:
        Offset(10, stop_after_empty_page=False).begin(REQUEST)
    assert (
        caught.value.message
        == "expected something that ends paging, got `stop_after_empty_page` false and nothing else"
    )
    assert caught.value.hint is not None
    assert "`maximum_offset`" in caught.value.hint


def test_limit_must_be_positive() -> None:
    """A step of 0 would never end."""
    with pytest.raises(PagingError, match="at least 1, got 0"):
        Offset(0).begin(REQUEST)


def test_without_the_empty_page_rule_the_total_ends() -> None:
    """Empty pages are passed over and nothing past the total is named."""
    walk = Offset(10, total_path=TOTAL, stop_after_empty_page=False).begin(REQUEST)
    walk.ask()
    walk.tell(facts(0, total=30))
    assert ask_all(walk) == [10, 20]
    walk.tell(facts(10, total=30))
    walk.tell(facts(10, total=30))
    assert walk.done


def test_total_that_alone_ends_must_be_there() -> None:
    """A stop rule that never comes is an error, not an endless walk."""
    walk = Offset(10, total_path=TOTAL, stop_after_empty_page=False).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match="expected a number under `total`, which alone ends paging"):
        walk.tell(facts(10))


def test_has_more_outranks_the_total_as_stop_rule() -> None:
    """With a flag declared the total is a hint again."""
    walk = Offset(10, total_path=TOTAL, has_more_path=MORE, stop_after_empty_page=False).begin(REQUEST)
    walk.ask()
    walk.tell(facts(10, total=10, more=True))
    assert not walk.done
    assert ask_all(walk) == [10]
    walk.tell(facts(0, total=10, more=False))
    assert walk.done


@pytest.mark.parametrize(
    ("pager", "pages", "error_at"),
    [
        (Offset(10), [(10, "a"), (10, "a")], 2),
        (Offset(10), [(10, "a"), (10, "b"), (10, "a"), (10, "b")], None),
        (Offset(10), [(10, ""), (10, ""), (10, "")], None),
        (Offset(10), [(3, "a"), (3, "a")], None),
        (Offset(10), [(3, "a"), (3, "a"), (3, "a")], 3),
        (Offset(1), [(1, "a"), (1, "a")], None),
        (Offset(1), [(1, "a"), (1, "a"), (1, "a")], 3),
        (PageNumber(), [(10, "a"), (10, "a")], None),
        (PageNumber(), [(10, "a"), (10, "a"), (10, "a")], 3),
        (Offset(10, stop_after_empty_page=False, maximum_offset=999), [(10, "a"), (0, ""), (10, "a")], 3),
    ],
)
def test_equal_pages_in_a_row(pager: Offset | PageNumber, pages: list[tuple[int, str]], error_at: int | None) -> None:
    """Full equal pages twice in a row, other ones three times: the API ignores the position."""
    walk = pager.begin(REQUEST)
    raised_at = None
    for number, (rows, fingerprint) in enumerate(pages, 1):
        walk.ask()
        try:
            walk.tell(facts(rows, fingerprint))
        except PagingError:
            raised_at = number
            break
    assert raised_at == error_at


def test_equal_pages_error_names_the_option() -> None:
    """The hint leads to the parameter's name, and to `single_page` when the API sends everything."""
    walk = Offset(10, offset_param="skip").begin(REQUEST)
    ask_all(walk, 2, "skip")
    walk.tell(facts(500, "a"))
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(500, "a"))
    assert str(caught.value) == (
        "expected other rows for `skip`=10, got the 500 of the page before again "
        "at page 2 of `domains` (https://api.example.com/v1/domains)\n"
        "hint: the API ignores `skip`: check `offset_param`; it sends more rows than `limit`, so `single_page` may be "
        "enough"
    )


def test_describe_is_plain_data() -> None:
    """`headrace plan` prints parameters and the end rule."""
    described = Offset(10, total_path=TOTAL, has_more_path=MORE, maximum_offset=50).describe()
    assert described["ends"] == "at an empty page, when `more` is false, before `offset`=50"
    assert (described["kind"], described["total_path"], described["limit"]) == ("offset", "total", 10)
    ends = PageNumber(total_path=TOTAL, stop_after_empty_page=False).describe()["ends"]
    assert ends == "when `total` is reached"


def test_wants_are_the_declared_paths() -> None:
    """Nothing is looked up that was not declared."""
    assert Offset(10).wants == ()
    assert Offset(10, total_path=TOTAL, has_more_path=MORE).wants == (TOTAL, MORE)
    assert PageNumber(has_more_path=MORE).wants == (MORE,)


def test_walk_shows_its_state() -> None:
    """One line, for logs and failing tests."""
    walk = Offset(10).begin(REQUEST)
    walk.ask()
    assert repr(walk) == "<CountedWalk by offset asked=1 told=0 done=False>"
