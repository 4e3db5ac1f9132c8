"""JsonLink and HeaderLink: addresses resolved, followed, ended; the Link header parsed."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import HeaderLink, JsonLink
from headrace.paginate.linked import find_link

HERE = "https://api.example.com/v1/items"
REQUEST = Request("POST", HERE, params=(("limit", "10"),), headers=(("x-a", "1"),), json={"q": 1}, resource="items")
NEXT = compile_path("links.next")


def facts(rows: int, link: Any = MISSING, url: str = HERE + "?limit=10") -> PageFacts:
    """The facts of the page `url` with `rows` rows and `link` under `links.next`."""
    return PageFacts(200, {}, url, rows, "", {"links.next": link})


def play(pages: list[tuple[int, Any]]) -> tuple[list[str], str]:
    """Tell `pages`; gives the addresses asked for and how it went."""
    walk = JsonLink(NEXT).begin(REQUEST)
    asked: list[str] = []
    for rows, link in pages:
        request = walk.ask()
        if request is None:
            break
        assert walk.ask() is None
        url = request.url + ("?limit=10" if request.params else "")
        asked.append(url)
        try:
            walk.tell(facts(rows, link, url))
        except PagingError:
            return asked, "error"
    return asked, "done" if walk.done else "open"


FIRST = HERE + "?limit=10"
P2, P3 = HERE + "?p=2", HERE + "?p=3"


@pytest.mark.parametrize(
    ("pages", "asked", "outcome"),
    [
        ([(3, P2), (3, P3), (1, None)], [FIRST, P2, P3], "done"),
        ([(3, MISSING)], [FIRST], "done"),
        ([(3, "")], [FIRST], "done"),
        ([(3, "  ")], [FIRST], "done"),
        ([(3, False)], [FIRST], "done"),
        # the API names a link for ever (Mailgun, P07)
        ([(3, P2), (0, P2)], [FIRST, P2], "done"),
        ([(3, P2), (0, P3), (0, HERE + "?p=4")], [FIRST, P2, P3], "done"),
        # an empty page in the middle
        ([(3, P2), (0, P3), (3, None)], [FIRST, P2, P3], "done"),
        # cycles: the page itself, within one page (P05), and A-B-A (P06)
        ([(3, FIRST)], [FIRST], "error"),
        ([(3, "?limit=10#again")], [FIRST], "error"),
        ([(3, P2), (3, P2)], [FIRST, P2], "error"),
        ([(3, P2), (3, P3), (3, P2)], [FIRST, P2, P3], "error"),
        ([(3, P2), (3, FIRST)], [FIRST, P2], "error"),
    ],
)
def test_walks(pages: list[tuple[int, Any]], asked: list[str], outcome: str) -> None:
    """The default row of the table of `cycle.py`, and the page's own address as asked."""
    assert play(pages) == (asked, outcome)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("?p=2", "https://api.example.com/v1/items?p=2"),
        ("other?p=2", "https://api.example.com/v1/other?p=2"),
        ("/v2/items?p=2", "https://api.example.com/v2/items?p=2"),
        ("//cdn.example.com/x", "https://cdn.example.com/x"),
        ("http://api.example.com/x#frag", "http://api.example.com/x"),
        (" /v1/items?q=a,b ", "https://api.example.com/v1/items?q=a,b"),
    ],
)
def test_link_is_resolved_and_brings_its_own_query(link: str, url: str) -> None:
    """Relative to the page that named it; parameters dropped, method, body and headers kept."""
    walk = JsonLink(NEXT).begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, link))
    assert walk.ask() == Request("POST", url, (), (("x-a", "1"),), {"q": 1}, resource="items")


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://eu.example.com/v1/items?p=2", "https://api.example.com/v1/items?p=2"),
        ("http://api.example.com:8080/x?q=a%26b&c=#frag", "https://api.example.com/x?q=a%26b&c="),
        ("//cdn.example.com/x", "https://api.example.com/x"),
        ("https://me:pass@evil.example//twice//x", "https://api.example.com//twice//x"),
        ("https://evil.example?p=2", "https://api.example.com?p=2"),
        ("?p=2", "https://api.example.com/v1/items?p=2"),
        ("other?p=2", "https://api.example.com/v1/other?p=2"),
        ("HTTPS://EVIL.example/X", "https://api.example.com/X"),
        # no web address: the transport refuses it
        ("ftp://evil.example/x", "ftp://evil.example/x"),
    ],
)
def test_only_path_and_query_of_a_link_count_where_the_origin_is_kept(link: str, url: str) -> None:
    """In the body and in the header alike."""
    for pager in (JsonLink(NEXT, keep_origin=True), HeaderLink(keep_origin=True)):
        walk = pager.begin(REQUEST)
        walk.ask()
        walk.tell(PageFacts(200, {"link": f"<{link}>; rel=next"}, FIRST, 3, "", {"links.next": link}))
        request = walk.ask()
        assert request is not None
        assert request.url == url


def test_the_origin_that_is_kept_is_that_of_the_page() -> None:
    """As for a relative link: behind a redirect, that of the host that answered."""
    walk = JsonLink(NEXT, keep_origin=True).begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, "https://elsewhere.example/x?p=2", "https://www.example.com/v1/items"))
    request = walk.ask()
    assert request is not None
    assert request.url == "https://www.example.com/x?p=2"


def test_a_link_back_under_another_host_is_a_cycle_where_the_origin_is_kept() -> None:
    walk = JsonLink(NEXT, keep_origin=True).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match="which was asked for before"):
        walk.tell(facts(3, FIRST.replace("api.", "eu.")))


def test_relative_link_is_resolved_against_the_current_page() -> None:
    """Not against the first one."""
    walk = JsonLink(NEXT).begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, "/v1/deep/er?p=2"))
    walk.ask()
    walk.tell(facts(3, "?p=3", "https://api.example.com/v1/deep/er?p=2"))
    request = walk.ask()
    assert request is not None
    assert request.url == "https://api.example.com/v1/deep/er?p=3"


@pytest.mark.parametrize(
    ("link", "came"),
    [(7, "a number"), (0, "a number"), (True, "a boolean"), ({"href": "/x"}, "an object"), (["/x"], "a list")],
)
def test_link_of_a_wrong_type(link: Any, came: str) -> None:
    """P04: dlt breaks with `'int' object has no attribute 'decode'`."""
    walk = JsonLink(NEXT).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(3, link))
    assert str(caught.value) == (
        f"expected an address as next link in `links.next`, got {came} "
        "at page 1 of `items` (https://api.example.com/v1/items)\n"
        "hint: check that the path leads to the link itself; a number or an id is paged with `cursor`"
    )


@pytest.mark.parametrize("link", ["http://[::1/x", "/x?" + "a" * 10_000])
def test_link_that_cannot_be_asked(link: str) -> None:
    """No address, or longer than any server takes."""
    walk = JsonLink(NEXT).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError):
        walk.tell(facts(3, link))


def test_cycle_error_says_what_to_try() -> None:
    """The link shortened, the page, the option."""
    walk = JsonLink(NEXT).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError) as caught:
        walk.tell(facts(3, FIRST))
    assert str(caught.value) == (
        "expected a new next link, got 'https://api.example.com/v1/items?limit=1'... (41 characters) which was asked "
        "for before at page 1 of `items` (https://api.example.com/v1/items)\n"
        "hint: check that `next_url_path` leads to the link of the next page"
    )


@pytest.mark.parametrize(
    ("header", "relation", "target"),
    [
        ('<https://a/?p=2>; rel="next"', "next", "https://a/?p=2"),
        ("<https://a/?p=2>; rel=next", "next", "https://a/?p=2"),
        ("<https://a/?p=2>;rel=next,<https://a/?p=9>;rel=last", "last", "https://a/?p=9"),
        ('<https://a/?q=1,2;3>; rel="prev", <https://a/?q=4,5;6>; rel="next"', "next", "https://a/?q=4,5;6"),
        ('<https://a/x>; title="a, b; rel=\\"next\\""; rel="prev"', "next", None),
        ('<https://a/x>; title="a, b"; rel="next"', "next", "https://a/x"),
        ('<https://a/x>; rel="last next"', "next", "https://a/x"),
        ('<https://a/x>; rel="last next"', "last next", "https://a/x"),
        ('<https://a/x>; REL="Next"', "next", "https://a/x"),
        ('<https://a/x>; rel="prev"; rel="next"', "next", None),
        ('<https://a/x>; rel="next"; anchor="/other"', "next", None),
        ('<https://a/x>; rel="nextish"', "next", None),
        ("https://a/x; rel=next", "next", "https://a/x"),
        ('<>; rel="next"', "next", ""),
        ("", "next", None),
        (" , ,", "next", None),
        ('<https://a/x; rel="next"', "next", None),
        ('<https://a/x>; rel="next', "next", "https://a/x"),
    ],
)
def test_link_header(header: str, relation: str, target: str | None) -> None:
    """RFC 8288, and what requests takes beyond it."""
    assert find_link(header, relation) == target


def test_header_link_walk() -> None:
    """Follows the relation, ends when it is absent, although there are others."""
    walk = HeaderLink().begin(REQUEST)
    walk.ask()
    walk.tell(PageFacts(200, {"link": '</v1/items?p=2>; rel="next", </v1/items?p=9>; rel="last"'}, FIRST, 10))
    request = walk.ask()
    assert request is not None
    assert (request.url, request.params) == (P2, ())
    walk.tell(PageFacts(200, {"link": '</v1/items?p=1>; rel="prev"'}, P2, 10))
    assert walk.done


def test_header_link_cycle() -> None:
    """The same guard."""
    walk = HeaderLink("more").begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError, match="check that `links_next_key` is the relation of the next page"):
        walk.tell(PageFacts(200, {"link": f"<{FIRST}>; rel=more"}, FIRST, 10))


def test_describe_and_wants() -> None:
    """Plain data with the end rule in words."""
    assert (JsonLink(NEXT).wants, HeaderLink().wants) == ((NEXT,), ())
    assert JsonLink(NEXT).describe() == {
        "kind": "json_link",
        "next_url_path": "links.next",
        "ends": "when `links.next` is missing or empty, at a second empty page in a row, "
        "or an empty page that names nothing new",
    }
    assert JsonLink(NEXT, keep_origin=True).describe()["keep_origin"] is True
    assert HeaderLink().describe()["ends"].startswith("when the Link header has no `next`, ")


@pytest.mark.parametrize("link", [FIRST, P2, P3, 7, {"href": "/x"}, "http://[::1/x", MISSING, None])
def test_the_link_of_an_empty_page_is_not_looked_at_where_it_ends(link: Any) -> None:
    """It may lead back to page one (Mailgun's suppressions), be new for ever (its events), or be nothing at all."""
    walk = JsonLink(NEXT, stop_after_empty_page=True).begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, P2))
    walk.ask()
    walk.tell(facts(0, link, P2))
    assert walk.done
    assert walk.ask() is None


@pytest.mark.parametrize("header", [f'<{FIRST}>; rel="next"', f'<{P3}>; rel="next"', "<", ""])
def test_the_link_header_of_an_empty_page_is_not_looked_at_where_it_ends(header: str) -> None:
    walk = HeaderLink(stop_after_empty_page=True).begin(REQUEST)
    walk.ask()
    walk.tell(PageFacts(200, {"link": f'<{P2}>; rel="next"'}, FIRST, 3))
    walk.ask()
    walk.tell(PageFacts(200, {"link": header}, P2, 0))
    assert walk.done
    assert walk.ask() is None


@pytest.mark.parametrize("pager", [JsonLink(NEXT, stop_after_empty_page=True), HeaderLink(stop_after_empty_page=True)])
def test_a_missing_link_ends_before_an_empty_page(pager: JsonLink | HeaderLink) -> None:
    """Whichever comes first."""
    walk = pager.begin(REQUEST)
    walk.ask()
    walk.tell(facts(3, MISSING))
    assert walk.done


def test_rows_with_a_link_back_are_an_error_also_where_empty_pages_end() -> None:
    """Nobody said that the listing is over."""
    walk = JsonLink(NEXT, stop_after_empty_page=True).begin(REQUEST)
    walk.ask()
    with pytest.raises(PagingError):
        walk.tell(facts(3, FIRST))
