"""Paginators of dlt and of users: a stock one becomes our options, any other is driven as dlt drives it.

Theory. dlt's paginator is an object that changes itself: it is shown the request (`init_request`), then each answer
with its rows (`update_state`), then the request again, which it rewrites in place (`update_request`), and it is asked
whether there is more (`has_next_page`). A stock one is understood, so our own pager does its work: pages ahead, no rows
as Python objects, guards. A subclass or a registered class is not; a copy of it lives as long as one walk, fed with
`requests` objects that look as dlt would have made them. It runs on the event loop: one that waits holds up all.

It is trusted to end. What it cannot want is the same request with the same rows as before: that is the cycle guard. The
same request with other rows is a queue being emptied, and goes on.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode

import requests
from dlt.common.jsonpath import compile_path
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    JSONResponsePaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from dlt.sources.rest_api.config_setup import PAGINATOR_MAP

from headrace.bridge.answer import as_requests_response
from headrace.config.foreign import Foreign
from headrace.decode import to_rows
from headrace.errors import PagingError
from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Pairs, Request
from headrace.paginate.reading import name_place
from headrace.secrets import Secret, shown_cause

_FORM: Final = "application/x-www-form-urlencoded"


def adopt_paginator(value: object) -> dict[str, Any] | Foreign | None:
    """What the configuration may hold in place of `value`: our options, an object to drive, None for neither.

    `value` is a paginator object, or a name or mapping whose `type` was registered with dlt. Raises `ValueError` when a
    registered class does not take the options.
    """
    if isinstance(value, BasePaginator):
        return _said(value) or Foreign(value, type(value).__name__)
    options = {"type": value} if isinstance(value, str) else dict(value) if isinstance(value, Mapping) else {}
    kind = options.pop("type", None)
    made = PAGINATOR_MAP.get(kind) if isinstance(kind, str) else None
    if made is None:
        return None
    try:
        return adopt_paginator(made(**options))
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected options that paginator `{kind}` takes, got an error: {error}") from error


class _UnsayableError(Exception):
    """A stock paginator holds what our options cannot say."""


def _said(paginator: Any) -> dict[str, Any] | None:
    """The options of a stock paginator, None for any other and for one that was changed beyond its options."""
    say = _STOCK.get(type(paginator))
    if say is None or any(hasattr(type(paginator), name) for name in vars(paginator)):
        return None  # a method that was replaced on the object alone
    try:
        return say(paginator)
    except _UnsayableError:
        return None


def _offset(paginator: Any) -> dict[str, Any]:
    if paginator.value_step != paginator.limit or paginator.base_index:
        raise _UnsayableError
    return {
        "type": "offset",
        "limit": paginator.limit,
        "offset": paginator.initial_value,
        **_place("offset", paginator.param_name, paginator.param_body_path),
        **_place("limit", paginator.limit_param, paginator.limit_body_path),
        "maximum_offset": paginator.maximum_value,
        **_counted(paginator),
    }


def _page_number(paginator: Any) -> dict[str, Any]:
    if paginator.value_step != 1:
        raise _UnsayableError
    return {
        "type": "page_number",
        "base_page": paginator.base_index,
        "page": paginator.initial_value,
        **_place("page", paginator.param_name, paginator.param_body_path),
        "maximum_page": paginator.maximum_value,
        **_counted(paginator),
    }


def _counted(paginator: Any) -> dict[str, Any]:
    return {
        "total_path": _path(paginator.total_path),
        "stop_after_empty_page": bool(paginator.stop_after_empty_page),
        "has_more_path": _path(paginator.has_more_path),
    }


def _cursor(paginator: Any) -> dict[str, Any]:
    said = {
        "type": "cursor",
        "cursor_path": _path(paginator.cursor_path),
        **_place("cursor", paginator.cursor_param, paginator.cursor_body_path),
        "has_more_path": _path(paginator.has_more_path),
    }
    # dlt's default is false, which nobody can tell from a false that was said: ours is a third value, see `cycle.py`
    return {**said, "stop_after_empty_page": True} if paginator.stop_after_empty_page else said


def _place(option: str, param: str | None, body_path: Any) -> dict[str, str]:
    return {f"{option}_body_path": str(body_path)} if body_path else {f"{option}_param": param or option}


def _path(path: Any) -> str | None:
    """A compiled path as text that compiles to the same."""
    if path is None:
        return None
    text = str(path)
    try:
        same = compile_path(text) == path
    except Exception as error:  # jsonpath-ng raises bare exceptions; not every path has a text that it reads
        raise _UnsayableError from error
    if not same:
        raise _UnsayableError
    return text


#: Stock paginators -> their options as data.
_STOCK: Final[Mapping[type[Any], Callable[[Any], dict[str, Any]]]] = {
    SinglePagePaginator: lambda _: {"type": "single_page"},
    OffsetPaginator: _offset,
    PageNumberPaginator: _page_number,
    JSONResponseCursorPaginator: _cursor,
    JSONLinkPaginator: lambda paginator: {"type": "json_link", "next_url_path": _path(paginator.next_url_path)},
    JSONResponsePaginator: lambda paginator: {"type": "json_link", "next_url_path": _path(paginator.next_url_path)},
    HeaderLinkPaginator: lambda paginator: {"type": "header_link", "links_next_key": paginator.links_next_key},
    HeaderCursorPaginator: lambda paginator: {
        "type": "header_cursor",
        "cursor_key": paginator.cursor_key,
        "cursor_param": paginator.cursor_param,
    },
}


@dataclass(frozen=True)
class ForeignPager:
    """Pages as a paginator object says. Each walk has a copy of the object, as each parent's row has in dlt."""

    compares_pages: ClassVar[bool] = True
    reads_answers: ClassVar[bool] = True
    reads_digests: ClassVar[bool] = False

    paginator: Any

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return ()

    def begin(self, request: Request) -> ForeignWalk:
        """Start a walk. Raises `PagingError` when the paginator fails on the first request."""
        return ForeignWalk(request, _copied(self.paginator))

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "custom",
            "class": type(self.paginator).__name__,
            "ends": "when it says so; it gets rows as Python objects",
        }


class ForeignWalk:
    """A walk that one paginator object leads, one page at a time."""

    counts = bounded = probing = False
    doubt: str | None = None
    found = None

    def __init__(self, request: Request, paginator: Any) -> None:
        self.done = False
        self._paginator = paginator
        self._pages = 0
        self._seen: set[int] = set()
        self._asked: Request | None = None
        self._sent = to_requests(request)
        self._first = request
        self._call("init_request", self._sent)
        self._next: Request | None = self._read()

    def __repr__(self) -> str:
        return f"<ForeignWalk by {type(self._paginator).__name__} pages={self._pages} done={self.done}>"

    def ask(self) -> Request | None:
        """The next request; None when done, or until the page asked before was told."""
        request, self._next = self._next, None
        self._asked = request or self._asked
        return request

    def tell(self, facts: PageFacts) -> None:
        """Show the answer to the paginator. Raises `PagingError` when it fails, or stays on its page."""
        if self._asked is None:
            raise AssertionError("tell without an open ask")
        if facts.response is None:
            raise AssertionError("expected the answer itself among the facts")
        asked, self._asked = self._asked, None
        self._pages += 1
        self._guard_repetition(asked, facts)
        self._call("update_state", as_requests_response(facts.response, asked), to_rows(facts.records))
        self._call("update_request", self._sent)
        self.done = not self._paginator.has_next_page
        if not self.done:
            self._next = self._read()

    def _call(self, step: str, *arguments: Any) -> None:
        try:
            getattr(self._paginator, step)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever somebody's paginator raises has a name here
            raise PagingError(
                f"expected `{type(self._paginator).__name__}.{step}` to work, got {type(error).__name__}: {error}",
                where=self._place,
            ) from shown_cause(error)

    def _read(self) -> Request:
        if not isinstance(self._sent.url, str) or not self._sent.url:
            raise PagingError(
                f"expected an address from `{type(self._paginator).__name__}`, got {self._sent.url!r}",
                where=self._place,
                hint="`has_next_page` must be false where there is no next page",
            )
        return from_requests(self._sent, self._first)

    def _guard_repetition(self, asked: Request, facts: PageFacts) -> None:
        if not facts.row_count:
            return
        body = asked.data if asked.json is None else json.dumps(asked.json, sort_keys=True, default=str)
        seen = hash((asked.method, asked.url, asked.params, asked.headers, body, facts.fingerprint))
        if seen in self._seen:
            raise PagingError(
                f"expected other rows or another request, got the same request and its {facts.row_count} rows again",
                where=self._place,
                hint=f"`{type(self._paginator).__name__}` does not move on: look at its `update_request`",
            )
        self._seen.add(seen)

    @property
    def _place(self) -> str:
        return name_place(self._first, max(self._pages, 1))


def to_requests(request: Request) -> requests.Request:
    """`request` as dlt would have made it: parameters and a form as dictionaries, a body of JSON as itself."""
    given = _grouped(request.params) if request.given is None else request.given
    return requests.Request(
        method=request.method,
        url=request.url,
        headers=dict(request.headers),
        params={name: copy.deepcopy(_revealed(value)) for name, value in given.items()},
        json=copy.deepcopy(request.json),
        data=_form(request),
    )


def from_requests(sent: requests.Request, first: Request) -> Request:
    """A request that a paginator has changed, as ours; what `requests` would not send is left out."""
    url, params = _text(sent.url), sent.params or ()
    if isinstance(params, str | bytes):
        url, params = f"{url}{'&' if '?' in url else '?'}{_text(params)}", ()
    headers = tuple((_text(name), _text(value)) for name, value in (sent.headers or {}).items() if value is not None)
    data = sent.data or None
    if data is not None and not isinstance(data, str | bytes):
        data = urlencode(tuple(_pairs(data)))
        headers = headers if _type_of(headers) else (*headers, ("Content-Type", _FORM))
    return replace(
        first,
        method=(sent.method or first.method).upper(),
        url=url,
        params=tuple(_pairs(params)),
        headers=headers,
        json=sent.json if data is None else None,
        data=data.encode() if isinstance(data, str) else data,
        given=None,
    )


def _copied(paginator: Any) -> Any:
    """A paginator for one walk; the object itself where it holds what cannot be copied, a lock or a connection."""
    try:
        return copy.deepcopy(paginator)
    except Exception:  # noqa: BLE001 - copying runs the user's code, and any refusal means the same
        return paginator


def _form(request: Request) -> Any:
    """The body as `data`: a dictionary of a form, which paginators write into, and bytes as they are."""
    if request.data is None or _type_of(request.headers) != _FORM:
        return request.data
    return _grouped(parse_qsl(request.data.decode(), keep_blank_values=True))


def _type_of(headers: Pairs) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-type"), None)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as a dictionary, the values of a name that comes several times as a list."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _pairs(said: Any) -> Iterator[tuple[str, str]]:
    """A mapping or pairs as `requests` sends them: a value that can be gone through repeats its name, None is out."""
    for name, values in said.items() if isinstance(said, Mapping) else said:
        for value in values if hasattr(values, "__iter__") and not isinstance(values, str | bytes) else (values,):
            if value is not None:
                yield _text(name), _text(value)


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
