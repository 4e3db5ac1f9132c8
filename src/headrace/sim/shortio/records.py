"""What the service holds: domains, links, clicks.

A click is an instant and a body. Bodies never change, so a million clicks may share a few thousand of them, each
rendered once; a click that changes gets another body.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from headrace.sim.shortio.instants import iso

__all__ = ["PLAIN_CLICK", "Body", "Click", "Domain", "Link", "text_of"]

#: Fields of a click that nobody gave others. No field list of the vendor exists: this is the union of what clients saw.
PLAIN_CLICK: dict[str, Any] = {
    "method": "GET",
    "url": "https://shop.example.test/",
    "st": 302,
    "proto": "https",
    "ip": "203.0.113.7",
    "ref": "",
    "refhost": "",
    "social": "",
    "human": True,
    "ua": "ExampleBrowser/1.0",
    "browser": "Chrome",
    "browser_version": "131",
    "os": "Windows",
    "country": "DE",
    "city": "Berlin",
    "geoname_id": "2950159",
    "utm_source": "",
    "utm_medium": "",
    "utm_campaign": "",
    "utm_term": "",
    "utm_content": "",
    "ab_path": None,
    "goal_completed": None,
    "ja4": None,
}


def text_of(value: Any) -> str:
    """JSON as the service writes it: no blanks, no escapes beyond what is needed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Body:
    """All fields of a click but `dt`, as the service shows them."""

    __slots__ = ("fields", "text")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.text = text_of(fields)


class Click:
    """One visit. It can be read from `arrives_ms` until `gone_ms` or the end of its retention."""

    __slots__ = ("arrives_ms", "body", "dt_ms", "gone_ms")

    def __init__(self, dt_ms: int, body: Body, arrives_ms: int | None = None) -> None:
        self.dt_ms = dt_ms
        # the same object where nothing is late: 32 bytes less for each of a million
        self.arrives_ms = dt_ms if arrives_ms is None else max(arrives_ms, dt_ms)
        self.body = body
        self.gone_ms: int | None = None

    def __repr__(self) -> str:
        return f"<Click {iso(self.dt_ms)} {self.body.fields.get('path')}>"


@dataclass(eq=False)
class Link:
    """One link and what hangs on it; `row` is the record that the API gives."""

    id: str
    domain_id: int
    created_ms: int
    row: dict[str, Any]
    gone_ms: int | None = None
    country_rules: list[dict[str, Any]] = field(default_factory=list)
    region_rules: list[dict[str, Any]] = field(default_factory=list)
    permissions: list[dict[str, Any]] = field(default_factory=list)
    opengraph: list[list[str]] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, str]:
        """Its place in a listing."""
        return self.created_ms, self.id


@dataclass(eq=False)
class Domain:
    """One domain: `links` are sorted by `Link.key`, `clicks` by `dt_ms`.

    `details` come with the single record only; `paths` has the links that are there, by `path_key`.
    """

    id: int
    row: dict[str, Any]
    details: dict[str, Any]
    folders: list[dict[str, Any]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    gone_links: list[Link] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    paths: dict[str, Link] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host name that clicks carry."""
        return str(self.row["hostname"])

    @property
    def path_field(self) -> str:
        """The field by which paths are compared: `path` where case matters, else `lcpath`."""
        return "path" if self.row["caseSensitive"] else "lcpath"

    def path_key(self, path: str) -> str:
        """What a path is compared by, without its slash."""
        path = path.removeprefix("/")
        return path if self.row["caseSensitive"] else path.lower()
