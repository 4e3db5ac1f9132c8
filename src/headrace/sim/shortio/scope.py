"""The clicks that a statistics call counts: a domain's or a link's, in a period, through the filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timezone, tzinfo
from typing import TYPE_CHECKING

from headrace.sim.shortio.filters import filters, names_human
from headrace.sim.shortio.owners import Owners
from headrace.sim.shortio.period import stretch, zone_asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.records import Click, Domain, Link
    from headrace.sim.shortio.world import World

__all__ = ["Scope", "scope_of"]


@dataclass(frozen=True)
class Scope:
    """`start_ms` up to before `end_ms`, `None` is the beginning of all; `by_human`: the request filters bots itself."""

    world: World
    domain: Domain
    period: str
    start_ms: int | None
    end_ms: int
    zone: tzinfo
    tests: tuple[Callable[[Click], bool], ...]
    by_human: bool

    def clicks(self) -> list[Click]:
        """All of them, bots included, oldest first."""
        found = self.world.clicks(self.domain, self.start_ms, self.end_ms)
        return [click for click in found if all(test(click) for test in self.tests)]

    def counted(self) -> list[Click]:
        """Those that charts, tops and totals count: humans only, unless the request has a word on that."""
        return [click for click in self.clicks() if self.by_human or click.body.fields["human"] is True]

    def before(self) -> Scope | None:
        """The stretch of the same length that ends where this one begins; `None` if this one has no beginning."""
        if self.start_ms is None:
            return None
        return replace(self, start_ms=2 * self.start_ms - self.end_ms, end_ms=self.start_ms)


def scope_of(ask: Ask, domain: Domain, link: Link | None = None) -> Scope:
    """What the request means, of a domain or of one of its links."""
    period, start, end = stretch(ask)
    tests = filters(ask)
    if link is not None:
        owners = Owners(domain)
        tests = (lambda click: owners.of(click) is link, *tests)
    zone = zone_asked(ask) or timezone.utc
    return Scope(ask.world, domain, period, start, end, zone, tests, names_human(ask))
