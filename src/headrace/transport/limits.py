"""Gates: one per host, so that all requests to it slow down together.

A gate is a door that requests pass one by one, in the order in which they came, when

    the host wants no rest           429 and 503 with Retry-After, quotas that are used up
    a slot is free                   requests in flight at the same time (`slots`)
    the pace allows it               the declared one (`pace`), else what headers leave (`budget`) and what refusals
                                     taught (`learned`)

Who stands in the door holds no slot, and nothing is awaited between the last look at the three and the passage. A
declared pace wins over headers, headers over what is learned: a refusal that they explain (nothing remains) teaches
nothing. A pace that is declared as provisional is what a host gets until its headers name a limit.

Gates belong to one event loop and need no lock of threads.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from headrace.clock import Clock
from headrace.message import Request, Response
from headrace.transport.address import Origin, origin_of
from headrace.transport.attempt import AttemptFailed
from headrace.transport.budget import Budget
from headrace.transport.learned import LearnedPace
from headrace.transport.pace import Pace, Passage
from headrace.transport.quota import quotas_in
from headrace.transport.retry_after import retry_after
from headrace.transport.skew import ahead_of
from headrace.transport.slots import Slots

if TYPE_CHECKING:
    from headrace.plan.model import Auth, Limits, Rate, RetryPolicy

Exchange = Callable[[Request, "Auth | None"], Awaitable[Response]]

#: Statuses by which a host speaks for all its resources; other statuses with Retry-After concern one request.
HOLDING_STATUSES: Final = frozenset({429, 503})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
#: A century: what is longer has no date in the calendar.
_MAX_SHOWN_S: Final = 100 * 365 * 86400.0


@dataclass(frozen=True)
class Slowdown:
    """By how many seconds a gate held up a run: `paced_s` by the pace `by`, `rested_s` because the host wanted rest.

    `by` is None where there was no pace.
    """

    host: str
    paced_s: float
    rested_s: float
    by: str | None


class Gate:
    """The gate of one host; `not_before` is the `Clock.now()` before which nobody passes.

    Where a `rate` is declared that is not provisional, or `learns` is false, headers and refusals teach it nothing.
    """

    def __init__(self, in_flight: int, rate: Rate | None = None, *, learns: bool = True) -> None:
        self.not_before = -math.inf
        self.paced_s = self.rested_s = 0.0
        self._is_closed = False
        #: By how many seconds this machine's clock is ahead of the host's, None until an answer tells.
        self.ahead_s: float | None = None
        self._slots = Slots(in_flight)
        self._under_way = 0
        self._door = asyncio.Lock()
        self._left = asyncio.Event()
        self._rate = rate
        self._pace = Pace(rate) if rate is not None else None
        self._learns = learns and (rate is None or rate.provisional)
        self._budget = Budget()
        self._learned = LearnedPace()

    @property
    def under_way(self) -> int:
        """Requests that have passed and are not answered."""
        return self._under_way

    def close(self) -> None:
        """Let nobody pass any more. May be called in any thread."""
        self._is_closed = True

    def begin_again(self) -> None:
        """Go on in another event loop, where nobody is under way; what was sent and learned counts on."""
        self._door, self._left, self._under_way = asyncio.Lock(), asyncio.Event(), 0

    def hold(self, until: float) -> None:
        """Let nobody pass before `until`; an earlier moment than the present one changes nothing."""
        self.not_before = max(self.not_before, until)

    def slot(self, clock: Clock, max_wait_s: float) -> _Slot:
        """Wait for the moment, a slot and a turn, and hold the slot; an async context manager that gives the passage.

        Raises `AttemptFailed` for a rest above the bound.
        """
        return _Slot(self, clock, max_wait_s)

    async def enter(self, clock: Clock, max_wait_s: float) -> Passage:
        """Wait, and take a slot, which must be left."""
        async with self._door:
            await self._open(clock, max_wait_s)
            passage = Passage(clock.now())
            self._under_way += 1
            self._send(passage)
        return passage

    def leave(self, passage: Passage, now: float) -> None:
        """Give the slot back."""
        passage.answered = min(passage.answered, now)
        self._under_way -= 1
        self._left.set()

    async def _open(self, clock: Clock, max_wait_s: float) -> None:
        """Return when the next request may pass; nobody else is in the door meanwhile."""
        while True:
            if self._is_closed:
                await asyncio.Event().wait()  # until it is cancelled
            now = clock.now()
            rest_s = self.not_before - now
            if rest_s > max_wait_s:
                raise too_long(rest_s, max_wait_s, clock)
            if rest_s > 0:
                await clock.sleep(rest_s)
                self.rested_s += clock.now() - now
                continue
            moment = self._opens(now, max_wait_s)
            full = self._under_way >= self._slots.now
            if moment <= now and not full:
                return
            if full or moment == math.inf:
                self._left.clear()
                await self._left.wait()
            else:
                await clock.sleep(moment - now)
            if not full:
                self.paced_s += clock.now() - now

    def _opens(self, now: float, max_wait_s: float) -> float:
        told = max(self._budget.opens(self._under_way, now, max_wait_s), self._learned.opens())
        return max(told, self._pace.opens(now)) if self._pace is not None and self._is_paced else told

    @property
    def _is_paced(self) -> bool:
        """Whether the declared pace holds: a provisional one until headers name a limit."""
        return self._rate is not None and not (self._rate.provisional and self._budget.strictest is not None)

    def _send(self, passage: Passage) -> None:
        if self._pace is not None:
            self._pace.send(passage)
        if self._learns:
            self._budget.send(passage)
            self._learned.send(passage.sent)

    def answered(self, response: Response, passage: Passage, policy: RetryPolicy, clock: Clock) -> None:
        """Read an answer: it may ask for rest, name what remains, or refuse.

        A 429 that names no moment, by Retry-After or by the end of a quota, closes the gate for the first computed
        wait: eight workers that back off one by one would bring eight times the requests that are too many already.
        """
        now = passage.answered = clock.now()
        self._slots.answered(passage, now)
        if self.ahead_s is None:
            self.ahead_s = ahead_of(response, clock.wall())
        refused = response.status == _TOO_MANY_REQUESTS
        rest_s = retry_after(response, clock.wall()) if response.status in HOLDING_STATUSES else None
        backoff_s = min(policy.backoff_factor, policy.max_wait_s)
        if self._learns:
            spent_s = self._budget.take(quotas_in(response, clock.wall()), passage, now, refused=refused)
            if refused and spent_s is not None:
                rest_s = max(spent_s, rest_s or 0.0)
            elif refused:
                rest_s = self._learned.refused(passage, now, rest_s, backoff_s)
            elif response.status < _SERVER_ERROR:
                self._learned.accepted(passage)
        elif refused and rest_s is None:
            spent = [quota.reset_s for quota in quotas_in(response, clock.wall()) if not quota.remaining]
            rest_s = max(spent, default=0.0) or backoff_s
        if rest_s:
            self.hold(now + rest_s)

    def broken(self, passage: Passage, now: float, *, unfinished: bool = False) -> None:
        """There was no connection for a request, or it ended before the answer; or that began and is `unfinished`."""
        self._slots.broken(passage, self._under_way, now, unfinished=unfinished)

    def slowdown(self, host: str) -> Slowdown:
        """What the gate cost until now."""
        by = None
        if self._rate is not None and self._is_paced:
            by = f"the declared rate of {self._rate.requests:,} requests in {self._rate.per_s:g} s"
        elif self._learned.rate is not None:
            by = f"a learned pace, now {self._learned.rate:.2g} requests/s"
        elif self._budget.strictest is not None:
            by = f"the headers of the host: {self._budget.strictest}"
        return Slowdown(host, self.paced_s, self.rested_s, by)


class _Slot:
    """A slot of a gate while it is held. No asynchronous generator: dlt closes those in the midst of their work."""

    def __init__(self, gate: Gate, clock: Clock, max_wait_s: float) -> None:
        self._gate = gate
        self._clock = clock
        self._max_wait_s = max_wait_s
        self._passage: Passage

    async def __aenter__(self) -> Passage:
        self._passage = await self._gate.enter(self._clock, self._max_wait_s)
        return self._passage

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave(self._passage, self._clock.now())


class Gates:
    """The gates of a run, one per origin, each with slots and a pace of its own, by `limits`.

    The transports of a run share them.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._gates: dict[Origin, Gate] = {}

    def of(self, url: str) -> Gate:
        """The gate of the host that `url` names."""
        origin = origin_of(url)
        if origin not in self._gates:
            limits = self._limits
            rate = limits.rates.get(origin, limits.rate)
            self._gates[origin] = Gate(limits.in_flight, rate, learns=limits.learn_rate)
        return self._gates[origin]

    def close(self) -> None:
        """Let nobody pass any more: the run is stopped. May be called in any thread."""
        for gate in list(self._gates.values()):
            gate.close()

    @property
    def under_way(self) -> int:
        """Requests that are not answered."""
        return sum(gate.under_way for gate in list(self._gates.values()))

    def begin_again(self) -> None:
        """Go on in another event loop."""
        for gate in self._gates.values():
            gate.begin_again()

    def ahead_s(self, url: str) -> float | None:
        """By how many seconds this machine's clock is ahead of that of the host; None until its first answer."""
        return self.of(url).ahead_s

    def skews(self) -> dict[str, float]:
        """Host -> by how many seconds this machine's clock is ahead of its own, where they do not agree."""
        return {host: gate.ahead_s for (_, host, _), gate in self._gates.items() if gate.ahead_s}

    def slowdowns(self) -> list[Slowdown]:
        """What each gate cost until now."""
        return [gate.slowdown(host) for (_, host, _), gate in self._gates.items()]


def gated(exchange: Exchange, gates: Gates, policy: RetryPolicy, clock: Clock) -> Exchange:
    """The layer: passes the host's gate, and tells it of the answer."""

    async def pass_gate(request: Request, auth: Auth | None) -> Response:
        gate = gates.of(request.url)
        async with gate.slot(clock, policy.max_wait_s) as passage:
            try:
                response = await exchange(request, auth)
            except AttemptFailed as failure:
                if failure.cut_off or failure.unfinished:
                    gate.broken(passage, clock.now(), unfinished=failure.unfinished)
                raise
            gate.answered(response, passage, policy, clock)
        return response

    return pass_gate


def too_long(wait_s: float, max_wait_s: float, clock: Clock) -> AttemptFailed:
    """The failure for a rest that is longer than the run may wait."""
    moment = datetime.fromtimestamp(clock.wall(), timezone.utc) + timedelta(seconds=min(wait_s, _MAX_SHOWN_S))
    return AttemptFailed(
        f"the server asks for {wait_s:.0f} s of rest, more than the {max_wait_s:.0f} s that a run waits",
        retries=0,
        hint=f"try again after {moment:%Y-%m-%d %H:%M:%S} UTC",
        later=True,
    )
