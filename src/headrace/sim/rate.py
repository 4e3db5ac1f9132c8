"""Rate limits as services enforce them: who asks too often gets a 429 and no rows.

    Guides(rate=Rate(10, 1.0))                                            # 10 in each second, nothing said
    Guides(rate=Rate(10, 1.0, kind="bucket", headers="draft_10"))         # a bucket of 10, and headers of the IETF
    python -m headrace.sim guides --rate 10/1 --rate-kind sliding --rate-headers epoch --rate-retry-after

Limiters know nothing of sockets and clocks: the moment is given, in seconds since the epoch, and goes forward.
"""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args

from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.sim.message import Request

__all__ = ["LIMITERS", "Rate", "RateLimited", "Verdict"]

Kind = Literal["fixed", "sliding", "bucket"]
Headers = Literal["none", "seconds", "epoch", "mailgun", "draft_7", "draft_10"]
HEADERS: Final[tuple[str, ...]] = get_args(Headers)


@dataclass(frozen=True)
class Rate:
    """`requests` in `per_s` seconds for all clients together.

    `kind`: `fixed` windows begin at multiples of `per_s` since the epoch, a `sliding` one counts
    any `per_s` seconds, a `bucket` has room for `burst` requests (`requests` when `None`) and is
    filled evenly. Refused requests do not count. `retry_after` adds that header to a 429, in whole
    seconds, rounded up; `headers` says on every answer what is left (see `SAYINGS`).
    """

    requests: int
    per_s: float = 1.0
    kind: Kind = "fixed"
    burst: int | None = None
    retry_after: bool = False
    headers: Headers = "none"


@dataclass(frozen=True)
class Verdict:
    """Whether a request passes, how many more would, seconds until the window ends or the next one is free."""

    passes: bool
    remaining: int
    reset_s: float


class Limiter(Protocol):
    """One way to count."""

    def take(self, now: float) -> Verdict:
        """Judge a request that comes now."""
        ...


class _Fixed:
    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._window = -math.inf
        self._count = 0

    def take(self, now: float) -> Verdict:
        window = math.floor(now / self._rate.per_s)
        if window != self._window:
            self._window, self._count = window, 0
        passes = self._count < self._rate.requests
        self._count += passes
        return Verdict(passes, self._rate.requests - self._count, (window + 1) * self._rate.per_s - now)


class _Sliding:
    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._passed: deque[float] = deque()

    def take(self, now: float) -> Verdict:
        while self._passed and self._passed[0] <= now - self._rate.per_s:
            self._passed.popleft()
        passes = len(self._passed) < self._rate.requests
        if passes:
            self._passed.append(now)
        return Verdict(passes, self._rate.requests - len(self._passed), self._passed[0] + self._rate.per_s - now)


class _Bucket:
    def __init__(self, rate: Rate) -> None:
        self._a_second = rate.requests / rate.per_s
        self._room = rate.requests if rate.burst is None else rate.burst
        self._filled = float(self._room)
        self._at = -math.inf

    def take(self, now: float) -> Verdict:
        self._filled = min(self._room, self._filled + max(now - self._at, 0.0) * self._a_second)
        self._at = now
        passes = self._filled >= 1
        self._filled -= passes
        missing = (1 if self._filled < 1 else self._room) - self._filled
        return Verdict(passes, int(self._filled), missing / self._a_second)


LIMITERS: Final[Mapping[str, Callable[[Rate], Limiter]]] = {"fixed": _Fixed, "sliding": _Sliding, "bucket": _Bucket}


class RateLimited:
    """A service behind a limit; `wall` gives seconds since the epoch."""

    def __init__(self, answer: Callable[[Request], Reply], rate: Rate, wall: Callable[[], float]) -> None:
        self._answer = answer
        self._rate = rate
        self._wall = wall
        self._limiter = LIMITERS[rate.kind](rate)

    def __call__(self, request: Request) -> Reply:
        """Answer, or refuse with 429; refusals belong to no resource, so faults leave them alone."""
        now = self._wall()
        verdict = self._limiter.take(now)
        said = SAYINGS[self._rate.headers](self._rate, verdict, now)
        if verdict.passes:
            reply = self._answer(request)
            return replace(reply, headers=(*reply.headers, *said))
        if self._rate.retry_after:
            said = (*said, ("Retry-After", str(max(math.ceil(verdict.reset_s), 1))))
        return Reply(429, json.dumps({"message": "Too Many Requests"}).encode(), headers=said)


Saying = tuple[tuple[str, str], ...]


def _three(prefix: str, rate: Rate, verdict: Verdict, reset: float) -> Saying:
    numbers = {"Limit": rate.requests, "Remaining": verdict.remaining, "Reset": math.ceil(reset)}
    return tuple((f"{prefix}-{name}", str(number)) for name, number in numbers.items())


def _draft_7(rate: Rate, verdict: Verdict, _now: float) -> Saying:
    said = f"limit={rate.requests}, remaining={verdict.remaining}, reset={math.ceil(verdict.reset_s)}"
    return (("RateLimit", said), ("RateLimit-Policy", f"{rate.requests};w={math.ceil(rate.per_s)}"))


def _draft_10(rate: Rate, verdict: Verdict, _now: float) -> Saying:
    policy = f'"default";q={rate.requests};w={math.ceil(rate.per_s)}'
    return (
        ("RateLimit", f'"default";r={verdict.remaining};t={math.ceil(verdict.reset_s)}'),
        ("RateLimit-Policy", policy),
    )


#: How a service says what is left.
SAYINGS: Final[Mapping[str, Callable[[Rate, Verdict, float], Saying]]] = {
    "none": lambda _rate, _verdict, _now: (),
    "seconds": lambda rate, verdict, _now: _three("X-RateLimit", rate, verdict, verdict.reset_s),
    "epoch": lambda rate, verdict, now: _three("X-RateLimit", rate, verdict, now + verdict.reset_s),
    "mailgun": lambda rate, verdict, now: _three("X-Request", rate, verdict, (now + verdict.reset_s) * 1000),
    "draft_7": _draft_7,
    "draft_10": _draft_10,
}
