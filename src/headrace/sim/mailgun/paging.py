"""Pages of lists: by pivot, where links name the row that a page begins behind, and by skip and limit.

A pivot is a value, not a position: rows that come and go during a read shift no page, but what is inserted before the
pivot is missed. Pages by position shift. Source: Mailgun's API, pagination families.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from headrace.sim.mailgun.replies import bad, dumped, listed
from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.sim.mailgun.call import Call
    from headrace.sim.mailgun.listing import Listing

__all__ = ["LISTS", "SUPPRESSIONS", "TAGS", "TEMPLATES", "Dialect", "pivot_page", "pivot_reply", "skip_page", "spelt"]


@dataclass(frozen=True)
class Dialect:
    """How an endpoint spells its page links; `prefix` is the parameter that filters by the beginning of the key."""

    pivot: str
    prefix: str | None
    first: str
    last: str
    next: str
    previous: str
    carried: tuple[str, ...] = ()


SUPPRESSIONS: Final = Dialect(
    "address",
    "term",
    "limit={limit}&term={prefix}",
    "page=last&limit={limit}&term={prefix}",
    "page=next&address={last_key}&limit={limit}&term={prefix}",
    "page=previous&address={first_key}&limit={limit}&term={prefix}",
)
TEMPLATES: Final = Dialect(
    "p",
    None,
    "limit={limit}",
    "page=last&limit={limit}",
    "page=next&p={last_key}&limit={limit}",
    "page=previous&p={first_key}&limit={limit}",
)
TAGS: Final = Dialect(
    "tag",
    "prefix",
    "limit={limit}&page=first&tag=",
    "limit={limit}&page=last&tag=",
    "limit={limit}&page=next&tag={last_key}",
    "limit={limit}&page=prev&tag={first_key}",
    carried=("prefix",),
)
LISTS: Final = Dialect(
    "address",
    None,
    "page=first&limit={limit}",
    "page=last&limit={limit}",
    "page=next&address={last_key}&limit={limit}",
    "page=prev&address={first_key}&limit={limit}",
    carried=("subscribed",),
)


def pivot_page(
    call: Call,
    listing: Listing,
    dialect: Dialect,
    limit: int,
    keep: Callable[[str], bool] | None = None,
) -> tuple[list[str], int, dict[str, str]]:
    """Keys of a page, the place of its first row in the list, and its four links.

    Raises:
        RefusedError: an unknown `page`.
    """
    keys: Sequence[str] = listing.keys if keep is None else [key for key in listing.keys if keep(key)]
    prefix = (call.param(dialect.prefix) or "") if dialect.prefix else ""
    if prefix:
        keys = keys[bisect_left(keys, prefix) : bisect_left(keys, prefix + chr(0x10FFFF))]
    page, pivot = call.param("page") or "first", call.param(dialect.pivot)
    if page == "next" and pivot:
        start = bisect_right(keys, pivot)
    elif page in {"first", "next"}:
        start = 0
    elif page in {"previous", "prev", "last"}:
        stop = bisect_left(keys, pivot) if pivot and page != "last" else len(keys)
        start = max(stop - limit, 0)
        keys = keys[:stop]
    else:
        raise bad(f"invalid page: {page}")
    found = list(keys[start : start + limit])
    return found, start, _links(call, dialect, found, limit, prefix)


def _links(call: Call, dialect: Dialect, keys: Sequence[str], limit: int, prefix: str) -> dict[str, str]:
    named = {
        "limit": limit,
        "prefix": quote(prefix, safe=""),
        "first_key": quote(keys[0], safe="") if keys else "",
        "last_key": quote(keys[-1], safe="") if keys else "",
    }
    carried = "".join(f"&{name}={quote(value, safe='')}" for name in dialect.carried if (value := call.param(name)))
    links = {
        name: f"{call.link}?{getattr(dialect, name).format(**named)}{carried}"
        for name in ("first", "last", "next", "previous")
    }
    if keys:
        return links
    behind = call.param(dialect.pivot) and call.param("page") not in {None, "first", "last"}
    if behind and call.doubts.pivot_behind_last == "missing":
        return {name: link for name, link in links.items() if name in {"first", "last"}}
    if behind and call.doubts.pivot_behind_last == "itself":
        return {**links, "next": f"{call.origin}{call.request.target}", "previous": links["last"]}
    return dict.fromkeys(links, links["first"])


def pivot_reply(  # noqa: PLR0913, PLR0917 - one for each part of an answer
    call: Call,
    label: str,
    listing: Listing,
    dialect: Dialect,
    limits: tuple[int, int],
    shape: Callable[[str], bytes] | None = None,
    keep: Callable[[str], bool] | None = None,
) -> Reply:
    """A whole page: `{"items": [...], "paging": {...}}`; `limits` are the default and the most."""
    limit = call.limit(*limits)
    keys, start, links = pivot_page(call, listing, dialect, limit, keep)
    rows = range(start, start + len(keys))
    return listed(
        "items",
        map(shape or listing.body, keys),
        spelt(call, links),
        resource=label,
        page=-(-start // limit),
        rows=rows,
    )


def spelt(call: Call, links: Mapping[str, str]) -> bytes:
    """The end of an envelope with page links, as JSON text."""
    text = dumped({"paging": links})
    return text if call.doubts.ampersand == "plain" else text.replace(b"&", b"\\u0026")


def skip_page(  # noqa: PLR0913 - one for each part of an answer
    call: Call,
    label: str,
    rows: Sequence[Any],
    *,
    limits: tuple[int, int],
    strict: bool = False,
    key: str = "items",
    total: str = "total_count",
    null: bool = False,
) -> Reply:
    """Rows from `skip` on; with `null` an empty list may be null, as a doubt says."""
    limit = call.limit(*limits, strict=strict)
    skip = call.number(call.param("skip"), 0, "skip")
    found = rows[skip : skip + limit]
    place: dict[str, Any] = {
        "resource": label,
        "page": skip // limit,
        "rows": range(min(skip, len(rows)), min(skip, len(rows)) + len(found)),
        "key": key,
    }
    value = None if null and not found and call.doubts.empty_items == "null" else list(found)
    return Reply(body=dumped({total: len(rows), key: value}), **place)
