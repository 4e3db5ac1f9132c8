"""Every endpoint: method, path, group, and the function that answers. Of patterns that fit, the first one counts.

A group is what rate limits and roles go by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from headrace.sim.mailgun import domains, events, lists, logs, metrics, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sim.mailgun.call import Call
    from headrace.sim.message import Reply

__all__ = ["ROUTES", "Found", "Route", "find"]


class Route(NamedTuple):
    """One endpoint; `{name}` in the pattern is one segment of the path."""

    method: str
    pattern: str
    group: str
    answer: Callable[[Call], Reply]


ROUTES: Final = (
    Route("GET", "/v4/domains", "domains", domains.domains_v4),
    Route("GET", "/v4/domains/{domain}", "domains", domains.one_v4),
    Route("GET", "/v4/domains/{domain}/keys", "domains", domains.domain_keys),
    Route("GET", "/v3/domains", "domains", domains.domains_v3),
    Route("GET", "/v3/domains/{domain}", "domains", domains.one_v3),
    Route("GET", "/v3/domains/{domain}/tracking", "domains", domains.tracking),
    Route("GET", "/v3/domains/{domain}/connection", "domains", domains.connection),
    Route("GET", "/v3/domains/{domain}/sending_queues", "domains", domains.sending_queues),
    Route("GET", "/v3/domains/{domain}/ips", "domains", domains.domain_ips),
    Route("GET", "/v3/domains/{domain}/credentials", "domains", domains.credentials),
    Route("GET", "/v3/domains/{domain}/limits/tag", "tags", lists.tag_limit),
    Route("GET", "/v3/domains/{domain}/webhooks", "webhooks", domains.domain_webhooks),
    Route("GET", "/v3/domains/{domain}/webhooks/{type}", "webhooks", domains.domain_webhook),
    Route("GET", "/v3/domains/{domain}/messages/{key}", "messages", domains.message),
    Route("GET", "/v1/dkim/keys", "domains", domains.dkim_keys),
    Route("GET", "/v3/lists", "lists", lists.mailing_lists),
    Route("GET", "/v3/lists/pages", "lists", lists.mailing_list_pages),
    Route("GET", "/v3/lists/{list}", "lists", lists.mailing_list),
    Route("GET", "/v3/lists/{list}/members", "lists", lists.members),
    Route("GET", "/v3/lists/{list}/members/pages", "lists", lists.member_pages),
    Route("GET", "/v3/lists/{list}/members/{member}", "lists", lists.member),
    Route("GET", "/v3/routes", "routes", settings.routes),
    Route("GET", "/v3/routes/{id}", "routes", settings.route),
    Route("GET", "/v1/webhooks", "webhooks", settings.webhooks),
    Route("GET", "/v3/ips", "ips", settings.ips),
    Route("GET", "/v3/ips/{ip}", "ips", settings.ip),
    Route("GET", "/v3/ips/{ip}/domains", "ips", settings.ip_domains),
    Route("GET", "/v3/ip_pools", "ips", settings.pools),
    Route("GET", "/v1/ip_pools", "ips", settings.pools),
    Route("GET", "/v3/ip_pools/{id}", "ips", settings.pool),
    Route("GET", "/v5/accounts/subaccounts", "subaccounts", settings.subaccounts),
    Route("GET", "/v5/accounts/subaccounts/{id}", "subaccounts", settings.subaccount),
    Route("GET", "/v5/accounts/http_signing_key", "keys", settings.signing_key),
    Route("GET", "/v5/users/me", "keys", settings.myself),
    Route("GET", "/v1/keys", "keys", settings.keys),
    Route("POST", "/v1/analytics/logs", "logs", logs.logs),
    Route("POST", "/v1/analytics/metrics", "metrics", metrics.metrics),
    Route("POST", "/v1/analytics/usage/metrics", "metrics", metrics.usage),
    Route("POST", "/v1/analytics/tags", "tags", settings.account_tags),
    Route("GET", "/v1/analytics/tags/limits", "tags", settings.account_tag_limits),
    Route("POST", "/v2/bounce-classification/metrics", "metrics", metrics.bounce_classification),
    Route("GET", "/v3/{domain}/events", "events", events.domain_events),
    Route("GET", "/v3/{domain}/events/{token}", "events", events.domain_events),
    Route("GET", "/v3/{domain}/tags", "tags", lists.tags),
    Route("GET", "/v3/{domain}/tag", "tags", lists.tag),
    Route("GET", "/v3/{domain}/templates", "templates", lists.templates),
    Route("GET", "/v3/{domain}/templates/{template}", "templates", lists.template),
    Route("GET", "/v3/{domain}/templates/{template}/versions", "templates", lists.versions),
    Route("GET", "/v3/{domain}/templates/{template}/versions/{tag}", "templates", lists.version),
    *(
        route
        for name in lists.SUPPRESSION_LISTS
        for group in ("allowlist" if name == "whitelists" else "suppressions",)
        for route in (
            Route("GET", f"/v3/{{domain}}/{name}", group, lists.suppressions(name)),
            Route("GET", f"/v3/{{domain}}/{name}/{{value}}", group, lists.suppression(name)),
        )
    ),
    Route("GET", "/v3/events", "events", events.account_events),
    Route("GET", "/v3/events/{token}", "events", events.account_events),
)


class Found(NamedTuple):
    """A route and the named parts of the path, decoded."""

    route: Route
    parts: Mapping[str, str]


_BY_LENGTH: Final[dict[int, list[tuple[tuple[str, ...], Route]]]] = {}
for _route in ROUTES:
    _segments = tuple(_route.pattern.split("/"))
    _BY_LENGTH.setdefault(len(_segments), []).append((_segments, _route))


def find(method: str, path: str) -> Found | None:
    """The endpoint of a path as it stands in the request, with its escapes: a name may hold a slash."""
    given = path.split("/")
    for segments, route in _BY_LENGTH.get(len(given), ()):
        if route.method == method and all(
            (segment[0:1] == "{" and name) or segment == name for segment, name in zip(segments, given, strict=True)
        ):
            return Found(
                route,
                {
                    segment[1:-1]: unquote(name)
                    for segment, name in zip(segments, given, strict=True)
                    if segment[0:1] == "{"
                },
            )
    return None
