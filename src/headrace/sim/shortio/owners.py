"""Which link a click went through: the service knows paths and moments of creation only.

Of all links that ever had the click's path, it is the one created last before the click, if it was still there.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.sim.shortio.records import Click, Domain, Link

__all__ = ["Owners"]


class Owners:
    """The links of a domain by path, those that are gone included."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._by_path: dict[str, list[Link]] = {}
        for link in sorted([*domain.links, *domain.gone_links], key=lambda one: one.key):
            self._by_path.setdefault(domain.path_key(link.row["path"]), []).append(link)

    def of(self, click: Click) -> Link | None:
        """The click's link; `None` for paths without one, such as those that ended in a 404."""
        links = self._by_path.get(self._domain.path_key(click.body.fields["path"]), [])
        place = bisect_right(links, click.dt_ms, key=lambda one: one.created_ms)
        link = links[place - 1] if place else None
        return None if link is None or (link.gone_ms is not None and link.gone_ms <= click.dt_ms) else link
