"""Paginator objects: stock ones are said in our options, those of users lead the walk."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest
import requests
from dlt.common.jsonpath import compile_path as compile_dlts
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    JSONResponsePaginator,
    OffsetPaginator,
    PageNumberPaginator,
    RangePaginator,
    SinglePagePaginator,
)
from dlt.sources.rest_api.config_setup import PAGINATOR_MAP, create_paginator

from headrace.bridge.paging import ForeignPager, adopt_paginator, from_requests, to_requests
from headrace.config.foreign import Foreign
from headrace.message import PageFacts, Request, Response
from headrace.secrets import Secret
from walks import Answer, Asked, Start, pager_of, through_dlt, through_headrace

URL = "https://api.example.com/v1/items"
#: Whether jsonpath-ng writes keys so that it can read them (from 1.8 on); otherwise such a paginator leads the walk.
QUOTES = "'" in str(compile_dlts("['a b']"))


def deprecated() -> JSONResponsePaginator:
    with pytest.warns(DeprecationWarning, match="JSONLinkPaginator"):
        return JSONResponsePaginator("links.next")


@pytest.mark.parametrize(
    "options",
    [
        {"type": "single_page"},
        {"type": "offset", "limit": 5},
        {
            "type": "offset",
            "limit": 5,
            "offset": 10,
            "offset_param": "skip",
            "limit_body_path": "page.limit",
            "total_path": None,
            "maximum_offset": 100,
            "has_more_path": "more",
        },
        {"type": "offset", "limit": 5, "offset_body_path": "o", "limit_param": "top", "stop_after_empty_page": False},
        {"type": "page_number"},
        {
            "type": "page_number",
            "base_page": 1,
            "page": 3,
            "page_body_path": "page.n",
            "total_path": "$.meta['total pages']",
            "maximum_page": 9,
            "stop_after_empty_page": False,
            "has_more_path": "pages[*].more",
        },
        {"type": "cursor"},
        {"type": "cursor", "cursor_path": "a[0].b", "cursor_param": "after", "stop_after_empty_page": True},
        {"type": "cursor", "cursor_body_path": "page.after", "has_more_path": "more"},
        {"type": "json_link"},
        {"type": "json_link", "next_url_path": "['@odata.nextLink']"},
        {"type": "header_link"},
        {"type": "header_link", "links_next_key": "Next"},
        {"type": "header_cursor"},
        {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "page"},
    ],
)
def test_stock_paginator_is_said_in_our_options(options: dict[str, Any]) -> None:
    """They make the pager that the same configuration without the object makes."""
    said = adopt_paginator(create_paginator(options))
    if not QUOTES and " " in str(options.get("total_path")):
        assert isinstance(said, Foreign)
        return
    assert isinstance(said, dict)
    assert described(said) == described(options)


def described(options: dict[str, Any]) -> dict[str, Any]:
    """A pager in words, its paths as jsonpath-ng writes them."""
    words = {name: text for name, text in pager_of(options).describe().items() if name != "ends"}
    return {
        name: str(compile_dlts(text)) if text and name.endswith("_path") and "body" not in name else text
        for name, text in words.items()
    }


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (SinglePagePaginator, {"type": "single_page"}),
        (lambda: HeaderLinkPaginator("next"), {"type": "header_link", "links_next_key": "next"}),
        (deprecated, {"type": "json_link", "next_url_path": "links.next"}),
        (lambda: JSONLinkPaginator(compile_dlts("a.b")), {"type": "json_link", "next_url_path": "a.b"}),
        (
            JSONResponseCursorPaginator,
            {"type": "cursor", "cursor_path": "cursors.next", "cursor_param": "cursor", "has_more_path": None},
        ),
        (
            lambda: PageNumberPaginator(stop_after_empty_page=None),
            {
                "type": "page_number",
                "base_page": 0,
                "page": 0,
                "page_param": "page",
                "maximum_page": None,
                "total_path": "total",
                "stop_after_empty_page": False,
                "has_more_path": None,
            },
        ),
    ],
)
def test_what_is_said(make: Any, said: dict[str, Any]) -> None:
    assert adopt_paginator(make()) == said


def changed(paginator: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(paginator, name, value)
    return paginator


class Own(OffsetPaginator):
    """A subclass is somebody's own, whatever it changes."""


@pytest.mark.parametrize(
    "paginator",
    [
        Own(limit=5),
        RangePaginator("n", 0, 10),
        changed(OffsetPaginator(limit=5), value_step=10),
        changed(OffsetPaginator(limit=5), base_index=1),
        changed(PageNumberPaginator(), value_step=2),
        changed(HeaderCursorPaginator(), update_request=print),
    ],
    ids=lambda paginator: type(paginator).__name__,
)
def test_what_our_options_cannot_say_stays_an_object(paginator: Any) -> None:
    adopted = adopt_paginator(paginator)
    assert isinstance(adopted, Foreign)
    assert adopted.value is paginator
    assert adopted.name == type(paginator).__name__


def test_changed_state_of_a_stock_paginator_counts() -> None:
    said = adopt_paginator(changed(OffsetPaginator(limit=5), initial_value=20, maximum_value=40, param_name="skip"))
    assert isinstance(said, dict)
    assert (said["offset"], said["maximum_offset"], said["offset_param"]) == (20, 40, "skip")


class ByHeader(BasePaginator):
    """What dlt's documentation shows: the next page in a header, its number a parameter; it looks into rows too."""

    made: ClassVar[list[Any]] = []

    def __init__(self, param: str = "page", *, until: int = 100) -> None:
        super().__init__()
        self.param = param
        self.until = until
        self.lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> ByHeader:
        return ByHeader(self.param, until=self.until)

    def init_request(self, request: requests.Request) -> None:
        request.params["size"] += 1
        request.headers["X-Walk"] = "1"

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        assert response.json()["items"] == data
        assert response.request.url.startswith(URL)
        self._next = response.headers.get("X-Next")
        self._has_next_page = self._next is not None and data[-1]["id"] < self.until

    def update_request(self, request: requests.Request) -> None:
        request.params[self.param] = self._next


def by_header(asked: Asked) -> Answer:
    page, size = int(asked.query.get("page", 0)), int(asked.query["size"])
    rows = [{"id": row} for row in range(page * size, (page + 1) * size)]
    return Answer({"items": rows}, {"X-Next": str(page + 1)} if page < 5 else {})


@pytest.fixture
def registered() -> Any:
    PAGINATOR_MAP.update(by_header=ByHeader, plain_offset=OffsetPaginator)
    yield
    del PAGINATOR_MAP["by_header"], PAGINATOR_MAP["plain_offset"]


@pytest.mark.usefixtures("registered")
def test_registered_names_become_objects() -> None:
    named, with_options = adopt_paginator("by_header"), adopt_paginator({"type": "by_header", "until": 7})
    assert isinstance(named, Foreign)
    assert isinstance(with_options, Foreign)
    assert isinstance(with_options.value, ByHeader)
    assert (named.value.until, with_options.value.until) == (100, 7)
    assert adopt_paginator({"type": "plain_offset", "limit": 3})["type"] == "offset"  # type: ignore[index]


@pytest.mark.parametrize("value", [None, 7, "nobody", "auto", {"type": "nobody"}, {}, ByHeader, object()])
def test_what_nobody_knows_is_not_adopted(value: Any) -> None:
    assert adopt_paginator(value) is None


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("value", ["plain_offset", {"type": "by_header", "untill": 7}])
def test_options_that_a_registered_class_does_not_take(value: Any) -> None:
    with pytest.raises(ValueError, match=r"expected options that paginator `.*` takes, got an error: .*argument"):
        adopt_paginator(value)


def test_paginator_of_a_user_leads_as_in_dlt() -> None:
    """It calculates with a parameter, so that is still a number."""
    start = Start(params={"size": 2})
    paginator = ByHeader(until=8)
    dlts, ours = (
        through_dlt(by_header, ByHeader(until=8), start),
        through_headrace(by_header, ForeignPager(paginator), start),
    )
    assert (ours.rows, ours.asked, ours.error) == (dlts.rows, dlts.asked, dlts.error)
    assert [row["id"] for row in ours.rows] == list(range(9))
    again = through_headrace(by_header, ForeignPager(paginator), start)
    assert again.rows == ours.rows, "each walk has its own copy"


def test_object_that_cannot_be_copied_is_used_itself() -> None:
    class Locked(SinglePagePaginator):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

    assert through_headrace(by_header, ForeignPager(Locked()), Start(params={"size": 3})).rows == [
        {"id": 0},
        {"id": 1},
        {"id": 2},
    ]


class Stays(BasePaginator):
    """Asks for the same again and again."""

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        self._has_next_page = response.ok and bool(data)

    def update_request(self, request: requests.Request) -> None:
        pass


def test_same_request_with_the_same_rows_is_an_error() -> None:
    outcome = through_headrace(lambda _: Answer({"items": [1, 2]}), ForeignPager(Stays()))
    assert (len(outcome.asked), outcome.error) == (
        2,
        "PagingError: expected other rows or another request, got the same request and its 2 rows again",
    )


def test_same_request_with_other_rows_is_a_queue_being_emptied() -> None:
    waiting = [[1, 2], [3, 4], [5], []]
    assert through_headrace(lambda _: Answer({"items": waiting.pop(0)}), ForeignPager(Stays())).rows == [1, 2, 3, 4, 5]


class Broken(Stays):
    """Fails where it is told to."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step

    def init_request(self, request: requests.Request) -> None:
        super().init_request(request)
        self._at("init_request")

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        self._at("update_state")

    def update_request(self, request: requests.Request) -> None:
        self._at("update_request")
        request.url = None  # type: ignore[assignment]

    def _at(self, step: str) -> None:
        if step == self.step:
            raise KeyError("next")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("init_request", "expected `Broken.init_request` to work, got KeyError: 'next'"),
        ("update_state", "expected `Broken.update_state` to work, got KeyError: 'next'"),
        ("update_request", "expected `Broken.update_request` to work, got KeyError: 'next'"),
        ("", "expected an address from `Broken`, got None"),
    ],
)
def test_paginator_that_fails_is_named(step: str, message: str) -> None:
    outcome = through_headrace(lambda _: Answer({"items": [1]}), ForeignPager(Broken(step)))
    assert outcome.error == f"PagingError: {message}"


def test_protocol() -> None:
    pager = ForeignPager(Stays())
    walk = pager.begin(Request("GET", URL))
    facts = PageFacts(200, {}, URL, 0, response=Response(200, {}, b"[]", URL))
    with pytest.raises(AssertionError):
        walk.tell(facts)
    assert walk.ask() == Request("GET", URL)
    assert walk.ask() is None
    with pytest.raises(AssertionError, match="the answer itself"):
        walk.tell(PageFacts(200, {}, URL, 0))
    walk.tell(facts)
    assert (walk.done, walk.ask(), walk.doubt, walk.probing, walk.found) == (True, None, None, False, None)
    assert repr(walk) == "<ForeignWalk by Stays pages=1 done=True>"
    assert pager.describe()["class"] == "Stays"
    assert (pager.wants, pager.reads_answers, pager.compares_pages) == ((), True, True)


FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", URL),
        Request("GET", f"{URL}?x=1", (("a", "1"), ("b", "é &="), ("a", "2")), (("X-A", "b"),)),
        Request("POST", URL, json={"a": [None, {"b": 1}]}),
        Request("POST", URL, json={}),
        Request("POST", URL, headers=(FORM,), data=b"a=1&b=x+y&a=2&c="),
        Request("POST", URL, headers=(("content-type", "text/csv"),), data=b"a,b"),
    ],
)
def test_request_there_and_back_is_the_same(request_: Request) -> None:
    """Parameters of one name stand together."""
    back = from_requests(to_requests(request_), request_)
    assert sorted(back.params) == sorted(request_.params)
    assert sorted((back.data or b"").split(b"&")) == sorted((request_.data or b"").split(b"&"))
    assert (back.method, back.url, back.headers, back.json) == (
        request_.method, request_.url, request_.headers, request_.json,
    )  # fmt: skip


def test_parameters_are_given_as_they_were_configured() -> None:
    given = {"size": 2, "flag": None, "tags": ["a", "b"], "key": Secret("s3cret")}
    sent = to_requests(Request("GET", URL, (("size", "2"),), given=given))
    assert sent.params == {"size": 2, "flag": None, "tags": ["a", "b"], "key": "s3cret"}
    sent.params["tags"].append("c")
    assert given["tags"] == ["a", "b"]
    assert from_requests(sent, Request("GET", URL)).params == (
        ("size", "2"), ("tags", "a"), ("tags", "b"), ("tags", "c"), ("key", "s3cret"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"params": "b=2&c=3"}, Request("POST", f"{URL}?b=2&c=3")),
        ({"params": [("b", 2), ("b", True)]}, Request("POST", URL, (("b", "2"), ("b", "True")))),
        ({"params": None, "method": "get"}, Request("GET", URL)),
        ({"headers": {"A": None, "B": b"b", "C": 1}}, Request("POST", URL, headers=(("B", "b"), ("C", "1")))),
        ({"data": {"a": 1, "b": [2, 3]}}, Request("POST", URL, headers=(FORM,), data=b"a=1&b=2&b=3")),
        ({"data": "text", "json": {"a": 1}}, Request("POST", URL, data=b"text")),
        ({"data": {}, "json": {"a": 1}}, Request("POST", URL, json={"a": 1})),
    ],
)
def test_what_paginators_write_is_sent_as_requests_would(changes: dict[str, Any], expected: Request) -> None:
    first = Request("POST", URL)
    assert from_requests(changed(to_requests(first), **changes), first) == expected
    if "data" in changes:
        prepared = changed(to_requests(first), **changes).prepare()
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        assert expected.json is not None or body == expected.data
