"""Clicks of each link: a map, and no list of clicks (Short.io's API, totals per link)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from headrace.sim.message import Reply
from headrace.sim.shortio.instants import read
from headrace.sim.shortio.owners import Owners
from headrace.sim.shortio.records import text_of
from headrace.sim.shortio.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.records import Click, Domain

__all__ = ["by_ids", "by_paths"]


def by_ids(ask: Ask) -> Reply:
    """`idString` -> human clicks, for links that were asked for, are there, and have any."""
    doubts, domain = ask.world.doubts, ask.domain()
    ids = [text for text in str(ask.needed("ids")).split(",") if text]
    most = doubts.link_clicks_max_ids
    if most is not None and len(ids) > most:
        raise invalid(f"querystring/ids must NOT have more than {most} items")
    owners, counts = Owners(domain), Counter[str]()
    for click in _humans(ask, domain):
        link = owners.of(click)
        if link is not None and link.gone_ms is None:
            counts[link.id] += 1
    there = [name for name in ids if name in ask.world.links and ask.world.links[name].domain_id == domain.id]
    return _map({name: counts[name] for name in there if counts[name] or doubts.link_clicks_zeros})


def by_paths(ask: Ask) -> Reply:
    """Bare path -> human clicks since the moment of creation; a path with its slash on matches nothing."""
    domain = ask.domain()
    entries = ask.needed("pathsDates")
    if not isinstance(entries, list):
        raise invalid("body/pathsDates must be array")
    wanted = [(_path(entry, place), _created(entry, place)) for place, entry in enumerate(entries)]
    moments: dict[str, list[int]] = {}
    for click in _humans(ask, domain):
        moments.setdefault(domain.path_key(click.body.fields["path"]), []).append(click.dt_ms)
    keyed: Callable[[str], str] = str if domain.row["caseSensitive"] else str.lower
    counts = {path: sum(at >= created for at in moments.get(keyed(path), ())) for path, created in wanted}
    return _map({path: count for path, count in counts.items() if count or ask.world.doubts.link_clicks_zeros})


def _humans(ask: Ask, domain: Domain) -> list[Click]:
    """Human clicks between the dates in the query: instants, no period, no zone, no filters."""
    doubts = ask.world.doubts
    bounds: dict[str, int | None] = {}
    for name in ("startDate", "endDate"):
        value = ask.request.param(name)
        try:
            bounds[name] = None if value is None else read(value, None)
        except ValueError:
            raise invalid(f'querystring/{name} must match format "date-time"') from None
    start, end = bounds["startDate"], bounds["endDate"]
    found = ask.world.clicks(
        domain,
        None if start is None else start + (not doubts.start_inclusive),
        None if end is None else end + doubts.end_inclusive,
    )
    return [click for click in found if click.body.fields["human"] is True]


def _path(entry: Any, place: int) -> str:
    if not isinstance(entry, dict) or "path" not in entry:
        raise invalid(f"body/pathsDates/{place} must have required property 'path'")
    return str(entry["path"])


def _created(entry: dict[str, Any], place: int) -> int:
    if "createdAt" not in entry:
        raise invalid(f"body/pathsDates/{place} must have required property 'createdAt'")
    try:
        return read(entry["createdAt"], None)
    except ValueError:
        raise invalid(f'body/pathsDates/{place}/createdAt must match format "date-time"') from None


def _map(counts: dict[str, int]) -> Reply:
    return Reply(body=text_of(counts).encode(), page=0, rows=range(len(counts)))
