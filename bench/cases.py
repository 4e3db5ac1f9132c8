"""What each case serves, how it is asked for, and who takes part.

A configuration is the same for everyone, but for what stock dlt has no word for, which goes to headrace alone: windows,
limits, rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import rows

__all__ = ["CASES", "Case", "Listing"]

HEADRACE, TUNED, WORKERS, DEFAULT = "headrace", "dlt-parquet", "dlt-workers", "dlt-default"
FLOOR = "floor"
FIRST, AGAIN, NOTHING = "first load", "again", "nothing new"

#: Rows that are rendered for a listing; beyond that they come round with other ids (`rows.MARK`).
RENDERED: Final = 60_000
_CURSOR: Final = {"type": "cursor", "cursor_param": "cursor", "cursor_path": "next"}
_MERGED: Final = {"write_disposition": "merge", "primary_key": "id"}
_SINCE: Final = {"cursor_path": "updated_at", "start_param": "since", "initial_value": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Listing:
    """One resource: `rows` of them, `page` at most in an answer.

    `key` is a column that everybody has, the floor too; rows are compared by it. `window_s` is the length in seconds, a
    row each, of the windows of time by which headrace cuts the listing, 0 for what it finds best; None leaves it whole.
    """

    name: str
    render: Callable[[int], str]
    rows: int
    page: int = 300
    key: str = "id"
    hints: Mapping[str, Any] = field(default_factory=lambda: _MERGED)
    paginator: Mapping[str, Any] = field(default_factory=lambda: _CURSOR)
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    window_s: int | None = None

    @property
    def pages(self) -> int:
        """Pages that have rows."""
        return math.ceil(self.rows / self.page)

    @property
    def position(self) -> str:
        """The query parameter that says where a page begins."""
        return "offset" if self.paginator["type"] == "offset" else "cursor"

    @property
    def ours(self) -> dict[str, Any]:
        """What stock dlt has no word for, among the options of the endpoint."""
        if self.window_s is None:
            return {}
        span = {"start": rows.START_S, "end": rows.START_S + self.rows}
        size = {"size": f"{self.window_s}s"} if self.window_s else {}
        return {"windows": {"param_start": "from", "param_end": "to", **span, **size}}


@dataclass(frozen=True)
class Case:
    """A server's behaviour, a configuration, and the loads that are measured one after the other.

    `rate` is in requests a second, None for no limit; `memory_limit` is DuckDB's for everyone, its own if empty. A load
    that is not the first has a process of its own and the pipeline and the database of the one before. `whole` loads in
    one call of `run` instead of in steps.
    """

    name: str
    about: str
    listings: tuple[Listing, ...]
    loads: tuple[str, ...] = (FIRST,)
    contenders: tuple[str, ...] = (HEADRACE, TUNED)
    client: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: int = 0
    rate: int | None = None
    rate_headers: bool = False
    whole: bool = False
    most_runs: int = 9
    memory_limit: str = ""

    @property
    def rows(self) -> int:
        """Rows of all resources."""
        return sum(listing.rows for listing in self.listings)

    def sized(self, count: int | None) -> Case:
        """The case with another number of rows; None for its own, and many small resources stay small."""
        if count is None or len(self.listings) > 1:
            return self
        return replace(self, listings=(replace(self.listings[0], rows=count),))

    @property
    def ideal_s(self) -> float | None:
        """Seconds that the requests take at the least, by the limit or by latency and slots.

        None where neither rules, or where only answers name the pages.
        """
        pages = sum(listing.pages for listing in self.listings)
        if self.rate:
            return (pages - self.rate) / self.rate  # one second's worth may go out at once
        if self.latency_ms and self.client and self.listings[0].position == "offset":
            slots: int = self.client["limits"]["in_flight"]
            return math.ceil(pages / slots) * self.latency_ms / 1000
        return None

    def configuration(self, url: str, *, ours: bool) -> dict[str, Any]:
        """The dictionary for `rest_api_source`, all of it JSON."""
        resources = [
            {
                "name": listing.name,
                **listing.hints,
                "endpoint": {
                    "path": listing.name,
                    "data_selector": "items",
                    "params": {"limit": listing.page} if listing.position == "cursor" else {},
                    "paginator": listing.paginator,
                    **listing.endpoint,
                    **(listing.ours if ours else {}),
                },
            }
            for listing in self.listings
        ]
        return {"client": {"base_url": url, **(self.client if ours else {})}, "resources": resources}


def _events(count: int) -> Listing:
    return Listing("events", rows.event, count)


def _clicks(count: int, page: int, paginator: Mapping[str, Any], **more: Any) -> Listing:
    return Listing("clicks", rows.click, count, page, key="path", hints={}, paginator=paginator, **more)


def _waiting(paging: str, latency_ms: int) -> Case:
    """100 rows a page, so that waiting is what it costs; 16 slots."""
    pages = 100 if latency_ms > 100 else 300
    paginator = {
        "offset": {"type": "offset", "limit": 100},
        "blind": {"type": "offset", "limit": 100, "total_path": None},
    }.get(paging, _CURSOR)
    about = {
        "offset": "offset paging with a total",
        "blind": "offset paging without a total",
        "windows": "cursor paging; headrace by windows of 5 pages, dlt in one listing",
        "unsized": "cursor paging; headrace by windows whose size it finds, dlt in one listing",
        "cursor": "cursor paging, nothing to cut it by",
    }[paging]
    return Case(
        f"{paging}-{latency_ms}ms",
        f"{about}, {latency_ms} ms before each answer, 100 clicks a page",
        (_clicks(pages * 100, 100, paginator, window_s={"windows": 500, "unsized": 0}.get(paging)),),
        client={} if paging == "cursor" else {"limits": {"in_flight": 16}},
        latency_ms=latency_ms,
    )


def _limited(name: str, about: str, **more: Any) -> Case:
    """Ten requests a second, enforced by the second of the clock; 200 pages."""
    clicks = _clicks(20_000, 100, {"type": "offset", "limit": 100})
    return Case(name, f"10 requests a second, enforced, {about}", (clicks,), contenders=(HEADRACE,), rate=10, **more)


_ALL: Final = (
    Case("events", "wide and nested, 1 kB", (_events(60_000),),
         contenders=(HEADRACE, TUNED, WORKERS, DEFAULT, FLOOR)),
    Case("again", "600,000 events, and all of them a second time", (_events(600_000),), (FIRST, AGAIN),
         (HEADRACE, TUNED, FLOOR)),
    Case("growth", "6,000,000 events, within the memory that `headrace run` gives DuckDB", (_events(6_000_000),),
         contenders=(HEADRACE,), most_runs=1, memory_limit="512MB"),
    Case("guide", "the e-mail guide's events: 66 columns, 4 child tables, new keys late",
         (Listing("events", rows.guide_event, RENDERED),), contenders=(HEADRACE, TUNED, FLOOR)),
    Case("clicks", "narrow and flat, 200 B, appended, 1,000 a page", (_clicks(300_000, 1000, _CURSOR),),
         contenders=(HEADRACE, TUNED, FLOOR)),
    Case("links", "a list of texts in each, 150 a page", (Listing("links", rows.link, 240_000, 150),),
         contenders=(HEADRACE, TUNED, FLOOR)),
    Case("deep", "lists in lists in lists", (Listing("orders", rows.order, 30_000),),
         contenders=(HEADRACE, TUNED, FLOOR)),
    Case("small", "20 resources of 12 rows, and a second time with nothing new; whole processes, imports included",
         tuple(Listing(f"kind_{n:02}", rows.small, 12, endpoint={"incremental": _SINCE}) for n in range(20)),
         (FIRST, NOTHING), whole=True),
    *(_waiting(paging, ms) for ms in (0, 100, 300) for paging in ("offset", "windows", "cursor")),
    _waiting("blind", 100),
    _waiting("unsized", 100),
    _limited("limit-declared", "declared in the configuration", client={"rate_limit": {"requests": 10}}),
    _limited("limit-headers", "told in headers", rate_headers=True),
    _limited("limit-unknown", "told by nothing but 429"),
)  # fmt: skip
CASES: Final = {case.name: case for case in _ALL}
