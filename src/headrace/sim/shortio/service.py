"""Both hosts: routes, keys, limits, the cache (Short.io's API, hosts, authentication, limits, errors).

A request meets, in this order: the limit of its kind, the routes (an unknown one is 404 with any key), the key, the
body's form, the plan, the cache of statistics, the handler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from headrace.sim.rate import Rate, RateLimited
from headrace.sim.shortio import account, last_clicks, links, series, statistics, totals
from headrace.sim.shortio.ask import Ask, Key, body_of
from headrace.sim.shortio.instants import SECOND_MS
from headrace.sim.shortio.refusals import Refused, no_route, not_found, refused, unauthorized

if TYPE_CHECKING:
    from headrace.sim.message import Reply, Request
    from headrace.sim.shortio.world import World

__all__ = ["API_ROUTES", "STATISTICS_ROUTES", "Host", "Rates", "Route"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_CACHED_MOST = 64 * 1024 * 1024  # bytes of answers; beyond it the oldest go before their time


@dataclass(frozen=True)
class Route:
    """A method and a path with placeholders. `label` is the resource for faults and the ledger, `limit` its rate."""

    method: str
    path: str
    label: str
    handler: Callable[[Ask], Reply]
    limit: str | None = None

    def named(self, request: Request) -> dict[str, str] | None:
        """Values of the placeholders, `None` when the request is another's."""
        found = self._pattern.fullmatch(request.path) if request.method == self.method else None
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]+)", self.path))


def _undefined(_: Ask) -> Reply:
    """The documented top of a link, broken for every id."""
    raise not_found("Link undefined")


_LINK: Final = "link"
_STATISTICS: Final = "statistics"
#: Literal paths before those with placeholders: the first that fits is taken.
API_ROUTES: Final = (
    Route("GET", "/api/domains", "domains", account.domains),
    Route("GET", "/domains/{domain_id}", "domain", account.domain),
    Route("GET", "/api/links", "links", links.links),
    Route("GET", "/links/expand", "link_lookup", links.expanded, _LINK),
    Route("GET", "/links/multiple-by-url", "link_lookup", links.by_url, _LINK),
    Route("GET", "/links/{link_id}", "link", links.link, _LINK),
    Route("GET", "/links/folders/{domain_id}", "folders", account.folders),
    Route("GET", "/links/folders/{domain_id}/{folder_id}", "folder", account.folder),
    Route("GET", "/links/permissions/{domain_id}/{link_id}", "permissions", account.permissions),
    Route("GET", "/links/opengraph/{domain_id}/{link_id}", "opengraph", account.opengraph),
    Route("GET", "/link_country/{link_id}", "country_rules", account.country_rules),
    Route("GET", "/link_region/list/{country}", "regions", account.regions),
    Route("GET", "/link_region/{link_id}", "region_rules", account.region_rules),
)
#: A domain's `top_by_interval` and the call that clears statistics are documented, but live they are unknown routes.
STATISTICS_ROUTES: Final = (
    Route("GET", "/statistics/domain/{domain_id}", "domain_statistics", statistics.domain_statistics, _STATISTICS),
    Route("POST", "/statistics/domain/{domain_id}", "domain_statistics", statistics.domain_statistics, _STATISTICS),
    Route("POST", "/statistics/domain/{domain_id}/by_interval", "by_interval", series.by_interval, _STATISTICS),
    Route("POST", "/statistics/domain/{domain_id}/top", "top", statistics.top, _STATISTICS),
    Route("POST", "/statistics/domain/{domain_id}/last_clicks", "last_clicks", last_clicks.last_clicks, _STATISTICS),
    Route("GET", "/statistics/domain/{domain_id}/link_clicks", "link_clicks", totals.by_ids, _STATISTICS),
    Route("POST", "/statistics/domain/{domain_id}/link_clicks", "link_clicks", totals.by_paths, _STATISTICS),
    Route("GET", "/statistics/link/{link_id}", "link_statistics", statistics.link_statistics, _STATISTICS),
    Route("POST", "/statistics/link/{link_id}", "link_statistics", statistics.link_statistics, _STATISTICS),
    Route("POST", "/statistics/link/{link_id}/by_interval", "link_by_interval", series.link_by_interval, _STATISTICS),
    Route("POST", "/statistics/link/{link_id}/top", "link_top", _undefined, _STATISTICS),
)


@dataclass(frozen=True)
class Rates:
    """How often may be asked; `None` is as often as one likes.

    `statistics` is all of that host: 10 a minute by an old support article, while newer clients ask 60 a minute or 10 a
    second. `link` are reads of single links. Nothing is documented for listings.
    """

    statistics: Rate | None = Rate(10, 60.0, kind="sliding", retry_after=True)  # noqa: RUF009 - frozen
    link: Rate | None = Rate(20, 1.0, retry_after=True)  # noqa: RUF009 - frozen


class Host:
    """One host over a world: a function from request to reply. What it remembers itself are limits and the cache."""

    def __init__(
        self,
        world: World,
        routes: Iterable[Route],
        *,
        keys: Iterable[Key],
        rates: Rates,
        unpaid: Iterable[str] = (),
    ) -> None:
        self._world = world
        self._routes = tuple(routes)
        self._keys: Mapping[str, Key] = {key.text: key for key in keys}
        self._unpaid = frozenset(unpaid)
        self._cache: dict[tuple[str, bytes, str], tuple[int, Reply]] = {}
        self._cached_bytes = 0
        limits = {_LINK: rates.link, _STATISTICS: rates.statistics}
        self._limited = {
            name: RateLimited(self._answered, rate, lambda: world.now_s)
            for name, rate in limits.items()
            if rate is not None
        }

    def __call__(self, request: Request) -> Reply:
        """Answer as the host would."""
        with self._world.lock:
            self._world.settle(request)
            try:
                route, _ = self._route(request)
                answer = self._limited.get(route.limit or "", self._answered)
                return answer(request)
            except Refused as refusal:
                return refusal.reply

    def _answered(self, request: Request) -> Reply:
        try:
            return self._handled(request)
        except Refused as refusal:
            return refusal.reply

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            named = route.named(request)
            if named is not None:
                return route, named
        raise no_route(request)

    def _handled(self, request: Request) -> Reply:
        route, named = self._route(request)
        key = self._keys.get(request.headers.get("authorization", ""))
        if key is None:
            raise unauthorized()
        if key.kind == "public":
            status = self._world.doubts.public_key_status
            raise unauthorized() if status == 401 else refused(status, error="Public keys can only create links")
        is_post = request.method == "POST"
        given = body_of(request) if is_post else dict(request.query)
        if route.label in self._unpaid:
            raise refused(402, error="This feature is not available on your plan")
        asked = Ask(self._world, key, request, named, given)
        return self._cached(asked, route) if is_post else self._labelled(asked, route)

    def _labelled(self, ask: Ask, route: Route) -> Reply:
        reply = route.handler(ask)
        if reply.resource is None:
            reply = replace(reply, resource="/".join([route.label, *list(ask.named.values())[-1:]]))
        return reply

    def _cached(self, ask: Ask, route: Route) -> Reply:
        """The answer that an identical body got lately, stale as it is."""
        world, request = self._world, ask.request
        self._forget(world.now_ms - round(world.doubts.cache_s * SECOND_MS))
        key = (request.target, request.body, ask.key.text)
        if key in self._cache:
            return self._cache[key][1]
        reply = self._labelled(ask, route)
        self._cache[key] = (world.now_ms, reply)
        self._cached_bytes += len(reply.body)
        return reply

    def _forget(self, before_ms: int) -> None:
        """Drop what was answered until then, and more where too much is held."""
        for key, (born_ms, reply) in list(self._cache.items()):  # oldest first
            if born_ms > before_ms and self._cached_bytes <= _CACHED_MOST:
                return
            del self._cache[key]
            self._cached_bytes -= len(reply.body)
