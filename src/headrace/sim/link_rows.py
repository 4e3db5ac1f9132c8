"""Rows of the links guide: short links and clicks.

Links carry the guide's names as they are, camel case and capitals, and a made-up `password` secret.
Clicks have no id. They come newest first, three to an instant, and around each page edge four of
them are equal in every field: two before it and two after it. Whoever merges on `dt`, or drops
equal rows, loses some.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.pools import Template, digest, literals, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClickRows", "link_row"]

_START = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)
_PER_INSTANT = 3
_INSTANT_MS = 1500
# Half of the four equal clicks lie on each side of a page edge.
_HALF_GROUP = 2


def _iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def link_row(seed: int, index: int, domain_ids: Sequence[int]) -> str:
    """JSON text of one link; links come in order of creation, two to an instant."""
    data = digest("links", seed, index)
    name = f"{'lnk_' if index % 7 else 'link_'}{data[:8].hex()}{index}"
    path = f"Spring{index}" if data[8] % 2 else data[9:12].hex()
    created = _START + timedelta(milliseconds=(index // 2) * 60_007)
    locked = data[13] % 8 == 0
    person = {
        "id": 900_100 + data[14] % 3,
        "name": None if data[14] % 3 == 0 else "Å. Owner",
        "email": "owner@example.test",
        "photoURL": None,
    }
    row: dict[str, Any] = {
        "lcpath": path.lower(),
        "passwordContact": None,
        "hasPassword": locked,
        "OwnerId": person["id"],
        "id": name,
        "path": path,
        "title": (None, "Spring sale", "Frühling 🌷", "")[data[15] % 4],
        "icon": None,
        "archived": data[16] % 8 == 0,
        "originalURL": f"https://shop.example.test/{path}?utm_source=mail&q=%C3%A9",
        "iphoneURL": None,
        "androidURL": None,
        "password": f"link-secret-{data[17:23].hex()}" if locked else None,
        "utmSource": (None, "mail")[data[24] % 2],
        "utmMedium": None,
        "utmCampaign": (None, None, "spring")[data[25] % 3],
        "utmCampaignId": None,
        "utmTerm": None,
        "utmContent": None,
        "splitURL": None,
        "splitPercent": (None, "50")[data[26] % 2],
        "expiresAt": (None, "2026-06-30T21:59:59.000Z")[data[27] % 2],
        "expiredURL": None,
        "redirectType": (None, "301", "302")[data[28] % 3],
        "clicksLimit": (None, None, "1000")[data[29] % 3],
        "cloaking": (False, False, None)[data[30] % 3],
        "source": ("website", "api", "")[data[31] % 3],
        "integrationGA": None,
        "integrationFB": None,
        "integrationAdroll": None,
        "integrationGTM": None,
        "AutodeletedAt": None,
        "createdAt": _iso(created),
        "updatedAt": _iso(created + timedelta(milliseconds=data[32] * 997)),
        "DomainId": domain_ids[index % len(domain_ids)] if domain_ids else 0,
        "Owner": None if data[33] % 4 == 0 else person,
        "tags": ([], ["sale"], ["sale", "été"])[data[34] % 3],
        "secureShortURL": f"https://go.example.test/{path}",
        "idString": name,
        "shortURL": f"https://go.example.test/{path}",
        "User": person,
    }
    if data[35] % 4 == 0:  # older records have no such keys
        del row["tags"], row["title"]
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


_POOLS: Final = {
    "path": texts([f"Spring{n}" for n in range(40)] + ["a1B2c3", "*", "nö"]),
    "method": texts(["GET"] * 15 + ["HEAD"]),
    "status": literals([302, 302, 301, 404]),
    "ip": texts([f"203.0.113.{n}" for n in range(255)] + ["2001:db8::1"]),
    "proto": texts(["https", "https", "https", "http"]),
    "ref": literals(["https://news.example.test/a", "", None]),
    "refhost": literals(["news.example.test", "", None]),
    "agent": texts(["Mozilla/5.0 (X11; Linux x86_64)", "ExampleBot/1.0 (+https://bot.test)"]),
    "human": literals([True, True, True, False]),
    "browser": literals(["Chrome", "Firefox", "Safari", None]),
    "version": texts([str(n) for n in range(120, 136)]),
    "country": texts(["DE", "US", "FR", "JP"]),
    "city": literals(["Berlin", "Köln", "Paris", "Tōkyō", None]),
    "os": texts(["Windows", "macOS", "Linux", "iOS"]),
    "social": literals(["", "", "x", None]),
    "campaign": literals(["", "spring", None]),
    "goal": literals([None, None, None, "purchase"]),
    "branch": literals([None, None, "A", "B"]),
}
_CLICK: Final = Template(
    {
        "host": "go.example.test",
        "path": "/<path>",
        "method": "<method>",
        "url": "https://shop.example.test/<path>?utm_source=mail",
        "dt": "<dt>",
        "st": "<#status>",
        "ip": "<ip>",
        "proto": "<proto>",
        "ref": "<#ref>",
        "ua": "<agent>",
        "human": "<#human>",
        "browser": "<#browser>",
        "browser_version": "<version>",
        "country": "<country>",
        "city": "<#city>",
        "social": "<#social>",
        "refhost": "<#refhost>",
        "os": "<os>",
        "utm_source": "mail",
        "utm_medium": "",
        "utm_campaign": "<#campaign>",
        "goal_completed": "<#goal>",
        "ab_path": "<#branch>",
        "lcpath": "/spring",
    },
    _POOLS,
    later=("dt",),
)


class ClickRows:
    """Clicks of one domain by index, as JSON text; needs the page size to know the edges."""

    __slots__ = ("_edge", "_label", "_seed")

    def __init__(self, seed: int, domain_id: int, page_size: int) -> None:
        self._seed = seed
        self._label = f"clicks/{domain_id}"
        # Pages smaller than a group cannot hold one on either side; every fourth row then begins a
        # group, which still crosses edges.
        self._edge = max(page_size, 2 * _HALF_GROUP)

    def render(self, index: int) -> str:
        """JSON text of one click."""
        source = self._source(index)
        data = digest(self._label, self._seed, source)
        ago_ms = source // _PER_INSTANT * _INSTANT_MS + source // _PER_INSTANT % 7
        moment = _START - timedelta(milliseconds=ago_ms)
        return _CLICK.render(data).replace("<dt>", _iso(moment))

    def _source(self, index: int) -> int:
        """Index of the click that this one repeats: its own, or the first one of its group."""
        past_edge = (index + _HALF_GROUP) % self._edge
        grouped = past_edge < 2 * _HALF_GROUP and index >= self._edge - _HALF_GROUP
        return index - past_edge if grouped else index
