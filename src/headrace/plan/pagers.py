"""From paginator options to pagers: one row a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.config.kinds import (
    AutoPaging,
    CursorPaging,
    HeaderCursorPaging,
    HeaderLinkPaging,
    JsonLinkPaging,
    KeysetPaging,
    OffsetPaging,
    PageNumberPaging,
    SinglePagePaging,
)
from headrace.jsonpath import JsonPath, compile_path
from headrace.moment import FORMS
from headrace.paginate import (
    Cursor,
    Detect,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Keyset,
    Offset,
    PageNumber,
    Pager,
    SinglePage,
)


def _path(text: str | None) -> JsonPath | None:
    return None if text is None else compile_path(text)


def _same(options: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names}


def _offset(options: OffsetPaging) -> Pager:
    places = _same(options, "offset_param", "offset_body_path", "limit_param", "limit_body_path")
    same = _same(options, "limit", "offset", "maximum_offset", "stop_after_empty_page", "overlap")
    return Offset(**places, **same, total_path=_path(options.total_path), has_more_path=_path(options.has_more_path))


def _page_number(options: PageNumberPaging) -> Pager:
    same = _same(options, "base_page", "page", "page_param", "page_body_path", "maximum_page", "stop_after_empty_page")
    return PageNumber(**same, total_path=_path(options.total_path), has_more_path=_path(options.has_more_path))


def _cursor(options: CursorPaging) -> Pager:
    return Cursor(
        compile_path(options.cursor_path),
        **_same(options, "cursor_param", "cursor_body_path", "stop_after_empty_page"),
        has_more_path=_path(options.has_more_path),
    )


def _keyset(options: KeysetPaging) -> Pager:
    places = _same(options, "key_param", "key_body_path", "limit_param", "limit_body_path")
    same = _same(options, "limit", "order", "least_limit")
    return Keyset(compile_path(options.key_path), form=FORMS[options.format], **places, **same)


#: Option model -> pager. `AutoPaging` has a row so that the table is whole; the client is asked first.
PAGERS: Final[Mapping[type[Any], Callable[[Any], Pager]]] = {
    AutoPaging: lambda _: Detect(),
    SinglePagePaging: lambda _: SinglePage(),
    OffsetPaging: _offset,
    PageNumberPaging: _page_number,
    CursorPaging: _cursor,
    JsonLinkPaging: lambda options: JsonLink(
        compile_path(options.next_url_path), **_same(options, "stop_after_empty_page", "keep_origin")
    ),
    HeaderLinkPaging: lambda options: HeaderLink(
        **_same(options, "links_next_key", "stop_after_empty_page", "keep_origin")
    ),
    HeaderCursorPaging: lambda options: HeaderCursor(
        **_same(options, "cursor_key", "cursor_param", "stop_after_empty_page")
    ),
    KeysetPaging: _keyset,
}
