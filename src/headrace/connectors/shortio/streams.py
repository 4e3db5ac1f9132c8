"""Every stream by its name: what makes its resource, and whose rows make its calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.connectors.option import one_of
from headrace.connectors.shortio import clicks, links, statistics
from headrace.connectors.shortio.settings import Settings

__all__ = ["DEFAULT_STREAMS", "STREAMS", "Stream", "with_parents"]


@dataclass(frozen=True)
class Stream:
    """`parent` is the stream whose rows make its calls."""

    make: Callable[[Settings], dict[str, Any]]
    parent: str | None = None


#: Parents before what depends on them.
STREAMS: Final[Mapping[str, Stream]] = {
    "domains": Stream(links.domains),
    "links": Stream(links.links, "domains"),
    "folders": Stream(links.folders, "domains"),
    "clicks": Stream(clicks.clicks, "domains"),
    "domain_days": Stream(statistics.domain_days, "domains"),
    "domain_statistics": Stream(statistics.domain_statistics, "domains"),
    "tops": Stream(statistics.tops, "domains"),
    "country_rules": Stream(links.country_rules, "links"),
    "region_rules": Stream(links.region_rules, "links"),
    "permissions": Stream(links.permissions, "links"),
    "link_clicks": Stream(statistics.link_clicks, "links"),
    "link_days": Stream(statistics.link_days, "links"),
    "link_statistics": Stream(statistics.link_statistics, "links"),
}
#: Streams with a call for each link, or 17 for each domain, are left out: at ten a minute they take hours.
DEFAULT_STREAMS: Final = ("domains", "links", "folders", "clicks", "domain_days", "domain_statistics")


def with_parents(names: Sequence[str]) -> tuple[str, ...]:
    """The streams with these names and their parents, in the order of `STREAMS`. Raises `UsageError`."""
    wanted: set[str] = set()
    for name in names:
        step: str | None = one_of("streams", name, STREAMS)
        while step is not None:
            wanted.add(step)
            step = STREAMS[step].parent
    return tuple(name for name in STREAMS if name in wanted)
