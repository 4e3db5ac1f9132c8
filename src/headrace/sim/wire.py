"""One exchange seen from the socket: everything that can be done to the client.

The true answer goes through `send`. Faults use the smaller tools: start an answer, write a part of
it, close (FIN), reset (RST), or wait until the client has gone. Whatever is written is noted in the
ledger's entry here, at the one place that knows.
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from headrace.sim.ledger import Entry
    from headrace.sim.message import Reply, Request

__all__ = ["Wire", "compress"]

# Held back until the ledger says "complete". A small answer fits into the kernel's buffer as a
# whole; a large one may still fail half-way, so only its last bytes wait for the entry.
_LAST_BYTES = 1024
_SMALL_BODY = 16 * 1024
# l_onoff=1, l_linger=0: close() throws away what is unsent and answers with RST instead of FIN.
_LINGER_RESET = struct.pack("ii", 1, 0)
_BODYLESS = frozenset({204, 304})
_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def compress(body: bytes) -> bytes:
    """Gzip at the fastest level, without a time stamp: equal bodies give equal bytes."""
    return gzip.compress(body, compresslevel=1, mtime=0)


class Wire:
    """The writing side of one exchange; `keep_alive` tells the server whether to read on."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: Request,
        entry: Entry,
        *,
        gzip_allowed: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.request = request
        self.entry = entry
        self.keep_alive = request.headers.get("connection", "").lower() != "close"
        self._reader = reader
        self._writer = writer
        self._wall = wall
        self._gzip = gzip_allowed and "gzip" in request.headers.get("accept-encoding", "").lower()

    async def send(self, reply: Reply) -> None:
        """Answer in full, and note it as complete."""
        body = reply.body
        coding: tuple[tuple[str, str], ...] = ()
        if self._gzip and body:
            body = compress(body) if reply.gzipped is None else reply.gzipped
            coding = (("Content-Encoding", "gzip"),)
        head = self._head(reply, len(body), coding)
        cut = 0 if len(body) <= _SMALL_BODY else len(body) - _LAST_BYTES
        try:
            if cut:
                self._writer.write(head)
                await self.write(memoryview(body)[:cut])
            self.entry.complete = True
            await self.write(body[cut:] if cut else head + body)
        except BaseException:
            self.entry.complete = False
            raise

    async def start(self, reply: Reply, length: int | None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Write the head only; `length` is what Content-Length says, true or not."""
        await self.write(self._head(reply, length, headers))

    async def write(self, data: bytes | memoryview) -> None:
        """Write bytes as they are and wait until the kernel has all of them."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """End the connection in order (FIN) after what was written."""
        self.keep_alive = False

    def reset(self) -> None:
        """End the connection with RST; bytes that the client has not got yet may be lost."""
        self.keep_alive = False
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Wait, without a timer, until the client closes the connection."""
        self.keep_alive = False
        while await self._reader.read(65536):
            pass

    def _head(self, reply: Reply, length: int | None, headers: tuple[tuple[str, str], ...]) -> bytes:
        self.entry.status = reply.status
        self.entry.first = reply.rows.start if reply.rows else None
        self.entry.rows = len(reply.rows)
        lines = [
            f"HTTP/1.1 {reply.status} {_PHRASES.get(reply.status, 'Unknown')}",
            f"Date: {formatdate(self._wall(), usegmt=True)}",
        ]
        if reply.status not in _BODYLESS:
            lines.append(f"Content-Type: {reply.content_type}")
            if length is not None:
                lines.append(f"Content-Length: {length}")
        if not self.keep_alive:
            lines.append("Connection: close")
        lines.extend(f"{name}: {value}" for name, value in (*reply.headers, *headers))
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
