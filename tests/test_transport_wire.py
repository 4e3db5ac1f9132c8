"""The transport against a real loopback server with faults at the socket.

The rule for every fault: the same value as without it, or one named error; never a damaged value, never a hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from headrace.clock import TurnedClock
from headrace.errors import AnswerError, DecodeError, HeadraceError, TransportError
from headrace.message import Request, Response
from headrace.plan.model import Auth, Limits, RetryPolicy
from headrace.transport import Trace, Transport

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
Step = Callable[[asyncio.StreamWriter], Awaitable[bool]]  # gives whether the connection goes on

VALUE = {"items": [{"id": n} for n in range(40)]}
BODY = json.dumps(VALUE).encode()
ZIPPED = gzip.compress(BODY)


class Server:
    """Plays one step a request, the last one for ever; `heads` are the request heads, `peers` their ports."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.heads: list[str] = []
        self.peers: list[int] = []
        self._tasks: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.origin = ("http", "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.ensure_future(self._play(reader, writer)))

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            goes_on = True
            while goes_on:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = [line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length")]
                body = (await reader.readexactly(int(length[0]))).decode() if length else ""
                self.heads.append(head + body)
                self.peers.append(writer.get_extra_info("peername")[1])
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                goes_on = await step(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def answer(body: bytes = BODY, status: int = 200, then: str = "keep", **headers: str) -> Step:
    """A well-framed answer, unless `headers` say otherwise (`content_length="7"`)."""
    fields = {"content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return raw(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body, then)


def raw(data: bytes, then: str = "close") -> Step:
    """These bytes, then: keep the connection, close it, reset it, or hang."""

    async def step(writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        if then == "hang":
            await asyncio.sleep(5)
        if then == "reset":
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return then == "keep"

    return step


async def smuggle(writer: asyncio.StreamWriter) -> bool:
    """A true answer, and on its heels a second one that nobody asked for."""
    await answer()(writer)
    await asyncio.sleep(0.02)
    return await answer(b'{"items": ["smuggled"]}')(writer)


async def trickle(writer: asyncio.StreamWriter) -> bool:
    """One byte after the other, for too long."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n")
    for _ in range(999):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)
    return False


def read_json(response: Response) -> Any:
    """What the page splitter does with a damaged page: raises, and says that asking again is worth it."""
    try:
        return json.loads(response.body)
    except ValueError as error:
        message = "expected JSON, got something else"
        raise DecodeError(message, retries=2) from error


class Bench:
    """One server, one transport, what was slept and what was traced."""

    def __init__(self, *steps: Step, policy: RetryPolicy | None = None, **limits: Any) -> None:
        self.server = Server(*steps)
        self.policy = policy or RetryPolicy(max_retries=3, backoff_factor=2.0)
        self.limits = Limits(**{"timeout_s": 20.0} | limits)
        self.clock = TurnedClock()
        self.traces: list[Trace] = []

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        origins = frozenset({self.server.origin})
        self.transport = Transport(
            retry=self.policy, limits=self.limits, origins=origins, clock=self.clock, observe=self.traces.append
        )
        await self.transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.transport.__aexit__(None, None, None)
        await self.server.__aexit__()

    def request(self, path: str = "/page", method: str = "GET", **more: Any) -> Request:
        return Request(method, self.server.url + path, resource="events", **more)

    async def fetch(self, path: str = "/page", auth: Auth | None = None, **more: Any) -> Any:
        return await self.transport.fetch(self.request(path, **more), auth, read_json)

    async def error(self, path: str = "/page", auth: Auth | None = None, **more: Any) -> HeadraceError:
        with pytest.raises(HeadraceError) as caught:
            await self.fetch(path, auth, **more)
        return caught.value


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


# fault -> (what the server does first, times, the text of the traced failure)
PASSING: dict[str, tuple[Step, int, str]] = {
    "N04 reset before the answer": (raw(b"", "reset"), 2, "lost the connection before the answer"),
    "N05 reset in mid body": (answer(BODY[:90], then="reset", content_length="500"), 2, "ends early"),
    "N06 end in mid body": (answer(BODY[:90], then="close", content_length="500"), 2, "ends early"),
    "N08 length too short": (answer(BODY, content_length="90"), 2, "expected JSON|no HTTP answer|ends early"),
    "N09 chunked body cut": (
        answer(b"5a\r\n" + BODY[:90], then="close", content_length="", transfer_encoding="chunked"),
        2,
        "ends early",
    ),
    "N10 body cut, end unknown": (answer(BODY[:90], then="close", content_length=""), 2, "expected JSON"),
    "N11 gzip damaged": (answer(ZIPPED[:30] + b"!!" + ZIPPED[32:], content_encoding="gzip"), 1, "damaged compressed"),
    "N12 gzip cut": (answer(ZIPPED[:-4], content_encoding="gzip"), 1, "compressed body without its end"),
    "N14 coding lies": (answer(BODY, content_encoding="gzip"), 1, "damaged compressed"),
    "N14 coding unknown": (answer(BODY, content_encoding="br"), 1, "content coding 'br', expected gzip"),
    "N22 no HTTP": (raw(b"absurd 999 nonsense\r\n\r\n"), 2, "no HTTP answer"),
    "H01 too many requests": (answer(b"", 429), 3, "got 429 Too Many Requests"),
    "H08 bad gateway, HTML": (answer(b"<html>", 502, content_encoding="gzip"), 2, "got 502 Bad Gateway"),
    "H14 login page": (answer(b"<html>log in</html>"), 2, "expected JSON"),
    "H17 empty body": (answer(b""), 2, "expected JSON"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_changes_nothing(fault: str) -> None:
    """Nothing lost, nothing doubled: the value is the one without the fault, and the trace names each failure."""
    step, times, text = PASSING[fault]

    async def scene() -> None:
        async with Bench(*[step] * times, answer()) as bench:
            assert await bench.fetch() == VALUE
            assert bench.clock.slept == [2.0, 4.0, 8.0][:times]
            assert [trace.attempt for trace in bench.traces] == list(range(1, times + 2))
            for trace in bench.traces[:-1]:
                assert any(part in str(trace.error) for part in text.split("|")), trace
                assert trace.cause in {"no answer", "broken answer", str(trace.status)}
            assert (bench.traces[-1].error, bench.traces[-1].cause, bench.traces[-1].status) == (None, "", 200)

    run(scene())


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (raw(b"", "hang"), "gave no whole answer within 0.1 s"),
        (trickle, "gave no whole answer within 0.1 s"),
    ],
    ids=["N17 no answer", "N16 slow-loris"],
)
def test_the_deadline_ends_an_attempt(step: Step, text: str) -> None:
    """The deadline is for the whole attempt, so a trickle cannot stretch it."""

    async def scene() -> None:
        async with Bench(step, answer(), timeout_s=0.1) as bench:
            assert await bench.fetch() == VALUE
            assert text in str(bench.traces[0].error)

    run(scene())


@pytest.mark.parametrize("step", [raw(b"", "reset"), answer(ZIPPED[:-4], content_encoding="gzip")])
def test_a_lasting_fault_is_a_named_error(step: Step) -> None:
    """After the declared retries there is an error with attempts, cause and address, not an empty page."""

    async def scene() -> None:
        async with Bench(step) as bench:
            error = await bench.error("/page?cursor=a%2Fb")
            assert type(error) is TransportError
            assert error.message.startswith("no whole answer after 4 attempts in 14.0 s: last one ")
            assert error.message.endswith(f"from GET {bench.server.url}/page?cursor=a%2Fb")
            assert error.where == "resource `events`"
            assert len(bench.server.heads) == 4

    run(scene())


def test_an_insisting_coding_ends_after_one_identity_attempt() -> None:
    """N14: the second attempt asks without coding; a server that codes all the same will do so for ever."""

    async def scene() -> None:
        async with Bench(answer(BODY, content_encoding="br")) as bench:
            text = "after 2 attempts in 2.0 s: last one got content coding 'br', expected gzip"
            assert text in str(await bench.error())
            first, second = bench.server.heads
            assert "accept-encoding: gzip\r\n" in first.lower()
            assert "accept-encoding: identity\r\n" in second.lower()
            assert second.lower().count("accept-encoding") == 1

    run(scene())


def test_nobody_listening_is_named() -> None:
    """N01: the error says that the host could not be reached."""

    async def scene() -> None:
        async with Bench(answer()) as bench:
            bench.server._server.close()
            await bench.server._server.wait_closed()
            assert "after 4 attempts in 14.0 s: last one could not be reached" in str(await bench.error())

    run(scene())


def test_an_idle_connection_that_died_costs_no_attempt() -> None:
    """N19: retried at once, uncounted; only so for a connection that had worked before."""

    async def scene() -> None:
        policy = RetryPolicy(max_retries=0)
        async with Bench(answer(), raw(b"", "close"), answer(), policy=policy) as bench:
            assert [await bench.fetch(), await bench.fetch()] == [VALUE, VALUE]
            assert bench.server.peers[0] == bench.server.peers[1] != bench.server.peers[2]
            assert (bench.clock.slept, [trace.attempt for trace in bench.traces]) == ([], [1, 1])

    run(scene())


def test_a_request_that_may_be_made_once_has_a_connection_of_its_own() -> None:
    """One that was used before may have been closed, and then nobody knows whether the request came."""

    async def scene() -> None:
        async with Bench(answer(), answer(), answer(), policy=RetryPolicy(max_retries=0)) as bench:
            assert await bench.fetch() == VALUE
            assert [await bench.fetch(idempotent=False), await bench.fetch(idempotent=False)] == [VALUE, VALUE]
            assert len(set(bench.server.peers)) == 3

    run(scene())


def test_a_smuggled_second_answer_reaches_nobody() -> None:
    """N21: a connection on which something came unasked is never used again."""

    async def scene() -> None:
        async with Bench(smuggle, answer()) as bench:
            assert await bench.fetch() == VALUE
            await asyncio.sleep(0.05)
            assert await bench.fetch() == VALUE
            assert len(set(bench.server.peers)) == 2

    run(scene())


@pytest.mark.parametrize(
    "step",
    [
        answer(gzip.compress(bytes(2_000_000)), content_encoding="gzip"),
        answer(bytes(2_000)),
        answer(bytes(9), then="hang", content_length="2000"),
    ],
    ids=["unpacked", "plain", "declared"],
)
def test_a_page_has_a_limit(step: Step) -> None:
    """N13, N15: the error names the limit, comes at once, and a declared length is enough for it."""

    async def scene() -> None:
        async with Bench(step, max_page_bytes=1_000) as bench:
            error = await bench.error()
            assert type(error) is TransportError
            assert error.message.startswith("no whole answer after 1 attempt: last one got more than the 1000 ")
            assert error.message.endswith(f"(`max_page_bytes`) from GET {bench.server.url}/page")
            assert len(bench.server.heads) == 1

    run(scene())


def test_an_empty_answer_is_for_read_to_judge() -> None:
    """204 and an empty body are answers; what they are worth depends on the pager, not on the transport."""

    async def scene() -> None:
        async with Bench(answer(b"", 204, content_length="")) as bench:
            assert await bench.transport.fetch(bench.request(), None, lambda r: (r.status, r.body)) == (204, b"")

    run(scene())


def test_read_says_how_often_asking_again_is_worth_it() -> None:
    """The policy bounds the reader's wish, and the reader's own error is what comes out."""

    async def scene() -> None:
        for wish, asked in ((0, 1), (1, 2), (9, 4)):
            async with Bench(answer()) as bench:

                def read(_: Response, wish: int = wish) -> None:
                    message = "expected `items`, got `error`"
                    raise AnswerError(message, retries=wish)

                with pytest.raises(AnswerError, match="expected `items`"):
                    await bench.transport.fetch(bench.request(), None, read)
                assert len(bench.server.heads) == asked

    run(scene())


def test_retry_after_replaces_a_shorter_wait() -> None:
    """H02: at least as long as the server asks; never shorter than the computed wait."""

    async def scene() -> None:
        steps = [
            answer(b"", 429, retry_after="7"),
            answer(b"", 503, retry_after="1"),
            answer(b"", 503, retry_after="0"),
        ]
        async with Bench(*steps, answer()) as bench:
            assert await bench.fetch() == VALUE
            assert bench.clock.slept == [7.0, 4.0, 8.0]
            assert [trace.wait_s for trace in bench.traces] == [7.0, 4.0, 8.0, None]

    run(scene())


def test_a_body_is_sent_as_json() -> None:
    """A POST read is retried like a GET, with the same body."""

    async def scene() -> None:
        async with Bench(answer(b"", 500), answer()) as bench:
            assert await bench.fetch(method="POST", json={"limit": 5}, params=(("a b", "c&d"),)) == VALUE
            assert len(bench.server.heads) == 2
            for head in bench.server.heads:
                assert head.startswith("POST /page?a+b=c%26d HTTP/1.1\r\n")
                assert "content-type: application/json\r\n" in head.lower()
                assert head.endswith('{"limit": 5}')

    run(scene())
