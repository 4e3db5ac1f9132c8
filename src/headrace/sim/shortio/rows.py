"""An account full of rows, by seed, with everything odd that the service is known to have.

    fill(world, Size(clicks=5_000, days=90))

Links: four that were created at one instant, backdated ones, archived ones, missing tags and titles, ids of both kinds,
a field that no description has, dates as texts and as numbers, an end-to-end encrypted target, a reused path.
Clicks: ties, byte-identical rows, a burst of one instant that is longer than the default page, 404 hits, bots, masked
and missing addresses, missing agents, late arrivals, goals reached later, and, with `days` beyond the retention, rows
that can be read no more.

A million clicks take a few seconds and some 150 MB: they share the bodies of a few thousand visits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.shortio.instants import DAY_MS, SECOND_MS
from headrace.sim.shortio.places import CITIES
from headrace.sim.shortio.records import Click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.sim.shortio.records import Body, Domain, Link
    from headrace.sim.shortio.world import World

__all__ = ["SIZES", "Size", "fill"]

_MINUTE_MS: Final = 60 * SECOND_MS
_VISITS: Final = 4096  # different bodies a domain, at the most
_BURST: Final = 40  # clicks of one instant; the default page has 30
_BURST_EVERY: Final = 2000
_TIE_EVERY: Final = 40
_TWIN_EVERY: Final = 200
_LATE_EVERY: Final = 25
_LATE_MS: Final = 20 * _MINUTE_MS
_GOAL_AFTER_MS: Final = 90 * _MINUTE_MS
_BULK: Final = 4  # links of one instant
_BACKDATED_EVERY: Final = 15
_FRESH_MS: Final = DAY_MS  # only clicks this young still change: what is older has changed already


@dataclass(frozen=True)
class Size:
    """How many domains, and how many links and clicks each of them has.

    Clicks are spread over the last `days` and the next `ahead_s` seconds: those ahead show up as the clock goes on.
    """

    domains: int = 2
    links: int = 200
    clicks: int = 5000
    days: int = 90
    ahead_s: float = 0.0


SIZES: Final = {
    "small": Size(),
    "medium": Size(links=3000, clicks=100_000, days=400),
    "year": Size(domains=1, links=1000, clicks=1_000_000, days=364),
}


def fill(world: World, size: Size = SIZES["small"], *, seed: int = 0) -> None:
    """Add the rows; equal seeds give equal rows in equal worlds."""
    for number in range(size.domains):
        dice = random.Random(f"{seed}:{number}")  # noqa: S311 - rows, not secrets
        domain = world.add_domain(caseSensitive=number % 2 == 1)
        folder = world.add_folder(domain.id, "Campaigns", color="#0077cc")
        world.add_folder(domain.id, "Frühling 🌷", icon=None)
        start = world.now_ms - size.days * DAY_MS
        for place in range(size.links):
            _link(world, domain, place, start, dice, folder["id"])
        _reuse_a_path(world, domain)
        bodies = _bodies(world, domain, min(size.clicks, _VISITS), dice)
        end = world.now_ms + round(size.ahead_s * SECOND_MS)
        made = list(_clicks(bodies, size.clicks, start, end, dice))
        world.add_clicks(domain.id, made)
        _reach_goals(world, made)


def _link(world: World, domain: Domain, place: int, start: int, dice: random.Random, folder: str) -> Link:
    span = max(world.now_ms - start, 1)
    created = start + place // _BULK * span // 100_000 if place % 10 else start + dice.randrange(span)
    if place % _BACKDATED_EVERY == 0:
        created = start - dice.randrange(1, 365) * DAY_MS
    odd = place % 12
    fields: dict[str, Any] = {
        "prefix": "link_" if place % 3 == 0 else "lnk_",
        "title": f"Spring sale {place}" if odd % 2 else ...,
        "tags": (..., [], ["sale"], ["sale", "été"])[place % 4],
        "FolderId": folder if odd in (1, 4) else ...,
        "archived": odd == 5,
        "originalURL": "shortsecure://c2VjcmV0" if odd == 7 else f"https://shop.example.test/{place}?utm_source=mail",
        "redirectType": ("301", "302", None, ...)[place % 4],
        "expiresAt": ("2027-06-30T21:59:59.000Z", 1_830_297_599_000, None, ...)[dice.randrange(4)],
        "clicksLimit": 1000 if odd == 2 else ...,
        "splitPercent": 50 if odd == 3 else ...,
        "splitURL": "https://shop.example.test/b" if odd == 3 else ...,
        "password": f"link-secret-{place}" if odd == 6 else ...,
        "hasPassword": odd == 6,
        "utmSource": "mail" if odd == 8 else None,
        "source": ("website", "api", "", ...)[place % 4],
        "newAndUnknown": {"since": 2026, "list": [1, "two"]} if odd == 9 else ...,
        "User": {"id": 900100 + place % 3, "name": ("Å. Owner", None)[place % 2], "email": "owner@example.test"}
        | {"photoURL": None},
    }
    link = world.add_link(domain.id, f"{'Spring' if place % 2 else 'a1B'}{place}", created, **fields)
    if odd == 0:
        url = "https://shop.example.test/"
        world.set_rules(link, countries=[{"country": code, "originalURL": f"{url}{code}"} for code in ("DE", "XK")])
        world.set_rules(link, regions=[{"country": "US", "region": "CA", "originalURL": f"{url}ca"}])
        world.add_permission(link, 900200)
        link.opengraph = [["title", "Spring sale"], ["description", "Only this week"]]
    return link


def _reuse_a_path(world: World, domain: Domain) -> None:
    """One path had a link before the present one."""
    if len(domain.links) > 1:
        old = domain.links[0]
        world.delete_link(old)
        world.add_link(domain.id, old.row["path"], world.now_ms - DAY_MS, title="Again")


def _bodies(world: World, domain: Domain, number: int, dice: random.Random) -> list[Body]:
    """Visits to every link, bots and wrong paths among them."""
    paths = [f"/{link.row['path']}" for link in domain.links] or ["/"]
    return [_visit(world, domain, dice, paths) for _ in range(number)]


def _visit(world: World, domain: Domain, dice: random.Random, paths: list[str]) -> Body:
    number = dice.choice(list(CITIES))
    bot = dice.random() < 0.2
    lost = dice.random() < 0.05
    path = dice.choice(("/*", "/wp-login.php", "/nö")) if lost else dice.choice(paths)
    last = dice.randrange(256)
    known = dice.random() < 0.5
    return world.body(
        domain,
        path,
        method="HEAD" if bot and known else "GET",
        url="" if lost else f"https://shop.example.test{path}?utm_source=mail",
        st=404 if lost else 302,
        proto=dice.choice(("https", "https", "http")),
        ip=dice.choice((f"203.0.113.{last}", "203.0.0.0", "2001:db8::1", None, ...)),
        ref="https://news.example.test/a" if known else dice.choice(("", None)),
        refhost="news.example.test" if known else dice.choice(("", None)),
        social=dice.choice(("", "x", None)),
        human=not bot,
        ua="ExampleBot/1.0 (+https://bot.test)" if bot else dice.choice((f"ExampleBrowser/{last}", ...)),
        browser=None if bot else dice.choice(("Chrome", "Firefox", "Safari")),
        browser_version=str(120 + last % 16),
        os=dice.choice(("Windows", "macOS", "Linux", "iOS")),
        country=CITIES[number][1],
        city=CITIES[number][0] if known else ...,
        geoname_id=number,
        utm_source="mail" if known else "",
        utm_campaign=dice.choice(("", "spring")),
        ab_path=dice.choice((None, None, "A", "B")),
        ja4=f"t13d{last:04x}h2_aaaa_bbbb" if known else None,
    )


def _clicks(bodies: list[Body], number: int, start: int, end: int, dice: random.Random) -> Iterator[Click]:
    """Evenly spread but for the dice; ties, twins and bursts take the instant of the click before."""
    before: Click | None = None
    for place in range(number):
        dt = start + (end - start) * place // max(number, 1) + dice.randrange(1000)
        body = bodies[dice.randrange(len(bodies))]
        if before is not None and (place % _TIE_EVERY == 0 or place % _BURST_EVERY > _BURST_EVERY - _BURST):
            dt = before.dt_ms
        if before is not None and place % _TWIN_EVERY == 0:
            body = before.body
        late = dt + dice.randrange(_LATE_MS) if place % _LATE_EVERY == 7 else None
        before = Click(dt, body, late)
        yield before


def _reach_goals(world: World, clicks: list[Click]) -> None:
    """Some young clicks lead to a purchase later, and one in a while turns out to be no human's."""
    for place, click in enumerate(clicks):
        if click.dt_ms > world.now_ms - _FRESH_MS and click.body.fields["human"]:
            if place % 10 == 0:
                change = partial(world.change_click, click, goal_completed="purchase")
                world.at(click.dt_ms + _GOAL_AFTER_MS, change)
            elif place % 50 == 1:
                world.at(click.dt_ms + _GOAL_AFTER_MS, partial(world.change_click, click, human=False))
