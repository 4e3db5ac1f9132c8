"""Rate limits on real sockets: the whole transport against the simulator, in real time, with windows of a second."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from headrace.message import Request
from headrace.plan.model import Limits, RetryPolicy
from headrace.plan.model import Rate as Declared
from headrace.sim.message import Reply
from headrace.sim.rate import Rate, RateLimited
from headrace.sim.server import Server
from headrace.transport import Transport
from headrace.transport.address import origin_of

A_SECOND, REQUESTS = 50, 110


@pytest.mark.parametrize("headers", ["declared", "epoch"])
def test_a_known_limit_is_used_and_kept(headers: Any) -> None:
    """Two seconds and a bit for what 50 a second allow in two; a busy machine may hold up a few scenes, not all."""
    scenes = (refused_in(headers) for _ in range(5))
    # a machine that is busy with other things may stop a request between its sending and its arrival
    assert any(refused <= 0.05 * REQUESTS and 2.0 <= seconds < 6.0 for refused, seconds in scenes)


def refused_in(headers: Any) -> tuple[int, float]:
    """How many requests the server refused, and the seconds that all took."""
    told = headers != "declared"
    limits = Limits() if told else Limits(rate=Declared(A_SECOND))
    rate = Rate(A_SECOND, kind="sliding", headers=headers if told else "none")
    server = Server(RateLimited(lambda _: Reply(), rate, time.time))

    async def scene(url: str) -> None:
        transport = Transport(retry=RetryPolicy(), limits=limits, origins=frozenset({origin_of(url)}))
        async with transport:
            asked = (Request("GET", f"{url}/{number}") for number in range(REQUESTS))
            statuses = await asyncio.gather(
                *(transport.fetch(request, None, lambda response: response.status) for request in asked)
            )
        assert statuses == [200] * REQUESTS

    with server:
        begin = time.monotonic()
        asyncio.run(scene(server.url))
        seconds = time.monotonic() - begin
    return server.ledger.statuses().get(429, 0), seconds
