"""How long a request is asked again: by a declared count, else by a time that the turned clock measures."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from asking import Api, ask, failing, ok
from headrace.clock import TurnedClock
from headrace.errors import AnswerError, RefusedError, TransportError
from headrace.message import Request, Response
from headrace.plan.model import Action, Limits, Rate, RetryPolicy
from headrace.sim.faults import Fault
from headrace.transport import Transport
from headrace.transport.attempt import AttemptFailed


def test_without_a_count_an_outage_is_waited_for() -> None:
    """Eleven failures over some minutes: with dlt's five attempts the run would be lost."""
    outcome = ask(Api(*[failing(503)] * 11, ok()))
    assert outcome.value == {"items": [1]}
    assert outcome.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]


def test_the_time_ends_it_and_the_last_attempt_is_at_its_end() -> None:
    outcome = ask(Api(failing(500)), policy=RetryPolicy(budget_s=100))
    assert outcome.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 37.0]
    assert isinstance(outcome.error, TransportError)
    assert outcome.error.message == (
        "no whole answer after 8 attempts in 100.0 s: last one got 500 Internal Server Error "
        f"from GET {outcome.url}/page"
    )


def test_the_time_begins_with_the_first_failure() -> None:
    """A request that waited for its turn has its whole time still before it."""

    clock = TurnedClock()
    limits = Limits(timeout_s=5, rate=Rate(1, 500))
    api = Api(ok(), failing(500))
    outcome = ask(api, policy=RetryPolicy(budget_s=400), limits=limits, times=2, clock=clock)
    # the second request waits 500 s for its turn, fails, and may fail once more 500 s later, when its time is over
    assert len(api.came) == 3
    assert "after 2 attempts in" in str(outcome.values[1])


@pytest.mark.parametrize(("budget_s", "requests"), [(0, 1), (0.5, 2)])
def test_a_short_time_has_one_attempt_at_its_end(budget_s: float, requests: int) -> None:
    outcome = ask(Api(failing(500)), policy=RetryPolicy(budget_s=budget_s))
    assert (len(outcome.came), sum(outcome.slept)) == (requests, budget_s)


def test_a_declared_count_wins_over_the_time() -> None:
    """Ten hours of waiting are what somebody wrote; the cap of 60 s is for the undeclared only."""
    policy = RetryPolicy(max_retries=3, backoff_factor=40, max_wait_s=1000, budget_s=1)
    outcome = ask(Api(failing(500)), policy=policy)
    assert outcome.slept == [40.0, 80.0, 160.0]
    assert "after 4 attempts in 280.0 s" in str(outcome.error)


def test_no_waits_and_no_count_are_no_attack() -> None:
    """Without a count there is at least a second between two attempts, whatever the factor."""
    outcome = ask(Api(failing(500)), policy=RetryPolicy(backoff_factor=0, budget_s=5))
    assert outcome.slept == [1.0] * 5


def test_a_thousand_doublings_are_a_number() -> None:
    outcome = ask(Api(failing(500)), policy=RetryPolicy(max_retries=1100, backoff_factor=0.001, max_wait_s=1))
    assert len(outcome.came) == 1101
    assert outcome.slept[-1] == 1.0


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 501, 507, 599])
def test_statuses_that_are_asked_again_where_none_are_declared(status: int) -> None:
    outcome = ask(Api(failing(status), ok()))
    assert (outcome.value, len(outcome.came)) == ({"items": [1]}, 2)


@pytest.mark.parametrize("status", [429, 500])
def test_declared_statuses_are_the_only_ones(status: int) -> None:
    outcome = ask(Api(failing(status), ok()), policy=RetryPolicy(statuses=frozenset({503})))
    assert isinstance(outcome.error, RefusedError if status == 429 else TransportError)
    assert len(outcome.came) == 1


def test_retry_after_counts_within_the_time() -> None:
    """A rest that ends after the time is over is not waited for."""
    waited = ask(Api(failing(503, retry_after="90"), ok()), policy=RetryPolicy(budget_s=100))
    assert (waited.slept, waited.value) == ([90.0], {"items": [1]})
    refused = ask(Api(failing(503, retry_after="110"), ok()), policy=RetryPolicy(budget_s=100))
    assert (refused.slept, len(refused.came)) == ([], 1)


def test_a_readers_bound_holds_within_the_time() -> None:
    """`AnswerError.retries` says how often at most, the time how long."""

    def read(_: Response) -> Any:
        raise AnswerError("expected rows, got none", retries=2)

    outcome = ask(Api(ok()), read=read)
    assert (len(outcome.came), outcome.slept) == (3, [1.0, 2.0])
    assert str(outcome.error) == "expected rows, got none"


def test_no_more_requests_than_the_rate() -> None:
    """Three in any ten seconds: the fourth waits for the first to be ten seconds old, in order."""
    clock = TurnedClock()
    moments: list[float] = []

    def answer(_: Any) -> Any:
        moments.append(clock.now())
        return ok()

    ask(Api(answer), limits=Limits(timeout_s=5, rate=Rate(3, 10)), times=10, clock=clock)
    assert moments == [0, 0, 0, 10, 10, 10, 20, 20, 20, 30]


def test_each_retry_takes_a_turn() -> None:
    clock = TurnedClock()
    policy = RetryPolicy(max_retries=5, backoff_factor=1)
    outcome = ask(Api(failing(500), failing(500), ok()), policy=policy, limits=Limits(rate=Rate(1, 60)), clock=clock)
    assert len(outcome.came) == 3
    assert clock.now() == 120


ONCE = {"method": "POST", "json": {"a": 1}, "idempotent": False}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_may_do_something_is_not_asked_again(status: int) -> None:
    outcome = ask(Api(failing(status), ok()), **ONCE)
    assert len(outcome.came) == 1
    assert f"no whole answer after 1 attempt: last one got {status}" in str(outcome.error)
    assert "hint: it is not asked again, because it might do something twice: `idempotent: true`" in str(outcome.error)


@pytest.mark.parametrize("fault", ["reset", "reset_body", "cut_body"])
def test_nor_where_nobody_knows_what_became_of_it(fault: str) -> None:
    api = Api(ok(resource="things"))
    outcome = ask(api, faults=[Fault(fault, None)], **ONCE)
    assert len(api.came) == 1
    assert "after 1 attempt: " in str(outcome.error)


@pytest.mark.parametrize("status", [421, 425, 429])
def test_it_is_where_the_server_did_nothing(status: int) -> None:
    outcome = ask(Api(failing(status), ok()), **ONCE)
    assert (outcome.value, len(outcome.came)) == ({"items": [1]}, 2)


def test_it_is_where_there_was_no_connection() -> None:
    tries = []

    async def send(_request: object) -> Response:
        tries.append(1)
        if len(tries) == 1:
            raise AttemptFailed("could not be reached", cut_off=True, undone=True)
        return Response(200, {}, b"{}", "http://x")

    outcome = ask(Api(), sender=lambda: send, **ONCE)
    assert (outcome.value, len(tries)) == ({}, 2)


def test_a_port_at_which_nobody_listens_is_no_answer() -> None:
    """The connection is refused: nobody has seen the request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    async def scene() -> None:
        origins = frozenset({("http", "127.0.0.1", port)})
        policy = RetryPolicy(budget_s=3)
        async with Transport(retry=policy, limits=Limits(), origins=origins, clock=TurnedClock()) as transport:
            await transport.fetch(Request("POST", f"http://127.0.0.1:{port}/page", idempotent=False), None, bytes)

    with pytest.raises(
        TransportError, match=r"no whole answer after 3 attempts in 3.0 s: last one could not be reached"
    ):
        asyncio.run(scene())


def test_an_action_that_says_retry_knows_what_it_does() -> None:
    actions = [Action(503, None, "retry")]
    outcome = ask(Api(failing(503), ok()), actions=actions, **ONCE)
    assert (outcome.value, len(outcome.came)) == ({"items": [1]}, 2)


def test_an_answer_that_cannot_be_read_is_not_asked_again() -> None:
    reads = iter([AnswerError("broken", where="there", retries=1)])

    def read(_: Response) -> Any:
        raise next(reads)

    outcome = ask(Api(), read=read, **ONCE)
    assert (len(outcome.came), isinstance(outcome.error, AnswerError)) == (1, True)
