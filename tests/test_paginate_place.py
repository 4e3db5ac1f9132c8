"""Body paths: paging values that go into the JSON body instead of the query."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.errors import PagingError
from headrace.jsonpath import compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import Cursor, Offset, PageNumber
from headrace.paginate.place import Place, place_of

NEXT = compile_path("next")
REQUEST = Request("POST", "https://api.example.com/v1/search", (("v", "2"),), json={"query": {"a": 1}}, resource="hits")


def bodies(pager: Any, *answers: Any, first: Request = REQUEST) -> list[Any]:
    """The bodies that a walk asks with; each answer is its rows and its values."""
    walk = pager.begin(first)
    asked = [walk.ask()]
    for rows, values in answers:
        walk.tell(PageFacts(200, {}, first.url, rows, str(len(asked)), values))
        asked.append(walk.ask())
    assert all(request.params == first.params for request in asked if request), "nothing of it goes into the query"
    return [request and request.json for request in asked]


def test_offset_and_limit_go_into_the_body_as_numbers() -> None:
    pager = Offset(10, offset_param=None, limit_param=None, offset_body_path="page.offset", limit_body_path="page.size")
    assert bodies(pager, (10, {}), (0, {})) == [
        {"query": {"a": 1}, "page": {"size": 10, "offset": 0}},
        {"query": {"a": 1}, "page": {"size": 10, "offset": 10}},
        None,
    ]
    assert REQUEST.json == {"query": {"a": 1}}, "the first request is not written into"


def test_one_of_the_two_may_stay_in_the_query() -> None:
    request = Offset(10, offset_body_path="from").begin(REQUEST).ask()
    assert request is not None
    assert (request.params, request.json) == ((("v", "2"), ("limit", "10")), {"query": {"a": 1}, "from": 0})


def test_page_number_in_the_body() -> None:
    pager = PageNumber(base_page=1, page_body_path="query.page")
    assert bodies(pager, (3, {}), (0, {})) == [{"query": {"a": 1, "page": 1}}, {"query": {"a": 1, "page": 2}}, None]


def test_body_is_made_where_there_is_none() -> None:
    first = Request("GET", REQUEST.url)
    assert bodies(PageNumber(page_body_path="a.b.c"), first=first) == [{"a": {"b": {"c": 0}}}]
    assert bodies(Cursor(NEXT, cursor_body_path="after"), (1, {"next": "x"}), first=first) == [None, {"after": "x"}]


@pytest.mark.parametrize("cursor", ["x", "", 7, 0, None, {"id": 5, "at": [1]}, ["a"], {}, [], "z" * 9000])
def test_cursor_keeps_its_type_in_the_body(cursor: Any) -> None:
    """Whatever is empty, null or 0 is the end, as in dlt; scroll ids may be long."""
    pager = Cursor(NEXT, cursor_param=None, cursor_body_path="query.after")
    expected = {"query": {"a": 1, "after": cursor}} if cursor else None
    assert bodies(pager, (1, {"next": cursor})) == [{"query": {"a": 1}}, expected]


def test_cursor_in_the_body_that_comes_again_is_an_error() -> None:
    pager = Cursor(NEXT, cursor_body_path="after")
    with pytest.raises(PagingError) as caught:
        bodies(pager, (1, {"next": {"b": 1, "a": 2}}), (1, {"next": {"a": 2, "b": 1}}))
    assert str(caught.value) == (
        "expected a new cursor, got \"{'a': 2, 'b': 1}\" which was asked for before "
        "at page 2 of `hits` (https://api.example.com/v1/search)\n"
        "hint: the API may not read its cursor from `after`: check `cursor_body_path`, and that `cursor_path` leads to "
        "the next page's cursor"
    )
    started = Request("POST", REQUEST.url, json={"after": 5})
    with pytest.raises(PagingError):
        bodies(pager, (1, {"next": 5}), first=started)


@pytest.mark.parametrize("cursor", [True, float("nan")])
def test_no_flag_and_no_nan_is_a_cursor(cursor: Any) -> None:
    with pytest.raises(PagingError, match="expected a text or a number as cursor in `next`"):
        bodies(Cursor(NEXT, cursor_body_path="after"), (1, {"next": cursor}))


@pytest.mark.parametrize(
    ("request_", "came", "hint"),
    [
        (Request("POST", "https://a/x", json={"page": [1]}), "a list around `n`", "check `page_body_path` and `json`"),
        (Request("POST", "https://a/x", json=["a"]), "a list around `page`", "check `page_body_path` and `json`"),
        (Request("POST", "https://a/x", json={"page": "a"}), "a str around `n`", "check `page_body_path` and `json`"),
        (Request("POST", "https://a/x", data=b"a=1"), "a body of `data`", "send the fields of the body as `json`"),
    ],
)
def test_body_that_cannot_hold_it_is_an_error_before_anything_is_asked(request_: Request, came: str, hint: str) -> None:
    with pytest.raises(PagingError) as caught:
        PageNumber(page_body_path="page.n").begin(request_)
    assert str(caught.value) == (
        f"expected a JSON body that can hold `page.n`, got {came} at page 1 of https://a/x\nhint: {hint}"
    )


def test_null_on_the_way_is_nothing() -> None:
    first = Request("POST", REQUEST.url, json={"page": None})
    assert bodies(PageNumber(page_body_path="page.n"), first=first) == [{"page": {"n": 0}}]


@pytest.mark.parametrize(
    ("option", "param", "path", "place"),
    [
        ("page", "p", None, Place("page_param", "p")),
        ("page", None, None, Place("page_param", "page")),
        ("page", "page", "a.b", Place("page_body_path", "a.b", ("a", "b"))),
        ("cursor", None, "$.a", Place("cursor_body_path", "$.a", ("a",))),
        ("cursor", None, "a-b.0", Place("cursor_body_path", "a-b.0", ("a-b", "0"))),
    ],
)
def test_place_of_options(option: str, param: str | None, path: str | None, place: Place) -> None:
    assert place_of(option, param, path) == place


def test_parameter_that_was_there_several_times_comes_once() -> None:
    request = Request("GET", "https://a/x", (("c", "1"), ("a", "2"), ("c", "3")))
    assert Place("cursor_param", "c").put(request, 9).params == (("c", "9"), ("a", "2"))


def test_plan_says_where_values_go() -> None:
    assert Offset(10, offset_body_path="page.offset").describe() == {
        "kind": "offset",
        "offset_body_path": "page.offset",
        "offset": 0,
        "limit_param": "limit",
        "limit": 10,
        "total_path": None,
        "maximum_offset": None,
        "has_more_path": None,
        "stop_after_empty_page": True,
        "ends": "at an empty page",
    }
    assert PageNumber(page_body_path="n", maximum_page=5).describe()["ends"] == "at an empty page, before `n`=5"
    assert Cursor(NEXT, cursor_body_path="after").describe()["cursor_body_path"] == "after"
