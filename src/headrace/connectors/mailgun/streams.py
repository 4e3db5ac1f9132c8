"""Every stream by its name: what makes its resource, whose rows it needs, and whether a personal field is its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.connectors.mailgun import account, analytics, domains, events, lists, suppressions
from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.option import one_of

__all__ = ["DEFAULT_STREAMS", "STREAMS", "Stream", "with_parents"]


@dataclass(frozen=True)
class Stream:
    """`parent` is the stream whose rows make its calls; `keyed_by_person`: an address is part of its key."""

    make: Callable[[Settings], dict[str, Any]]
    parent: str | None = None
    keyed_by_person: bool = False


#: Parents before what depends on them.
STREAMS: Final[Mapping[str, Stream]] = {
    "domains": Stream(domains.domains),
    "domain_details": Stream(domains.domain_details, "domains"),
    "domain_tracking": Stream(domains.domain_tracking, "domains"),
    "dkim_keys": Stream(domains.dkim_keys, "domains"),
    "events": Stream(events.events, "domains"),
    "logs": Stream(events.logs),
    "stored_events": Stream(events.stored_events, "domains"),
    "stored_messages": Stream(events.stored_messages, "stored_events"),
    "bounces": Stream(suppressions.bounces, "domains", keyed_by_person=True),
    "complaints": Stream(suppressions.complaints, "domains", keyed_by_person=True),
    "unsubscribes": Stream(suppressions.unsubscribes, "domains", keyed_by_person=True),
    "allowlist": Stream(suppressions.allowlist, "domains", keyed_by_person=True),
    "metrics_daily": Stream(analytics.metrics_daily),
    "metrics_hourly": Stream(analytics.metrics_hourly),
    "usage_daily": Stream(analytics.usage_daily),
    "bounce_classification": Stream(analytics.bounce_classification),
    "tags": Stream(lists.tags, "domains"),
    "account_tags": Stream(lists.account_tags),
    "templates": Stream(lists.templates, "domains"),
    "template_versions": Stream(lists.template_versions, "templates"),
    "template_contents": Stream(lists.template_contents, "template_versions"),
    "mailing_lists": Stream(lists.mailing_lists),
    "mailing_list_members": Stream(lists.mailing_list_members, "mailing_lists", keyed_by_person=True),
    "routes": Stream(account.routes),
    "webhooks": Stream(account.webhooks, "domains"),
    "account_webhooks": Stream(account.account_webhooks),
    "ips": Stream(account.ips),
    "ip_pools": Stream(account.ip_pools),
    "subaccounts": Stream(account.subaccounts),
    "keys": Stream(account.keys),
}
#: What a deliverability team asks for first, at two to five calls a domain.
DEFAULT_STREAMS: Final = ("domains", "events", "bounces", "complaints", "unsubscribes")


def with_parents(names: Sequence[str]) -> tuple[str, ...]:
    """The streams with these names and their parents, in the order of `STREAMS`. Raises `UsageError`."""
    wanted: set[str] = set()
    for name in names:
        step: str | None = one_of("streams", name, STREAMS)
        while step is not None:
            wanted.add(step)
            step = STREAMS[step].parent
    return tuple(name for name in STREAMS if name in wanted)
