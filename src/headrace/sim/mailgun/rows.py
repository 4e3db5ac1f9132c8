"""Rows of events, one template a kind, odd ones among them: from (seed, domain, number), whatever came before.

The first rows of a domain are one of each kind, so that the smallest world has all of them. Shapes are those of
Mailgun's API, events in depth; the kinds behind `odd_` are what loaders stumble over:

    odd_variables     user variables that are the service's error text
    odd_bounce        a delayed bounce: empty envelope, neither tags nor the recipient's domain
    odd_type          a type of event that no document names
    odd_keys          keys that no document names, unicode, a user variable that holds JSON in a string
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.pools import Template, digest, literals, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "EventRows", "rendered"]

NOT_LOADED = "Could not load user-variables. They were either truncated or invalid JSON"

_POOLS: Final = {
    "user": texts([f"{name}.{n}" for n in range(40) for name in ("kim", "lee", "zoë+tag")]),
    "host": texts([f"customer{n}.test" for n in range(60)] + ["bücher.test", "UPPER.test"]),
    "provider": texts(["Gmail", "Outlook", "Yahoo", "Other"]),
    "subject": texts(["Your receipt", "Grüße aus Köln", "夏のセール 50% off", 'He "said"', "🎉 Welcome", "C:\\temp"]),
    "attachments": literals([[], [], [{"filename": "naïve.csv", "content-type": "text/csv", "size": 0}]]),
    "size": literals([700 + 97 * n for n in range(256)]),
    "ip": texts([f"203.0.113.{n}" for n in range(256)]),
    "sending_ip": texts([f"198.51.100.{n}" for n in range(16)]),
    "mail_from": literals([None, "bounce@acme.test"]),
    "routed": literals([None, False, False, True]),
    "flag": literals([True, False]),
    "attempt": literals([1, 1, 1, 2, 3]),
    "seconds": literals([round(0.0137 * n, 4) for n in range(256)]),
    "first": literals([round(0.0021 * n, 3) for n in range(256)]),
    "reply": texts(["OK", "2.0.0 Ok: queued as 4Z7", "Requested mail action okay, completed"]),
    "reason": texts(["bounce", "suppress-bounce", "generic", "hardfail"]),
    "code": literals([550, 552, 554, 605]),
    "country": texts(["US", "DE", "JP", "FR", "Unknown"]),
    "county": texts(["TX", "Nordrhein-Westfalen", "東京都", "Unknown"]),
    "city": texts(["Austin", "Köln", "Tōkyō", "Unknown"]),
    "client": texts(["Chrome", "Mobile Safari", "Firefox"]),
    "os": texts(["Windows", "iOS", "Linux"]),
    "device": texts(["desktop", "mobile", "tablet", "unknown"]),
    "bot": literals(["", "", "gmail"]),
    "tags": literals([[], ["receipt"], ["receipt", "eu"], ["été", "a/b"]]),
    "variables": literals([{}, {"order": "77"}, {"order": "78", "plan": "pro", "n": 3}, {"Customer Name": "Zoë"}]),
    "method": texts(["http", "smtp"]),
    "template": texts(["receipt", "api test"]),
}
_LATER: Final = ("id", "timestamp", "domain", "day")

_ENVELOPE = {
    "sender": "bounce@<domain>",
    "transport": "smtp",
    "targets": "<user>@<host>",
    "sending-ip": "<sending_ip>",
}
_FLAGS = {"is-routed": "<#routed>", "is-authenticated": True, "is-system-test": False, "is-test-mode": False}
_TEST_MODE = {"is-test-mode": False}
_HEADERS = {
    "to": "<user>@<host>",
    "from": "Acme <shop@<domain>>",
    "subject": "<subject>",
    "message-id": "<day>.<id>@<domain>",
}
_MESSAGE = {"headers": _HEADERS, "attachments": "<#attachments>", "size": "<#size>"}
_STORAGE = {
    "url": "https://storage-us-east4.api.mailgun.net/v3/domains/<domain>/messages/BAAB<id>",
    "key": "BAAB<id>",
    "region": "us-east4",
    "env": "production",
}
_RECIPIENT = {"recipient": "<user>@<host>", "recipient-domain": "<host>"}
_SORTING = {"campaigns": [], "tags": "<#tags>", "user-variables": "<#variables>"}
_ATTEMPT = {
    "attempt-no": "<#attempt>",
    "mx-host": "mx.<host>",
    "session-seconds": "<#seconds>",
    "tls": "<#flag>",
    "utf8": True,
    "certificate-verified": "<#flag>",
    "description": "",
}
_SENT = {
    "envelope": _ENVELOPE,
    "flags": _FLAGS,
    "message": _MESSAGE,
    "storage": _STORAGE,
    **_RECIPIENT,
    "recipient-provider": "<provider>",
    "primary-dkim": "k1._domainkey.<domain>",
    **_SORTING,
}
_VISIT = {
    **_RECIPIENT,
    "recipient-provider": "<provider>",
    "ip": "<ip>",
    "geolocation": {"country": "<country>", "region": "<county>", "city": "<city>"},
    "client-info": {
        "client-type": "browser",
        "client-os": "<os>",
        "device-type": "<device>",
        "client-name": "<client>",
        "user-agent": "Mozilla/5.0",
        "bot": "<#bot>",
    },
    "message": {"headers": {"message-id": "<day>.<id>@<domain>"}},
    **_SORTING,
}
_ACCEPTED = {
    "method": "<method>",
    "envelope": {"sender": "bounce@<domain>", "transport": "<method>", "targets": "<user>@<host>"},
    "flags": {"is-authenticated": True, "is-test-mode": False},
    "message": {**_MESSAGE, "recipients": ["<user>@<host>"]},
    "storage": _STORAGE,
    **_RECIPIENT,
    "originating-ip": "<ip>",
    "api-key-id": "0a1b2c3d-4e5f6071",
    **_SORTING,
}
_ROUTE = {
    "expression": 'match_recipient("shop@<domain>")',
    "id": "6797c62f6ee0a9fcb1ec5eaa",
    "match": {"recipient": "shop@<domain>"},
}
_UPLOAD = {"task-id": "235f00c0607511e9a4a00a6d3b5f5e17", "mailing-list": {"address": "news@<domain>"}}
_DELIVERED = {
    "code": 250,
    "message": "<reply>",
    "enhanced-code": "2.0.0",
    "first-delivery-attempt-seconds": "<#first>",
    **_ATTEMPT,
}
_TEMPORARY = {"code": 451, "message": "try later", "enhanced-code": "4.7.1", "retry-seconds": 600, **_ATTEMPT}
_BOUNCED = {"code": "<#code>", "message": "", **_ATTEMPT, "description": "Not delivering to previously bounced address"}
_PERMANENT = {"severity": "permanent"}
_LATE_BOUNCE = {
    "bounce-code": "5.1.1",
    "code": 550,
    "enhanced-code": "5.1.1",
    "message": "smtp; 550-5.1.1 unknown",
    "description": "late bounce",
}


def _event(event: str, level: str, row: Mapping[str, Any]) -> Template:
    named = {"id": "<id>", "event": event, "timestamp": "<#timestamp>", "log-level": level, **row}
    return Template(named, _POOLS, later=_LATER)


# kind: (share of 256, template)
_TABLE: Final = {
    "delivered": (80, _event("delivered", "info", {"delivery-status": _DELIVERED, **_SENT})),
    "accepted": (50, _event("accepted", "info", _ACCEPTED)),
    "opened": (36, _event("opened", "info", _VISIT)),
    "clicked": (20, _event("clicked", "info", {"url": "https://acme.test/o?id=<id>&p=50%25", **_VISIT})),
    "permanent": (
        12,
        _event("failed", "error", {**_PERMANENT, "reason": "<reason>", "delivery-status": _BOUNCED, **_SENT}),
    ),
    "temporary": (
        10,
        _event(
            "failed",
            "warn",
            {
                "severity": "temporary",
                "reason": "greylisted",
                "delivery-status": _TEMPORARY,
                **_SENT,
                "batch": {"id": "65e5146154618b2fed628cc0"},
                "template": {"name": "<template>"},
            },
        ),
    ),
    "odd_bounce": (
        6,
        _event(
            "failed",
            "error",
            {
                "severity": "permanent",
                "reason": "generic",
                "flags": {"is-delayed-bounce": True},
                "envelope": {},
                "delivery-status": _LATE_BOUNCE,
                "message": {"headers": _HEADERS, "size": "<#size>"},
                "storage": _STORAGE,
                "recipient": "<user>@<host>",
                "user-variables": {},
            },
        ),
    ),
    "rejected": (
        4,
        _event(
            "rejected",
            "warn",
            {
                "flags": _TEST_MODE,
                "reject": {"reason": "Recipient not authorized", "description": ""},
                "message": _MESSAGE,
                **_SORTING,
            },
        ),
    ),
    "unsubscribed": (4, _event("unsubscribed", "info", _VISIT)),
    "complained": (
        4,
        _event(
            "complained",
            "warn",
            {"recipient": "<user>@<host>", "flags": _TEST_MODE, "message": _MESSAGE, **_SORTING},
        ),
    ),
    "stored": (
        4,
        _event(
            "stored",
            "info",
            {
                "flags": _TEST_MODE,
                "message": {**_MESSAGE, "recipients": ["shop@<domain>"]},
                "storage": _STORAGE,
                **_SORTING,
            },
        ),
    ),
    "routed": (4, _event("accepted", "info", {**_ACCEPTED, "routes": [_ROUTE]})),
    "list_member_uploaded": (
        3,
        _event(
            "list_member_uploaded",
            "info",
            {**_UPLOAD, "member": {"name": "", "subscribed": True, "address": "<user>@<host>"}},
        ),
    ),
    "list_member_upload_error": (
        3,
        _event(
            "list_member_upload_error",
            "error",
            {
                **_UPLOAD,
                "format": "text",
                "error": {"message": "Invalid format"},
                "member-description": "mailto:<user>@<host>,",
            },
        ),
    ),
    "list_uploaded": (
        3,
        _event(
            "list_uploaded",
            "info",
            {
                **_UPLOAD,
                "format": "text",
                "subscribed": True,
                "is-upsert": False,
                "upserted-count": 10,
                "failed-count": 1,
            },
        ),
    ),
    "email_validation": (3, _event("email_validation", "info", {"recipient": "<user>@<host>"})),
    "odd_variables": (
        4,
        _event("clicked", "info", {"url": "https://acme.test/", **_VISIT, "user-variables": NOT_LOADED}),
    ),
    "odd_type": (3, _event("quarantined", "info", {"recipient": "<user>@<host>", "message": _MESSAGE})),
    "odd_keys": (
        3,
        _event(
            "delivered",
            "info",
            {
                "delivery-status": _DELIVERED,
                **_SENT,
                "envelope": {**_ENVELOPE, "mail-from": "<#mail_from>"},
                "i-classification-rule-id": 8213,
                "brand_new": {"Größe": ["a", {"b": None}]},
                "user-variables": {"my-custom-data": '{"a": 1, "b": [2, 3]}', "Größe": "L"},
            },
        ),
    ),
}
KINDS: Final = tuple(_TABLE)
_TEMPLATES: Final = {kind: template for kind, (_, template) in _TABLE.items()}
_BY_BYTE: Final = tuple(kind for kind, (share, _) in _TABLE.items() for _ in range(share))
_DAY = "20260304"


class EventRows:
    """Events of a domain by number, as JSON text."""

    __slots__ = ("_domain", "_label", "_seed")

    def __init__(self, seed: int, domain: str) -> None:
        self._seed = seed
        self._domain = domain
        self._label = f"events/{domain}"

    def identity(self, number: int) -> tuple[str, float]:
        """Id of an event, and how late it is, from 0 to 1: most are hardly late, few very."""
        data = digest(self._label, self._seed, number)
        return _name(data), (data[18] / 255) ** 4

    def render(self, number: int, at_s: float, kind: str | None = None) -> bytes:
        """JSON text of an event that happened at `at_s`, written with all digits that the number has."""
        data = digest(self._label, self._seed, number)
        if kind is None:
            kind = KINDS[number] if number < len(KINDS) else _BY_BYTE[data[19] % len(_BY_BYTE)]
        row = _TEMPLATES[kind].render(data)
        for mark, value in (
            ("<timestamp>", repr(at_s)),
            ("<domain>", self._domain),
            ("<day>", _DAY),
            ("<id>", _name(data)),
        ):
            row = row.replace(mark, value)
        return row.encode()


def rendered(body: bytes, fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """Id and JSON text of an event with some fields replaced."""
    row = json.loads(body)
    if fields:
        row.update(fields)
        body = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
    return row["id"], body


def _name(data: bytes) -> str:
    """22 characters that decode to a UUID of version 4; they may begin with `-`."""
    found = bytearray(data[:16])
    found[6] = found[6] & 0x0F | 0x40
    found[8] = found[8] & 0x3F | 0x80
    return base64.urlsafe_b64encode(found)[:22].decode()
