"""Faults of servers that are broken or mean it: framing that lies, odd heads, no end, answers nobody asked for.

Each is a coroutine `(wire, reply, **params)` as in `faults`, where the table of all stands. Those that end in the true
answer say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.altered import half, other, rewritten
from headrace.sim.message import NO_ROWS, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.sim.wire import Wire

__all__ = ["HOSTILE"]

_MIB = 1024 * 1024


# Framing that lies.


async def _long_length(wire: Wire, reply: Reply, *, beyond: int = 100) -> None:
    """All of the body, but Content-Length promises more, and the connection ends."""
    await wire.start(reply, len(reply.body) + beyond)
    await wire.write(reply.body)
    wire.close()


async def _cut_unknown(wire: Wire, reply: Reply) -> None:
    """Half of a body whose end is the end of the connection."""
    wire.close()
    await wire.start(reply, None)
    await wire.write(half(reply.body))


async def _coding(wire: Wire, reply: Reply, *, coding: str = "gzip") -> None:
    """The plain body, under a content coding that it does not have."""
    await wire.send(replace(reply, rows=NO_ROWS, headers=(*reply.headers, ("Content-Encoding", coding)), gzipped=None))


async def _smuggled(wire: Wire, reply: Reply, *, body: bytes = b'{"items": [{"id": "smuggled"}]}') -> None:
    """The true answer, and in one piece with its end a second one that nobody asked for."""
    await wire.start(reply, len(reply.body))
    wire.entry.complete = True
    await wire.write(reply.body + b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _idle_end(wire: Wire, reply: Reply) -> None:
    """The true answer, which promises that the connection stays, and its end."""
    await wire.send(reply)
    wire.close()


# Heads.


async def _head_lines(wire: Wire, reply: Reply, *, count: int = 300, size: int = 10) -> None:
    """The true answer under `count` more header lines of `size` bytes."""
    lines = tuple((f"X-Line-{number}", "x" * size) for number in range(count))
    await wire.send(replace(reply, headers=(*reply.headers, *lines)))


async def _raw(wire: Wire, reply: Reply, *, data: bytes = b"absurd 999 nonsense\r\n\r\n") -> None:  # noqa: ARG001
    """These bytes in place of an answer, and the end of the connection."""
    wire.close()
    await wire.write(data)


async def _interim(wire: Wire, reply: Reply, *, count: int | None = 1000, status: int = 100) -> None:
    """So many interim answers before the true one; `None` is no end of them."""
    line = b"HTTP/1.1 %d Interim\r\n\r\n" % status
    number = 0
    while count is None or number < count:
        await wire.write(line)
        await asyncio.sleep(0)
        number += 1
    await wire.send(reply)


# Time.


async def _silent(wire: Wire, reply: Reply) -> None:  # noqa: ARG001 - the answer is never begun
    """Nothing at all, until the client hangs up."""
    await wire.gone()


async def _trickle(wire: Wire, reply: Reply, *, delay_s: float = 1.0) -> None:
    """The true body, a byte every `delay_s` seconds."""
    await wire.start(replace(reply, rows=NO_ROWS), len(reply.body))
    for place in range(len(reply.body)):
        await wire.write(reply.body[place : place + 1])
        await asyncio.sleep(delay_s)


async def _throttled(wire: Wire, reply: Reply, *, delay_s: float = 0.3, bytes_a_s: float = 8000.0) -> None:
    """The true answer late and slow: 8,000 bytes a second are 64 kbit/s."""
    await asyncio.sleep(delay_s)
    await wire.start(reply, len(reply.body))
    piece = 512
    for place in range(0, len(reply.body), piece):
        await asyncio.sleep(piece / bytes_a_s)
        wire.entry.complete = place + piece >= len(reply.body)
        await wire.write(reply.body[place : place + piece])


# Sizes and contents.


async def _flood(
    wire: Wire, reply: Reply, *, mib: int = 2048, piece: bytes = b" ", begin: bytes = b'{"items":[', end: bytes = b"]}"
) -> None:
    """A plain body of `mib` MiB: `begin`, `piece` again and again, `end`; never held as a whole."""
    block = piece * (_MIB // len(piece))
    await wire.start(replace(reply, rows=NO_ROWS), len(begin) + mib * len(block) + len(end))
    await wire.write(begin)
    for _ in range(mib):
        await wire.write(block)
    wire.entry.complete = True
    await wire.write(end)


async def _body(
    wire: Wire, reply: Reply, *, data: bytes, content_type: str = "application/json", coding: str | None = None
) -> None:
    """These bytes as a whole, successful answer without rows of ours."""
    headers = (("Content-Encoding", coding),) if coding else ()
    await wire.send(other(reply, data, content_type=content_type, headers=headers))


async def _charset(
    wire: Wire, reply: Reply, *, encoding: str = "utf-16", content_type: str = "application/json; charset=utf-16"
) -> None:
    """The true rows in another encoding, declared or not."""
    await wire.send(replace(reply, body=reply.body.decode().encode(encoding), content_type=content_type, gzipped=None))


async def _beside(wire: Wire, reply: Reply, *, key: str, value: Any) -> None:
    """The true rows, with another value beside them: a total, a link, a cursor."""
    await wire.send(rewritten(reply, lambda page, _: page.update({key: value})))


async def _headers(wire: Wire, reply: Reply, *, headers: Sequence[tuple[str, str]]) -> None:
    """The true answer under more headers."""
    await wire.send(replace(reply, headers=(*reply.headers, *headers)))


HOSTILE: Final[dict[str, Callable[..., Awaitable[None]]]] = {
    "long_length": _long_length,
    "cut_unknown": _cut_unknown,
    "coding": _coding,
    "smuggled": _smuggled,
    "idle_end": _idle_end,
    "head_lines": _head_lines,
    "raw": _raw,
    "interim": _interim,
    "silent": _silent,
    "trickle": _trickle,
    "throttled": _throttled,
    "flood": _flood,
    "body": _body,
    "charset": _charset,
    "beside": _beside,
    "headers": _headers,
}
