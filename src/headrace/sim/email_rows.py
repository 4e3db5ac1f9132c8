"""Rows of the e-mail guide: events of eight kinds, about 1 kB each, and domains.

Shapes follow Mailgun's: kinds with different keys, nested objects, lists of objects, nulls, a few
dynamic keys, non-ASCII subjects (raw and escaped). Events come in order of time, two seconds apart
on average. The rows of the last page have two keys that no row before them has.
"""

from __future__ import annotations

import base64
import json
from email.utils import formatdate
from typing import Any, Final

from headrace.sim.pools import Template, digest, literals, texts

__all__ = ["EventRows", "domain_row"]

_START_S = 1_772_582_400  # 2026-03-04T00:00:00Z
_STEP_S = 2
_DAY_S = 86_400

_SUBJECTS = (
    "Your receipt",
    "Grüße aus Köln",
    "夏のセール 50% off",
    "Подтвердите адрес",
    'He said "yes"',
    "Line\tbreak",
    "🎉 Welcome, Zoë",
    "C:\\temp is full",
)
_ATTACHMENTS: tuple[list[dict[str, Any]], ...] = (
    [],
    [],
    [{"filename": "invoice.pdf", "content-type": "application/pdf", "size": 48213}],
    [
        {"filename": "plan.png", "content-type": "image/png", "size": 20114},
        {"filename": "naïve.csv", "content-type": "text/csv", "size": 0},
    ],
)
_USER_VARIABLES: tuple[dict[str, Any], ...] = (
    {},
    {"order_id": "A-1001", "plan": "pro"},
    {"order_id": "B-2002", "locale": "de-DE", "retry": "0"},
    {"my-custom-data": '{"a": 1, "b": [2, 3]}'},
    {"Customer Name": "Zoë Åkesson", "plan": None},
    {"order_id": "C-3003"},
)
_CAMPAIGNS: tuple[list[dict[str, str]], ...] = (
    [],
    [],
    [],
    [{"id": "c41", "name": "Spring"}],
    [{"id": "c41", "name": "Spring"}, {"id": "c77", "name": "Win back"}],
)
_TAGS: tuple[list[str], ...] = ([], ["receipt"], ["receipt", "eu"], ["été", "a/b", "2026"])
_USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
)

_POOLS: Final = {
    "user": texts([f"{name}.{n}" for n in range(32) for name in ("kim", "lee", "ann", "zoë+tag")]),
    "host": texts([f"customer{n}.test" for n in range(60)] + ["bücher.test", "UPPER.test"]),
    "provider": texts(["Gmail", "Outlook", "Yahoo", "Other"]),
    "domain": texts([f"mail{n}.acme.test" for n in range(3)]),
    "subject": texts(_SUBJECTS[:4])[::2] + texts(_SUBJECTS[4:], ascii_only=True)[::2],
    "attachments": literals(_ATTACHMENTS),
    "size": literals([700 + 97 * n for n in range(256)]),
    "region": texts(["us-east4", "us-west1", "eu"]),
    "ip": texts([f"203.0.113.{n}" for n in range(256)]),
    "sending_ip": texts([f"198.51.100.{n}" for n in range(16)]),
    "mail_from": literals([None, "bounce@acme.test"]),
    "routed": literals([None, False, False, True]),
    "flag": literals([True, False]),
    "rare_flag": literals([True] + [False] * 15),
    "attempt": literals([1, 1, 1, 1, 2, 3]),
    "seconds": literals([round(0.0137 * n, 4) for n in range(256)]),
    "first_seconds": literals([round(0.0021 * n, 3) for n in range(255)] + [None]),
    "tls": literals([True, True, True, False]),
    "reply": texts(["OK", "2.0.0 Ok: queued as 4Z7", "Requested mail action okay, completed"]),
    "retry": literals([600, 1800, 14400]),
    "reason": texts(["bounce", "suppress-bounce", "generic", "hardfail"]),
    "code": literals([550, 552, 554, 605]),
    "country": texts(["US", "DE", "JP", "FR", "Unknown"]),
    "county": texts(["TX", "Nordrhein-Westfalen", "東京都", "Unknown"]),
    "city": texts(["Austin", "Köln", "Tōkyō", "Paris", "Unknown"]),
    "client": texts(["Chrome", "Mobile Safari", "Firefox"]),
    "client_os": texts(["Windows", "iOS", "Linux"]),
    "device": texts(["desktop", "mobile", "tablet", "unknown"]),
    "agent": texts(_USER_AGENTS),
    "bot": literals(["", "", "gmail", None]),
    "tags": literals(_TAGS),
    "campaigns": literals(_CAMPAIGNS),
    "variables": literals(_USER_VARIABLES),
    "method": texts(["HTTP", "SMTP"]),
    "template": literals([None, "welcome", "receipt-v2"]),
}

_HEADERS = {
    "to": "<user>@<host>",
    "from": "Acme Süd <shop@acme.test>",
    "subject": "<subject>",
    "message-id": "20260304.<id>@<domain>",
}
_MESSAGE = {"headers": _HEADERS, "attachments": "<#attachments>", "size": "<#size>"}
_OPENED_MESSAGE = {"headers": {"message-id": "20260304.<id>@<domain>"}}
_RECIPIENT = {
    "recipient": "<user>@<host>",
    "recipient-domain": "<host>",
    "recipient-provider": "<provider>",
}
_SORTING = {
    "tags": "<#tags>",
    "campaigns": "<#campaigns>",
    "user-variables": "<#variables>",
}
_FLAGS = {
    "is-routed": "<#routed>",
    "is-authenticated": "<#flag>",
    "is-system-test": False,
    "is-test-mode": "<#rare_flag>",
}
_ENVELOPE = {
    "sender": "bounce@<domain>",
    "transport": "smtp",
    "targets": "<user>@<host>",
    "sending-ip": "<sending_ip>",
    "mail-from": "<#mail_from>",
}
_STORAGE = {
    "url": "https://storage-<region>.api.mailgun.test/v3/domains/<domain>/messages/BAAB<id>",
    "key": "BAAB<id>",
    "region": "<region>",
    "env": "production",
}
_DELIVERY = {
    "attempt-no": "<#attempt>",
    "code": 250,
    "message": "<reply>",
    "description": "",
    "enhanced-code": "2.0.0",
    "mx-host": "mx.<host>",
    "session-seconds": "<#seconds>",
    "first-delivery-attempt-seconds": "<#first_seconds>",
    "tls": "<#tls>",
    "utf8": True,
    "certificate-verified": "<#tls>",
}
_DEFERRED = {
    **_DELIVERY,
    "code": 451,
    "message": "4.7.1 try again later",
    "enhanced-code": "4.7.1",
    "retry-seconds": "<#retry>",
}
_BOUNCED = {
    "attempt-no": "<#attempt>",
    "code": "<#code>",
    "message": "",
    "description": "Not delivering to previously bounced address",
    "session-seconds": "<#seconds>",
}
_DELAYED_BOUNCE = {"bounce-code": "5.1.1", "code": 550, "message": "smtp; 550-5.1.1 unknown"}
_VISITOR = {
    **_RECIPIENT,
    "ip": "<ip>",
    "geolocation": {"country": "<country>", "region": "<county>", "city": "<city>"},
    "client-info": {
        "client-type": "browser",
        "client-os": "<client_os>",
        "client-name": "<client>",
        "device-type": "<device>",
        "user-agent": "<agent>",
        "bot": "<#bot>",
    },
    "message": _OPENED_MESSAGE,
    **_SORTING,
}
_SENT = {
    "envelope": _ENVELOPE,
    "flags": _FLAGS,
    "message": _MESSAGE,
    "storage": _STORAGE,
    **_RECIPIENT,
    "method": "<method>",
    "template": {"name": "<#template>"},
    **_SORTING,
}
_ROUTE = {
    "id": "6797c62f6ee0a9fcb1ec5eaa",
    "expression": 'match_recipient("shop@<domain>")',
    "match": {"recipient": "shop@<domain>"},
}


def _event(kind: str, level: str, row: dict[str, Any]) -> Template:
    named = {"id": "<id>", "event": kind, "timestamp": "<#timestamp>", "log-level": level, **row}
    return Template(named, _POOLS, later=("id", "timestamp"))


_FAILED = {"severity": "permanent", "reason": "<reason>"}
# (share of 256, template); the first row of each is found among the first rows, see `EventRows`.
_KINDS: Final = (
    (96, _event("delivered", "info", {**_SENT, "delivery-status": _DELIVERY})),
    (50, _event("accepted", "info", _SENT)),
    (40, _event("opened", "info", _VISITOR)),
    (20, _event("clicked", "info", {"url": "https://acme.test/o?id=<id>&p=50%25", **_VISITOR})),
    (14, _event("failed", "error", {**_FAILED, **_SENT, "delivery-status": _BOUNCED})),
    (
        4,
        _event(
            "rejected",
            "warn",
            {
                "reject": {"reason": "Recipient not authorized", "description": ""},
                "flags": {"is-test-mode": "<#rare_flag>"},
                "message": _MESSAGE,
                **_SORTING,
            },
        ),
    ),
    (
        4,
        _event(
            "complained",
            "warn",
            {
                "recipient": "<user>@<host>",
                "flags": {"is-test-mode": "<#rare_flag>"},
                "message": _MESSAGE,
                **_SORTING,
            },
        ),
    ),
    (6, _event("unsubscribed", "info", _VISITOR)),
    (
        10,
        _event(
            "failed",
            "warn",
            {
                "severity": "temporary",
                "reason": "greylisted",
                **_SENT,
                "delivery-status": _DEFERRED,
            },
        ),
    ),
    (
        4,
        _event(
            "failed",
            "error",
            {
                **_FAILED,
                "envelope": {},
                "flags": {"is-delayed-bounce": True},
                "delivery-status": _DELAYED_BOUNCE,
                "message": {"headers": _HEADERS, "size": "<#size>"},
                "storage": _STORAGE,
                "recipient": "<user>@<host>",
                "user-variables": {},
            },
        ),
    ),
    (8, _event("accepted", "info", {**_SENT, "routes": [_ROUTE]})),
)
_BY_BYTE: Final = tuple(template for share, template in _KINDS for _ in range(share))
_NEW_KEYS = ',"primary-dkim":"s1._domainkey.acme.test","batch":{"id":"b-%d","size":%d}}'


class EventRows:
    """Events by index, as JSON text.

    The first eleven rows are one of each template, so that the smallest run sees all kinds; from
    index `new_keys_from` on, rows have the keys `primary-dkim` and `batch`.
    """

    __slots__ = ("_new_keys_from", "_seed")

    def __init__(self, seed: int, new_keys_from: int) -> None:
        self._seed = seed
        self._new_keys_from = new_keys_from

    def render(self, index: int) -> str:
        """JSON text of one event."""
        data = digest("events", self._seed, index)
        template = _KINDS[index][1] if index < len(_KINDS) else _BY_BYTE[data[19]]
        # 16 bytes as unpadded base64url: Mailgun's 22 characters, which may begin with "-".
        name = base64.urlsafe_b64encode(data[:16])[:22].decode()
        micros = int.from_bytes(data[16:19], "big") % (_STEP_S * 1_000_000)
        seconds = _START_S + _STEP_S * index + micros // 1_000_000
        timestamp = f"{seconds}.{micros % 1_000_000:06d}"
        row = template.render(data).replace("<id>", name).replace("<timestamp>", timestamp)
        if index >= self._new_keys_from:
            row = row[:-1] + _NEW_KEYS % (index // 10, index % 10)
        return row


def domain_row(seed: int, index: int) -> str:
    """JSON text of one domain; `smtp_password` is a made-up secret that loaders should drop."""
    data = digest("domains", seed, index)
    sandbox = index % 5 == 4
    name = f"sandbox{data[:6].hex()}.mailgun.test" if sandbox else f"mail{index}.acme.test"
    row: dict[str, Any] = {
        "id": data[:12].hex(),
        "name": name,
        "type": "sandbox" if sandbox else "custom",
        "created_at": formatdate(1_373_484_412 + index * _DAY_S, usegmt=True),
        "dkim_key_size": (1024, 2048)[data[12] % 2],
        "force_dkim_authority": data[13] % 8 == 0,
        "ips": [f"198.51.100.{place}" for place in data[14 : 14 + data[15] % 3]],
        "is_disabled": data[16] % 8 == 0,
        "pool": None if data[17] % 2 else "pool-eu",
        "require_tls": data[18] % 2 == 0,
        "skip_verification": data[19] % 2 == 0,
        "smtp_login": f"postmaster@{name}",
        "smtp_password": f"smtp-secret-{data[20:28].hex()}",
        "spam_action": ("disabled", "tag", "block")[data[28] % 3],
        "state": ("active", "active", "unverified", "disabled")[data[29] % 4],
        "web_prefix": "email",
        "web_scheme": ("https", "http")[data[30] % 2],
        "wildcard": None if sandbox else data[31] % 2 == 0,
    }
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
