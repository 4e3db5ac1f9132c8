"""Whom Mailgun sends nothing to, and who is let through: lists of each domain, read whole each time.

They have no time of change to go by, and rows are deleted: only a whole listing tells. Pages go by address, so no row
slips from one to the next, and what a listing lacks is gone (`after: 1`).
"""

from __future__ import annotations

from typing import Any

from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.mailgun.shape import LINKS, TEXTS, Resource, columns, of_domain


def bounces(settings: Settings) -> Resource:
    """Addresses that do not exist."""
    return _list(
        settings,
        "bounces",
        columns=columns(text="address code error", timestamp="created_at"),
        fields={"created_at": {"as": "timestamp"}, "code": {"as": "text"}},
        personal=["address", "error"],
    )


def complaints(settings: Settings) -> Resource:
    """Addresses that called a mail spam."""
    return _list(
        settings,
        "complaints",
        columns=columns(text="address", timestamp="created_at"),
        fields={"created_at": {"as": "timestamp"}},
        personal=["address"],
    )


def unsubscribes(settings: Settings) -> Resource:
    """Addresses that want no more, of some tags or of all (`*`)."""
    return _list(
        settings,
        "unsubscribes",
        columns=columns(text="address", timestamp="created_at"),
        nested_hints={"tags": TEXTS},
        fields={"created_at": {"as": "timestamp"}},
        personal=["address"],
    )


def allowlist(settings: Settings) -> Resource:
    """Addresses and domains that no bounce puts on the list of bounces."""
    return _list(
        settings,
        "allowlist",
        path="whitelists",
        key="value",
        columns=columns(text="value type reason", timestamp="created_at"),
        fields={"created_at": {"from": "createdAt", "as": "timestamp"}},
        personal=["value", "reason"],
    )


def _list(settings: Settings, name: str, *, path: str = "", key: str = "address", **options: Any) -> Resource:
    endpoint = {
        "path": f"v3/{{domain}}/{path or name}",
        "params": {"limit": 1000},
        "data_selector": "items",
        "allow_null_data": True,
        "paginator": LINKS,
    }
    return of_domain(settings, name, key, endpoint, deletions={"after": 1}, **options)
