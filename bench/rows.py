"""Rows that the benchmarks serve, as JSON text, each a pure function of its number.

Shapes follow the public descriptions of real APIs: e-mail events (wide, nested, 1 kB, 49 columns and one child table
with dlt), clicks (narrow, flat, 200 B), links (camel case, a list of texts), orders (lists in lists in lists).
`guide_event` is the shape with which the simulators annoy loaders: 66 columns, four child tables, odd keys.

`MARK` stands where the server writes the number of the round, so that some ten thousand rendered rows make millions of
distinct ones (`server.py`).
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from headrace.sim.email_rows import EventRows
from headrace.sim.pools import Template, digest, literals, texts

__all__ = ["MARK", "START_S", "click", "event", "guide_event", "link", "order", "small"]

#: Comes in no other place, and is as long as what takes its place.
MARK: Final = "@@@@@"
#: Events are one second apart from here on: 2026-03-04T00:00:00Z.
START_S: Final = 1_772_582_400


def _line(number: int, line: int) -> dict[str, Any]:
    """A line of an order, with lists two levels below it."""
    steps = [{"at": line, "by": "rule"}, {"at": line + 1, "by": "clerk"}]
    discounts = [{"code": f"c{number}-{n}", "share": 0.05, "steps": steps} for n in range((number + line) % 3)]
    price = round(3.5 + number + line / 4, 2)
    return {"sku": f"sku-{number}-{line}", "quantity": 1 + number % 4, "price": price, "discounts": discounts}


_POOLS: Final = {
    "user": texts([f"{name}.{n}" for n in range(32) for name in ("kim", "lee", "ann", "zoë")]),
    "host": texts([f"customer{n}.test" for n in range(60)]),
    "provider": texts(["Gmail", "Outlook", "Yahoo", "Other"]),
    "domain": texts([f"mail{n}.acme.test" for n in range(3)]),
    "subject": texts(["Your receipt", "Grüße aus Köln", "夏のセール 50% off", 'He said "yes"', "Welcome, Zoë"]),
    "size": literals([700 + 97 * n for n in range(256)]),
    "ip": texts([f"203.0.113.{n}" for n in range(256)]),
    "sending_ip": texts([f"198.51.100.{n}" for n in range(16)]),
    "routed": literals([None, False, False, True]),
    "flag": literals([True, False]),
    "attempt": literals([1, 1, 1, 1, 2, 3]),
    "seconds": literals([round(0.0137 * n, 4) for n in range(1, 257)]),
    "reply": texts(["OK", "2.0.0 Ok: queued as 4Z7", "Requested mail action okay, completed"]),
    "country": texts(["US", "DE", "JP", "FR", "Unknown"]),
    "county": texts(["TX", "Nordrhein-Westfalen", "東京都", "Unknown"]),
    "city": texts(["Austin", "Köln", "Tōkyō", "Paris", "Unknown"]),
    "client": texts(["Chrome", "Mobile Safari", "Firefox"]),
    "os": texts(["Windows", "iOS", "Linux", "Android"]),
    "device": texts(["desktop", "mobile", "tablet", "unknown"]),
    "agent": texts(["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131", "Mozilla/5.0 (iPhone; CPU iPhone OS 18)"]),
    "bot": literals(["", "", "gmail", None]),
    "tags": literals([[], ["receipt"], ["receipt", "eu"], ["été", "a/b", "2026"]]),
    "method": texts(["HTTP", "SMTP"]),
    "status": literals([302, 302, 301, 404]),
    "human": literals([True, True, True, False]),
    "path": texts([f"Spring{n}" for n in range(40)] + ["a1B2c3", "nö"]),
    "title": literals([None, "Spring sale", "Frühling 🌷", ""]),
    "price": literals([round(1.99 + 0.37 * n, 2) for n in range(256)]),
    "quantity": literals([1, 1, 2, 3, 12]),
    "lines": literals([[_line(n, line) for line in range(1 + n % 3)] for n in range(64)]),
}

_RECIPIENT = {"recipient": "<user>@<host>", "recipient-domain": "<host>", "recipient-provider": "<provider>"}
_SENT: dict[str, Any] = {
    "method": "<method>",
    "envelope": {
        "sender": "bounce@<domain>", "transport": "smtp", "targets": "<user>@<host>", "sending-ip": "<sending_ip>",
    },
    "flags": {
        "is-routed": "<#routed>", "is-authenticated": "<#flag>", "is-system-test": False, "is-test-mode": "<#flag>",
    },
    "message": {
        "headers": {
            "to": "<user>@<host>", "from": "Acme Süd <shop@acme.test>", "subject": "<subject>",
            "message-id": "20260304.<id>@<domain>",
        },
        "size": "<#size>",
    },
    "storage": {
        "url": "https://storage-eu.api.mailgun.test/v3/domains/<domain>/messages/BAAB<id>",
        "key": "BAAB<id>", "region": "eu", "env": "production",
    },
    **_RECIPIENT,
    "tags": "<#tags>",
    "user-variables": {},
}  # fmt: skip
_DELIVERY = {
    "attempt-no": "<#attempt>", "code": 250, "message": "<reply>", "description": "", "enhanced-code": "2.0.0",
    "mx-host": "mx.<host>", "session-seconds": "<#seconds>", "first-delivery-attempt-seconds": "<#seconds>",
    "tls": "<#flag>", "utf8": True, "certificate-verified": "<#flag>",
}  # fmt: skip
_VISITOR = {
    **_RECIPIENT,
    "ip": "<ip>",
    "geolocation": {"country": "<country>", "region": "<county>", "city": "<city>"},
    "client-info": {
        "client-type": "browser", "client-os": "<os>", "client-name": "<client>", "device-type": "<device>",
        "user-agent": "<agent>", "bot": "<#bot>",
    },
    "message": {"headers": {"message-id": "20260304.<id>@<domain>"}},
    "tags": "<#tags>",
    "user-variables": {},
}  # fmt: skip


def _event(kind: str, level: str, row: dict[str, Any]) -> Template:
    named = {"id": "<id>", "event": kind, "timestamp": "<#timestamp>", "log-level": level, **row}
    return Template(named, _POOLS, later=("id", "timestamp"))


_EVENTS: Final = (
    _event("delivered", "info", {**_SENT, "delivery-status": _DELIVERY}),
    _event("opened", "info", _VISITOR),
    _event("failed", "error", {"severity": "permanent", **_SENT, "delivery-status": {**_DELIVERY, "code": 550}}),
    _event("accepted", "info", _SENT),
)
#: Of 16 events: 9 delivered, 3 opened, 1 failed, 3 accepted. The first four are one of each.
_SHARES: Final = (0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3)

_CLICK: Final = Template(
    {
        "dt": "<dt>", "path": "/<path>/<id>", "st": "<#status>", "ip": "<ip>", "human": "<#human>",
        "browser": "<client>", "os": "<os>", "country": "<country>", "city": "<city>", "seconds": "<#seconds>",
    },
    _POOLS, later=("id", "dt"),
)  # fmt: skip
_LINK: Final = Template(
    {
        "id": "lnk_<id>", "path": "<path>", "title": "<#title>", "archived": "<#flag>", "OwnerId": 900_100,
        "originalURL": "https://shop.example.test/<path>?utm_source=mail", "redirectType": "<#status>",
        "clicksLimit": None, "createdAt": "<dt>", "updatedAt": "<dt>", "DomainId": "<#size>", "tags": "<#tags>",
        "User": {"id": "<#size>", "name": "<user>", "email": "owner@example.test"},
        "shortURL": "https://go.example.test/<path>",
    },
    _POOLS, later=("id", "dt"),
)  # fmt: skip
_ORDER: Final = Template(
    {
        "id": "<id>", "placed_at": "<dt>", "total": "<#price>", "tags": "<#tags>", "lines": "<#lines>",
        "customer": {"name": "<user>", "address": {"city": "<city>", "geo": {"region": "<county>", "ip": "<ip>"}}},
    },
    _POOLS, later=("id", "dt"),
)  # fmt: skip
_SMALL: Final = Template(
    {"id": "<id>", "updated_at": "<dt>", "name": "<user>", "quantity": "<#quantity>", "price": "<#price>"},
    _POOLS, later=("id", "dt"),
)  # fmt: skip


def event(index: int) -> str:
    """An e-mail event; `timestamp` is `START_S` and `index` seconds, as a fraction with six digits."""
    data = digest("bench-events", 7, index)
    template = _EVENTS[_SHARES[index if index < len(_EVENTS) else data[19] % len(_SHARES)]]
    stamp = f"{START_S + index}.{int.from_bytes(data[16:19], 'big') % 900_000 + 100_000}"
    return template.render(data).replace("<id>", _name(data)).replace("<timestamp>", stamp)


def guide_event(index: int) -> str:
    """An event of the e-mail guide's simulator; the last fifth of each 60,000 has two keys more."""
    return _GUIDE.render(index)


_GUIDE: Final = EventRows(seed=7, new_keys_from=48_000)


def click(index: int) -> str:
    """A click: no id, one a second."""
    return _filled(_CLICK, "bench-clicks", index)


def link(index: int) -> str:
    """A short link with tags."""
    return _filled(_LINK, "bench-links", index)


def order(index: int) -> str:
    """An order: lines, their discounts, the steps of those."""
    return _filled(_ORDER, "bench-orders", index)


def small(index: int) -> str:
    """A row of five fields."""
    return _filled(_SMALL, "bench-small", index)


def _filled(template: Template, label: str, index: int) -> str:
    data = digest(label, 7, index)
    moment = datetime.fromtimestamp(START_S, timezone.utc) + timedelta(seconds=index)
    return template.render(data).replace("<id>", _name(data)).replace("<dt>", f"{moment:%Y-%m-%dT%H:%M:%S.000Z}")


def _name(data: bytes) -> str:
    """22 characters as Mailgun's ids have, the first five of them the round's."""
    return MARK + base64.urlsafe_b64encode(data[:16])[:17].decode()
