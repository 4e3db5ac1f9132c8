"""Faults: one literal table, and the schedule that says when they fire.

A fault is a coroutine `(wire, reply, **params)` that gets the true reply and does something else to
the client. It fires on its page a number of times; after that the true answer is given, so a client
that retries well ends with all rows. Those of servers that lie or mean harm stand in `hostile`; some deliver
the true rows, as `slow` does.

    Fault("429", at=2, resource="events", retry_after=1)   # page 2 of events, once
    Fault("cut_body", at=None, times=3)                    # first three answers of every resource
    Fault("reset", at=5, by="hit", times=None)             # sixth request and all that follow it
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import json
import random
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from headrace.sim.altered import edited, gzipped, half, other
from headrace.sim.hostile import HOSTILE
from headrace.sim.message import NO_ROWS, Reply
from headrace.sim.wire import compress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from headrace.sim.wire import Wire

__all__ = ["FAULTS", "Fault", "Schedule", "page_faults"]

_MIB = 1024 * 1024
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Log in</title></head><body>"
    b"<form method=post><input name=user><input name=password type=password></form></body></html>"
)


# Instead of the answer.


async def _status(  # noqa: PLR0913 - the parts of an answer
    wire: Wire,
    reply: Reply,
    *,
    status: int = 500,
    body: Literal["json", "html"] = "json",
    content: str | None = None,
    content_type: str = "application/json",
    retry_after: float | timedelta | str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """Any status; `retry_after`: number = seconds, timedelta = HTTP date, text = as it is; `content` is the body."""
    text = f"status {status}"
    if content is None:
        content = json.dumps({"message": text})
    if body == "html":
        content, content_type = f"<html><body><h1>{text}</h1></body></html>", "text/html"
    if isinstance(retry_after, timedelta):
        then = datetime.now(timezone.utc) + retry_after
        retry_after = format_datetime(then, usegmt=True)
    waits = () if retry_after is None else (("Retry-After", str(retry_after)),)
    await wire.send(other(reply, content.encode(), status, content_type, (*waits, *headers)))


async def _no_content(wire: Wire, reply: Reply) -> None:
    await wire.send(other(reply, b"", 204))


async def _redirect(wire: Wire, reply: Reply, *, status: int = 302, url: str | None = None) -> None:
    """Redirect to `url`; `None` is the request's own target, which makes a loop."""
    location = wire.request.target if url is None else url
    await wire.send(other(reply, b"", status, headers=(("Location", location),)))


async def _html(wire: Wire, reply: Reply) -> None:
    await wire.send(other(reply, _LOGIN_PAGE, content_type="text/html; charset=utf-8"))


async def _empty_body(wire: Wire, reply: Reply) -> None:
    await wire.send(other(reply, b""))


async def _json_cut(wire: Wire, reply: Reply) -> None:
    await wire.send(other(reply, half(reply.body)))


async def _error_object(wire: Wire, reply: Reply, *, text: str = "internal error", success: bool | None = None) -> None:
    """Failure inside success; some services say `"success": false` beside it."""
    said = {} if success is None else {"success": success}
    await wire.send(other(reply, json.dumps({**said, "error": text}).encode()))


async def _missing_key(wire: Wire, reply: Reply) -> None:
    await wire.send(edited(reply, lambda page, key: page.pop(key, None)))


async def _null_key(wire: Wire, reply: Reply) -> None:
    await wire.send(edited(reply, lambda page, key: page.update({key: None})))


async def _wrong_selector(wire: Wire, reply: Reply, *, name: str = "results") -> None:
    """The rows are there, but under another key."""
    await wire.send(edited(reply, lambda page, key: page.update({name: page.pop(key, None)})))


# On the way.


async def _reset(wire: Wire, reply: Reply) -> None:  # noqa: ARG001 - the answer is never begun
    wire.reset()


async def _cut_body(wire: Wire, reply: Reply) -> None:
    await wire.start(reply, len(reply.body))
    await wire.write(half(reply.body))
    wire.close()


async def _reset_body(wire: Wire, reply: Reply) -> None:
    await wire.start(reply, len(reply.body))
    await wire.write(half(reply.body))
    wire.reset()


async def _cut_chunked(wire: Wire, reply: Reply, *, mid_chunk: bool = True) -> None:
    """End in a chunk, or after a whole chunk but without the last one."""
    part = half(reply.body)
    announced = len(reply.body) if mid_chunk else len(part)
    await wire.start(reply, None, (("Transfer-Encoding", "chunked"),))
    await wire.write(b"%x\r\n" % announced + part + (b"" if mid_chunk else b"\r\n"))
    wire.close()


async def _short_length(wire: Wire, reply: Reply) -> None:
    """All of the body, but Content-Length says half; the connection stays open and is spoilt."""
    await wire.start(reply, len(reply.body) // 2)
    await wire.write(reply.body)


async def _gzip_cut(wire: Wire, reply: Reply) -> None:
    """Whole by HTTP, without the end of the gzip stream, whatever the client accepts."""
    await wire.send(gzipped(reply, half(compress(reply.body))))


async def _gzip_corrupt(wire: Wire, reply: Reply) -> None:
    """A gzip stream of the right length with its middle turned over."""
    data = bytearray(compress(reply.body))
    middle = len(data) // 2
    for place in range(middle, min(middle + 16, len(data))):
        data[place] ^= 0xFF
    await wire.send(gzipped(reply, bytes(data)))


async def _bomb(wire: Wire, reply: Reply, *, mib: int = 1024) -> None:
    """A valid gzip stream, 1 to 1000: `mib` MiB of blanks inside an empty list of rows.

    A full flush makes one compressed MiB independent of what precedes it, so the same bytes can be
    streamed again and again and nothing large is ever held.
    """
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    blank = b" " * _MIB
    opening = json.dumps({reply.key or "data": []}).encode()[:-2]
    begin = deflate.compress(opening) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(blank) + deflate.flush(zlib.Z_FULL_FLUSH)
    end = deflate.compress(b"]}") + deflate.flush(zlib.Z_FINISH)
    size = len(opening) + mib * _MIB + 2
    length = len(_GZIP_HEADER) + len(begin) + mib * len(block) + len(end) + 8
    await wire.start(replace(reply, rows=NO_ROWS), length, (("Content-Encoding", "gzip"),))
    await wire.write(_GZIP_HEADER + begin)
    checksum = zlib.crc32(opening)
    for _ in range(mib):
        checksum = zlib.crc32(blank, checksum)
        await wire.write(block)
        await asyncio.sleep(0)  # give way: other connections are served meanwhile
    checksum = zlib.crc32(b"]}", checksum)
    trailer = checksum.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    wire.entry.complete = True
    await wire.write(end + trailer)


async def _slow(wire: Wire, reply: Reply, *, delay_s: float = 1.0) -> None:
    """The true answer, `delay_s` seconds late."""
    await asyncio.sleep(delay_s)
    await wire.send(reply)


async def _stall(wire: Wire, reply: Reply) -> None:
    """Half of the body, then nothing until the client hangs up."""
    await wire.start(reply, len(reply.body))
    await wire.write(half(reply.body))
    await wire.gone()


FAULTS: Final[dict[str, Callable[..., Awaitable[None]]]] = {
    "429": partial(_status, status=429),
    "500": partial(_status, status=500),
    "502": partial(_status, status=502, body="html"),
    "503": partial(_status, status=503, body="html"),
    "504": partial(_status, status=504, body="html"),
    "status": _status,
    "204": _no_content,
    "redirect": _redirect,
    "html": _html,
    "empty_body": _empty_body,
    "json_cut": _json_cut,
    "error_object": _error_object,
    "missing_key": _missing_key,
    "null_key": _null_key,
    "wrong_selector": _wrong_selector,
    "reset": _reset,
    "reset_body": _reset_body,
    "cut_body": _cut_body,
    "cut_chunked": _cut_chunked,
    "short_length": _short_length,
    "gzip_cut": _gzip_cut,
    "gzip_corrupt": _gzip_corrupt,
    "bomb": _bomb,
    "slow": _slow,
    "stall": _stall,
    **HOSTILE,
}


@dataclass(frozen=True, init=False)
class Fault:
    """What goes wrong, where and how often.

    `name` is a key of `FAULTS`, `params` are that fault's own. `resource` is a label (`events`,
    `clicks/7`) or its first part (`clicks`: every domain's); `None` is every resource. `at` is the
    page's index (`by="page"`) or the request's number within the resource (`by="hit"`), both from
    0; `None` is any. `times` is how often it fires, `None` for ever; every label counts for itself,
    and by hit the following requests are meant when `times` is above 1.
    """

    name: str
    at: int | None
    times: int | None
    resource: str | None
    by: Literal["page", "hit"]
    params: dict[str, Any]

    def __init__(
        self,
        name: str,
        at: int | None = 0,
        *,
        times: int | None = 1,
        resource: str | None = None,
        by: Literal["page", "hit"] = "page",
        **params: Any,
    ) -> None:
        """Check the name and the parameters here, where the test's author sees it.

        Raises:
            ValueError: no such fault.
            TypeError: the fault has no such parameter.
        """
        if name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, n=3) or sorted(FAULTS)
            message = f"expected the name of a fault, got {name!r}: try one of {', '.join(near)}"
            raise ValueError(message)
        inspect.signature(FAULTS[name]).bind(None, None, **params)
        values = locals()
        for field in ("name", "at", "times", "resource", "by", "params"):
            object.__setattr__(self, field, values[field])

    def covers(self, label: str, page: int | None, hit: int) -> bool:
        """Tell whether the fault is meant for this request, however often it fired."""
        if self.resource not in (None, label, label.partition("/")[0]):
            return False
        if self.at is None:
            return True
        return page == self.at if self.by == "page" else hit >= self.at

    async def act(self, wire: Wire, reply: Reply) -> None:
        """Do it to the client."""
        await FAULTS[self.name](wire, reply, **self.params)


class Schedule:
    """Counts requests and decides which fault, if any, meets one: the first one not used up."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._hits: dict[str, int] = {}
        self._fired: dict[tuple[int, str], int] = {}

    def take(self, reply: Reply) -> Fault | None:
        """Fault for this reply, counted as fired; replies without a resource are left alone."""
        label = reply.resource
        if label is None:
            return None
        hit = self._hits.get(label, 0)
        self._hits[label] = hit + 1
        for number, fault in enumerate(self._faults):
            fired = self._fired.get((number, label), 0)
            left = fault.times is None or fired < fault.times
            if left and fault.covers(label, reply.page, hit):
                self._fired[number, label] = fired + 1
                return fault
        return None


def page_faults(
    seed: int = 0,
    resources: Sequence[str] = ("domains", "events", "links", "clicks"),
    *,
    pages: int = 4,
    delay_s: float = 0.02,
) -> list[Fault]:
    """The usual bad day: for each resource a 429 (Retry-After 1), a 503, a cut body, a slow page.

    They are spread by `seed` over the first `pages` pages of the resource, one a page as long as
    there are pages enough. A resource with fewer pages meets only those that fall on its pages.
    """
    dice = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    faults = []
    for resource in resources:
        places = [place % pages for place in range(max(pages, 4))]
        dice.shuffle(places)
        faults += [
            Fault("429", places[0], resource=resource, retry_after=1),
            Fault("503", places[1], resource=resource),
            Fault("cut_body", places[2], resource=resource),
            Fault("slow", places[3], resource=resource, delay_s=delay_s),
        ]
    return faults
