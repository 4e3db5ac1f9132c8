"""The state behind both hosts, and its time.

    world = World()
    domain = world.add_domain()
    link = world.add_link(domain.id, "Spring")
    world.add_click(domain.id, world.now_ms, "/Spring", arrives_ms=world.now_ms + 90_000)   # late
    world.advance(60)

Time stands still until `advance` turns it, or follows `wall` (seconds since the epoch, of any clock). Rows have the
moment at which they happened and, clicks, the one at which they can be read. What shall happen by itself is told
with `at` (a moment) or `before_each` (every request: pages of a listing can be pulled from under a client).

All methods may be called from another thread than the server's.
"""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left, insort
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.shortio.doubts import Doubts
from headrace.sim.shortio.instants import DAY_MS, SECOND_MS, iso, moment
from headrace.sim.shortio.places import COUNTRIES
from headrace.sim.shortio.records import PLAIN_CLICK, Body, Click, Domain, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from headrace.sim.message import Request

__all__ = ["World"]

START: Final = "2026-09-01T12:00:00.000Z"
OWNER: Final = {"id": 900100, "name": None, "email": "owner@example.test", "photoURL": None}
_FIRST_DOMAIN_ID: Final = 555001


class World:
    """Domains, links and clicks of one account; see the module.

    `start` is the first moment where time is not `wall`'s. Equal seeds give equal ids and equal chance.
    """

    def __init__(
        self,
        start: str = START,
        *,
        doubts: Doubts | None = None,
        wall: Callable[[], float] | None = None,
        seed: int = 0,
    ) -> None:
        self.doubts = doubts or Doubts()
        self.dice = random.Random(seed)  # noqa: S311 - order among ties, not a secret
        self.lock = RLock()
        self.domains: dict[int, Domain] = {}
        self.links: dict[str, Link] = {}  # those that are there, by `idString` and by `id`
        self._wall = wall
        self._turned_ms = 0 if wall else moment(start)
        self._numbers = count(1)
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._before_each: list[Callable[[Request], object]] = []

    # Time.

    @property
    def now_ms(self) -> int:
        """The present moment."""
        return self._turned_ms + (0 if self._wall is None else int(self._wall() * SECOND_MS))

    @property
    def now_s(self) -> float:
        """The present moment in seconds, for limits."""
        return self._turned_ms / SECOND_MS + (0.0 if self._wall is None else self._wall())

    def advance(self, seconds: float) -> None:
        """Turn the clock; what was told with `at` happens on the way."""
        with self.lock:
            self._turned_ms += round(seconds * SECOND_MS)
            self.settle()

    def at(self, moment_ms: int, action: Callable[[], object]) -> None:
        """Let something happen at a moment, or as soon as somebody asks after it."""
        with self.lock:
            heapq.heappush(self._due, (moment_ms, next(self._numbers), action))

    def before_each(self, action: Callable[[Request], object]) -> None:
        """Let something happen before every request is answered."""
        self._before_each.append(action)

    def settle(self, request: Request | None = None) -> None:
        """Do what is due; the hosts call it before they answer."""
        while self._due and self._due[0][0] <= self.now_ms:
            heapq.heappop(self._due)[2]()
        if request is not None:
            for action in self._before_each:
                action(request)

    # Domains and what belongs to them.

    def add_domain(self, hostname: str | None = None, **fields: Any) -> Domain:
        """A domain of the account; `ipExclusions` and `userPlan` are fields of the single record only."""
        with self.lock:
            number = _FIRST_DOMAIN_ID + len(self.domains)
            name = hostname or f"go{len(self.domains) or ''}.example.test"
            details = {key: fields.pop(key, value) for key, value in _DETAILS.items()}
            now = iso(self.now_ms)
            row = {"id": number, "hostname": name, "unicodeHostname": name, **_DOMAIN}
            row |= {"createdAt": now, "updatedAt": now, **fields}
            domain = self.domains[number] = Domain(number, row, details)
            return domain

    def add_folder(self, domain_id: int, name: str, **fields: Any) -> dict[str, Any]:
        """A folder, as the API shows it."""
        with self.lock:
            folder = {"id": self._id(21), "DomainId": domain_id, "name": name, **fields}
            self.domains[domain_id].folders.append(folder)
            return folder

    # Links.

    def add_link(self, domain_id: int, path: str, created_ms: int | None = None, **fields: Any) -> Link:
        """A link; it may have been created in the past. A field that is `...` is left out of the record.

        Raises:
            ValueError: a link that is there has this path.
        """
        with self.lock:
            domain = self.domains[domain_id]
            if domain.path_key(path) in domain.paths:
                raise ValueError(f"expected a path that no link of {domain.host} has: {path}")
            number = next(self._numbers)
            prefix = fields.pop("prefix", "lnk_")
            name = f"{prefix}{self._id(4)}_{number:x}{self._id(8)}"
            created = self.now_ms if created_ms is None else created_ms
            url = f"https://{domain.host}/{path}"
            row = {
                "id": name if self.doubts.link_id_kind == "text" else number,
                "idString": name,
                "path": path,
                "lcpath": path.lower(),
                "originalURL": f"https://shop.example.test/{path}",
                "shortURL": url,
                "secureShortURL": url,
                "DomainId": domain_id,
                "OwnerId": OWNER["id"],
                "archived": False,
                "cloaking": False,
                "hasPassword": False,
                "passwordContact": None,
                "source": "api",
                "tags": [],
                "createdAt": iso(created),
                "updatedAt": iso(self.now_ms),
                "User": OWNER,
            } | fields
            link = Link(name, domain_id, created, {key: value for key, value in row.items() if value is not ...})
            insort(domain.links, link, key=_key)
            domain.paths[domain.path_key(path)] = self.links[name] = self.links[str(row["id"])] = link
            return link

    def update_link(self, link: Link, **fields: Any) -> None:
        """Change fields and `updatedAt`; a field that is `...` goes away, `lcpath` follows `path`."""
        with self.lock:
            domain = self.domains[link.domain_id]
            del domain.paths[domain.path_key(link.row["path"])]
            moves = not fields or fields.keys() - set(self.doubts.updated_at_ignores)
            row = {**link.row, **({"updatedAt": iso(self.now_ms)} if moves else {}), **fields}
            row["lcpath"] = row["path"].lower()
            link.row = {key: value for key, value in row.items() if value is not ...}
            domain.paths[domain.path_key(row["path"])] = link

    def delete_link(self, link: Link) -> None:
        """Take a link away; its path may be used again, its clicks stay."""
        with self.lock:
            domain = self.domains[link.domain_id]
            del domain.links[bisect_left(domain.links, link.key, key=_key)]
            del domain.paths[domain.path_key(link.row["path"])], self.links[link.id]
            self.links.pop(str(link.row["id"]), None)
            link.gone_ms = self.now_ms
            domain.gone_links.append(link)

    def set_rules(
        self,
        link: Link,
        *,
        countries: Sequence[dict[str, Any]] | None = None,
        regions: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """Replace the country or region rules of a link; whether its `updatedAt` moves is a doubt."""
        with self.lock:
            link.country_rules = link.country_rules if countries is None else list(countries)
            link.region_rules = link.region_rules if regions is None else list(regions)
            if self.doubts.rules_move_updated_at:
                self.update_link(link)

    def add_permission(self, link: Link, user_id: int) -> None:
        """Let another user see a link."""
        with self.lock:
            row = {"id": f"perm-{next(self._numbers)}", "DomainId": link.domain_id, "UserId": user_id}
            link.permissions.append({**row, "LinkIdString": link.id})

    # Clicks.

    def add_click(
        self, domain_id: int, dt_ms: int, path: str = "/", *, arrives_ms: int | None = None, **fields: Any
    ) -> Click:
        """A visit, readable from `arrives_ms`; fields left out are plain, one that is `...` does not come."""
        with self.lock:
            domain = self.domains[domain_id]
            click = Click(dt_ms, self.body(domain, path, **fields), arrives_ms)
            insort(domain.clicks, click, key=_dt)
            return click

    def add_clicks(self, domain_id: int, clicks: Iterable[Click]) -> None:
        """Very many visits at once; their bodies are made by `body`."""
        with self.lock:
            held = self.domains[domain_id].clicks
            held.extend(clicks)
            held.sort(key=_dt)

    def body(self, domain: Domain, path: str = "/", **fields: Any) -> Body:
        """What a click shows beside its instant, as far as the doubts let it."""
        row = {"host": domain.host, "path": path, "lcpath": path.lower(), **PLAIN_CLICK, **fields}
        if domain.row["hideVisitorIp"]:
            row["ip"] = _HIDDEN[self.doubts.hidden_ip]
        if not self.doubts.click_ua:
            row["ua"] = ...
        if self.doubts.click_country == "name":
            row["country"] = COUNTRIES.get(row["country"], row["country"])
        return Body({key: value for key, value in row.items() if value is not ...})

    def change_click(self, click: Click, **fields: Any) -> None:
        """Let fields of a click get other values later, such as `goal_completed` and `human`."""
        with self.lock:
            click.body = Body({**click.body.fields, **fields})

    def delete_click(self, click: Click) -> None:
        """Take a click away, as clearing the statistics in the dashboard may."""
        click.gone_ms = self.now_ms

    @property
    def kept_ms(self) -> int:
        """How long clicks can be read."""
        days = self.doubts.retention_days
        return self.now_ms if days is None else days * DAY_MS

    def clicks(
        self, domain: Domain, start_ms: int | None = None, end_ms: int | None = None, *, newest_first: bool = False
    ) -> Iterator[Click]:
        """Clicks from `start_ms` up to before `end_ms` that can be read now, by `dt`."""
        held, now = domain.clicks, self.now_ms
        low = bisect_left(held, max(now - self.kept_ms, start_ms or 0), key=_dt)
        high = len(held) if end_ms is None else bisect_left(held, end_ms, key=_dt)
        for place in range(high - 1, low - 1, -1) if newest_first else range(low, high):
            click = held[place]
            if click.arrives_ms <= now and (click.gone_ms is None or click.gone_ms > now):
                yield click

    def _id(self, length: int) -> str:
        return "".join(self.dice.choices(_LETTERS, k=length))


def _dt(click: Click) -> int:
    return click.dt_ms


def _key(link: Link) -> tuple[int, str]:
    return link.key


_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HIDDEN: Final[dict[str, Any]] = {"null": None, "empty": "", "absent": ..., "masked": "0.0.0.0"}  # noqa: S104 - no bind
_DETAILS: Final[dict[str, Any]] = {"ipExclusions": [], "userPlan": "small"}
_DOMAIN: Final[dict[str, Any]] = {
    "state": "configured",
    "TeamId": None,
    "hasFavicon": False,
    "segmentKey": None,
    "hideReferer": False,
    "linkType": "random",
    "cloaking": False,
    "hideVisitorIp": False,
    "enableAI": False,
    "httpsLevel": "redirect",
    "httpsLinks": True,
    "webhookURL": None,
    "integrationGA": None,
    "integrationFB": None,
    "integrationTT": None,
    "integrationAdroll": None,
    "integrationGTM": None,
    "clientStorage": {},
    "caseSensitive": False,
    "incrementCounter": "",
    "robots": "noindex",
    "sslCertExpirationDate": "2026-11-01T00:00:00.000Z",
    "sslCertInstalledSuccess": True,
    "UserId": 900100,
    "exportEnabled": True,
    "enableConversionTracking": False,
    "qrScanTracking": True,
    "isFavorite": False,
    "purgeExpiredLinks": False,
}
