"""A small HTTP/1.1 server on 127.0.0.1, in a thread and an event loop of its own.

    with Server(service) as server:
        ...  # synchronous code may talk to server.url

It reads a request, asks the service for the true reply, asks the schedule for a fault, and writes
one or the other. Keep-alive, Content-Length bodies in both directions, gzip if it was asked to.
Not here on purpose: TLS, HTTP/2, chunked request bodies. A request that cannot be read ends the
connection.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import TYPE_CHECKING, final
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.sim.faults import Schedule
from headrace.sim.ledger import Ledger
from headrace.sim.message import Reply, Request
from headrace.sim.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from headrace.sim.faults import Fault

__all__ = ["Server"]

HOST = "127.0.0.1"
_MAX_HEAD = 256 * 1024  # bytes; far above what any client sends, so that we do not hide its bugs
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10.0


@final
class Server:
    """Serves `answer` until it is left as a context manager.

    `answer` runs in the server's thread and must not block. `latency_s` is waited before each
    answer, side by side for all connections. `port` 0 takes a free one; `url` is known after
    entering. `wall` is its clock, in seconds since 1970, which its answers tell.
    """

    def __init__(  # noqa: PLR0913 - what tests choose
        self,
        answer: Callable[[Request], Reply],
        *,
        faults: Iterable[Fault] = (),
        secrets: Iterable[str] = (),
        latency_s: float = 0.0,
        gzip: bool = False,
        port: int = 0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = Ledger(secrets)
        self._answer = answer
        self._schedule = Schedule(faults)
        self._latency_s = latency_s
        self._gzip = gzip
        self._port = port
        self._wall = wall
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Origin without a trailing slash: `http://127.0.0.1:PORT`."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Server:
        """Start; returns when the port is open.

        Raises:
            OSError: the port is taken.
        """
        self._thread = threading.Thread(target=self._run, name="headrace-sim", daemon=True)
        self._thread.start()
        self._ready.wait(_START_TIMEOUT_S)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; open connections are dropped, stalled ones too."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_STOP_TIMEOUT_S)

    def wait(self) -> None:
        """Block until SIGTERM or SIGINT; for the foreground, in the main thread only."""
        stopped = threading.Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopped.set()

        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, stop) for number in numbers]
        try:
            stopped.wait()
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in __enter__
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, HOST, self._port, limit=_MAX_HEAD)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        # With a high-water mark of 0, drain() means "the kernel has it", not "the buffer has room".
        writer.transport.set_write_buffer_limits(high=0)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, EOFError, asyncio.LimitOverrunError, ValueError):
            pass  # the client went away or talks nonsense: the ledger has what was written
        except asyncio.CancelledError:
            writer.transport.abort()  # stopping: do not wait for a client that does not read
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; true if the connection may carry another."""
        request = await _read_request(reader)
        if request is None:
            return False
        entry = self.ledger.open(request)
        wire = Wire(reader, writer, request, entry, gzip_allowed=self._gzip, wall=self._wall)
        reply = self._answer(request)
        entry.resource, entry.page = reply.resource, reply.page
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        fault = self._schedule.take(reply)
        if fault is None:
            await wire.send(reply)
        else:
            entry.fault = fault.name
            await fault.act(wire, reply)
        return wire.keep_alive


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request to its end; `None` when the client closed between requests.

    Raises:
        ValueError: it is not HTTP that we read.
        EOFError: it was cut.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            raise
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        message = "expected a body with Content-Length, got Transfer-Encoding"
        raise ValueError(message)
    length = int(headers.get("content-length", "0"))
    body = await reader.readexactly(length) if length else b""
    parts = urlsplit(target)
    return Request(
        method=method,
        target=target,
        path=unquote(parts.path),
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )
