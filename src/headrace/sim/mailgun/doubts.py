"""What nobody who may say so has said about Mailgun's API: one switch a doubt.

The first value of each is what is held most likely. A connector must end with the same rows under every value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

__all__ = ["Bound", "Doubts", "Precision"]

Bound = Literal["inclusive", "exclusive"]
Precision = Literal["ms", "s", "exact"]


@dataclass(frozen=True)
class Doubts:
    """How the service behaves where documents and recordings are silent or disagree.

    Statuses are HTTP's; 200 means that there is no refusal. Source: Mailgun's API, not found or unsure.
    """

    # Events: are the bounds of a range part of it, and to what are bounds and times cut before they are compared?
    events_begin: Bound = "inclusive"
    events_end: Bound = "exclusive"
    events_precision: Precision = "ms"
    # `begin` without `end` and without `ascending`: back to the retention's limit, or is `ascending` demanded?
    events_begin_alone: Literal["descending", "refuse"] = "descending"
    # A `begin` before the retention.
    events_beyond_retention: Literal["cut", "refuse"] = "cut"
    # `next` of an empty page: the address just asked for, or a new one with the same meaning each time?
    events_empty_next: Literal["same", "new"] = "same"
    # `GET /v3/events`, of all domains: never documented, seen in use.
    events_of_account: bool = False
    # Logs: the same questions; RFC 2822 dates end at seconds.
    logs_start: Bound = "inclusive"
    logs_end: Bound = "exclusive"
    logs_precision: Precision = "ms"
    logs_beyond_retention: Literal["refuse", "cut"] = "refuse"
    # Where `next` is given: behind each full page, only where rows follow, or behind every page with rows.
    logs_next: Literal["full_page", "exact", "always"] = "full_page"
    logs_default_limit: int = 100
    logs_default_sort: Literal["timestamp:desc", "timestamp:asc"] = "timestamp:desc"
    # Have a log and the event of the same happening one id?
    logs_ids: Literal["same", "own"] = "same"
    # Do rows of logs gain `delivered-at` when they are ten minutes old?
    logs_change: bool = False
    # Seconds that tokens and page links of events and logs live; `None` is for ever.
    token_life_s: float | None = None
    # A `limit` above the maximum, where no document says (routes and credentials refuse it).
    limit_above: Literal["clamp", "refuse"] = "clamp"
    # Links of an empty page behind the last one of a list with pivots; "first" is what an empty list was seen to give.
    pivot_behind_last: Literal["first", "itself", "missing"] = "first"
    # `&` in page links of lists: as it is since 2025, `\u0026` in 2016.
    ampersand: Literal["plain", "escaped"] = "plain"
    # `items` where there are no domains or templates.
    empty_items: Literal["null", "list"] = "null"
    # Do page links of the European host name the European host?
    eu_links: Literal["eu", "us"] = "eu"
    # Dates of the old tags.
    tag_dates: Literal["rfc3339", "go"] = "rfc3339"
    # URLs of a domain's webhooks: `urls`, or the older `url`.
    webhook_urls: Literal["urls", "url"] = "urls"
    # A single member of a mailing list: in `member` as recorded, or bare as in the specification.
    member: Literal["wrapped", "bare"] = "wrapped"
    # `webhooks` of a domain that has none.
    empty_webhooks: Literal["object", "null"] = "object"
    # The legacy list of domains still answers, and the newer one is there.
    v3_domains: bool = True
    v4_domains: bool = True
    # What calls to a domain answer that cannot be read. Seen: 400, 401, 403, 404.
    disabled_domain: int = 400
    unverified_domain: int = 200
    sandbox_domain: int = 200
    foreign_domain: int = 404
    # The same for a domain that only the other region has; 401 and 404 were reported.
    other_region: int = 404
    # Keys that may do less: for sending only, of another domain, a subaccount that the account has not.
    sending_key: int = 401
    domain_key: int = 403
    unknown_subaccount: int = 403
    # May an analyst's key POST a query, and read events?
    analyst_posts: bool = True
    analyst_reads_events: bool = True
    # How rate limits say what is left and how they refuse. Reset is in epoch milliseconds in both spellings.
    limit_headers: Literal["X-Request", "X-RateLimit", "none"] = "X-Request"
    limit_body: Literal["retry_seconds", "message", "text", "none"] = "retry_seconds"
    limit_status: int = 429
    retry_after: Literal["none", "seconds", "date"] = "none"

    def __post_init__(self) -> None:
        """Refuse values that no switch has.

        Raises:
            ValueError: names the switch and its values.
        """
        for name, values in _texts().items():
            given = getattr(self, name)
            if given not in values:
                raise ValueError(f"expected {name} to be one of {', '.join(values)}, got {given!r}")


@cache
def _texts() -> dict[str, tuple[Any, ...]]:
    """The switches whose values are texts, with these."""
    found = {name: get_args(hint) for name, hint in get_type_hints(Doubts).items()}
    return {name: values for name, values in found.items() if values and all(isinstance(one, str) for one in values)}
