"""A link before a server: slow and far, and its packets are lost or overtake each other.

TCP keeps that from programs: they get the bytes whole and in order, but late. So that is what is passed on. A packet
waits for its turn on the link, which all connections share, and arrives a while later. One that is lost is sent again
after a time, one that is overtaken arrives after those behind it, and what is behind either on the same connection is
held until it is there. Of a connection only so much is on the way at a time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

_PACKET: Final = 1460
#: Packets of one connection and direction that are on the way: the first window of RFC 6928.
_WINDOW: Final = 10
#: Of as many packets one is lost, 5 %, and five are overtaken, at places by chance.
_FATES: Final = ("lost", *["overtaken"] * 5, *["passed"] * 14)
_LATER: Final = 1.5


@dataclass(frozen=True)
class Link:
    """`delay_s` is that of one way, `again_s` the time until a lost packet is sent again; twice that the next time."""

    delay_s: float
    bytes_a_s: float
    again_s: float


class Direction:
    """One way over the link; `counts` says what became of its packets."""

    def __init__(self, link: Link, seed: int) -> None:
        self._link = link
        self._chance = random.Random(seed)
        self._fates: list[str] = []
        self._free = 0.0
        self.counts = dict.fromkeys(_FATES, 0)

    async def arrive(self, size: int = 40) -> None:
        """Wait for one packet that is sent now."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self.arrival(size, now) - now)

    def arrival(self, size: int, now: float) -> float:
        """When a packet arrives that is sent now, in seconds of the loop."""
        link, held_s, again_s = self._link, 0.0, self._link.again_s
        self._free = max(now, self._free) + size / link.bytes_a_s
        while (fate := self._fate()) == "lost":
            held_s, again_s = held_s + again_s, 2 * again_s
            self._free += size / link.bytes_a_s
        return self._free + held_s + link.delay_s * (_LATER if fate == "overtaken" else 1)

    def _fate(self) -> str:
        if not self._fates:
            self._fates = self._chance.sample(_FATES, len(_FATES))
        fate = self._fates.pop()
        self.counts[fate] += 1
        return fate

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on the bytes of one connection, whole, in order and late, until their end."""
        loop = asyncio.get_running_loop()
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WINDOW)

        async def send() -> None:
            packet = b"."
            while packet:
                packet = await reader.read(_PACKET)
                await on_the_way.put((self.arrival(len(packet), loop.time()), packet))

        sending = asyncio.create_task(send())
        try:
            while (arriving := await on_the_way.get())[1]:
                await asyncio.sleep(arriving[0] - loop.time())
                writer.write(arriving[1])
                await writer.drain()
            writer.write_eof()
        finally:
            sending.cancel()


class Proxy:
    """The link, and a port at this end of it; `there` is the way to the server, `back` the one of the answers."""

    def __init__(self, link: Link, server_port: int) -> None:
        self.there, self.back = Direction(link, 1), Direction(link, 2)
        self._server_port = server_port

    async def serve(self, opened: Future[tuple[int, Callable[[], object]]]) -> None:
        """Carry until it is told to end; says its port and how to tell it. Connections then break off."""
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        opened.set_result((listener.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(end.set)))
        await end.wait()
        listener.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError), closing(writer):
            await self.there.arrive()
            await self.back.arrive()
            answers, requests = await asyncio.open_connection("127.0.0.1", self._server_port)
            with closing(requests):
                await asyncio.gather(self.there.carry(reader, requests), self.back.carry(answers, writer))


@contextmanager
def over(link: Link, url: str) -> Iterator[tuple[str, Proxy]]:
    """The address of a server at the far end of a link, until the context is left."""
    origin, _, port = url.rpartition(":")
    proxy, opened = Proxy(link, int(port)), Future[tuple[int, Callable[[], object]]]()
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(asyncio.run, proxy.serve(opened))
        near, end = opened.result(30)
        try:
            yield f"{origin}:{near}", proxy
        finally:
            end()
    serving.result()
