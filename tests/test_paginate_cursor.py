"""Cursor and HeaderCursor: which cursor is followed, which ends, which is an error."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import Cursor, HeaderCursor
from headrace.paginate.cycle import VERDICTS, ReferenceWalk, Trail, Verdict

REQUEST = Request("GET", "https://api.example.com/v1/events", params=(("limit", "300"),), resource="events")
NEXT = compile_path("paging.next")
MORE = compile_path("more")


def facts(rows: int, cursor: Any = MISSING, **values: Any) -> PageFacts:
    """The facts of a page with `rows` rows and `cursor` under `paging.next`."""
    return PageFacts(200, {}, REQUEST.url, rows, "", {"paging.next": cursor, **values})


def play(walk: ReferenceWalk, pages: list[tuple[int, Any]]) -> tuple[list[str | None], str]:
    """Tell `pages`; gives the cursors asked for (None: without) and how it went: open, done or error."""
    asked: list[str | None] = []
    for rows, cursor in pages:
        request = walk.ask()
        if request is None:
            break
        assert walk.ask() is None, "the next page cannot be named before this one is told"
        asked.append(dict(request.params).get("from"))
        try:
            walk.tell(facts(rows, cursor))
        except PagingError:
            return asked, "error"
    return asked, "done" if walk.done else "open"


@pytest.mark.parametrize(
    ("stop", "pages", "asked", "outcome"),
    [
        # the end is named
        (None, [(3, "a"), (3, "b"), (1, None)], [None, "a", "b"], "done"),
        (None, [(3, MISSING)], [None], "done"),
        (None, [(3, "a"), (3, "")], [None, "a"], "done"),
        (None, [(3, 0)], [None], "done"),
        (None, [(3, False)], [None], "done"),
        # numbers are sent as text
        (None, [(3, 17), (3, 1.5), (3, None)], [None, "17", "1.5"], "done"),
        # the API names a cursor for ever (P07)
        (None, [(3, "a"), (0, "a")], [None, "a"], "done"),
        (None, [(3, "a"), (0, "b"), (0, "c")], [None, "a", "b"], "done"),
        (None, [(0, "a"), (0, "b")], [None, "a"], "done"),
        (None, [(3, "a"), (3, "b"), (0, "a")], [None, "a", "b"], "done"),
        # an empty page in the middle is passed over, again and again
        (None, [(3, "a"), (0, "b"), (3, "c"), (0, "d"), (3, None)], [None, "a", "b", "c", "d"], "done"),
        # cycles of period 1, 2, 3 (P05, P06)
        (None, [(3, "a"), (3, "a")], [None, "a"], "error"),
        (None, [(3, "a"), (3, "b"), (3, "a")], [None, "a", "b"], "error"),
        (None, [(3, "a"), (3, "b"), (3, "c"), (3, "a")], [None, "a", "b", "c"], "error"),
        # an empty page always ends
        (True, [(3, "a"), (0, "b")], [None, "a"], "done"),
        (True, [(0, {"odd": 1})], [None], "done"),
        (True, [(3, "a"), (3, "a")], [None, "a"], "error"),
        # an empty page never ends
        (False, [(3, "a"), (0, "b"), (0, "c"), (0, "d")], [None, "a", "b", "c"], "open"),
        (False, [(3, "a"), (0, "b"), (0, None)], [None, "a", "b"], "done"),
        (False, [(3, "a"), (0, "a")], [None, "a"], "error"),
        (False, [(3, "a"), (0, "b"), (0, "a")], [None, "a", "b"], "error"),
    ],
)
def test_walks(stop: bool | None, pages: list[tuple[int, Any]], asked: list[str | None], outcome: str) -> None:
    """The table of `cycle.py`, walked."""
    walk = Cursor(NEXT, "from", stop_after_empty_page=stop).begin(REQUEST)
    assert play(walk, pages) == (asked, outcome)


@pytest.mark.parametrize(
    ("cursor", "came"),
    [
        ({"id": 1}, "an object"),
        (["a"], "a list"),
        (True, "a boolean"),
        (float("nan"), "a number"),
        pytest.param(10**5000, "a number", id="5001 digits"),
    ],
)
def test_cursor_of_a_wrong_type(cursor: Any, came: str) -> None:
    """P04: the error names path, type and page."""
    walk = Cursor(NEXT, "from").begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(3, cursor))
    assert str(caught.value) == (
        f"expected a text or a number as cursor in `paging.next`, got {came} "
        "at page 1 of `events` (https://api.example.com/v1/events)\n"
        "hint: check that the path leads to the cursor itself"
    )


def test_cursor_that_is_too_long() -> None:
    """No server takes a request line over 8 KiB."""
    walk = Cursor(NEXT).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match=r"expected at most 8192 characters in `paging.next`, got 'x+'\.\.\. \(10000"):
        walk.tell(facts(3, "x" * 10_000))


def test_cycle_error_says_what_to_try() -> None:
    """The cursor is shortened, the page numbered, the options named."""
    walk = Cursor(NEXT, "from").begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, "c" * 50))
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(3, "c" * 50))
    assert str(caught.value) == (
        f"expected a new cursor, got '{'c' * 40}'... (50 characters) which was asked for before "
        "at page 2 of `events` (https://api.example.com/v1/events)\n"
        "hint: the API may not read its cursor from `from`: check `cursor_param`, and that `cursor_path` leads to the "
        "next page's cursor"
    )


def test_cursor_in_the_first_request_counts_as_asked() -> None:
    """A walk that starts at a cursor may not come back to it."""
    walk = Cursor(NEXT, "from").begin(REQUEST.with_param("from", "start"))
    assert play(walk, [(3, "a"), (3, "start")]) == (["start", "a"], "error")


@pytest.mark.parametrize(
    ("cursor", "more", "outcome"),
    [("a", True, "open"), ("a", "true", "open"), ("a", False, "done"), ("a", "false", "done"), (None, False, "done")],
)
def test_has_more(cursor: Any, more: Any, outcome: str) -> None:
    """The flag false ends although there is a cursor."""
    walk = Cursor(NEXT, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, cursor, more=more))
    assert ("done" if walk.done else "open") == outcome


def test_has_more_without_cursor_is_a_contradiction() -> None:
    """More is declared and nothing leads there: an error, not an end."""
    walk = Cursor(NEXT, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match=r"a cursor under `paging\.next` because `more` is true, got none"):
        walk.tell(facts(3, None, more=True))


def test_missing_has_more_is_an_error() -> None:
    """As for the counted pagers, and as in dlt."""
    walk = Cursor(NEXT, has_more_path=MORE).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match="expected true or false under `more`, got nothing"):
        walk.tell(facts(3, "a"))


def test_selector_with_several_matches_gives_the_first() -> None:
    """As dlt takes it."""
    path = compile_path("pages[*].next")
    walk = Cursor(path, "from").begin(REQUEST)
    walk.ask()
    found = path.first({"pages": [{}, {"next": "a"}, {"next": "b"}]})
    walk.tell(PageFacts(200, {}, REQUEST.url, 3, "", {path.text: found}))
    request = walk.ask()
    assert request is not None
    assert request.params == (("limit", "300"), ("from", "a"))


def test_header_cursor() -> None:
    """The header is found in any case, sent as the parameter, and ends when it is absent or empty."""
    walk = HeaderCursor("X-Next-Page", "page").begin(REQUEST)
    for header, expected in (({"x-next-page": "2"}, None), ({"x-next-page": "3"}, "2"), ({"x-next-page": ""}, "3")):
        request = walk.ask()
        assert request is not None
        assert dict(request.params).get("page") == expected
        walk.tell(PageFacts(200, header, REQUEST.url, 3))
    assert walk.done


def test_header_cursor_cycle() -> None:
    """The same guard as in the body."""
    walk = HeaderCursor().begin(REQUEST)
    walk.ask()
    walk.tell(PageFacts(200, {"next": "a"}, REQUEST.url, 3))
    walk.ask()
    with pytest.raises(PagingError, match="check `cursor_param` and `cursor_key`"):
        walk.tell(PageFacts(200, {"next": "a"}, REQUEST.url, 3))


def test_verdict_table_is_complete() -> None:
    """Every kind of page and every setting has a row."""
    assert set(VERDICTS) == {(rows, stop) for rows in (True, False) for stop in (None, True, False)}
    assert all(asked is not Verdict.FOLLOW for _, asked in VERDICTS.values())


def test_trail_takes_any_text() -> None:
    """A lone surrogate in a cursor is remembered like any other."""
    trail = Trail(None)
    trail.mark("\ud800")
    assert trail.judge("\ud800", 1) is Verdict.CYCLE
    assert trail.judge("\ud801", 1) is Verdict.FOLLOW
    assert repr(trail) == "<Trail asked=1 after_empty=False>"


def test_tell_without_ask_is_a_programming_error() -> None:
    """Also twice for one ask, and after the end."""
    walk = Cursor(NEXT).begin(REQUEST)
    with pytest.raises(AssertionError):
        walk.tell(facts(1))
    walk.ask()
    walk.tell(facts(1))
    with pytest.raises(AssertionError):
        walk.tell(facts(1))
    assert repr(walk) == "<ReferenceWalk of cursors pages=1 done=True>"


def test_describe_and_wants() -> None:
    """Plain data with the end rule in words."""
    assert Cursor(NEXT, "from").wants == (NEXT,)
    assert Cursor(NEXT, has_more_path=MORE).wants == (NEXT, MORE)
    assert HeaderCursor().wants == ()
    assert Cursor(NEXT, "from", stop_after_empty_page=True, has_more_path=MORE).describe() == {
        "kind": "cursor",
        "cursor_path": "paging.next",
        "cursor_param": "from",
        "has_more_path": "more",
        "stop_after_empty_page": True,
        "ends": "when `paging.next` is missing or empty, when `more` is false, at an empty page",
    }
    assert HeaderCursor().describe()["ends"] == (
        "when header `next` is missing or empty, at a second empty page in a row, "
        "or an empty page that names nothing new"
    )
