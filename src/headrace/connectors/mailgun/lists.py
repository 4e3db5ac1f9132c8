"""Mailing lists with their members, templates with their versions, and tags: read whole each time."""

from __future__ import annotations

from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.mailgun.shape import (
    LINKS,
    SINGLE,
    SKIPPED,
    Resource,
    body_skips,
    columns,
    of_domain,
    on_behalf,
    resource,
)

_PAGED: Final = {"data_selector": "items", "allow_null_data": True, "paginator": LINKS}
_VERSIONS: Final = "v3/{resources.templates.domain_name}/templates/{resources.templates.name}/versions"


def mailing_lists(settings: Settings) -> Resource:
    """Mailing lists of the account."""
    return resource(
        settings,
        "mailing_lists",
        "address",
        {"path": "v3/lists/pages", "params": {"limit": 100}, **_PAGED},
        columns=columns(
            text="address name description access_level reply_preference",
            bigint="members_count",
            timestamp="created_at",
        ),
        fields={"created_at": {"as": "timestamp"}},
        deletions={"after": 1},
    )


def mailing_list_members(settings: Settings) -> Resource:
    """Members of each list."""
    return resource(
        settings,
        "mailing_list_members",
        "list_address address",
        {
            "path": "v3/lists/{resources.mailing_lists.address}/members/pages",
            "params": {"limit": 100},
            "response_actions": SKIPPED,
            **_PAGED,
        },
        include_from_parent={"address": "list_address"},
        columns=columns(text="list_address address name", bool="subscribed", json="vars"),
        fields={"vars": {"as": "json"}},
        personal=["address", "name", "vars"],
        deletions={"after": 1},
    )


def templates(settings: Settings) -> Resource:
    """Templates of each domain, without their text."""
    made = of_domain(
        settings,
        "templates",
        "name",
        {"path": "v3/{domain}/templates", "params": {"limit": 100}, **_PAGED},
        columns=columns(text="name description created_by id", timestamp="created_at"),
        fields={"created_at": {"from": "createdAt", "as": "timestamp"}, "created_by": {"from": "createdBy"}},
        deletions={"after": 1},
    )
    if settings.reads_all:
        made["include_from_parent"] = {**made["include_from_parent"], "subaccount_id": "subaccount_id"}
    return made


def template_versions(settings: Settings) -> Resource:
    """Versions of each template, without their text."""
    return resource(
        settings,
        "template_versions",
        "domain_name template_name tag",
        {
            "path": _VERSIONS,
            "params": {"limit": 100},
            **_PAGED,
            "data_selector": "template.versions",
            "response_actions": SKIPPED,
            **on_behalf(settings, "templates"),
        },
        include_from_parent=_of_template(settings, "name", "template_name"),
        columns=columns(text="domain_name template_name tag engine comment id", timestamp="created_at", bool="active"),
        fields={"created_at": {"from": "createdAt", "as": "timestamp"}},
        deletions={"after": 1},
    )


def template_contents(settings: Settings) -> Resource:
    """The text of each version, a call for each."""
    return resource(
        settings,
        "template_contents",
        "domain_name template_name tag",
        {
            "path": "v3/{resources.template_versions.domain_name}/templates/{resources.template_versions.template_name}"
            "/versions/{resources.template_versions.tag}",
            "data_selector": "template.version",
            "paginator": SINGLE,
            "response_actions": SKIPPED,
            **on_behalf(settings, "template_versions"),
        },
        include_from_parent=_of_template(settings, "template_name", "template_name"),
        columns=columns(
            text="domain_name template_name tag template engine mjml comment id",
            timestamp="created_at",
            bool="active",
            json="headers",
        ),
        fields={"created_at": {"from": "createdAt", "as": "timestamp"}, "headers": {"as": "json"}},
        deletions={"after": 1},
    )


def tags(settings: Settings) -> Resource:
    """Tags of each domain, by the older endpoint."""
    return of_domain(
        settings,
        "tags",
        "tag",
        {"path": "v3/{domain}/tags", "params": {"limit": 1000}, **_PAGED},
        columns=columns(text="tag description", timestamp="first_seen last_seen"),
        fields={name: {"as": "timestamp"} for name in ("first-seen", "last-seen")},
        deletions={"after": 1},
    )


def account_tags(settings: Settings) -> Resource:
    """Tags of the account, by the newer endpoint; `last_seen` is cut to the hour, and may lie before `first_seen`."""
    body: dict[str, Any] = {"pagination": {"sort": "tag:asc", "include_total": True}}
    if settings.reads_all:
        body["include_subaccounts"] = True
    return resource(
        settings,
        "account_tags",
        "account_id tag",
        {
            "path": "v1/analytics/tags",
            "method": "POST",
            "idempotent": True,
            "json": body,
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": body_skips(1000),
        },
        columns=columns(
            text="account_id parent_account_id account_name tag description", timestamp="first_seen last_seen"
        ),
        fields={name: {"as": "timestamp"} for name in ("first_seen", "last_seen")},
        deletions={},
    )


def _of_template(settings: Settings, name: str, column: str) -> dict[str, str]:
    whose = {"subaccount_id": "subaccount_id"} if settings.reads_all else {}
    return {"domain_name": "domain_name", name: column, **whose}
