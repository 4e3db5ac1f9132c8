"""What belongs to the account: routes, webhooks, addresses to send from, subaccounts, keys. One to three calls each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.mailgun.shape import SINGLE, TEXTS, Resource, columns, nested, of_domain, resource, skips

_DATES: Final = {name: {"as": "timestamp"} for name in ("created_at", "updated_at")}


def routes(settings: Settings) -> Resource:
    """What is done with mails that come in."""
    return resource(
        settings,
        "routes",
        "id",
        {"path": "v3/routes", "data_selector": "items", "allow_null_data": True, "paginator": skips("total_count")},
        columns=columns(text="id description expression", bigint="priority", timestamp="created_at"),
        nested_hints={"actions": TEXTS},
        fields={"created_at": {"as": "timestamp"}},
        deletions={},
    )


def webhooks(settings: Settings) -> Resource:
    """Webhooks of each domain: a row for the domain, a child row for each kind of event and address."""
    return of_domain(
        settings,
        "webhooks",
        "",
        {"path": "v3/domains/{domain}/webhooks", "data_selector": "$", "paginator": SINGLE},
        nested_hints={"hooks": nested(text="event url")},
        processing_steps=[{"map": hooks}],
        deletions={"after": 1},
    )


def hooks(row: Mapping[str, Any]) -> dict[str, Any]:
    """A map of kinds as a list: `{"opened": {"urls": [x]}}` as `[{"event": "opened", "url": x}]`; `url` may be one."""
    listed = [
        {"event": kind, "url": url}
        for kind, said in sorted((row["webhooks"] or {}).items())
        for url in said.get("urls") or [said.get("url")]
    ]
    return {**{name: value for name, value in row.items() if name != "webhooks"}, "hooks": listed}


def account_webhooks(settings: Settings) -> Resource:
    """Webhooks of the whole account."""
    return resource(
        settings,
        "account_webhooks",
        "webhook_id",
        {"path": "v1/webhooks", "data_selector": "webhooks", "allow_null_data": True, "paginator": SINGLE},
        columns=columns(text="webhook_id description url", timestamp="created_at"),
        nested_hints={"event_types": TEXTS},
        fields={"created_at": {"as": "timestamp"}},
        deletions={"after": 1},
    )


def ips(settings: Settings) -> Resource:
    """Addresses that the account sends from."""
    return resource(
        settings,
        "ips",
        "ip",
        {"path": "v3/ips", "data_selector": "details", "allow_null_data": True, "paginator": SINGLE},
        columns=columns(text="ip", bool="is_on_warmup"),
        deletions={"after": 1},
    )


def ip_pools(settings: Settings) -> Resource:
    """Pools of these addresses; plans without pools refuse the call."""
    return resource(
        settings,
        "ip_pools",
        "pool_id",
        {"path": "v3/ip_pools", "data_selector": "ip_pools", "allow_null_data": True, "paginator": SINGLE},
        columns=columns(text="pool_id name description", bool="is_linked is_inherited"),
        nested_hints={"ips": TEXTS},
        deletions={"after": 1},
    )


def subaccounts(settings: Settings) -> Resource:
    """Subaccounts of the account."""
    return resource(
        settings,
        "subaccounts",
        "id",
        {
            "path": "v5/accounts/subaccounts",
            "params": {"sort": "asc"},
            "data_selector": "subaccounts",
            "allow_null_data": True,
            "paginator": skips("total"),
        },
        columns=columns(text="id name status", timestamp="created_at updated_at"),
        fields=_DATES,
        deletions={},
    )


def keys(settings: Settings) -> Resource:
    """Keys by id and role; their secrets are shown by no call."""
    return resource(
        settings,
        "keys",
        "id",
        {"path": "v1/keys", "data_selector": "items", "allow_null_data": True, "paginator": SINGLE},
        columns=columns(
            text="id description kind role domain_name requestor user_name disabled_reason",
            bool="is_disabled",
            timestamp="created_at updated_at expires_at",
        ),
        fields={**_DATES, "expires_at": {"as": "timestamp"}},
        secrets=["secret"],
        personal=["requestor", "user_name"],
        deletions={"after": 1},
    )
