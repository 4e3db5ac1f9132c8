"""Every way to page: `PAGERS` by name, and `draw_pages`, which also draws the form in which it is configured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from dlt.sources.rest_api.config_setup import register_paginator

from dialects.dialect import Asked, opaque, opened, whole
from drawn.counted import offset, page_number
from drawn.page import Cut, Pages, Setting, following, put, sent, span

CLASSES: dict[str, type[BasePaginator]] = {
    "single_page": SinglePagePaginator,
    "page_number": PageNumberPaginator,
    "offset": OffsetPaginator,
    "json_link": JSONLinkPaginator,
    "header_link": HeaderLinkPaginator,
    "header_cursor": HeaderCursorPaginator,
    "cursor": JSONResponseCursorPaginator,
}


class Stepping(BasePaginator):
    """A paginator of the user's own, which looks at the rows: the number of the last one leads on."""

    def __init__(self, cursor_param: str = "behind") -> None:
        super().__init__()
        self.param = cursor_param
        self.last: Any = None

    def update_state(self, response: Any, data: list[Any] | None = None) -> None:
        self._has_next_page = response.ok and bool(data)
        self.last = data[-1]["number"] if data else None

    def update_request(self, request: Any) -> None:
        request.params = {**(request.params or {}), self.param: self.last}


register_paginator("drawn_stepping", Stepping)


def _single(_: Setting) -> Pages:
    return Pages("single_page", "all at once", lambda: {"type": "single_page"}, lambda _, rows: Cut(rows))


def _json_link(at: Setting) -> Pages:
    path = at.dice.choice(["next", "links.next", "paging.next.href", "'@odata.nextLink'"])
    style, end = at.dice.choice(["absolute", "path", "query"]), at.dice.choice(["null", "absent"])
    options = {"type": "json_link", **({} if at.wrap.at(path) == "next" else {"next_url_path": at.wrap.at(path)})}

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        page, cursor = span(asked, "at", rows, at.size)
        if cursor is not None:
            return Cut(page, put({}, path, following(asked, cursor, style)))
        return Cut(page, put({}, path, None) if end == "null" else {})

    return Pages("json_link", f"{style}, {end} at the end", lambda: dict(options), cut, ["at"])


def _header_link(at: Setting) -> Pages:
    rel = at.dice.choice(["next", "following"])
    options = {"type": "header_link", **({} if rel == "next" else {"links_next_key": rel})}

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        page, cursor = span(asked, "at", rows, at.size)
        links = [f'<{asked.link()}>; rel="first"']
        if cursor is not None:
            links.append(f'<{following(asked, cursor, "absolute")}>; rel="{rel}"')
        return Cut(page, headers={"Link": ", ".join(links)})

    return Pages("header_link", rel, lambda: dict(options), cut, ["at"])


def _header_cursor(at: Setting) -> Pages:
    key, param = at.dice.choice(["next", "X-Next-Page"]), at.dice.choice(["cursor", "token"])
    options: dict[str, Any] = {"type": "header_cursor"}
    options |= {} if key == "next" else {"cursor_key": key.lower()}
    options |= {} if param == "cursor" else {"cursor_param": param}

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        page, cursor = span(asked, param, rows, at.size)
        return Cut(page, headers={} if cursor is None else {key: cursor})

    return Pages("header_cursor", key, lambda: dict(options), cut, [param])


#: How a cursor says the end: what stands in its place.
_ENDS: dict[str, Any] = {"null": None, "empty text": "", "zero": 0}


def _cursor(at: Setting) -> Pages:
    path = at.dice.choice(["cursors.next", "next_cursor", "meta.paging.after", "'next-cursor'"])
    end = at.dice.choice(["null", "absent", "empty text", "zero", "flag", "for ever"])
    place = sent(at, "cursor", ["cursor", "starting_after", "page[after]"], ["after", "variables.after"])
    options: dict[str, Any] = {"type": "cursor"}
    if at.wrap.at(path) != "cursors.next":
        options["cursor_path"] = at.wrap.at(path)
    if (place.option, place.name) != ("cursor_param", "cursor"):
        options[place.option] = place.name
    if end == "flag":
        options["has_more_path"] = at.wrap.at("has_more")
    if end == "for ever":
        options["stop_after_empty_page"] = True

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        given = place.read(asked)
        start = whole(given if end == "zero" else opened(given), 0)
        more = start + at.size < len(rows)
        about: dict[str, Any] = {"has_more": more} if end == "flag" else {}
        if more or end in {"flag", "for ever"}:
            put(about, path, start + at.size if end == "zero" else opaque(start + at.size))
        elif end in _ENDS:
            put(about, path, _ENDS[end])
        return Cut(rows[start : start + at.size], about)

    return Pages("cursor", f"{end} at the end{place}", lambda: dict(options), cut, **place.places())


def _last_row(at: Setting) -> Pages:
    """The cursor is the number of the last row."""
    place = sent(at, "cursor", ["after", "since_id"], ["search_after"])
    flag = not at.wrap.bare and at.dice.random() < 0.5
    options: dict[str, Any] = {"type": "cursor", "cursor_path": f"{at.wrap.last}.number", place.option: place.name}
    options |= {"has_more_path": at.wrap.at("more")} if flag else {"stop_after_empty_page": True}

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        rest = [row for row in rows if row["number"] > whole(place.read(asked), 0, 1_000_000)]
        return Cut(rest[: at.size], {"more": at.size < len(rest)} if flag else {})

    return Pages("cursor", f"last row{place}", lambda: dict(options), cut, **place.places())


def _own(at: Setting) -> Pages:
    """A class of the user's: an object, or registered under a name."""
    registered = at.dice.random() < 0.5

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        return Cut([row for row in rows if row["number"] > whole(asked.params.get("behind"), 0, 1_000_000)][: at.size])

    def config() -> Any:
        return {"type": "drawn_stepping", "cursor_param": "behind"} if registered else Stepping()

    return Pages("own class", "registered" if registered else "object", config, cut, ["behind"], form="own")


#: What paging is recognised by -> the parameter that follows from it.
_SIGNS = {"header": ["at"], "address": ["at"], "cursor": ["cursor"], "pages": ["page"], "nothing": []}


def _found(at: Setting) -> Pages:
    """What is found by looking at the first page: a link, an address, a number of pages, a cursor, nothing."""
    sign = "header" if at.wrap.bare else at.dice.choice(sorted(_SIGNS))
    word = at.dice.random() < 0.4
    place = at.dice.choice(["next", "links.next", "paging.next.url"])

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        if sign == "nothing":
            return Cut(rows)
        if sign == "pages":
            page = asked.whole("page", 0)
            about = {"page": page, "total_pages": -(-len(rows) // at.size)}
            return Cut(rows[page * at.size : page * at.size + at.size], about)
        found, cursor = span(asked, _SIGNS[sign][0], rows, at.size)
        if sign == "cursor":
            return Cut(found, {"paging": {"next_token": cursor}})
        if sign == "address":
            return Cut(found, put({}, place, None if cursor is None else following(asked, cursor, "path")))
        links = {} if cursor is None else {"Link": f'<{following(asked, cursor, "absolute")}>; rel="next"'}
        return Cut(found, headers=links)

    return Pages("auto", f"{sign} is found", lambda: "auto" if word else None, cut, _SIGNS[sign], form="word")


PAGERS: dict[str, Callable[[Setting], Pages]] = {
    "single_page": _single,
    "page_number": page_number,
    "offset": offset,
    "json_link": _json_link,
    "header_link": _header_link,
    "header_cursor": _header_cursor,
    "cursor": _cursor,
    "last row": _last_row,
    "own class": _own,
    "auto": _found,
}


def draw_pages(pager: str, at: Setting) -> Pages:
    """The pager's options; and the form: a mapping, an object of dlt's, or one word where no option is given."""
    found = PAGERS[pager](at)
    if found.form != "mapping":
        return found
    options = found.config()
    kind = options["type"]
    form = at.dice.choice(["mapping", "mapping", "object"])
    if len(options) == 1 and at.dice.random() < 0.7:
        return replace(found, config=lambda: kind, form="word")
    if form == "object":
        rest = {name: value for name, value in options.items() if name != "type"}
        return replace(found, config=lambda: CLASSES[kind](**rest), form="object")
    return found
