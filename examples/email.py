"""Domains and events of the e-mail guide: the same as `email.yaml`, for `headrace run` and for `python email.py`."""

from typing import Any

import dlt

from headrace import rest_api_source

TEXT = {"data_type": "text", "nullable": True}
WHOLE = {"data_type": "bigint", "nullable": True}
FLAG = {"data_type": "bool", "nullable": True}
NUMBER = {"data_type": "double", "nullable": True}
JSON = {"data_type": "json", "nullable": True}


def texts(*names: str) -> dict[str, Any]:
    """Text columns of a child table, where dlt wants each to say its name."""
    return {"columns": {name: {"name": name, **TEXT} for name in names}}


config = {
    "client": {
        "base_url": "https://api.example.com",
        "auth": {"type": "basic", "username": "api", "password": dlt.secrets["private_key"]},
        "retry": {"max_retries": 3, "backoff_factor": 2, "statuses": [429, 500, 502, 503, 504]},
    },
    "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
    "resources": [
        {
            "name": "domains",
            # dropped unless `privacy="keep"`; not among the columns, so no empty one stands for it
            "private": ["smtp_password"],
            "endpoint": {
                "path": "/v1/domains",
                "data_selector": "items",
                "paginator": {"type": "offset", "limit": 1000, "offset_param": "skip"},
            },
            "columns": {
                "id": TEXT,
                "name": TEXT,
                "type": TEXT,
                "state": TEXT,
                "created_at": TEXT,  # a date as mail headers write it (RFC 2822), so no timestamp
                "dkim_key_size": WHOLE,
                "force_dkim_authority": FLAG,
                "is_disabled": FLAG,
                "pool": TEXT,
                "require_tls": FLAG,
                "skip_verification": FLAG,
                "smtp_login": TEXT,
                "spam_action": TEXT,
                "web_prefix": TEXT,
                "web_scheme": TEXT,
                "wildcard": FLAG,
            },
            "nested_hints": {"ips": texts("value")},
        },
        {
            "name": "events",
            "endpoint": {
                "path": "/v1/events",
                "data_selector": "items",
                "paginator": {"type": "cursor", "cursor_param": "from", "cursor_path": "paging.next"},
            },
            "columns": {
                "id": TEXT,
                "event": TEXT,
                "timestamp": NUMBER,  # seconds since 1970, microseconds behind the point
                "log-level": TEXT,
                "severity": TEXT,
                "reason": TEXT,
                "method": TEXT,
                "ip": TEXT,
                "recipient": TEXT,
                "recipient-domain": TEXT,
                "user-variables": JSON,  # keys are the sender's own: one column for all
                "envelop": JSON,  # the guide's word; APIs that send `envelope` get the columns below
                "envelope__sender": TEXT,
                "envelope__targets": TEXT,
                "envelope__transport": TEXT,
                "envelope__sending-ip": TEXT,
                "client-info__client-name": TEXT,
                "client-info__client-os": TEXT,
                "client-info__client-type": TEXT,
                "client-info__device-type": TEXT,
                "client-info__user-agent": TEXT,
                "delivery-status__attempt-no": WHOLE,
                "delivery-status__code": WHOLE,
                "delivery-status__message": TEXT,
                "delivery-status__description": TEXT,
                "delivery-status__session-seconds": NUMBER,
                "flags__is-routed": FLAG,
                "flags__is-authenticated": FLAG,
                "flags__is-system-test": FLAG,
                "flags__is-test-mode": FLAG,
                "geolocation__country": TEXT,
                "geolocation__region": TEXT,
                "geolocation__city": TEXT,
                "message__headers__to": TEXT,
                "message__headers__from": TEXT,
                "message__headers__subject": TEXT,
                "message__headers__message-id": TEXT,
                "message__size": WHOLE,
                "reject__reason": TEXT,
                "reject__description": TEXT,
                "storage__key": TEXT,
                "storage__url": TEXT,
            },
            "nested_hints": {
                "tags": texts("value"),
                "campaigns": texts("id", "name"),
                "routes": texts("id", "expression", "match__recipient"),
            },
        },
    ],
}

if __name__ == "__main__":
    pipeline = dlt.pipeline("email", destination="duckdb", dataset_name="email_data")
    print(pipeline.run(rest_api_source(config)))  # noqa: T201 - a script may speak
