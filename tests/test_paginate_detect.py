"""Detect: which pager the first page points to, and the walk that follows. SinglePage beside it."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import Cursor, Detect, HeaderLink, JsonLink, PageNumber, SinglePage
from headrace.paginate.detect import DetectWalk, find_pager

HERE = "https://api.example.com/v1/items"
REQUEST = Request("GET", HERE, resource="items")


def facts(
    rows: int, envelope: Any = MISSING, *, url: str = HERE, link: str | None = None, fingerprint: str = ""
) -> PageFacts:
    """The facts of a page with its envelope."""
    headers = {} if link is None else {"link": link}
    return PageFacts(200, headers, url, rows, fingerprint, {"$": envelope})


@pytest.mark.parametrize(
    ("envelope", "found"),
    [
        ({"items": [], "next": "https://a/2"}, "json_link next"),
        ({"items": [], "next": "/v1/items?p=2"}, "json_link next"),
        ({"paging": {"nextLink": "https://a/2"}}, "json_link paging.nextLink"),
        ({"links": {"prev": "https://a/1", "next": {"href": "https://a/2"}}}, "json_link links.next.href"),
        ({"_links": {"Next": {"title": "x", "URL": "https://a/2"}}}, "json_link _links.Next.URL"),
        ({"total_pages": 5}, "page_number total_pages 0"),
        ({"meta": {"pages": "5", "page": 1}}, "page_number meta.pages 1"),
        ({"meta": {"totalPages": 5, "current_page": 0}}, "page_number meta.totalPages 0"),
        ({"meta": {"pages": 5, "page": 4}}, "page_number meta.pages 0"),
        # a link is certain, a number of pages a guess, a cursor a worse one
        ({"total_pages": 5, "next": "https://a/2"}, "json_link next"),
        ({"next_token": "abc", "total_pages": 5}, "page_number total_pages 0"),
        ({"next_token": "abc"}, "cursor next_token"),
        ({"meta": {"next_page": 2}}, "cursor meta.next_page"),
        ({"meta.x": {"next-id": "z"}}, "cursor meta.x.next-id"),
        ({"next": ""}, "cursor next"),
        # no reference
        ({"next": None}, "single_page"),
        ({"next_available": True}, "single_page"),
        ({"next": [1]}, "single_page"),
        ({"total_pages": 1}, "single_page"),
        ({"pages": "many"}, "single_page"),
        ({"pages": -1}, "single_page"),
        ({"subtotal_pages": 9, "nexus": {}}, "single_page"),
        ([], "single_page"),
        (MISSING, "single_page"),
        (None, "single_page"),
    ],
)
def test_order_of_detection(envelope: Any, found: str) -> None:
    """The order is dlt's."""
    pager = find_pager(facts(3, envelope))
    described = pager.describe()
    path = described.get("next_url_path") or described.get("total_path") or described.get("cursor_path")
    words = [described["kind"], path, described.get("base_page")]
    assert " ".join(str(word) for word in words if word is not None) == found


def test_link_header_comes_first() -> None:
    """Before anything in the body."""
    assert find_pager(facts(3, {"next": "https://a/2"}, link='<https://a/3>; rel="next"')) == HeaderLink()
    assert isinstance(find_pager(facts(3, {"next": "https://a/2"}, link='<https://a/3>; rel="prev"')), JsonLink)


def test_deep_envelope_does_not_break() -> None:
    """Nested a thousand deep, it is searched to a bound."""
    envelope: dict[str, Any] = {"next": "https://a/2"}
    for _ in range(900):
        envelope = {"a": envelope}
    assert find_pager(facts(1, envelope)) == SinglePage()


def begin() -> DetectWalk:
    """A walk whose first request was asked."""
    walk = Detect().begin(REQUEST)
    assert walk.ask() == REQUEST
    assert walk.ask() is None
    return walk


def test_walk_along_links() -> None:
    """The found pager reads its path from the envelope of every page."""
    walk = begin()
    walk.tell(facts(3, {"links": {"next": "?p=2"}, "next": "x"}))
    assert isinstance(walk.found, Cursor)  # `?p=2` does not look like an address, in dlt neither
    walk = begin()
    walk.tell(facts(3, {"links": {"next": "/v1/items?p=2"}}))
    request = walk.ask()
    assert request is not None
    assert request.url == HERE + "?p=2"
    walk.tell(facts(3, {"links": {"next": None}}, url=request.url))
    assert walk.done
    assert walk.ask() is None
    assert walk.doubt is None
    with pytest.raises(AssertionError):
        walk.tell(facts(0))


def test_walk_takes_values_that_were_looked_up() -> None:
    """An engine may give the found path itself instead of the envelope."""
    walk = begin()
    walk.tell(facts(3, {"next": "https://a/2"}))
    walk.ask()
    walk.tell(PageFacts(200, {}, "https://a/2", 3, "", {"next": "https://a/3"}))
    request = walk.ask()
    assert request is not None
    assert request.url == "https://a/3"
    with pytest.raises(AssertionError, match="envelope"):
        walk.tell(PageFacts(200, {}, "https://a/3", 3))


def test_walk_by_page_number_from_one() -> None:
    """The base is what the first page says of itself, so the last page is not lost."""
    walk = begin()
    walk.tell(facts(3, {"page": 1, "pages": 3}, fingerprint="a"))
    assert isinstance(walk.found, PageNumber)
    asked = [request.params for request in (walk.ask(), walk.ask(), walk.ask()) if request]
    assert asked == [(("page", "2"),), (("page", "3"),), (("page", "4"),)]
    walk.tell(facts(3, {"page": 2, "pages": 3}, fingerprint="b"))
    walk.tell(facts(3, {"page": 3, "pages": 3}, fingerprint="c"))
    assert walk.probing
    walk.tell(facts(0, {"page": 4, "pages": 3}))
    assert walk.done


def test_first_page_again_is_an_error() -> None:
    """An API that counts from 1 without saying so: dlt loads page 1 twice and loses the last."""
    walk = begin()
    walk.tell(facts(3, {"total_pages": 3}, fingerprint="a"))
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(3, {"total_pages": 3}, fingerprint="a"))
    assert str(caught.value) == (
        f"expected the second page for `page`=1, got the first again at page 2 of `items` ({HERE})\n"
        "hint: paging was guessed: declare `page_number` with its `page_param` and its `base_page` (often 1)"
    )


@pytest.mark.parametrize(
    ("rows", "envelope", "doubtful"),
    [(100, {}, True), (100, [], True), (1, {}, False), (0, {}, False), (100, {"next": None}, False)],
)
def test_doubt_when_nothing_speaks_of_paging(rows: int, envelope: Any, doubtful: bool) -> None:
    """Several rows and no sign of paging, not even of its end: said, not silent."""
    walk = begin()
    walk.tell(facts(rows, envelope))
    assert walk.done
    assert (walk.doubt is not None) is doubtful


def test_detect_wants_the_envelope() -> None:
    """And describes itself as what the configuration calls it."""
    assert Detect().wants == (compile_path("$"),)
    assert Detect().describe()["kind"] == "auto"
    assert repr(begin()) == "<DetectWalk found=None done=False>"
    with pytest.raises(AssertionError):
        Detect().begin(REQUEST).tell(facts(1))


def test_single_page() -> None:
    """One request, whatever it answers."""
    walk = SinglePage().begin(REQUEST)
    with pytest.raises(AssertionError):
        walk.tell(facts(3))
    assert walk.ask() == REQUEST
    assert walk.ask() is None
    walk.tell(facts(0))
    assert walk.done
    assert SinglePage().wants == ()
    assert SinglePage().describe() == {"kind": "single_page", "ends": "after one page"}
    assert repr(walk) == "<SingleWalk asked=True done=True>"
    with pytest.raises(AssertionError):
        walk.tell(facts(3))
