"""Pagers that follow the address of the next page: in the body (`JsonLink`) or in the Link header (`HeaderLink`).

A relative address is resolved against the address of the page that named it; a fragment is dropped, because it is never
sent and would make one page look like many. The parameters of the first request are dropped (the link brings its own),
its body and headers are kept. Whether the address may be asked at all (scheme, host) is the transport's question. With
`keep_origin` only path and query of a whole address count: some APIs, and gateways before them, write another host into
their links, where no credential may go. End rules and cycle guard: `cycle.py`; both options are ours, dlt has
`stop_after_empty_page` for cursors only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from headrace.errors import PagingError
from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Request
from headrace.paginate.cycle import EMPTY_PAGE_RULES, ReferenceWalk, Scheme
from headrace.paginate.reading import look_up, read_link, show

#: What keeps a comma or semicolon of a Link header from cutting: opening -> closing character (RFC 8288, 3).
_BRACKETS: Final = {"<": ">", '"': '"'}


@dataclass(frozen=True)
class JsonLink:
    """The address of the next page lies under `next_url_path` of the body."""

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    next_url_path: JsonPath
    stop_after_empty_page: bool | None = None
    keep_origin: bool = False

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return (self.next_url_path,)

    def begin(self, request: Request) -> ReferenceWalk:
        """Start a walk from the first request."""
        return _begin(request, self, "check that `next_url_path` leads to the link of the next page")

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "json_link",
            "next_url_path": str(self.next_url_path),
            **_described(self),
            "ends": f"when `{self.next_url_path}` is missing or empty, {EMPTY_PAGE_RULES[self.stop_after_empty_page]}",
        }

    def read(self, facts: PageFacts, place: str) -> str | None:
        link = read_link(look_up(facts, self.next_url_path), f"`{self.next_url_path}`", place)
        return None if link is None else resolve(facts.url, link, place, keep_origin=self.keep_origin)


@dataclass(frozen=True)
class HeaderLink:
    """The address of the next page is the link of relation `links_next_key` in the Link header."""

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    links_next_key: str = "next"
    stop_after_empty_page: bool | None = None
    keep_origin: bool = False

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return ()

    def begin(self, request: Request) -> ReferenceWalk:
        """Start a walk from the first request."""
        return _begin(request, self, "check that `links_next_key` is the relation of the next page")

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        at_empty_pages = EMPTY_PAGE_RULES[self.stop_after_empty_page]
        return {
            "kind": "header_link",
            "links_next_key": self.links_next_key,
            **_described(self),
            "ends": f"when the Link header has no `{self.links_next_key}`, {at_empty_pages}",
        }

    def read(self, facts: PageFacts, place: str) -> str | None:
        found = find_link(facts.headers.get("link", ""), self.links_next_key)
        link = read_link(found, f"the `{self.links_next_key}` of the Link header", place)
        return None if link is None else resolve(facts.url, link, place, keep_origin=self.keep_origin)


def find_link(header: str, relation: str) -> str | None:
    """The target of `relation` in a Link header, None when there is none; the last one counts, as with requests.

    A link may have several relations (`rel="next last"`), in any case; only the first `rel` of a link counts (RFC 8288,
    3.3). A link with an `anchor` speaks of another page and is passed over (3.2). An address without its angle brackets
    is taken too, as requests (and so dlt) takes it.

    >>> find_link('<https://a/?q=1,2>; rel="prev", <https://a/?p=3>; title="x, y"; rel="last Next"', "next")
    'https://a/?p=3'
    """
    wanted = relation.strip().lower()
    found: str | None = None
    for link in _split(header, ","):
        target, *pieces = _split(link, ";")
        params: dict[str, str] = {}
        for piece in pieces:
            name, _, value = piece.partition("=")
            params.setdefault(name.strip().lower(), value.strip().strip('"'))
        relations = params.get("rel", "").strip().lower()
        if "anchor" not in params and (wanted == relations or wanted in relations.split()):
            found = target.strip(" \t<>'\"")
    return found


def _split(text: str, separator: str) -> list[str]:
    """`text` cut at `separator` outside of quoted texts (with their backslashes) and angle brackets."""
    pieces: list[str] = []
    piece: list[str] = []
    closing = ""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == closing:
            closing = ""
        elif closing:
            escaped = closing == '"' and character == "\\"
        elif character in _BRACKETS:
            closing = _BRACKETS[character]
        elif character == separator:
            pieces.append("".join(piece))
            piece = []
            continue
        piece.append(character)
    pieces.append("".join(piece))
    return pieces


def resolve(base: str, link: str, place: str, *, keep_origin: bool = False) -> str:
    """The whole address that `link` means on page `base`, without fragment. Raises `PagingError` when it is none.

    >>> resolve("https://a/v1/x", "http://b:8080/v1/x?page=2", "page 1", keep_origin=True)
    'https://a/v1/x?page=2'
    """
    try:
        url = urldefrag(urljoin(base, link)).url
        return _moved(url, base) if keep_origin else url
    except ValueError as error:
        raise PagingError(
            f"expected an address as next link, got {show(link)}", where=place, hint=f"it cannot be read: {error}"
        ) from error


def _moved(url: str, base: str) -> str:
    """Path and query of `url` at the origin of `base`; what is no web address stays as it is, to be refused."""
    there, here = urlsplit(url), urlsplit(base)
    if there.scheme not in ("http", "https"):
        return url
    return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))


def _described(pager: JsonLink | HeaderLink) -> dict[str, Any]:
    return {"keep_origin": True} if pager.keep_origin else {}


def _begin(request: Request, pager: JsonLink | HeaderLink, hint: str) -> ReferenceWalk:
    return ReferenceWalk(
        request,
        Scheme(
            read=pager.read,
            move=Request.with_url,
            noun="next link",
            hint=hint,
            stop_after_empty_page=pager.stop_after_empty_page,
            marks_address=True,
        ),
    )
