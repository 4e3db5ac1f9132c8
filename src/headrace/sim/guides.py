"""The two guides' services on one server: e-mail (domains, events) and links (links, clicks).

They are as the guides describe them, not as Mailgun and Short.io are. What the guides leave open is
a parameter: how events end, whether there is a gap or a cycle, how the last page of links says so.

    with Guides(events=10_000, tail="new_once").serve() as sim:
        load(sim.url, sim.private_key)
        assert sim.ledger.served("events") == (range(10_000),)
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, final

from headrace.sim.chain import Chain, Cycle
from headrace.sim.email_rows import EventRows, domain_row
from headrace.sim.link_rows import ClickRows, link_row
from headrace.sim.message import Reply, Request
from headrace.sim.rate import Rate, RateLimited
from headrace.sim.server import Server
from headrace.sim.wire import compress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.sim.faults import Fault
    from headrace.sim.ledger import Ledger

__all__ = ["Guides", "GuidesSim"]

Tail = Literal["same", "new_once", "new_forever"]
LinksEnd = Literal["null", "missing", "empty"]

_PATHS = {"/v1/domains": "domains", "/v1/events": "events", "/v1/links": "links"}
_CLICKS_PATH = re.compile(r"/v1/domain/(\d+)/link_clicks")
_DOMAINS_DEFAULT_LIMIT = 100
_EMAIL_KEY_HINT = (("WWW-Authenticate", 'Basic realm="guides"'),)


@dataclass(frozen=True)
class _Collection:
    """One list behind cursors: its chain, its rows as JSON text and its page's JSON text."""

    chain: Chain
    key: str
    cursor_param: str
    render: Callable[[int], str]
    envelope: Callable[[str, int], str]


@dataclass(frozen=True)
class Guides:
    """What the services hold and how they behave; `serve` runs them.

    `events`, `domains` and `links` are row counts, `clicks` is the count for each of `domain_ids`.
    Page sizes are the server's own, a `limit` is obeyed by `/v1/domains` only, up to
    `domains_max_limit`. `tail` is the end of events (see `chain`), `gap_at` and `cycle` concern
    events too; `end` is what `nextPageToken` is on the last page of links and clicks. `key` is the
    password of the Basic user `api`, `api_key` the bare key of the links service. `new_keys` gives
    the events of the last page keys that no event before has. `prerender` keeps every cursor page
    as bytes (about 1 kB an event), so that a page costs nothing to serve. `rate` is enforced on all
    of them together.
    """

    events: int = 1000
    domains: int = 3
    links: int = 100
    clicks: int = 1000
    seed: int = 0
    page_size: int = 300
    links_page_size: int = 150
    clicks_page_size: int = 150
    domains_max_limit: int = 1000
    domain_ids: tuple[int, ...] = (7, 8)
    key: str = "key-of-the-email-simulator"
    api_key: str = "sk_of_the_links_simulator"
    faults: Sequence[Fault] = ()
    latency_s: float = 0.0
    gzip: bool = False
    rate: Rate | None = None
    prerender: bool = False
    tail: Tail = "same"
    gap_at: int | None = None
    cycle: Cycle | None = None
    end: LinksEnd = "null"
    new_keys: bool = True

    def serve(self, port: int = 0) -> GuidesSim:
        """Server for these services, not started yet; 0 takes a free port."""
        return GuidesSim(self, port)

    def count(self, resource: str, domain_id: int | None = None) -> int:
        """Number of rows that the resource has; `clicks` without a domain id is all domains'."""
        if resource == "clicks" and domain_id is None:
            return self.clicks * len(self.domain_ids)
        return len(self._rows_of(resource, domain_id)[0])

    def rows(self, resource: str, domain_id: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the truth as dictionaries, in serving order; `clicks` needs a domain id."""
        indexes, render = self._rows_of(resource, domain_id)
        return (json.loads(render(index)) for index in indexes)

    def answer(self, request: Request) -> Reply:
        """Answer as the services would, with nothing gone wrong."""
        clicks = _CLICKS_PATH.fullmatch(request.path)
        label = f"clicks/{clicks[1]}" if clicks else _PATHS.get(request.path, "")
        if label != "domains" and label not in self._collections:
            return _refusal(404, "not found")
        if request.method != "GET":
            return _refusal(405, "method not allowed")
        if not self._admits(request, label):
            email = label in ("domains", "events")
            return replace(_refusal(401, "Unauthorized"), headers=_EMAIL_KEY_HINT if email else ())
        if label == "domains":
            return self._domains_page(request)
        collection = self._collections[label]
        cursor = request.param(collection.cursor_param)
        step = 0 if cursor is None else collection.chain.step(cursor)
        if step is None:
            return _refusal(400, f"unknown {collection.cursor_param}")
        return self._ready_pages.get((label, step)) or _page(collection, step)

    def warm(self) -> None:
        """Render every page now if they are to be kept; else nothing."""
        _ = self._ready_pages

    @cached_property
    def _collections(self) -> dict[str, _Collection]:
        events = Chain("events", self.seed, self.events, self.page_size, self.tail, self.gap_at, self.cycle)
        new_keys_from = events.last_page_start if self.new_keys else self.events
        links = Chain("links", self.seed, self.links, self.links_page_size)
        found = {
            "events": _Collection(
                chain=events,
                key="items",
                cursor_param="from",
                render=EventRows(self.seed, new_keys_from).render,
                envelope=lambda rows, step: _events_envelope(events, rows, step),
            ),
            "links": _Collection(
                chain=links,
                key="links",
                cursor_param="pageToken",
                render=lambda index: link_row(self.seed, index, self.domain_ids),
                envelope=lambda rows, step: (
                    f'{{"links":[{rows}],"count":{len(links.rows(step))}{_next_page_token(links, step, self.end)}}}'
                ),
            ),
        }
        for domain_id in self.domain_ids:
            found[f"clicks/{domain_id}"] = self._clicks_of(domain_id)
        return found

    def _clicks_of(self, domain_id: int) -> _Collection:
        chain = Chain(f"clicks/{domain_id}", self.seed, self.clicks, self.clicks_page_size)
        return _Collection(
            chain=chain,
            key="data",
            cursor_param="pageToken",
            render=ClickRows(self.seed, domain_id, self.clicks_page_size).render,
            envelope=lambda rows, step: f'{{"data":[{rows}]{_next_page_token(chain, step, self.end)}}}',
        )

    @cached_property
    def _ready_pages(self) -> dict[tuple[str, int], Reply]:
        pages: dict[tuple[str, int], Reply] = {}
        if self.prerender:
            for label, collection in self._collections.items():
                for step in range(collection.chain.last_step + 1):
                    page = _page(collection, step)
                    ready = replace(page, gzipped=compress(page.body)) if self.gzip else page
                    pages[label, step] = ready
        return pages

    @cached_property
    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"api:{self.key}".encode()).decode()

    def _admits(self, request: Request, label: str) -> bool:
        wanted = self._basic if label in ("domains", "events") else self.api_key
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), wanted.encode())

    def _domains_page(self, request: Request) -> Reply:
        """Skip and limit, and no total anywhere: behind the end the list is empty."""
        try:
            skip = int(request.param("skip") or 0)
            limit = int(request.param("limit") or _DOMAINS_DEFAULT_LIMIT)
        except ValueError:
            return _refusal(400, "skip and limit must be numbers")
        if skip < 0 or limit < 1:
            return _refusal(400, "skip must be 0 or more and limit 1 or more")
        limit = min(limit, self.domains_max_limit)
        indexes = range(min(skip, self.domains), min(skip + limit, self.domains))
        rows = ",".join(domain_row(self.seed, index) for index in indexes)
        body = f'{{"items":[{rows}]}}'.encode()
        return Reply(body=body, resource="domains", page=skip // limit, rows=indexes, key="items")

    def _rows_of(self, resource: str, domain_id: int | None) -> tuple[range, Callable[[int], str]]:
        if resource == "domains":
            return range(self.domains), lambda index: domain_row(self.seed, index)
        label = f"{resource}/{domain_id}" if resource == "clicks" else resource
        collection = self._collections[label]
        return range(collection.chain.count), collection.render


@final
class GuidesSim:
    """The running simulator, a context manager: address, keys, ledger and the truth."""

    def __init__(self, guides: Guides, port: int = 0) -> None:
        self.guides = guides
        self._server = Server(
            guides.answer if guides.rate is None else RateLimited(guides.answer, guides.rate, time.time),
            faults=guides.faults,
            secrets=(guides.key, guides.api_key),
            latency_s=guides.latency_s,
            gzip=guides.gzip,
            port=port,
        )

    def __enter__(self) -> GuidesSim:
        """Render what is to be kept, then open the port."""
        self.guides.warm()
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Close the port and every connection."""
        self._server.__exit__(*error)

    @property
    def url(self) -> str:
        """Origin of both services, without a trailing slash."""
        return self._server.url

    @property
    def ledger(self) -> Ledger:
        """What was asked and served so far."""
        return self._server.ledger

    @property
    def private_key(self) -> str:
        """Password of the Basic user `api` of the e-mail service."""
        return self.guides.key

    @property
    def api_key(self) -> str:
        """Key of the links service, sent bare in `Authorization`."""
        return self.guides.api_key

    def rows(self, resource: str, domain_id: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the truth, see `Guides.rows`."""
        return self.guides.rows(resource, domain_id)

    def count(self, resource: str, domain_id: int | None = None) -> int:
        """Number of rows, see `Guides.count`."""
        return self.guides.count(resource, domain_id)

    def wait(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT."""
        self._server.wait()


def _page(collection: _Collection, step: int) -> Reply:
    chain = collection.chain
    indexes = chain.rows(step)
    body = collection.envelope(",".join(map(collection.render, indexes)), step)
    return Reply(body=body.encode(), resource=chain.label, page=step, rows=indexes, key=collection.key)


def _events_envelope(chain: Chain, rows: str, step: int) -> str:
    """Give all four cursors on every page, empty ones too."""
    steps = {
        "next": chain.after(step),
        "previous": max(step - 1, 0),
        "first": 0,
        "last": max(chain.last_step - 1, 0),
    }
    paging = {name: None if to is None else chain.token(to) for name, to in steps.items()}
    return f'{{"items":[{rows}],"paging":{json.dumps(paging)}}}'


def _next_page_token(chain: Chain, step: int, end: LinksEnd) -> str:
    """Give the rest of the envelope with its leading comma; empty if the key is missing."""
    to = chain.after(step)
    if to is not None:
        return f',"nextPageToken":"{chain.token(to)}"'
    return {"null": ',"nextPageToken":null', "empty": ',"nextPageToken":""', "missing": ""}[end]


def _refusal(status: int, message: str) -> Reply:
    return Reply(status, json.dumps({"message": message, "statusCode": status}).encode())
