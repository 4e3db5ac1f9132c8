"""A world full of everything, for demonstrations and benchmarks: two regions, odd rows, denied domains, late events.

Events lie in the four days before the clock's now, some with equal times where pages of 100 and of 300 end; some come
twice, and up to half an hour late. What is read by name has names that need escapes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.sim.mailgun import dates
from headrace.sim.mailgun.clock import DAY_S, HOUR_S, Clock
from headrace.sim.mailgun.world import World
from headrace.sim.pools import digest

if TYPE_CHECKING:
    from headrace.sim.mailgun.account import Account, Domain

__all__ = ["SIZES", "Size", "demo_world"]

_EVENTS_OF_S = 4 * DAY_S
_LATE_S = HOUR_S / 2
_PAGE = 100
_EVERY_S = 2.0


@dataclass(frozen=True)
class Size:
    """Number of domains in the main region, and of events, suppressed addresses and list members for each."""

    domains: int
    events: int
    addresses: int
    members: int


SIZES = {
    "small": Size(domains=3, events=400, addresses=25, members=20),
    "medium": Size(domains=120, events=1_000, addresses=250, members=250),
    # the first load of the benchmark: a million events
    "large": Size(domains=30, events=33_334, addresses=1_000, members=1_000),
}


def demo_world(
    size: Size = SIZES["small"],
    *,
    seed: int = 0,
    clock: Clock | None = None,
    retention_s: float = 5 * DAY_S,
    ahead_s: float = 0.0,
    keep: bool = False,
) -> World:
    """Make a world; `keep` renders all events at once, so that pages cost nothing (about 1 kB an event).

    The clock is the real one unless one is given. For `ahead_s` from its now on events still come, one in two seconds
    at each domain.
    """
    world = World(seed=seed, clock=clock or Clock(None), retention_s=retention_s)
    for number in range(size.domains):
        domain = world.us.add_domain(f"mail{number}.acme.test")
        _fill(domain, size, seed, keep=keep)
        _come(domain, ahead_s)
    world.us.add_domain("sandbox0a1b2c.mailgun.test", sandbox=True)
    world.us.add_domain("off.acme.test", state="disabled")
    world.us.add_domain("new.acme.test", state="unverified")
    # the same name in the other region has other data
    _fill(world.eu.add_domain("mail0.acme.test"), size, seed + 1, keep=keep)
    _fill_account(world.us, size)
    _fill_account(world.eu, size)
    brand = world.account("us", world.add_subaccount("Brand B"))
    if brand is not None:
        _fill(brand.add_domain("brand-b.test"), size, seed + 2, keep=keep)
    world.add_subaccount("Zürich", status="disabled")
    world.add_key("basic")
    world.add_key("sending", domain="mail0.acme.test")
    return world


def _fill(domain: Domain, size: Size, seed: int, *, keep: bool) -> None:
    now = domain.account.clock.now
    domain.fill(_moments(size.events, now, f"{domain.name}/{seed}"), lateness_s=_LATE_S, keep=keep)
    for event in domain.events.readable()[1 : size.events : 150]:
        domain.add_events([event])
    for number in range(size.addresses):
        address = _address(domain.name, number)
        added = dates.utc(now - HOUR_S * (number + 1))
        code, error = (("550", "5.1.1 no such user"), ("605", "Postfach voll — zurück"))[number % 2]
        domain.bounces.put({"address": address, "code": code, "error": error, "created_at": added})
        if number % 3 == 0:
            domain.unsubscribes.put(
                {"address": address, "tags": [["*"], ["news", "été"]][number % 2], "created_at": added}
            )
        if number % 4 == 0:
            domain.complaints.put({"address": address, "created_at": added})
        if number % 5 == 0:
            kind, value = ("domain", f"partner{number}.test") if number % 2 else ("address", address)
            domain.allowlist.put({"type": kind, "value": value, "reason": "internal tests", "createdAt": added})
    for number, name in enumerate(("receipt", "a/b", "été", "2026", "eu")):
        seen = {"first_s": now - DAY_S * (number + 1) - 0.88, "last_s": now - HOUR_S * number}
        tag = {"tag": name, "description": "", **(seen if number else {})}
        domain.tags.put(tag)
        domain.account.tags.put(tag)
    for name in ("receipt", "api test", "50% off"):
        _add_template(domain, name, now)
    for kind, urls in (
        ("delivered", ["https://hook.acme.test/a", "https://hook.acme.test/b"]),
        ("opened", ["https://hook.acme.test/o"]),
    ):
        domain.webhooks.put({"type": kind, "urls": urls})
    login = {"mailbox": f"ops@{domain.name}", "login": f"ops@{domain.name}", "created_at": dates.plus_zero(now - DAY_S)}
    domain.credentials.put({**login, "size_bytes": None})
    dkim = {"is_active": True, "cached": [], "name": f"k1._domainkey.{domain.name}", "record_type": "TXT"}
    record = {**dkim, "valid": "VALID", "value": "k=rsa; p=MIGf"}
    domain.dkim.put({"signing_domain": domain.name, "selector": "k1", "dns_record": record})


def _come(domain: Domain, ahead_s: float) -> None:
    now = domain.account.clock.now
    domain.fill([now + _EVERY_S * (number + 1) for number in range(int(ahead_s / _EVERY_S))], lateness_s=_LATE_S)


def _moments(count: int, now: float, label: str) -> list[float]:
    """Times in order, equal across the edges of pages."""
    dice = random.Random(label)  # noqa: S311 - rows, not secrets
    moments = sorted(now - dice.random() * _EVENTS_OF_S for _ in range(count))
    for edge in range(_PAGE, count, _PAGE):
        moments[edge] = moments[edge - 1]
    return moments


def _address(label: str, number: int) -> str:
    name = ("ann", "bob+news", "zoë", "O'Neill", "d%40")[number % 5]
    return f"{name}.{digest(label, 0, number)[:3].hex()}@customer{number % 60}.test"


def _add_template(domain: Domain, name: str, now: float) -> None:
    created = dates.utc(now - 9 * DAY_S)
    identity = digest(f"template/{domain.name}/{name}", 0, 0).hex()
    shown = {"name": name, "description": f"Template {name}", "createdAt": created, "createdBy": ""}
    domain.templates.put({**shown, "id": _uuid(identity)})
    for number in (1, 2):
        domain.versions(name).put(
            {
                "tag": f"v{number}",
                "template": f"<p>{{{{name}}}} {number}</p>",
                "engine": ("handlebars", "go")[number % 2],
                "mjml": "",
                "createdAt": created,
                "comment": "",
                "active": number == 1,
                "id": _uuid(identity[number:]),
                "headers": {"Subject": "Grüße"},
            }
        )


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def _fill_account(account: Account, size: Size) -> None:
    now = account.clock.now
    for name in ("news", "staff"):
        address = f"{name}@mail0.acme.test"
        account.lists.put(
            {
                "address": address,
                "name": name.title(),
                "description": "",
                "access_level": "readonly",
                "reply_preference": "list",
                "created_at": dates.minus_zero(now - 3 * DAY_S),
            }
        )
        for number in range(size.members):
            member = {"address": _address(address, number), "name": ("", "Zoë")[number % 2]}
            account.members(address).put({**member, "vars": {"plan": "pro", "n": number}, "subscribed": number % 4 > 0})
    account.routes.put(
        {
            "actions": ['forward("https://hook.acme.test/in")', "stop()"],
            "created_at": dates.gmt(now - 30 * DAY_S),
            "description": "inbound",
            "expression": 'match_recipient(".*@mail0.acme.test")',
            "id": "6797c62f6ee0a9fcb1ec5eaa",
            "priority": 10,
        }
    )
    account.webhooks.put(
        {
            "webhook_id": "507f1f77bcf86cd799439aaa",
            "description": "ops",
            "url": "https://hook.acme.test/acct",
            "event_types": ["delivered", "permanent_fail"],
            "created_at": dates.iso_z(now - 30 * DAY_S),
        }
    )
    for number in range(2):
        warm = {"is_on_warmup": True} if number else {}
        address = f"198.51.100.{number}"
        account.ips.put({"ip": address, "rdns": f"m{number}.mailgun.test", "dedicated": number == 1, **warm})
    pool = {"pool_id": "658041ae44842b99ee2eab00", "name": "bulk", "description": "", "ips": ["198.51.100.1"]}
    account.pools.put({**pool, "is_linked": True, "is_inherited": False})
