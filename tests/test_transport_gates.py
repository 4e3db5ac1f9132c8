"""Gates: what a host says to one request holds for all, slots are never exceeded, cancelling gives them back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from headrace.clock import TurnedClock
from headrace.errors import RestError
from headrace.message import Request, Response
from headrace.plan.model import Auth, Limits, Rate, RetryPolicy
from headrace.transport.limits import Exchange, Gates, gated
from headrace.transport.retry import Retry
from headrace.transport.trace import Tracer, ignore

URL = "https://api.example.com/page"
POLICY = RetryPolicy(max_retries=3, backoff_factor=2.0)


class HeldClock(TurnedClock):
    """Time moves only by `turn`; sleepers wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, future))
        await future

    async def turn(self, seconds: float) -> None:
        self._now += seconds
        for moment, future in self._sleepers:
            if moment <= self._now and not future.done():
                future.set_result(None)
        await settle()


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(50):
        await asyncio.sleep(0)


class Api:
    """An exchange without a wire: answers with what the test puts there, and counts what is in flight."""

    def __init__(self) -> None:
        self.status, self.headers = 200, {}  # type: int, dict[str, str]
        self.asked: list[str] = []
        self.running = self.most = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def exchange(self, request: Request, auth: Auth | None) -> Response:
        assert auth is None
        self.asked.append(request.url)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
            await self.go_on.wait()
        finally:
            self.running -= 1
        return Response(self.status, self.headers, b"", request.url)


def through(exchange: Exchange, clock: TurnedClock, gates: Gates, policy: RetryPolicy = POLICY) -> Retry:
    return Retry(Tracer(ignore, clock), gated(exchange, gates, policy, clock), policy, clock)


def fetch(retry: Retry, url: str = URL) -> Coroutine[Any, Any, int]:
    return retry.fetch(Request("GET", url), None, lambda response: response.status)


@pytest.mark.parametrize(
    ("status", "headers", "rest_s"),
    [(429, {"retry-after": "30"}, 30), (503, {"retry-after": "30"}, 30), (429, {}, 2), (503, {}, 0), (500, {}, 0)],
)
def test_the_rest_of_a_host_is_shared(status: int, headers: dict[str, str], rest_s: float) -> None:
    """H01, H02: another resource's transport on the same host waits as well, one on another host does not."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(8)), Api()
        first, second = through(api.exchange, clock, gates), through(api.exchange, clock, gates)
        api.status, api.headers = status, headers
        tasks = [asyncio.create_task(fetch(first))]
        await settle()
        api.status, api.headers = 200, {}
        tasks.append(asyncio.create_task(fetch(second)))
        tasks.append(asyncio.create_task(fetch(second, "https://elsewhere.example.com/")))
        await settle()
        assert (tasks[1].done(), tasks[2].done()) == (rest_s == 0, True)
        if rest_s:
            await clock.turn(rest_s - 0.1)
            assert not tasks[1].done()
            await clock.turn(0.1)
            assert tasks[1].done()
        await clock.turn(30)
        assert await asyncio.gather(*tasks) == [200, 200, 200]

    asyncio.run(scene())


def test_a_rest_beyond_the_bound_ends_at_once() -> None:
    """H04: never sleep blindly; the error says when to come back, to the next request on that host as well."""

    async def scene() -> None:
        clock, gates, api = TurnedClock(wall=1_700_000_000), Gates(Limits(8)), Api()
        api.status, api.headers = 429, {"retry-after": "86400"}
        retry = through(api.exchange, clock, gates)
        for _ in range(2):
            with pytest.raises(RestError, match="asks for 86400 s of rest, more than the 300 s") as caught:
                await fetch(retry)
            assert caught.value.hint == "try again after 2023-11-15 22:13:20 UTC"
        assert (len(api.asked), clock.slept) == (1, [])

    asyncio.run(scene())


def test_slots_are_never_exceeded() -> None:
    """All requests of a run to one host share its slots, whatever their resource."""

    async def scene() -> None:
        clock, gates, api = TurnedClock(), Gates(Limits(3)), Api()
        results = await asyncio.gather(*(fetch(through(api.exchange, clock, gates)) for _ in range(20)))
        assert (results, api.most) == ([200] * 20, 3)

    asyncio.run(scene())


def test_a_sleeping_retry_holds_no_slot() -> None:
    """With a single slot, another request passes while the first one waits for its second attempt."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(1)), Api()
        retry = through(api.exchange, clock, gates)
        api.status = 500
        sleeping = asyncio.create_task(fetch(retry))
        await settle()
        api.status = 200
        assert await asyncio.wait_for(fetch(retry), 1) == 200
        assert (sleeping.done(), clock.slept) == (False, [2.0])
        await clock.turn(2)
        assert await sleeping == 200

    asyncio.run(scene())


def test_the_rest_is_obeyed_by_who_waited_for_a_slot() -> None:
    """The moment moved while others held the slot: whoever gets it then looks again."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(1)), Api()
        retry = through(api.exchange, clock, gates)
        api.go_on.clear()
        tasks = [asyncio.create_task(fetch(retry)) for _ in range(2)]
        await settle()
        gates.of(URL).hold(50)
        api.go_on.set()
        await settle()
        assert ([task.done() for task in tasks], len(api.asked)) == ([True, False], 1)
        await clock.turn(50)
        assert await tasks[1] == 200

    asyncio.run(scene())


@pytest.mark.parametrize("after", ["waiting for a slot", "in flight", "resting"])
def test_cancelling_gives_slots_back(after: str) -> None:
    """Wherever a request is cancelled, the next one finds all slots."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(2)), Api()
        retry = through(api.exchange, clock, gates)
        api.go_on.clear()
        if after == "resting":
            gates.of(URL).hold(50)
        tasks = [asyncio.create_task(fetch(retry)) for _ in range(6)]
        await settle()
        for task in tasks[2:] if after == "waiting for a slot" else tasks[:2] if after == "in flight" else tasks:
            task.cancel()
        await settle()
        api.go_on.set()
        await clock.turn(50)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in done) == {"i": 2, "w": 4, "r": 6}[after[0]]
        api.most = 0
        assert await asyncio.wait_for(asyncio.gather(*(fetch(retry) for _ in range(6))), 1) == [200] * 6
        assert api.most == 2

    asyncio.run(scene())


def test_the_pace_is_shared_and_fair() -> None:
    """Two in any seven seconds over all transports of a run, in the order of asking; another host has its own pace."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(8, rate=Rate(2, 7))), Api()
        retries = [through(api.exchange, clock, gates) for _ in range(3)]
        urls = [f"{URL}?n={number}" for number in range(5)]
        tasks = [asyncio.create_task(fetch(retries[number % 3], url)) for number, url in enumerate(urls)]
        elsewhere = asyncio.create_task(fetch(retries[0], "https://elsewhere.example.com/"))
        await settle()
        assert elsewhere.done()
        api.asked.remove("https://elsewhere.example.com/")
        for count, seconds in ((2, 6.9), (2, 0.1), (4, 6.9), (4, 0.1), (5, 0)):
            assert api.asked == urls[:count]
            await clock.turn(seconds)
        assert await asyncio.gather(*tasks) == [200] * 5

    asyncio.run(scene())


def test_a_rest_uses_up_no_turn_that_was_not_taken() -> None:
    """Who rests takes a turn afterwards: the rest is not followed by more than the pace allows."""

    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(2, rate=Rate(1, 10))), Api()
        retry = through(api.exchange, clock, gates)
        gates.of(URL).hold(100)
        tasks = [asyncio.create_task(fetch(retry)) for _ in range(4)]
        await settle()
        for count, seconds in ((0, 100), (1, 10), (2, 10), (3, 10), (4, 0)):
            assert len(api.asked) == count
            await clock.turn(seconds)
        assert await asyncio.gather(*tasks) == [200] * 4

    asyncio.run(scene())


def test_a_cancelled_turn_stops_nobody() -> None:
    async def scene() -> None:
        clock, gates, api = HeldClock(), Gates(Limits(8, rate=Rate(1, 10))), Api()
        retry = through(api.exchange, clock, gates)
        tasks = [asyncio.create_task(fetch(retry)) for _ in range(3)]
        await settle()
        tasks[1].cancel()
        await clock.turn(20)
        assert (await tasks[2], len(api.asked)) == (200, 2)

    asyncio.run(scene())
