"""The running simulator: two hosts over one world.

with Mailgun(world).serve() as sim:
    load(base_url=sim.url, api_key=sim.key)
    ...  # and compare with sim.truth("events")
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from headrace.sim.mailgun.doubts import Doubts
from headrace.sim.mailgun.limits import Gate
from headrace.sim.mailgun.service import Service
from headrace.sim.mailgun.truth import truth
from headrace.sim.mailgun.world import World
from headrace.sim.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.sim.faults import Fault
    from headrace.sim.ledger import Ledger
    from headrace.sim.mailgun.account import Region
    from headrace.sim.mailgun.truth import Fact
    from headrace.sim.message import Request
    from headrace.sim.rate import Rate

__all__ = ["Mailgun", "MailgunSim"]


@dataclass(frozen=True)
class Mailgun:
    """What is served and how; `serve` runs it.

    `rates` are limits by group of endpoints (`limits.REAL` has the service's own), or one for all, counted for each
    account and region by the clock `wall`, which is the real one and not the world's. `faults` happen on both hosts,
    each for itself. `before` is called before each answer, while nothing else reads the world: it may turn the clock or
    change rows between two pages.
    """

    world: World = field(default_factory=World)
    doubts: Doubts = field(default_factory=Doubts)
    rates: Rate | Mapping[str, Rate] | None = None
    faults: Sequence[Fault] = ()
    latency_s: float = 0.0
    gzip: bool = False
    wall: Callable[[], float] = time.time
    before: Callable[[Request], object] | None = None

    def serve(self, port: int = 0, eu_port: int = 0) -> MailgunSim:
        """Servers for both regions, not started yet; 0 takes a free port."""
        return MailgunSim(self, port, eu_port)


@final
class MailgunSim:
    """Both hosts, a context manager: addresses, key, ledgers and the truth."""

    def __init__(self, mailgun: Mailgun, port: int = 0, eu_port: int = 0) -> None:
        self.mailgun = mailgun
        self.world = mailgun.world
        self._stack = ExitStack()
        self._us = self._server("us", port)
        self._eu = self._server("eu", eu_port)

    def __enter__(self) -> MailgunSim:
        """Open both ports."""
        with ExitStack() as stack:
            stack.enter_context(self._us)
            stack.enter_context(self._eu)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Close them."""
        self._stack.close()

    @property
    def url(self) -> str:
        """Origin of the host in the United States, without a trailing slash."""
        return self._us.url

    @property
    def eu_url(self) -> str:
        """Origin of the host in the European Union."""
        return self._eu.url

    @property
    def ledger(self) -> Ledger:
        """What was asked of the host in the United States.

        Rows of events and logs are counted by their place among what had arrived when they were served, so
        `served("events/mail.acme.test")` is `(range(n),)` for a whole read without late arrivals.
        """
        return self._us.ledger

    @property
    def eu_ledger(self) -> Ledger:
        """What was asked of the host in the European Union."""
        return self._eu.ledger

    @property
    def key(self) -> str:
        """Secret of the key of role admin, the password of the user `api`."""
        return self.world.key.secret

    def truth(self, stream: str, **which: Any) -> list[Fact]:
        """What a loader must have; see `truth.truth`."""
        return truth(self.world, self.mailgun.doubts, stream, **which)

    def wait(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT."""
        self._us.wait()

    def _server(self, region: Region, port: int) -> Server:
        mailgun = self.mailgun
        gate = None if mailgun.rates is None else Gate(mailgun.rates, mailgun.doubts, mailgun.wall)
        return Server(
            Service(self.world, mailgun.doubts, region, gate, lambda: self.url, mailgun.before),
            faults=mailgun.faults,
            secrets=self.world.secrets,
            latency_s=mailgun.latency_s,
            gzip=mailgun.gzip,
            port=port,
        )
