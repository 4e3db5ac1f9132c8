"""Rate limits as Mailgun has them: by group of endpoints and account, refused in one of several ways.

What a limit says on every answer, and how it refuses, is doubtful; the limits themselves are documented or recorded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from headrace.sim.message import Reply
from headrace.sim.rate import LIMITERS, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.sim.mailgun.doubts import Doubts
    from headrace.sim.rate import Limiter, Verdict

__all__ = ["EVERY_GROUP", "REAL", "Gate"]

#: Name of the group that has all endpoints.
EVERY_GROUP: Final = "*"
#: What documents and recordings say; other groups have no limit that is known. Source: Mailgun's API, rate limits.
REAL: Final[Mapping[str, Rate]] = {
    "domains": Rate(300, 60.0),
    "webhooks": Rate(300, 60.0),
    "metrics": Rate(500, 10.0),
    "suppressions": Rate(2500, 15.0),
    "allowlist": Rate(2500, 15.0),
}


class Gate:
    """Lets calls through; `wall` gives seconds since the epoch. A single `Rate` is for all groups together."""

    def __init__(self, rates: Rate | Mapping[str, Rate], doubts: Doubts, wall: Callable[[], float]) -> None:
        self._rates = {EVERY_GROUP: rates} if isinstance(rates, Rate) else dict(rates)
        self._doubts = doubts
        self._wall = wall
        self._limiters: dict[tuple[str, str], Limiter] = {}

    def pass_on(self, group: str, account_id: str, answer: Callable[[], Reply]) -> Reply:
        """The answer with what is left, or a refusal, which belongs to no resource."""
        group = group if group in self._rates else EVERY_GROUP
        rate = self._rates.get(group)
        if rate is None:
            return answer()
        place = (group, account_id)
        if place not in self._limiters:
            self._limiters[place] = LIMITERS[rate.kind](rate)
        now = self._wall()
        verdict = self._limiters[place].take(now)
        said = self._said(rate, verdict, now)
        if verdict.passes:
            reply = answer()
            return replace(reply, headers=(*reply.headers, *said))
        return self._refusal(verdict, now, said)

    def _said(self, rate: Rate, verdict: Verdict, now: float) -> tuple[tuple[str, str], ...]:
        prefix = self._doubts.limit_headers
        if prefix == "none":
            return ()
        reset_ms = math.ceil((now + verdict.reset_s) * 1000)
        numbers = {"Limit": rate.requests, "Remaining": verdict.remaining, "Reset": reset_ms}
        return tuple((f"{prefix}-{name}", str(number)) for name, number in numbers.items())

    def _refusal(self, verdict: Verdict, now: float, said: tuple[tuple[str, str], ...]) -> Reply:
        doubts = self._doubts
        wait_s = max(math.ceil(verdict.reset_s), 1)
        then = formatdate(now + wait_s, usegmt=True)
        if doubts.retry_after != "none":
            said = (*said, ("Retry-After", then if doubts.retry_after == "date" else str(wait_s)))
        text = f"Domain d is not allowed to send: request limit exceeded, try again after {then[:-3]}UTC"
        body, content_type = {
            "retry_seconds": (f'{{"retry-seconds": {wait_s}}}', "application/json"),
            "message": ('{"message":"Too Many Requests"}', "application/json"),
            "text": (text, "text/plain; charset=utf-8"),
            "none": ("", "text/plain; charset=utf-8"),
        }[doubts.limit_body]
        return Reply(doubts.limit_status, body.encode(), content_type, said)
