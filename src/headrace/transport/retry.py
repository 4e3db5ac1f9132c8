"""Retry: the same request again, while that is worth it.

An error says itself how often asking again is worth it (attribute `retries`); the policy bounds that. The wait before
the n-th retry is `backoff_factor * 2 ** (n - 1)` seconds times the clock's jitter, at most `max_wait_s`, or the rest
that the server asked for, whichever is longer. A rest above `max_wait_s` ends the matter at once: a run that sleeps for
hours looks like one that hangs.

Reading the answer (`read`) is part of an attempt, because a body can be damaged in ways that only its reader sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from headrace.clock import Clock
from headrace.errors import TransportError
from headrace.message import Request, Response
from headrace.transport.address import place, shown
from headrace.transport.attempt import AttemptFailed
from headrace.transport.limits import Exchange, too_long
from headrace.transport.status import expect_success
from headrace.transport.trace import Tracer

if TYPE_CHECKING:
    from headrace.plan.model import Auth, RetryPolicy

T = TypeVar("T")


class Retry:
    """The outermost layer: attempts until one gives a value."""

    def __init__(self, tracer: Tracer, exchange: Exchange, policy: RetryPolicy, clock: Clock) -> None:
        self._tracer = tracer
        self._exchange = exchange
        self._policy = policy
        self._clock = clock

    async def fetch(self, request: Request, auth: Auth | None, read: Callable[[Response], T]) -> T:
        """The value that `read` makes of the answer; see `Transport.fetch`."""
        number = 1
        while True:
            with self._tracer.attempt(request, number) as note:
                try:
                    response = await self._exchange(request, auth)
                    note.answered(response)
                    expect_success(response, request, self._policy.statuses, self._clock.wall())
                    value = read(response)
                except AttemptFailed as failure:
                    wait_s = self._wait_after(failure, number)
                    note.failed(failure, wait_s)
                    if wait_s is None:
                        raise self._given_up(failure, request, number) from failure
                    if failure.undecodable:
                        request = _without_coding(request)
                except Exception as error:
                    wait_s = self._wait_after(error, number)
                    note.failed(error, wait_s)
                    if wait_s is None:
                        raise
                else:
                    note.succeeded()
                    return value
            await self._clock.sleep(wait_s)
            number += 1

    def _wait_after(self, error: Exception, number: int) -> float | None:
        """The wait in seconds after attempt `number`, None when another attempt is not worth it."""
        if number > min(getattr(error, "retries", 0), self._policy.max_retries):
            return None
        computed_s = min(
            self._policy.backoff_factor * 2 ** (number - 1) * self._clock.jitter(), self._policy.max_wait_s
        )
        rest_s = getattr(error, "rest_s", None) or 0.0
        return max(computed_s, rest_s) if rest_s <= self._policy.max_wait_s else None

    def _given_up(self, failure: AttemptFailed, request: Request, number: int) -> TransportError:
        last, hint = str(failure), failure.hint
        if failure.rest_s is not None and failure.rest_s > self._policy.max_wait_s:
            refusal = too_long(failure.rest_s, self._policy.max_wait_s, self._clock)
            last, hint = f"{last}, {refusal}", refusal.hint
        attempts = "1 attempt" if number == 1 else f"{number} attempts"
        return TransportError(
            f"no whole answer after {attempts}: last one {last} from {shown(request)}", where=place(request), hint=hint
        )


def _without_coding(request: Request) -> Request:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != "accept-encoding")
    return replace(request, headers=(*kept, ("Accept-Encoding", "identity")))
