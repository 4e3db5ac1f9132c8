"""An API with a hidden limit, and a run against it through retry and gate in turned time: what came of it."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass
from typing import Any

from headrace.message import Request, Response
from headrace.plan.model import Auth, Limits, RetryPolicy
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came
from headrace.sim.rate import Rate, RateLimited
from headrace.transport.limits import Gates, gated
from headrace.transport.retry import Retry
from headrace.transport.trace import Tracer, ignore
from turned_loop import LoopClock, turned

URL = "https://api.example.com/page"
POLICY = RetryPolicy()


@dataclass
class LimitedRun:
    """How long a run took in seconds, and the moments at which requests arrived: those let through, and all."""

    seconds: float
    passed: list[float]
    arrived: list[float]
    gates: Gates

    @property
    def refused_share(self) -> float:
        """The part of the answers that were refusals."""
        return 1 - len(self.passed) / len(self.arrived)


def ideal_s(rate: Rate, requests: int) -> float:
    """Seconds that the limit takes for so many requests."""
    if rate.kind == "bucket":
        room = rate.requests if rate.burst is None else rate.burst
        return max(requests - room, 0) * rate.per_s / rate.requests
    return (math.ceil(requests / rate.requests) - 1) * rate.per_s


def run_limited(  # noqa: C901, PLR0913 - one scene; each argument is a dimension of some test
    rate: Rate | None,
    requests: int,
    *,
    limits: Limits | None = None,
    latency_s: float = 0.05,
    seed: int = 0,
    workers: int = 16,
    phase_s: float = 0.31,
    others: float = 0.0,
) -> LimitedRun:
    """`requests` answers of an API with `rate`; each way takes `latency_s` / 2, give or take a third by chance.

    `others` is the part of the quota that somebody else uses up evenly.
    """
    dice, clock = random.Random(seed), LoopClock(phase_s)
    passed: list[float] = []
    arrived: list[float] = []
    gates = Gates(limits or Limits())
    api: Any = lambda _: Reply()  # noqa: E731
    if rate is not None:
        api = RateLimited(api, rate, clock.wall)

    async def way() -> None:
        await asyncio.sleep(latency_s / 2 * dice.uniform(0.67, 1.33))

    async def exchange(request: Request, auth: Auth | None) -> Response:
        assert auth is None
        await way()
        arrived.append(clock.now())
        reply = api(Came("GET", "/", "/"))
        if reply.status == 200:
            passed.append(clock.now())
        await way()
        return Response(reply.status, {name.lower(): value for name, value in reply.headers}, b"", request.url)

    async def elsewhere() -> None:
        assert rate is not None
        while True:
            await asyncio.sleep(rate.per_s / rate.requests / others)
            api(Came("GET", "/", "/"))

    retry = Retry(Tracer(ignore, clock), gated(exchange, gates, POLICY, clock), POLICY, clock)

    async def work(numbers: list[int]) -> None:
        while numbers:
            url = f"{URL}?n={numbers.pop()}"
            assert await retry.fetch(Request("GET", url), None, lambda response: response.status) == 200

    async def main() -> float:
        numbers = list(range(requests))
        company = asyncio.create_task(elsewhere()) if others else None
        await asyncio.gather(*(work(numbers) for _ in range(workers)))
        if company is not None:
            company.cancel()
        return clock.now()

    return LimitedRun(turned(main()), passed, arrived, gates)
