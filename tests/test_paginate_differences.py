"""What differs from dlt in paging: each row of `docs/compatibility.md` that the pagers decide, on both sides."""

from __future__ import annotations

from typing import Any

import pytest

from paged_apis import ABSENT, Chain, Counted
from walks import PLAIN, Answer, Asked, Start, flag_overrules, through_dlt, through_headrace

OFFSET = {"type": "offset", "limit": 2}
CURSOR = {"type": "cursor"}


def chain(*pages: tuple[Any, ...], carrier: str = "body") -> Chain:
    return Chain(tuple((*page, ABSENT)[:3] for page in pages), carrier)


def count(api: Any, options: Any, start: Start = PLAIN) -> tuple[int | str, int | str]:
    """How many rows dlt and headrace give, or the error with which they break off."""
    both = through_dlt(api, options, start), through_headrace(api, options, start)
    dlts, ours = (outcome.error.partition(":")[0] or len(outcome.rows) for outcome in both)
    return dlts, ours


@pytest.mark.parametrize("options", [OFFSET, {"type": "page_number"}])
def test_a_total_that_is_too_small_costs_no_row(options: dict[str, Any]) -> None:
    api = Counted(7, 2, total=1)
    assert count(api, options) == (2, 7)
    assert count(api, {**options, "stop_after_empty_page": False}) == (2, 2)


@pytest.mark.parametrize("total", [ABSENT, None, "many"])
def test_a_total_that_is_none_is_no_error(total: Any) -> None:
    api = Counted(7, 2, total=total)
    assert count(api, OFFSET) == ("ValueError", 7)
    with_an_end = {**OFFSET, "stop_after_empty_page": False, "maximum_offset": 4}
    assert count(api, with_an_end)[1] == 4
    nothing_ends = {**OFFSET, "stop_after_empty_page": False}
    assert count(api, nothing_ends)[1] == "PagingError"


@pytest.mark.parametrize(("total", "dlts"), [(-1, 2), (True, 2), (2.5, 2)])
def test_a_total_that_is_the_end_must_be_a_count(total: Any, dlts: int) -> None:
    """dlt takes what Python's `int` takes."""
    options = {**OFFSET, "stop_after_empty_page": False}
    assert count(Counted(7, 2, total=total), options) == (dlts, "PagingError")


def test_a_flag_goes_before_a_total() -> None:
    options = {**OFFSET, "stop_after_empty_page": False, "has_more_path": "more"}
    assert count(Counted(7, 2, total=3), options) == (7 if flag_overrules() else 4, 7)


def test_counted_pages_that_repeat_are_an_error() -> None:
    assert count(Counted(2, 2, total=ABSENT, stuck=True), {**OFFSET, "total_path": None}) == (
        "endless",
        "PagingError",
    )


def test_a_cursor_that_never_ends_does_at_empty_pages() -> None:
    """An empty page is passed over once; where the API says nothing new, it is the end."""
    hole = chain((2, "a"), (0, "b"), (1, None))
    assert count(hole, CURSOR) == (3, 3)
    for_ever = chain((2, "a"), (0, "b"), (0, "c"), (1, None))
    assert count(for_ever, CURSOR) == (3, 2)
    assert count(for_ever, {**CURSOR, "stop_after_empty_page": False}) == (3, 3)
    assert count(for_ever, {**CURSOR, "stop_after_empty_page": True}) == (2, 2)
    stays = chain((2, "a"), (0, "a"), (1, None))
    assert count(stays, CURSOR) == ("endless", 2)


@pytest.mark.parametrize(
    ("carrier", "kind"), [("header", "header_cursor"), ("body", "json_link"), ("link", "header_link")]
)
def test_the_same_switch_for_links_and_header_cursors(carrier: str, kind: str) -> None:
    """dlt has it for cursors in the body only."""
    pages = ((2, "a", ABSENT), (0, "b", ABSENT), (0, "c", ABSENT), (1, ABSENT, ABSENT))
    api = Chain(pages, carrier, "" if carrier == "header" else "/v1/items")
    assert count(api, {"type": kind}) == (3, 2)
    for stop, rows in ((False, 3), (True, 2), (None, 2)):
        assert len(through_headrace(api, {"type": kind, "stop_after_empty_page": stop}).rows) == rows


def test_a_flag_leads_over_empty_pages() -> None:
    """More is declared: the rule for APIs that never end is not asked."""
    holes = chain((2, "a", True), (0, "b", True), (0, "c", True), (1, None, False))
    assert count(holes, {**CURSOR, "has_more_path": "more"}) == (3, 3)
    stays = chain((2, "a", True), (0, "a", True), (1, None, False))
    assert count(stays, {**CURSOR, "has_more_path": "more"}) == ("endless", "PagingError")


def test_a_reference_that_comes_again_is_an_error() -> None:
    again = chain((2, "a"), (2, "b"), (2, "a"), (1, None))
    assert count(again, CURSOR) == ("endless", "PagingError")
    header = chain((2, "a"), (2, "a"), (1, ABSENT), carrier="header")
    assert count(header, {"type": "header_cursor"}) == ("endless", "PagingError")


def test_a_flag_that_promises_more_needs_a_cursor() -> None:
    api = chain((2, "a", True), (2, None, True))
    assert count(api, {**CURSOR, "has_more_path": "more"}) == ("endless" if flag_overrules() else 4, "PagingError")


@pytest.mark.parametrize("cursor", [["a"], {"id": 1}, True])
def test_a_cursor_in_the_query_is_text_or_number(cursor: Any) -> None:
    """dlt sends a list as several parameters, the keys of an object, and `True`; in a body each goes as it is."""

    def api(asked: Asked) -> Answer:
        said = (asked.body or {}).get("cursor", asked.query.get("cursor"))
        return Answer({"items": [1], "cursors": {"next": cursor if said is None else None}})

    assert count(api, CURSOR) == (2, "PagingError")
    in_body = count(api, {**CURSOR, "cursor_body_path": "cursor"}, Start("POST"))
    assert in_body == ((2, 2) if cursor is not True else (2, "PagingError"))


@pytest.mark.parametrize("link", ["", False, " "])
def test_an_empty_link_is_an_end(link: Any) -> None:
    dlts, ours = count(lambda _: Answer({"items": [1], "next": link}), {"type": "json_link"})
    assert ours == 1
    assert isinstance(dlts, str), "dlt asks for the empty address and fails"


def test_an_empty_header_cursor_is_an_end() -> None:
    api = chain((2, "a"), (1, ""), carrier="header")
    assert count(api, {"type": "header_cursor"}) == ("endless", 3)


@pytest.mark.parametrize(
    ("header", "dlts", "ours"),
    [
        ('</v1/items?cursor=a>; rel="next"', 3, 3),
        ("</v1/items?cursor=a>; rel=next", 3, 3),
        ('</v1/items?cursor=a>; rel="last next"', 2, 3),
        ('</v1/items?cursor=a>; rel="Next"', 2, 3),
        ('</v1/items?cursor=a>; title="a, <b>"; rel="next"', "endless", 3),
        ('</v1/items?cursor=a>; rel="next"; anchor="#x"', 3, 2),
    ],
)
def test_a_link_header_is_read_by_its_standard(header: str, dlts: int | str, ours: int) -> None:
    def api(asked: Asked) -> Answer:
        return Answer({"items": [1]}) if asked.query else Answer({"items": [1, 2]}, {"Link": header})

    assert count(api, {"type": "header_link"}) == (dlts, ours)


def test_null_on_the_way_into_a_body_is_nothing() -> None:
    start = Start("POST", body={"paging": None})
    options = {**OFFSET, "offset_body_path": "paging.offset"}
    assert count(Counted(3, 2), options, start) == ("TypeError", 3)
    assert through_headrace(Counted(3, 2), {**OFFSET, "offset_body_path": "$.paging.offset"}, start).rows


def test_auto_counts_from_what_the_first_page_says() -> None:
    """Or says that it came twice."""

    def api(asked: Asked, **own: Any) -> Answer:
        page = int(asked.query.get("page", 1))
        rows = [{"id": row} for row in range((page - 1) * 2, min(page * 2, 5))] if page else [{"id": 0}, {"id": 1}]
        return Answer({"items": rows, "total_pages": 3, **own})

    def says(asked: Asked) -> Answer:
        return api(asked, page=int(asked.query.get("page", 1)))

    dlts, ours = through_dlt(says, "auto"), through_headrace(says, {"type": "auto"})
    assert [row["id"] for row in dlts.rows] == [0, 1, 0, 1, 2, 3]
    assert [row["id"] for row in ours.rows] == [0, 1, 2, 3, 4]
    assert through_headrace(api, {"type": "auto"}).error == (
        "PagingError: expected the second page for `page`=1, got the first again"
    )


def test_auto_takes_no_flag_for_a_cursor() -> None:
    assert count(lambda _: Answer({"items": [1], "next_available": True}), {"type": "auto"}) == ("endless", 1)
