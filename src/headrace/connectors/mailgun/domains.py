"""Domains and what one call a domain says of their settings."""

from __future__ import annotations

from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.mailgun.shape import SINGLE, Resource, columns, nested, of_domain, resource, skips

#: Old answers have the password of the SMTP login. It is never stored.
_SECRETS: Final = ["smtp_password"]
_COLUMNS: Final = columns(
    text="id name state type smtp_login spam_action web_prefix web_scheme archive_to tracking_host subaccount_id",
    bool="is_disabled require_tls skip_verification wildcard use_automatic_sender_security encrypt_incoming_message",
    bigint="message_ttl",
    timestamp="created_at",
)
_RECORDS: Final = nested(text="record_type name value valid priority", bool="is_active")


def _versions(settings: Settings, path: str) -> dict[str, Any]:
    """The newer version of a path, and the older one where Mailgun does not have it; or the older one alone."""
    if settings.domains_version == "v3":
        return {"path": f"v3/{path}"}
    return {"path": f"v4/{path}", "fallback": {"path": f"v3/{path}"}}


def domains(settings: Settings) -> Resource:
    """All domains, those of subaccounts too where they are read."""
    params = {"sort": "name:asc", **({"include_subaccounts": "true"} if settings.reads_all else {})}
    fields = {"created_at": {"as": "timestamp"}, "disabled.until": {"as": "timestamp"}}
    if settings.reads_all:
        fields["subaccount_id"] = {"default": ""}
    return resource(
        settings,
        "domains",
        "id",
        {
            **_versions(settings, "domains"),
            "params": params,
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": skips("total_count"),
        },
        columns=_COLUMNS,
        fields=fields,
        secrets=_SECRETS,
        deletions={},
        when_empty=f"each region has domains of its own, this run asked `{settings.region}`; "
        f"`--param region={settings.other_region}` asks the other one",
    )


def domain_details(settings: Settings) -> Resource:
    """DNS records of each domain, in two child tables."""
    return of_domain(
        settings,
        "domain_details",
        "",
        {**_versions(settings, "domains/{domain}"), "data_selector": "$", "paginator": SINGLE},
        fields={"domain.created_at": {"as": "timestamp"}, "domain.disabled.until": {"as": "timestamp"}},
        secrets=[f"domain.{name}" for name in _SECRETS],
        nested_hints={"receiving_dns_records": _RECORDS, "sending_dns_records": _RECORDS},
        deletions={"after": 1},
    )


def domain_tracking(settings: Settings) -> Resource:
    """What is tracked in the mails of each domain."""
    return of_domain(
        settings,
        "domain_tracking",
        "",
        {"path": "v3/domains/{domain}/tracking", "data_selector": "tracking", "paginator": SINGLE},
        columns=columns(
            bool="open__active open__place_at_the_top click__active unsubscribe__active",
            text="unsubscribe__html_footer unsubscribe__text_footer web_scheme",
        ),
        deletions={"after": 1},
    )


def dkim_keys(settings: Settings) -> Resource:
    """DKIM keys of each domain, the public part in their DNS record."""
    return of_domain(
        settings,
        "dkim_keys",
        "selector",
        {
            "path": "v4/domains/{domain}/keys",
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": SINGLE,
        },
        columns=columns(text="signing_domain selector dns_record__record_type dns_record__name dns_record__value"),
        deletions={"after": 1},
    )
