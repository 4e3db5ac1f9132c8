"""Events of each domain, logs of the account, and stored messages.

Events come late and are put into pages that were served already: Mailgun trusts a page once it is half an hour old. So
what is remembered of a domain is to where it was listed and settled, a run looks again at the hour before that, and now
and then at all that can still be read. Bounds are cut to milliseconds or to seconds, and belong to the range or not:
nobody says so, hence `resolution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings, readable
from headrace.connectors.mailgun.shape import LINKS, TEXTS, Resource, columns, nested, of_domain, on_behalf, resource

_HAPPENING: Final = columns(
    text="id event log_level severity reason method recipient recipient_domain recipient_provider "
    "ip originating_ip url api_key_id primary_dkim "
    "envelope__sender envelope__transport envelope__targets envelope__sending_ip "
    "message__headers__to message__headers__from message__headers__subject message__headers__message_id "
    "delivery_status__code delivery_status__message delivery_status__description delivery_status__enhanced_code "
    "delivery_status__bounce_type delivery_status__mx_host "
    "geolocation__country geolocation__region geolocation__city "
    "client_info__client_type client_info__client_os client_info__client_name client_info__device_type "
    "client_info__user_agent client_info__bot "
    "storage__key storage__region storage__env template__name template__version mailing_list__address",
    bigint="message__size delivery_status__attempt_no delivery_status__retry_seconds",
    double="delivery_status__session_seconds delivery_status__first_delivery_attempt_seconds",
    bool="flags__is_authenticated flags__is_routed flags__is_system_test flags__is_test_mode flags__is_delayed_bounce "
    "delivery_status__tls delivery_status__utf8 delivery_status__certificate_verified",
    json="user_variables",
)
_OF_EVENTS: Final = columns(
    double="timestamp",
    timestamp="occurred_at",
    text="reject__reason reject__description batch__id task_id format member__address error__message",
    bigint="upserted_count failed_count",
    json="member__vars",
)
_OF_LOGS: Final = columns(timestamp="timestamp delivered_at", text="account__id account__parent_id domain__name")
_CHILDREN: Final = {
    "tags": TEXTS,
    "campaigns": nested(text="id name"),
    "routes": nested(text="id expression description match__recipient", bigint="priority"),
}
#: Fields that come in several forms: in events and in logs, from one version of the API and another.
_FORMS: Final = {
    "user-variables": {"as": "json"},
    "member.vars": {"as": "json"},
    "envelope": {"from": "envelop"},
    "storage.url": {"as": "list"},
    "routes": {"as": "list"},
    "routes[*].actions": {"as": "text"},
    "delivery-status.code": {"as": "text"},
    "delivery-status.last-code": {"as": "text"},
    "template.is-text": {"as": "text"},
}
#: Addresses, subjects, networks, whereabouts, and what a sender put in; texts of mail servers quote addresses.
_PERSONAL: Final = [
    "recipient",
    "ip",
    "originating-ip",
    "url",
    "user-variables",
    "envelope.sender",
    "envelope.targets",
    "envelope.mail-from",
    "message.headers.to",
    "message.headers.from",
    "message.headers.subject",
    "message.recipients",
    "delivery-status.message",
    "delivery-status.description",
    "delivery-status.last-message",
    "client-info.ip",
    "client-info.user-agent",
    "geolocation.city",
    "routes[*].match.recipient",
    "member.address",
    "member.name",
    "member.vars",
    "member-description",
]


def _windows(settings: Settings, **places: str) -> dict[str, Any]:
    kept = readable(settings.retention)
    return {
        **places,
        **({"row_order": "asc"} if settings.row_order == "asc" else {}),
        "start": f"-{kept}",
        "retention": kept,
        "settle": settings.settle,
        "overlap": settings.overlap,
        "reread_every": settings.reread_every,
        "resolution": "1s",
    }


def _event_endpoint(settings: Settings, **params: str) -> dict[str, Any]:
    return {
        "path": "v3/{domain}/events",
        "params": {"ascending": "yes", "limit": 300, **params},
        "data_selector": "items",
        "allow_null_data": True,
        "paginator": LINKS,
        "windows": _windows(
            settings, param_start="begin", param_end="end", format="decimal_seconds", time_path="timestamp"
        ),
    }


def events(settings: Settings) -> Resource:
    """What happened to mails, domain by domain. `timestamp` is as it came, `occurred_at` the same as a timestamp."""
    return of_domain(
        settings,
        "events",
        "id",
        _event_endpoint(settings),
        columns={**_HAPPENING, **_OF_EVENTS},
        nested_hints=_CHILDREN,
        fields={**_FORMS, "occurred_at": {"copy_of": "timestamp", "as": "timestamp"}},
        personal=_PERSONAL,
        mixed_numbers="widen",
    )


def logs(settings: Settings) -> Resource:
    """The same happenings as the newer endpoint tells them, of all domains at once."""
    return resource(
        settings,
        "logs",
        "id",
        {
            "path": "v1/analytics/logs",
            "method": "POST",
            "idempotent": True,
            "json": {
                "pagination": {"sort": "timestamp:asc", "limit": 100},
                **({"include_subaccounts": True} if settings.reads_all else {}),
            },
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": {
                "type": "cursor",
                "cursor_path": "pagination.next",
                "cursor_body_path": "pagination.token",
                "stop_after_empty_page": True,
            },
            "windows": _windows(
                settings, body_path_start="start", body_path_end="end", format="rfc2822", time_path="'@timestamp'"
            ),
        },
        columns={**_HAPPENING, **_OF_LOGS},
        nested_hints=_CHILDREN,
        fields={
            **_FORMS,
            "timestamp": {"from": "@timestamp", "as": "timestamp"},
            "delivered-at": {"as": "timestamp"},
        },
        personal=_PERSONAL,
        mixed_numbers="widen",
    )


def stored_events(settings: Settings) -> Resource:
    """Events of mails that came in and are kept for a while; the parents of `stored_messages`."""
    made = events(settings)
    windows = {name: value for name, value in made["endpoint"]["windows"].items() if name != "reread_every"}
    steps = [{"filter": is_stored}, {"map": with_storage_key}]
    endpoint = {**made["endpoint"], "params": {**made["endpoint"]["params"], "event": "stored"}, "windows": windows}
    return {**made, "name": "stored_events", "endpoint": endpoint, "processing_steps": steps}


def is_stored(row: Mapping[str, Any]) -> bool:
    """Whether an event says where its mail is."""
    storage = row.get("storage")
    return isinstance(storage, dict) and bool(storage.get("key"))


def with_storage_key(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the name of its mail on its top level, from where a dependent can take it as a column."""
    return {**row, "storage_key": row["storage"]["key"]}


def stored_messages(settings: Settings) -> Resource:
    """Mails that came in, with their texts; one that is gone already is no error."""
    return resource(
        settings,
        "stored_messages",
        "domain_name storage_key",
        {
            "path": "v3/domains/{resources.stored_events.domain_name}/messages/{resources.stored_events.storage_key}",
            "data_selector": "$",
            "paginator": {"type": "single_page"},
            "response_actions": [
                {"status_code": 404, "action": "ignore"},
                *({"status_code": status, "action": "skip"} for status in (400, 401, 403)),
            ],
            **on_behalf(settings, "domains"),
        },
        include_from_parent={"domain_name": "domain_name", "storage_key": "storage_key"},
        columns=columns(
            text="domain_name storage_key subject sender recipients message_id body_plain body_html stripped_text",
            json="message_headers content_id_map",
        ),
        fields={"message-headers": {"as": "json"}, "content-id-map": {"as": "json"}},
        name_collisions="last",
        personal=[
            *("From", "To", "Subject", "from", "to", "subject", "sender", "recipients", "message-headers"),
            *("body-plain", "body-html", "stripped-text", "stripped-html", "stripped-signature"),
            *("X-Mailgun-Template-Variables", "attachments[*].name"),
        ],
    )
