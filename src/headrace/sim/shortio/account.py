"""The API host's small calls: domains, folders, rules, permissions, OpenGraph (Short.io's API, read endpoints)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.sim.message import Reply
from headrace.sim.shortio.places import REGIONS
from headrace.sim.shortio.records import text_of
from headrace.sim.shortio.refusals import not_found

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask

__all__ = [
    "country_rules",
    "domain",
    "domains",
    "folder",
    "folders",
    "opengraph",
    "permissions",
    "region_rules",
    "regions",
]

_DOMAINS_LIMIT = 100
_DOMAINS_MAX_LIMIT = 300


def domains(ask: Ask) -> Reply:
    """A bare array of the domains in the key's scope, by `limit` and `offset`."""
    limit = ask.integer("limit", _DOMAINS_LIMIT, 1, _DOMAINS_MAX_LIMIT)
    offset = ask.integer("offset", 0, 0)
    pattern = str(ask.given.get("pattern", ""))
    seen = [
        one.row for one in ask.world.domains.values() if ask.key.sees(one.id) and pattern in str(one.row["hostname"])
    ]
    page = seen[offset : offset + limit]
    indexes = range(min(offset, len(seen)), min(offset, len(seen)) + len(page))
    return Reply(body=text_of(page).encode(), resource="domains", page=offset // limit, rows=indexes)


def domain(ask: Ask) -> Reply:
    """One domain, with two fields more and one less than in the list."""
    found = ask.domain(type="accessDenied")
    row = {name: value for name, value in found.row.items() if name != "isFavorite"}
    return _whole({**row, **found.details}, 1)


def folders(ask: Ask) -> Reply:
    """All folders of a domain."""
    rows = ask.domain().folders
    return _whole({"linkFolders": rows}, len(rows), "linkFolders")


def folder(ask: Ask) -> Reply:
    """One folder, in the same envelope."""
    rows = [row for row in ask.domain().folders if row["id"] == ask.named["folder_id"]]
    if not rows:
        raise not_found("Folder")
    return _whole({"linkFolders": rows}, len(rows), "linkFolders")


def country_rules(ask: Ask) -> Reply:
    """A bare array of the link's country rules."""
    return _listed(ask.link().country_rules)


def region_rules(ask: Ask) -> Reply:
    """A bare array of the link's region rules."""
    return _listed(ask.link().region_rules)


def regions(ask: Ask) -> Reply:
    """The catalogue of a country's regions."""
    found = REGIONS.get(ask.named["country"], {})
    return _listed([{"id": code, "name": name} for code, name in found.items()])


def permissions(ask: Ask) -> Reply:
    """A bare array of who else may see the link."""
    return _listed(ask.link().permissions)


def opengraph(ask: Ask) -> Reply:
    """A bare array of pairs."""
    return _listed(ask.link().opengraph)


def _listed(rows: list[Any]) -> Reply:
    return _whole(rows, len(rows))


def _whole(value: Any, rows: int, key: str | None = None) -> Reply:
    """An answer that is not paged."""
    return Reply(body=text_of(value).encode(), page=0, rows=range(rows), key=key)
