"""The API of a case, in a process of its own: ready bytes by a bare protocol.

    python bench/server.py '{"case": "events", "rows": 60000}'

Renders its rows, says `{"port": ...}` on a line, and serves until it is terminated.

    GET /events?cursor=300&limit=300    rows 300 to 599, the cursor of the next page, the total
    GET /events?from=..&to=..&cursor=   the same within seconds of time; row n is n seconds after the first
    GET /events?since=..                nothing, if the time is not before that of the first row
    GET /-/counts                       what was counted since the last time, and the CPU seconds of this process

A page of a listing is joined once and kept, cut at the marks; joining it with the number of its round makes millions of
rows out of some ten thousand.

The limit counts by the second of the clock, as the cheap ones do; what is above it gets a 429, with nothing but the
status unless headers were asked for.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import cases
import rows

_MARK: Final = rows.MARK.encode()
_HEAD: Final = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
#: Room for a whole page, so that one call to the kernel takes it.
_SEND_BUFFER: Final = 4 << 20


@dataclass
class Counts:
    """What came since they were last asked for."""

    requests: int = 0
    refused: int = 0
    most_in_flight: int = 0


@dataclass(frozen=True)
class Body:
    """Pieces of text, between which the number of the round stands; its length is known before they are joined."""

    pieces: list[bytes]
    mark: bytes
    length: int

    def joined(self, head: bytes, end: bytes) -> bytes:
        """All of it in one copy: each one of 300 kB costs 0.06 ms."""
        first, *more = self.pieces
        if not more:
            return head + first + end
        return self.mark.join([head + first, *more[:-1], more[-1] + end])


class Pages:
    """Pages of one listing."""

    def __init__(self, listing: cases.Listing) -> None:
        self._listing = listing
        self._rows = [listing.render(index).encode() for index in range(min(listing.rows, cases.RENDERED))]
        self._bodies: dict[tuple[int, int], Body] = {}
        for place in range(0, len(self._rows), listing.page):
            self._records(place, min(place + listing.page, len(self._rows)))

    def answer(self, query: dict[str, str]) -> tuple[bytes, Body, bytes]:
        """What begins the body, its records, and what ends it."""
        first = int(query.get("from", rows.START_S)) - rows.START_S
        end = min(int(query.get("to", rows.START_S + self._listing.rows)) - rows.START_S, self._listing.rows)
        if query.get("since", "") >= "2026-03-04":
            end = first
        place = first + int(query.get("cursor") or query.get("offset") or 0)
        stop = min(place + min(int(query.get("limit", self._listing.page)), self._listing.page), end)
        following = b'"%d"' % (stop - first) if stop < end else b"null"
        return b'{"items":[', self._records(place, stop), b'],"total":%d,"next":%s}' % (end - first, following)

    def _records(self, place: int, stop: int) -> Body:
        if stop <= place:
            return Body([b""], b"", 0)
        turn, at = divmod(place, len(self._rows))
        to = at + stop - place
        if to > len(self._rows):  # the round ends on this page
            middle = place + len(self._rows) - at
            halves = self._records(place, middle), self._records(middle, stop)
            text = b",".join(half.joined(b"", b"") for half in halves)
            return Body([text], b"", len(text))
        if (at, to) not in self._bodies:
            pieces = b",".join(self._rows[at:to]).split(_MARK)
            length = sum(map(len, pieces)) + len(_MARK) * (len(pieces) - 1)
            self._bodies[at, to] = Body(pieces, b"", length)
        return replace(self._bodies[at, to], mark=b"%05d" % turn)


class Service:
    """Answers, after the latency and within the limit."""

    def __init__(self, case: cases.Case) -> None:
        self._case = case
        self._pages = {f"/{listing.name}": Pages(listing) for listing in case.listings}
        self._second = 0
        self._in_second = 0
        self.counts = Counts()
        self.in_flight = 0
        self._cpu_s = time.process_time()

    def answer(self, target: str) -> tuple[bytes, float]:
        """The whole answer, and the seconds to wait before it is sent."""
        url = urlsplit(target)
        if url.path == "/-/counts":
            return _plain(b"200 OK", self._counted()), 0.0
        self.counts.requests += 1
        headers = b""
        if self._case.rate:
            allowed, headers = self._turn(self._case.rate)
            if not allowed:
                self.counts.refused += 1
                return _plain(b"429 Too Many Requests" + headers, b"{}"), 0.0
        if url.path not in self._pages:
            return _plain(b"404 Not Found", b"{}"), 0.0
        begin, body, end = self._pages[url.path].answer(dict(parse_qsl(url.query)))
        head = _HEAD % (b"200 OK" + headers, len(begin) + body.length + len(end))
        return body.joined(head + begin, end), self._case.latency_ms / 1000

    def _turn(self, rate: int) -> tuple[bool, bytes]:
        second = int(time.time())
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        headers = b""
        if self._case.rate_headers:
            left = max(0, rate - self._in_second)
            headers = b"\r\nX-RateLimit-Limit: %d\r\nX-RateLimit-Remaining: %d\r\nX-RateLimit-Reset: %d" % (
                rate, left, second + 1,
            )  # fmt: skip
        return self._in_second <= rate, headers

    def _counted(self) -> bytes:
        counts, self.counts = self.counts, Counts()
        before, self._cpu_s = self._cpu_s, time.process_time()
        return json.dumps({**counts.__dict__, "cpu_s": self._cpu_s - before}).encode()


class Connection(asyncio.Protocol):
    """Requests without bodies, one after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            service = self._service
            service.in_flight += 1
            service.counts.most_in_flight = max(service.counts.most_in_flight, service.in_flight)
            answer, wait_s = service.answer(head.split(b" ", 2)[1].decode())
            if wait_s:
                asyncio.get_running_loop().call_later(wait_s, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        self._service.in_flight -= 1
        self._transport.write(answer)


def _plain(status: bytes, body: bytes) -> bytes:
    return _HEAD % (status, len(body)) + body


async def serve(case: cases.Case) -> None:
    """Serve for ever, after saying where."""
    service = Service(case)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(service), "127.0.0.1", 0)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    asyncio.run(serve(cases.CASES[asked["case"]].sized(asked["rows"])))
