"""What a complete and correct loader ends with, worked out row by row and without any paging.

`ever=True` are the rows that could be read at some moment until now, also those that are gone since: a loader that
keeps history has them, with their last values.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from headrace.sim.shortio.instants import DAY_MS, iso

if TYPE_CHECKING:
    from headrace.sim.shortio.records import Click, Link
    from headrace.sim.shortio.world import World

__all__ = ["Truth"]


class Truth:
    """Rows by stream, for one domain, with the service's own values; moments are printed in UTC."""

    def __init__(self, world: World) -> None:
        self._world = world

    def domains(self) -> list[dict[str, Any]]:
        """All domains, by `id`."""
        return [domain.row for domain in self._world.domains.values()]

    def folders(self, domain_id: int) -> list[dict[str, Any]]:
        """All folders of a domain."""
        return self._world.domains[domain_id].folders

    def links(self, domain_id: int, *, ever: bool = False) -> list[dict[str, Any]]:
        """All links, by creation; deleted ones too with `ever`."""
        return [link.row for link in self._links(domain_id, ever=ever)]

    def tags(self, domain_id: int) -> list[tuple[str, str]]:
        """(`idString`, tag) for each tag of each link."""
        return [(link.id, tag) for link in self._links(domain_id) for tag in link.row.get("tags") or ()]

    def country_rules(self, domain_id: int) -> dict[str, list[dict[str, Any]]]:
        """Rules by `idString`; links without any are left out."""
        return {link.id: link.country_rules for link in self._links(domain_id) if link.country_rules}

    def region_rules(self, domain_id: int) -> dict[str, list[dict[str, Any]]]:
        """Rules by `idString`; links without any are left out."""
        return {link.id: link.region_rules for link in self._links(domain_id) if link.region_rules}

    def permissions(self, domain_id: int) -> list[dict[str, Any]]:
        """All permissions of all links."""
        return [row for link in self._links(domain_id) for row in link.permissions]

    def opengraph(self, domain_id: int) -> dict[str, list[list[str]]]:
        """Pairs of name and value by `idString`; links without any are left out."""
        return {link.id: link.opengraph for link in self._links(domain_id) if link.opengraph}

    def clicks(
        self, domain_id: int, start_ms: int | None = None, end_ms: int | None = None, *, ever: bool = False
    ) -> list[dict[str, Any]]:
        """All clicks from `start_ms` up to before `end_ms`, oldest first; rows that share everything are all here."""
        return [
            {"dt": iso(click.dt_ms), **click.body.fields}
            for click in self._clicks(domain_id, ever=ever)
            if (start_ms is None or click.dt_ms >= start_ms) and (end_ms is None or click.dt_ms < end_ms)
        ]

    def link_clicks(self, domain_id: int, start_ms: int = 0, end_ms: int | None = None) -> dict[str, int]:
        """Human clicks of each link that is there, by `idString`; none at all are left out."""
        counts: Counter[str] = Counter()
        domain = self._world.domains[domain_id]
        by_path: dict[str, list[Link]] = {}
        for one in self._links(domain_id, ever=True):
            by_path.setdefault(str(one.row[domain.path_field]), []).append(one)
        for click in self._clicks(domain_id):
            inside = start_ms <= click.dt_ms and (end_ms is None or click.dt_ms < end_ms)
            link = _alive(by_path.get(str(click.body.fields[domain.path_field]).removeprefix("/"), []), click)
            if inside and click.body.fields["human"] is True and link is not None and link.gone_ms is None:
                counts[link.id] += 1
        return dict(counts)

    def days(self, domain_id: int) -> dict[str, int]:
        """Human clicks of each day in UTC that has any, by the day's first instant."""
        human = (click for click in self._clicks(domain_id) if click.body.fields["human"] is True)
        return dict(Counter(iso(click.dt_ms - click.dt_ms % DAY_MS) for click in human))

    def top(self, domain_id: int, field: str) -> dict[Any, int]:
        """Human clicks by the value of a field, of all time."""
        human = (click for click in self._clicks(domain_id) if click.body.fields["human"] is True)
        return dict(Counter(click.body.fields.get(field) for click in human))

    def _links(self, domain_id: int, *, ever: bool = False) -> list[Link]:
        with self._world.lock:
            self._world.settle()
            domain = self._world.domains[domain_id]
            return sorted([*domain.links, *(domain.gone_links if ever else ())], key=lambda link: link.key)

    def _clicks(self, domain_id: int, *, ever: bool = False) -> list[Click]:
        with self._world.lock:
            self._world.settle()
            now, kept_ms = self._world.now_ms, self._world.kept_ms
            return [
                click
                for click in self._world.domains[domain_id].clicks
                if click.arrives_ms <= now and (click.arrives_ms if ever else now) < _until(click, kept_ms)
            ]


def _until(click: Click, kept_ms: int) -> int:
    """The first moment at which a click cannot be read any more."""
    end = click.dt_ms + kept_ms + 1
    return end if click.gone_ms is None else min(end, click.gone_ms)


def _alive(links: list[Link], click: Click) -> Link | None:
    """The link that a click went through: of its path, the last one created before it, if it was there still."""
    older = [link for link in links if link.created_ms <= click.dt_ms]
    link = max(older, key=lambda one: one.key, default=None)
    return None if link is None or (link.gone_ms is not None and link.gone_ms <= click.dt_ms) else link
