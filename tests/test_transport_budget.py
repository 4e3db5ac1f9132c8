"""What headers leave is never overdrawn, whatever the order of answers, and used up when all are there."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.clock import TurnedClock
from headrace.message import Request, Response
from headrace.plan.model import Auth, Limits, Rate, RetryPolicy
from headrace.transport.attempt import AttemptFailed
from headrace.transport.budget import Budget
from headrace.transport.limits import Gates, gated
from headrace.transport.pace import Passage
from headrace.transport.quota import Quota

URL = "https://api.example.com/page"
LONGEST = 300.0


@given(
    limit=st.integers(1, 12),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.booleans()), max_size=80),
)
def test_answers_in_any_order_never_overdraw(limit: int, steps: list[tuple[bool, int, bool]]) -> None:
    """The server counts some requests when they come, others just before their answer."""
    budget, counted, sent = Budget(), 1, 1
    budget.take([Quota("a", limit - counted, 60.0, limit)], Passage(0.0), 0.0, refused=False)
    under_way: list[tuple[Passage, int | None]] = []
    for sends, which, counts_at_once in steps:
        if sends and len(under_way) < 8 and budget.opens(len(under_way), 1.0, LONGEST) <= 1.0:
            sent += 1
            counted += counts_at_once
            passage = Passage(1.0)
            budget.send(passage)
            under_way.append((passage, limit - counted if counts_at_once else None))
        elif under_way:
            passage, remaining = under_way.pop(which % len(under_way))
            if remaining is None:
                counted += 1
                remaining = limit - counted
            budget.take([Quota("a", remaining, 59.0, limit)], passage, 1.0, refused=False)
        assert sent <= limit
    for passage, remaining in under_way:
        if remaining is None:
            counted += 1
        left = limit - counted if remaining is None else remaining
        budget.take([Quota("a", left, 59.0, limit)], passage, 1.0, refused=False)
    assert (budget.opens(0, 1.0, LONGEST) <= 1.0) == (sent < limit)
    assert budget.opens(0, 61.0, LONGEST) <= 61.0


def test_the_earliest_end_that_is_named_counts() -> None:
    """Whole seconds are rounded up: the first answer of a window knows best when it ends."""
    budget = Budget()
    for now, remaining in ((0.1, 9), (0.5, 0), (0.9, 0)):
        budget.take([Quota("a", remaining, 20.0)], Passage(now - 0.1), now, refused=False)
    assert (budget.opens(0, 1.0, LONGEST), budget.opens(3, 1.0, LONGEST)) == (20.1, math.inf)


def test_an_answer_to_a_request_of_the_window_before_says_nothing() -> None:
    budget = Budget()
    budget.take([Quota("a", 1, 20.0)], Passage(0.0), 0.1, refused=False)
    assert budget.opens(0, 20.2, LONGEST) <= 20.2
    budget.take([Quota("a", 0, 20.0)], Passage(19.9), 20.3, refused=False)
    assert budget.opens(0, 20.4, LONGEST) <= 20.4


def test_who_rounds_down_is_given_a_second() -> None:
    """Refused just after the end that was named: from then on every end is a second later."""
    budget = Budget()
    budget.take([Quota("a", 0, 20.0)], Passage(0.0), 0.1, refused=False)
    assert budget.take([Quota("a", 0, 0.0)], Passage(20.2), 20.3, refused=True) == 1.0
    assert budget.opens(0, 20.4, LONGEST) == 21.3


def test_each_quota_of_a_host_counts() -> None:
    """A second's quota is free again long before the day's is."""
    budget = Budget()
    budget.take([Quota("s", 0, 1.0), Quota("day", 5, 200.0)], Passage(0.0), 0.1, refused=False)
    assert budget.opens(0, 0.2, LONGEST) == 1.1
    budget.take([Quota("s", 9, 1.0), Quota("day", 0, 198.0)], Passage(2.0), 2.1, refused=False)
    assert budget.opens(0, 2.2, LONGEST) == 200.1


def test_an_end_beyond_the_longest_wait_holds_nobody() -> None:
    """It may concern other addresses of the host: only a refusal ends a run."""
    budget = Budget()
    budget.take([Quota("day", 0, 5000.0)], Passage(0.0), 0.1, refused=False)
    assert budget.opens(4, 0.2, LONGEST) <= 0.2


def test_after_a_quota_was_used_up_one_request_goes_first() -> None:
    """A bucket has room for one more, a window for all: its answer says which; or says nothing, then nobody waits."""
    for quotas, opens in (([Quota("a", 0, 1.0)], math.inf), ([Quota("a", 9, 20.0)], -math.inf), ([], -math.inf)):
        budget = Budget()
        budget.take([Quota("a", 0, 20.0)], Passage(0.0), 0.1, refused=False)
        assert (budget.opens(0, 20.2, LONGEST), budget.opens(1, 20.2, LONGEST)) == (-math.inf, math.inf)
        budget.take(quotas, Passage(20.2), 20.3, refused=False)
        assert budget.opens(1, 20.4, LONGEST) == opens


class _Told:
    """Answers with the statuses and headers that a test writes down, the last for ever."""

    def __init__(self, *answers: tuple[int, dict[str, str]], limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self._answers = list(answers)
        self.clock = TurnedClock()
        self.gates = Gates(limits)
        self.sent_at: list[float] = []
        self._ask = gated(self._exchange, self.gates, RetryPolicy(), self.clock)

    async def _exchange(self, request: Request, auth: Auth | None) -> Response:
        assert auth is None
        self.sent_at.append(self.clock.now())
        status, headers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return Response(status, headers, b"", request.url)

    def ask(self, times: int) -> list[float]:
        """When `times` requests in turn were sent."""

        async def scene() -> None:
            for _ in range(times):
                await self._ask(Request("GET", URL), None)

        asyncio.run(scene())
        return self.sent_at


def left(remaining: int, reset: str, limit: int = 100) -> dict[str, str]:
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": reset}


def test_a_refusal_that_headers_explain_is_a_rest_and_teaches_nothing() -> None:
    api = _Told((200, left(1, "30")), (429, left(0, "29")), (200, left(99, "60")))
    assert api.ask(4) == [0, 0, 29, 29]
    assert "headers" in str(api.gates.slowdowns()[0].by)


def test_a_refusal_with_something_left_teaches() -> None:
    """Some APIs have a second limit that no header names."""
    api = _Told((200, left(90, "30")), (200, left(89, "30")), (429, left(88, "30")), (200, left(87, "30")))
    api.ask(5)
    assert "learned" in str(api.gates.slowdowns()[0].by)


def test_a_refusal_until_a_moment_beyond_the_bound_ends_the_run() -> None:
    """The reset header stands in for Retry-After."""
    api = _Told((429, left(0, "5000")))
    with pytest.raises(AttemptFailed, match="asks for 5000 s of rest, more than the 300 s"):
        api.ask(2)
    assert api.clock.slept == []


@pytest.mark.parametrize("limits", [Limits(learn_rate=False), Limits(rate=Rate(10))])
def test_where_nothing_is_learned_only_a_refusal_counts(limits: Limits) -> None:
    """A declared rate wins over headers; what a refusal says of the end of a quota is a rest all the same."""
    assert _Told((200, left(0, "30")), limits=limits).ask(3) == [0, 0, 0]
    assert _Told((429, left(0, "30")), (200, {}), limits=limits).ask(3) == [0, 30, 30]
    assert _Told((429, {}), (200, {}), limits=limits).ask(3) == [0, 1, 1]
    assert _Told((429, {"retry-after": "5"}), (200, {}), limits=limits).ask(3) == [0, 5, 5]
