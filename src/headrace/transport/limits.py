"""Gates: one per host, so that all requests to it slow down together.

A gate has a number of slots for requests in flight and a moment before which nobody passes. The moment is checked
again once a slot is there, for it may have moved while others held the slots; that is why rate limit and slot, two
layers in the list, are one here. Who waits for the moment holds no slot.

Gates belong to one event loop and need no lock: nothing is awaited between a check and what follows from it.
"""

from __future__ import annotations

import asyncio
import math
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
    from headrace.plan.model import Auth, RetryPolicy

Exchange = Callable[[Request, "Auth | None"], Awaitable[Response]]

#: Statuses by which a host speaks for all its resources; other statuses with Retry-After concern one request.
HOLDING_STATUSES: Final = frozenset({429, 503})
_TOO_MANY_REQUESTS: Final = 429


class Gate:
    """The gate of one host; `not_before` is the `Clock.now()` before which nobody passes."""

    def __init__(self, in_flight: int) -> None:
        self._slots = asyncio.Semaphore(in_flight)
        self.not_before = -math.inf

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`; an earlier moment than the present one changes nothing."""
        self.not_before = max(self.not_before, until)

    @asynccontextmanager
    async def slot(self, clock: Clock, max_wait_s: float) -> AsyncIterator[None]:
        """Wait for the moment and for a slot, and hold the slot. Raises `AttemptFailed` for a wait above the bound."""
        while True:
            wait_s = self.not_before - clock.now()
            if wait_s > max_wait_s:
                raise too_long(wait_s, max_wait_s, clock)
            if wait_s > 0:
                await clock.sleep(wait_s)
                continue
            await self._slots.acquire()
            if self.not_before <= clock.now():
                break
            self._slots.release()
        try:
            yield
        finally:
            self._slots.release()


class Gates:
    """The gates of a run, one per origin, each with `in_flight` slots; share it among the transports of a run."""

    def __init__(self, in_flight: int) -> None:
        self._in_flight = in_flight
        self._gates: dict[Origin, Gate] = {}

    def of(self, url: str) -> Gate:
        """The gate of the host that `url` names."""
        origin = origin_of(url)
        if origin not in self._gates:
            self._gates[origin] = Gate(self._in_flight)
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
