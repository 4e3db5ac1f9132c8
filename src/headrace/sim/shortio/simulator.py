"""The whole service: two hosts over one world, and the dead one beside them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, final

from headrace.sim.server import Server
from headrace.sim.shortio.ask import Key
from headrace.sim.shortio.refusals import dead_host
from headrace.sim.shortio.service import API_ROUTES, STATISTICS_ROUTES, Host, Rates
from headrace.sim.shortio.truth import Truth
from headrace.sim.shortio.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.sim.faults import Fault
    from headrace.sim.ledger import Ledger
    from headrace.sim.message import Reply, Request

__all__ = ["KEY", "Shortio", "ShortioSim"]

KEY = "sk_of_the_shortio_simulator"


@dataclass(frozen=True)
class Shortio:
    """What the service holds and how it behaves; `serve` runs it, `api` and `statistics` answer without a socket.

    `unpaid` are labels of routes that the plan does not include: they are answered with 402. Faults name their resource
    by the same labels (`links`, `last_clicks/555001`); raw clicks have no page numbers, so theirs are `by="hit"`.
    """

    world: World = field(default_factory=World)
    keys: Sequence[Key] = (Key(KEY),)
    unpaid: Sequence[str] = ()
    rates: Rates = Rates()  # noqa: RUF009 - frozen
    faults: Sequence[Fault] = ()
    latency_s: float = 0.0
    gzip: bool = False

    @cached_property
    def api(self) -> Host:
        """The host of domains and links."""
        return Host(self.world, API_ROUTES, keys=self.keys, rates=self.rates, unpaid=self.unpaid)

    @cached_property
    def statistics(self) -> Host:
        """The host of clicks and counts."""
        return Host(self.world, STATISTICS_ROUTES, keys=self.keys, rates=self.rates, unpaid=self.unpaid)

    @property
    def truth(self) -> Truth:
        """What a complete loader ends with."""
        return Truth(self.world)

    def serve(self, port: int = 0) -> ShortioSim:
        """Servers for the three hosts, not started yet; they take `port` and the two after it, 0 is any free ones."""
        return ShortioSim(self, port)


@final
class ShortioSim:
    """The running simulator, a context manager: a server, and so a ledger, for each host."""

    def __init__(self, service: Shortio, port: int = 0) -> None:
        self.service = service
        ports = (port, port + 1, port + 2) if port else (0, 0, 0)
        hosts: tuple[Callable[[Request], Reply], ...] = (service.api, service.statistics, dead_host)
        self._servers = [
            Server(
                answer,
                faults=service.faults,
                secrets=[key.text for key in service.keys],
                latency_s=service.latency_s,
                gzip=service.gzip,
                port=one,
            )
            for answer, one in zip(hosts, ports, strict=True)
        ]
        self._api, self._statistics, self._dead = self._servers
        self._open = ExitStack()

    def __enter__(self) -> ShortioSim:
        """Open all ports."""
        with ExitStack() as opening:
            for server in self._servers:
                opening.enter_context(server)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close them and every connection."""
        self._open.close()

    @property
    def api_url(self) -> str:
        """Origin in place of `https://api.short.io`."""
        return self._api.url

    @property
    def statistics_url(self) -> str:
        """Origin in place of `https://statistics.short.io`."""
        return self._statistics.url

    @property
    def dead_url(self) -> str:
        """Origin in place of the old statistics host, which answers everything with 404 in HTML."""
        return self._dead.url

    @property
    def api_ledger(self) -> Ledger:
        """What the API host was asked."""
        return self._api.ledger

    @property
    def statistics_ledger(self) -> Ledger:
        """What the statistics host was asked."""
        return self._statistics.ledger

    @property
    def key(self) -> str:
        """The first key, sent bare in `Authorization`."""
        return self.service.keys[0].text

    @property
    def world(self) -> World:
        """The state behind the hosts, to be changed while they run."""
        return self.service.world

    @property
    def truth(self) -> Truth:
        """What a complete loader ends with."""
        return self.service.truth

    def wait(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT."""
        self._api.wait()
