"""Links: the paged listing, one link, look-ups (Short.io's API, list links; changes while paging).

A listing is ordered by creation, ties by id. What its opaque token says is a doubt: the last key served, which nothing
can shift, or a number of rows to skip, which a deletion shifts by one.
"""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from headrace.sim.message import Reply
from headrace.sim.shortio.instants import SECOND_MS
from headrace.sim.shortio.records import text_of
from headrace.sim.shortio.refusals import invalid, not_found, refused

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.records import Domain, Link

__all__ = ["by_url", "expanded", "link", "links"]

_MAX_LIMIT = 150
_TOKEN_MARK = "links"  # noqa: S105 - tells our tokens from other text


def links(ask: Ask) -> Reply:
    """One page: `{count, links, nextPageToken}`. `idString` and `createdAt` are accepted and change nothing."""
    doubts = ask.world.doubts
    ask.needed("domain_id")
    if not str(ask.given["domain_id"]).isdigit():
        raise invalid("querystring/domain_id must be integer")
    limit = ask.integer("limit", doubts.links_default_limit, 1, _MAX_LIMIT)
    domain = ask.domain(str(ask.given["domain_id"]))
    descending = ask.one_of("dateSortOrder", doubts.links_default_order, ("asc", "desc")) == "desc"
    found = _ordered(ask, domain, descending=descending)
    number, start = _begin(ask, found, descending=descending)
    page = found[start : start + limit]
    more = len(found) > start + limit or (doubts.full_last_page_token and len(page) == limit)
    body: dict[str, Any] = {"count": len(page) if doubts.count_of == "page" else len(found)}
    body["links"] = [one.row for one in page]
    if more:
        is_key = doubts.token_kind == "key"  # noqa: S105 - opaque, but no secret
        mark: Any = page[-1].key if is_key else start + limit
        body["nextPageToken"] = _token(ask, number + 1, mark)
    elif doubts.end_token != "missing":  # noqa: S105 - no secret
        body["nextPageToken"] = {"null": None, "empty": ""}[doubts.end_token]
    return Reply(
        body=text_of(body).encode(),
        resource=f"links/{domain.id}",
        page=number,
        rows=range(start, start + len(page)),
        key="links",
    )


def link(ask: Ask) -> Reply:
    """One link by `idString`."""
    return Reply(body=text_of(ask.link().row).encode(), page=0, rows=range(1))


def expanded(ask: Ask) -> Reply:
    """One link by host and path."""
    for name in ("domain", "path"):
        if not ask.given.get(name):
            raise refused(400, error="Bad Request", message=f"{name} is required")
    domain = _by_host(ask)
    found = domain.paths.get(domain.path_key(str(ask.given["path"])))
    if found is None:
        raise not_found("Link")
    return Reply(body=text_of(found.row).encode(), page=0, rows=range(1))


def by_url(ask: Ask) -> Reply:
    """All links to a target."""
    ask.needed("domain")
    url = ask.needed("originalURL")
    rows = [one.row for one in _by_host(ask).links if one.row["originalURL"] == url]
    if not rows and ask.world.doubts.unknown_url_is_404:
        raise not_found("Link")
    return Reply(body=text_of({"links": rows}).encode(), page=0, rows=range(len(rows)), key="links")


def _by_host(ask: Ask) -> Domain:
    for domain in ask.world.domains.values():
        if domain.host == ask.given["domain"]:
            return ask.domain(str(domain.id))
    raise not_found("Domain")


def _ordered(ask: Ask, domain: Domain, *, descending: bool) -> list[Link]:
    """The links that the filters leave, in the order asked for. Filters look at the moment of creation only."""
    doubts = ask.world.doubts
    held = domain.links
    after, before = ask.moment("afterDate"), ask.moment("beforeDate")
    if after is not None or before is not None:
        own = 0 if doubts.created_inclusive else 1
        low = 0 if after is None else bisect_left(held, after + own, key=_created)
        high = len(held) if before is None else bisect_right(held, before - own, key=_created)
        held = held[low:high]
    folder = ask.given.get("folderId")
    if folder is not None or not doubts.archived_listed:
        held = [
            one
            for one in held
            if folder in (None, one.row.get("FolderId")) and (doubts.archived_listed or not one.row["archived"])
        ]
    return held[::-1] if descending else held


def _begin(ask: Ask, found: list[Link], *, descending: bool) -> tuple[int, int]:
    """Number of the page and place of its first row: what the token says, the start without one."""
    text = ask.given.get("pageToken")
    if not text:
        return 0, 0
    number, mark, born_ms = _untokened(str(text))
    lifetime_s = ask.world.doubts.token_lifetime_s
    if lifetime_s is not None and ask.world.now_ms - born_ms > lifetime_s * SECOND_MS:
        raise refused(400, error="Page token has expired")
    if isinstance(mark, int):
        return number, mark
    key = (int(mark[0]), str(mark[1]))
    if not descending:
        return number, bisect_right(found, key, key=_key)
    # turned keys ascend where the listing descends; ids cannot be turned, so instants are found first
    start = bisect_left(found, -key[0], key=lambda one: -one.created_ms)
    while start < len(found) and found[start].key >= key:
        start += 1
    return number, start


def _token(ask: Ask, number: int, mark: Any) -> str:
    parts = [_TOKEN_MARK, number, mark, ask.world.now_ms]
    return base64.b64encode(json.dumps(parts).encode()).decode()


def _untokened(text: str) -> tuple[int, Any, int]:
    try:
        mark, number, place, born_ms = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError):
        mark = None
    if mark != _TOKEN_MARK:
        raise refused(400, error="Invalid page token")
    return number, place, born_ms


def _created(link: Link) -> int:
    return link.created_ms


def _key(link: Link) -> tuple[int, str]:
    return link.key
