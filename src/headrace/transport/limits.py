"""Gates: one per host, so that all requests to it slow down together.

A gate has a number of slots for requests in flight, a moment before which nobody passes, and a pace where one is
declared. The moment is checked again once a slot is there, for it may have moved while others held the slots; that is
why rate limit and slot, two layers in the list, are one here. Who waits for the moment holds no slot. Who waits for the
pace does: the turn is taken last, so that no rest uses it up, and nobody could pass in the meantime anyway.

The pace is exact: no window of `per_s` seconds, wherever it begins, has more than `requests` turns. An average would
let twice as many through at the edge of two windows, which is what such APIs count.

Gates belong to one event loop and need no lock: nothing is awaited between a check and what follows from it.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from headrace.clock import Clock
from headrace.message import Request, Response
from headrace.transport.address import Origin, origin_of
from headrace.transport.attempt import AttemptFailed
from headrace.transport.retry_after import retry_after

if TYPE_CHECKING:
    from headrace.plan.model import Auth, Rate, RetryPolicy

Exchange = Callable[[Request, "Auth | None"], Awaitable[Response]]

#: Statuses by which a host speaks for all its resources; other statuses with Retry-After concern one request.
HOLDING_STATUSES: Final = frozenset({429, 503})
_TOO_MANY_REQUESTS: Final = 429


class Pace:
    """Turns in the order in which they are asked for: at most `requests` in any `per_s` seconds."""

    def __init__(self, rate: Rate) -> None:
        self._per_s = rate.per_s
        self._turns: deque[float] = deque(maxlen=rate.requests)

    def take(self, now: float) -> float:
        """The moment of the next turn, `now` or later; it is taken, whether anybody comes or not."""
        full = len(self._turns) == self._turns.maxlen
        moment = max(now, self._turns[0] + self._per_s) if full else now
        self._turns.append(moment)
        return moment


class Gate:
    """The gate of one host; `not_before` is the `Clock.now()` before which nobody passes."""

    def __init__(self, in_flight: int, rate: Rate | None = None) -> None:
        self._slots = asyncio.Semaphore(in_flight)
        self._pace = Pace(rate) if rate is not None else None
        self.not_before = -math.inf

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`; an earlier moment than the present one changes nothing."""
        self.not_before = max(self.not_before, until)

    @asynccontextmanager
    async def slot(self, clock: Clock, max_wait_s: float) -> AsyncIterator[None]:
        """Wait for the moment, a slot and a turn, and hold the slot.

        Raises `AttemptFailed` for a rest above the bound.
        """
        while True:
            wait_s = self.not_before - clock.now()
            if wait_s > max_wait_s:
                raise too_long(wait_s, max_wait_s, clock)
            if wait_s > 0:
                await clock.sleep(wait_s)
                continue
            async with self._slots:
                if self.not_before > clock.now():
                    continue
                await self._turn(clock)
                if self.not_before > clock.now():
                    continue
                yield
                return

    async def _turn(self, clock: Clock) -> None:
        """Wait for a turn of the pace."""
        if self._pace is None:
            return
        moment = self._pace.take(clock.now())
        while (wait_s := moment - clock.now()) > 0:
            await clock.sleep(wait_s)


class Gates:
    """The gates of a run, one per origin, each with `in_flight` slots and a pace of its own.

    The transports of a run share them.
    """

    def __init__(self, in_flight: int, rate: Rate | None = None) -> None:
        self._in_flight = in_flight
        self._rate = rate
        self._gates: dict[Origin, Gate] = {}

    def of(self, url: str) -> Gate:
        """The gate of the host that `url` names."""
        origin = origin_of(url)
        if origin not in self._gates:
            self._gates[origin] = Gate(self._in_flight, self._rate)
        return self._gates[origin]


def gated(exchange: Exchange, gates: Gates, policy: RetryPolicy, clock: Clock) -> Exchange:
    """The layer: passes the host's gate, and closes it for everybody when the host asks for rest.

    A 429 that names no moment closes it for the first computed wait: eight workers that back off one by one would
    bring eight times the requests that are too many already.
    """

    async def pass_gate(request: Request, auth: Auth | None) -> Response:
        gate = gates.of(request.url)
        async with gate.slot(clock, policy.max_wait_s):
            response = await exchange(request, auth)
        if response.status in HOLDING_STATUSES:
            rest_s = retry_after(response, clock.wall())
            if rest_s is None and response.status == _TOO_MANY_REQUESTS:
                rest_s = min(policy.backoff_factor, policy.max_wait_s)
            if rest_s is not None:
                gate.hold(clock.now() + rest_s)
        return response

    return pass_gate


def too_long(wait_s: float, max_wait_s: float, clock: Clock) -> AttemptFailed:
    """The failure for a rest that is longer than the run may wait."""
    moment = datetime.fromtimestamp(clock.wall() + wait_s, timezone.utc)
    return AttemptFailed(
        f"the server asks for {wait_s:.0f} s of rest, more than the {max_wait_s:.0f} s that a run waits",
        retries=0,
        hint=f"try again after {moment:%Y-%m-%d %H:%M:%S} UTC",
    )
