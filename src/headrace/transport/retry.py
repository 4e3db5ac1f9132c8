"""Retry: the same request again, while that is worth it.

An error says itself how often asking again is worth it (attribute `retries`); the policy bounds that: by a count where
one is declared, else by a time from the request's first failure. So an outage of minutes is waited for, whatever the
number of attempts, and the last of them begins when the time is over.

The wait before the n-th retry is `backoff_factor * 2 ** (n - 1)` seconds times the clock's jitter, at most
`max_wait_s`, or the rest that the server asked for, whichever is longer. Without a count a computed wait is 1 to 60
s: a longer one would find the end of the outage late, no wait at all would be an attack. A rest above `max_wait_s`,
or beyond the time that is left, ends the matter at once: a run that sleeps for hours looks like one that hangs.

A request that may do something (not `idempotent`) is made again only where the server did nothing about it.

Acting on the answer (`actions`) and reading it (`read`) are parts of an attempt, because a body can be damaged in ways
that only its reader sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from headrace.clock import Clock
from headrace.errors import RestError, TransportError
from headrace.message import Request, Response
from headrace.transport.actions import acted
from headrace.transport.address import place, shown
from headrace.transport.attempt import AttemptFailed, Ignored
from headrace.transport.charset import in_utf_8
from headrace.transport.limits import Exchange, too_long
from headrace.transport.status import expect_success
from headrace.transport.trace import Tracer

if TYPE_CHECKING:
    from headrace.plan.model import Action, Auth, RetryPolicy

#: Bounds in seconds of a computed wait where no count of retries is declared.
_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 60.0
#: Twice as often is more than any bound of a wait; beyond 1023 the power would be no float.
_MOST_DOUBLINGS: Final = 32

_ONCE: Final = (
    "it is not asked again, because it might do something twice: "
    "`idempotent: true` on the endpoint says that it only reads"
)

T = TypeVar("T")


class Retry:
    """The outermost layer: attempts until one gives a value."""

    def __init__(self, tracer: Tracer, exchange: Exchange, policy: RetryPolicy, clock: Clock) -> None:
        self._tracer = tracer
        self._exchange = exchange
        self._policy = policy
        self._clock = clock

    async def fetch(
        self, request: Request, auth: Auth | None, read: Callable[[Response], T], actions: Sequence[Action] = ()
    ) -> T:
        """The value that `read` makes of the answer; see `Transport.fetch`."""
        course = _Course(self._policy, self._clock)
        while True:
            with self._tracer.attempt(request, course.attempts) as note:
                try:
                    response = await self._exchange(request, auth)
                    note.answered(response)
                    if actions:
                        response = acted(response, request, actions, self._policy.statuses, self._clock.wall())
                    expect_success(response, request, self._policy.statuses, self._clock.wall())
                    value = read(in_utf_8(response))
                except Ignored:
                    note.succeeded()
                    raise
                except AttemptFailed as failure:
                    wait_s = course.wait_after(failure) if _may_repeat(request, failure) else None
                    note.failed(failure, wait_s)
                    if wait_s is None:
                        raise course.given_up(failure, request) from failure
                    if failure.undecodable:
                        request = _without_coding(request)
                except Exception as error:
                    wait_s = course.wait_after(error) if _may_repeat(request, error) else None
                    note.failed(error, wait_s)
                    if wait_s is None:
                        raise
                else:
                    note.succeeded()
                    return value
            await self._clock.sleep(wait_s)
            course.attempts += 1


class _Course:
    """What became of one request so far: its attempts, the running one included, and when it began to fail."""

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self.attempts = 1
        self._policy = policy
        self._clock = clock
        self._began = clock.now()
        self._first_failure: float | None = None

    def wait_after(self, error: Exception) -> float | None:
        """The wait in seconds before the next attempt, None when another one is not worth it."""
        policy, now = self._policy, self._clock.now()
        if self._first_failure is None:
            self._first_failure = now
        rest_s = getattr(error, "rest_s", None) or 0.0
        doublings = min(self.attempts - 1, _MOST_DOUBLINGS)
        computed_s = min(policy.backoff_factor * 2.0**doublings * self._clock.jitter(), policy.max_wait_s)
        retries = getattr(error, "retries", 0)
        if policy.max_retries is not None:
            retries = min(retries, policy.max_retries)
        else:
            left_s = self._first_failure + policy.budget_s - now
            if left_s <= 0 or rest_s > left_s:
                return None
            computed_s = min(max(computed_s, _SHORTEST_S), _LONGEST_S, left_s)
        if self.attempts > retries or rest_s > policy.max_wait_s:
            return None
        return max(computed_s, rest_s)

    def given_up(self, failure: AttemptFailed, request: Request) -> TransportError:
        """The error after the last attempt, with their number and the seconds that they took."""
        last, hint, later = str(failure), failure.hint, failure.later
        if failure.rest_s is not None and failure.rest_s > self._policy.max_wait_s:
            refusal = too_long(failure.rest_s, self._policy.max_wait_s, self._clock)
            last, hint, later = f"{last}, {refusal}", refusal.hint, True
        if not _may_repeat(request, failure):
            hint = _ONCE
        seconds = self._clock.now() - self._began
        attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts in {seconds:.1f} s"
        kind = RestError if later else TransportError
        return kind(
            f"no whole answer after {attempts}: last one {last} from {failure.asked or shown(request)}",
            where=place(request),
            hint=hint,
        )


def _may_repeat(request: Request, error: Exception) -> bool:
    """Whether the request may be made again: it only reads, or the server did nothing about it."""
    return request.idempotent or getattr(error, "undone", False)


def _without_coding(request: Request) -> Request:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != "accept-encoding")
    return replace(request, headers=(*kept, ("Accept-Encoding", "identity")))
