"""Properties of all pagers: N records give N rows for any page size and look-ahead; hostile APIs never loop."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import PagingError
from headrace.jsonpath import compile_path
from headrace.message import PageFacts, Request
from headrace.paginate import Cursor, Detect, HeaderCursor, HeaderLink, JsonLink, Offset, PageNumber, Pager, SinglePage

HERE = "https://api.example.com/v1/items"
REQUEST = Request("GET", HERE, resource="items")
NEXT, TOTAL, MORE, ENVELOPE = (compile_path(text) for text in ("next", "total", "more", "$"))

Answer = tuple[list[int], dict[str, Any], dict[str, str]]
Server = Callable[[dict[str, str]], Answer]


def drive(pager: Pager, server: Server, width: int, ceiling: int = 2000) -> tuple[list[int], int]:
    """Walk as the engine does, `width` requests ahead; gives the rows in page order and the requests asked."""
    walk = pager.begin(REQUEST)
    rows: list[int] = []
    pending: list[Request] = []
    asked = 0
    while not walk.done:
        while len(pending) < width and (request := walk.ask()) is not None:
            pending.append(request)
            asked += 1
        assert pending, "a walk that is not done must have an open request"
        assert asked <= ceiling, "the walk does not end"
        request = pending.pop(0)
        query = dict(parse_qsl(urlsplit(request.url).query)) | dict(request.params)
        records, body, headers = server(query)
        values: dict[str, Any] = {path.text: path.find(body) for path in pager.wants}
        url = request.url + "".join(f"&{key}={value}" for key, value in request.params)
        walk.tell(PageFacts(200, headers, url, len(records), str(records), values))
        rows.extend(records)
    assert walk.ask() is None
    return rows, asked


@dataclass(frozen=True)
class Model:
    """An honest API over `count` records, `size` a page; `holes` are pages whose records it filters out of sight."""

    count: int
    size: int
    total: Any = None
    reference_for_ever: bool = False
    hidden: frozenset[int] = frozenset()

    @property
    def visible(self) -> list[int]:
        """What a right walk gives."""
        return [row for row in range(self.count) if row not in self.hidden]

    def cut(self, start: int) -> list[int]:
        """The visible records of the page at `start`: short when some are hidden."""
        return [row for row in range(start, min(start + self.size, self.count)) if row not in self.hidden]

    def by_offset(self, query: dict[str, str]) -> Answer:
        """Offset paging."""
        start = int(query["offset"])
        return self.cut(start), {"total": self.total, "more": start + self.size < self.count}, {}

    def by_page(self, query: dict[str, str]) -> Answer:
        """Page numbers from 0; the first page may be asked without."""
        page = int(query.get("page", 0))
        pages = -(-self.count // self.size)
        return self.cut(page * self.size), {"total_pages": pages, "more": page + 1 < pages, "page": page}, {}

    def by_reference(self, query: dict[str, str]) -> Answer:
        """Cursors and links, in body and headers; the position is the cursor."""
        start = int(query.get("cursor", 0))
        following = start + self.size
        if following >= self.count and not self.reference_for_ever:
            return self.cut(start), {}, {}
        # for ever: past the end the API names the cursor that was asked
        following = start if start >= self.count and "cursor" in query else following
        link = f"{HERE}?cursor={following}"
        headers = {"next": str(following), "link": f'<{HERE}?a,b>; rel="prev", <{link}>; rel="next"'}
        return self.cut(start), {"next": link, "cursor": following}, headers


counts = st.integers(0, 60)
sizes = st.integers(1, 12)
widths = st.integers(1, 9)
totals = st.one_of(st.none(), st.integers(-5, 99), st.text(max_size=3), st.integers(0, 99).map(str), st.booleans())


@given(count=counts, size=sizes, width=widths, total=totals)
def test_offset_gives_every_row_whatever_the_total_says(count: int, size: int, width: int, total: Any) -> None:
    """P13: a wrong total costs requests, never rows."""
    rows, _ = drive(Offset(size, total_path=TOTAL), Model(count, size, total).by_offset, width)
    assert rows == list(range(count))


@given(count=counts, size=sizes, width=widths, data=st.data())
def test_offset_passes_over_short_pages(count: int, size: int, width: int, data: st.DataObject) -> None:
    """P14: pages that are short, but not empty, change nothing; neither does a wrong total beside them."""
    kept = {data.draw(st.integers(start, min(start + size, count) - 1)) for start in range(0, count, size)}
    hidden = frozenset(row for row in range(count) if row not in kept and data.draw(st.booleans()))
    model = Model(count, size, data.draw(totals), hidden=hidden)
    rows, _ = drive(Offset(size, total_path=TOTAL), model.by_offset, width)
    assert rows == model.visible


@given(count=counts, size=sizes, width=widths)
def test_honest_total_costs_one_request(count: int, size: int, width: int) -> None:
    """The pages, the probe, and what was named before the first page told the total."""
    _, asked = drive(Offset(size, total_path=TOTAL), Model(count, size, count).by_offset, width)
    pages = -(-count // size)
    assert asked <= max(pages + 1, width)


@given(count=counts, size=sizes, width=widths)
def test_has_more_alone_ends(count: int, size: int, width: int) -> None:
    """Without the empty-page rule the flag ends, for both counted pagers."""
    model = Model(count, size)
    for pager, server in (
        (Offset(size, has_more_path=MORE, stop_after_empty_page=False), model.by_offset),
        (PageNumber(has_more_path=MORE, stop_after_empty_page=False), model.by_page),
    ):
        assert drive(pager, server, width)[0] == list(range(count))


@given(count=counts, size=sizes, width=widths, data=st.data())
def test_total_alone_ends_and_passes_over_empty_pages(count: int, size: int, width: int, data: st.DataObject) -> None:
    """Whole pages may be hidden when the total is declared as the end."""
    model = Model(count, size, count, hidden=data.draw(st.frozensets(st.integers(0, 59))))
    rows, _ = drive(Offset(size, total_path=TOTAL, stop_after_empty_page=False), model.by_offset, width)
    assert rows == model.visible


@given(count=counts, size=sizes, width=widths)
def test_page_number_gives_every_row(count: int, size: int, width: int) -> None:
    """With and without the number of pages."""
    model = Model(count, size)
    for path in (None, compile_path("total_pages")):
        assert drive(PageNumber(total_path=path), model.by_page, width)[0] == list(range(count))


@given(count=counts, size=sizes, width=widths, for_ever=st.booleans())
def test_references_give_every_row(count: int, size: int, width: int, for_ever: bool) -> None:
    """Cursor, link, header cursor and header link, with an end that is named or only empty (P07)."""
    model = Model(count, size, reference_for_ever=for_ever)
    for pager in (
        Cursor(compile_path("cursor")),
        Cursor(compile_path("cursor"), stop_after_empty_page=True),
        JsonLink(NEXT),
        HeaderCursor(),
        HeaderLink(),
    ):
        assert drive(pager, model.by_reference, width)[0] == list(range(count))


@given(count=counts, size=st.integers(1, 12), width=widths, data=st.data())
def test_references_pass_over_single_empty_pages(count: int, size: int, width: int, data: st.DataObject) -> None:
    """An empty page in the middle loses nothing as long as no two follow each other."""
    holes = [page for page in range(0, -(-count // size), 2) if data.draw(st.booleans())]
    hidden = frozenset(row for page in holes for row in range(page * size, (page + 1) * size))
    model = Model(count, size, hidden=hidden)
    for pager in (Cursor(compile_path("cursor")), JsonLink(NEXT), HeaderCursor(), HeaderLink()):
        assert drive(pager, model.by_reference, width)[0] == model.visible


@given(count=counts, size=sizes, width=widths)
def test_detect_gives_every_row(count: int, size: int, width: int) -> None:
    """Links in header or body, page numbers, a cursor, found by themselves."""
    model = Model(count, size)

    def only(part: str) -> Server:
        def serve(query: dict[str, str]) -> Answer:
            records, body, headers = model.by_page(query) if part == "page" else model.by_reference(query)
            if part == "cursor":
                return records, {"meta": {"next_id": body.get("cursor")}}, {}
            return records, body if part in ("body", "page") else {}, headers if part == "link" else {}

        return serve

    for part in ("link", "body", "page", "cursor"):
        assert drive(Detect(), only(part), width)[0] == list(range(count)), part


@given(count=counts)
def test_single_page_gives_its_page(count: int) -> None:
    """Whatever it holds."""
    assert drive(SinglePage(), lambda _: (list(range(count)), {}, {}), 3) == (list(range(count)), 1)


REFERENCES: list[Any] = [None, "", "a", "b", "c", "d", 0, 1, 2.5]
hostile_pages = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([*REFERENCES, True, {}, ["a"]]), st.booleans()), min_size=1, max_size=8
)


@pytest.mark.parametrize("stop", [None, True, False])
@given(pages=hostile_pages, seed=st.integers(0, 2**32), width=widths)
def test_hostile_references_end_or_raise(stop: bool | None, pages: Sequence[Any], seed: int, width: int) -> None:
    """Random cursors of a small set with random emptiness: finite, whatever the order (P05, P06)."""
    random_ = random.Random(seed)

    def serve(_: dict[str, str]) -> Answer:
        count, reference, odd = random_.choice(pages)
        header = {"next": str(reference), "link": f"<?p={reference}>; rel=next"} if odd else {}
        body = {"next": f"/x?p={reference}" if odd and isinstance(reference, str) else reference, "more": odd}
        return [random_.randrange(10**9) for _ in range(count)], body, header

    for pager in (
        Cursor(NEXT, stop_after_empty_page=stop),
        Cursor(NEXT, stop_after_empty_page=stop, has_more_path=MORE),
        JsonLink(NEXT),
        HeaderCursor(),
        HeaderLink(),
        Detect(),
    ):
        try:
            # a walk along k references has at most k + 1 pages with each answered once
            _, asked = drive(pager, serve, width, ceiling=64)
        except PagingError:
            continue
        assert asked <= 2 * len(REFERENCES) + 8


@given(size=sizes, width=widths, rows=st.integers(0, 20))
def test_api_that_ignores_the_position_ends_or_raises(size: int, width: int, rows: int) -> None:
    """The same page for ever: an error within three pages told, unless it is empty."""
    for pager in (Offset(size), PageNumber()):
        told = 0

        def serve(_: dict[str, str]) -> Answer:
            nonlocal told
            told += 1
            return list(range(rows)), {}, {}

        if rows:
            with pytest.raises(PagingError):
                drive(pager, serve, width)
        else:
            assert drive(pager, serve, width)[0] == []
        assert told <= 3


@given(
    values=st.dictionaries(
        st.sampled_from(["total", "more", "next"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        ),
    ),
    rows=st.integers(0, 3),
    link=st.text(max_size=20),
)
def test_any_value_is_taken_or_a_paging_error(values: dict[str, Any], rows: int, link: str) -> None:
    """Garbage in an answer gives a step or one named error, never another."""
    for pager in (
        Offset(2, total_path=TOTAL, has_more_path=MORE),
        PageNumber(total_path=TOTAL),
        Offset(2, total_path=TOTAL, stop_after_empty_page=False),
        Cursor(NEXT, has_more_path=MORE),
        Cursor(NEXT),
        JsonLink(NEXT),
        HeaderLink(),
        HeaderCursor(),
        Detect(),
    ):
        walk = pager.begin(REQUEST)
        walk.ask()
        try:
            walk.tell(PageFacts(200, {"link": link, "next": link}, HERE, rows, "f", {"$": values, **values}))
        except PagingError:
            continue
        assert walk.done or walk.ask() is not None
