"""Send: the only file that knows the HTTP library. One signed request out, one whole, decompressed answer in.

The library decides nothing: no redirects, no decompression, no cookies, no proxy or netrc from the environment, and
none of its own retries (a middleware turns the errors that it would answer with a silent second try into ours).
What stays with it is the framing: it was measured to notice every cut and every over-long body whose length is known,
and its total time-out stops a body that trickles (faults.md, section 3).

A connection that a server closed while it was idle fails at the very moment of sending. That says nothing about the
server, so the request goes out again at once, uncounted, until it has a connection of its own. Each such try uses
up one idle connection, of which there are at most as many as slots. A request that may not be made twice has one of its
own from the beginning.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from headrace.message import Request, Response
from headrace.secrets import mask, shown_cause
from headrace.transport.address import full_url
from headrace.transport.attempt import UNBOUNDED, AttemptFailed
from headrace.transport.decompress import decompress, too_large
from headrace.transport.private import Addresses, is_link_local

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from typing_extensions import Self

    from headrace.plan.model import Limits

#: One header line, in bytes. The library's 8 kB is too small for `Link` headers that carry long cursors.
_MAX_HEADER_BYTES: Final = 64 * 1024
#: The body of an answer without success is read so far; only its first characters are ever shown.
_MAX_ERROR_BODY_BYTES: Final = 64 * 1024
#: From here on decompression is worth a thread: 64 kB take 0.6 ms (a bomb of that size 200 ms), the way there 0.1 ms.
_THREAD_FROM_BYTES: Final = 64 * 1024
_NO_CONTENT: Final = 204
_MISDIRECTED: Final = 421
#: A name that does not exist will not come to exist; a resolver that has just been started may say so of any.
_RETRIES_WITHOUT_NAME: Final = 4
_MAX_DETAIL_CHARACTERS: Final = 120
#: A host's name -> its addresses in figures. Raises `OSError`.
Lookup = Callable[[str], Awaitable[Sequence[str]]]
_LOST: Final = "lost the connection before the answer"
_UNREACHED: Final = "could not be reached"
_TOO_SLOW: Final = "ask for smaller pages, or raise `timeout_s`"
#: There was no connection, or no answer on it.
_CUT_OFF: Final = frozenset({_LOST, _UNREACHED})


class Sender:
    """An HTTP session; an async context manager. `send` is what the layers around it need."""

    def __init__(self, limits: Limits, lookup: Lookup | None = None) -> None:
        self._limits = limits
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None
        #: For requests that may not be made twice: each gets a connection that nobody has used before.
        self._single: aiohttp.ClientSession | None = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        resolver = _Resolver(self._lookup)
        opened = self._opened.enter_async_context
        self._session = await opened(self._session_on(_Connector(limit=0, resolver=resolver)))
        # closed first, for which nothing has to be waited for: who is ended while it waits closes no more of them
        self._single = await opened(self._session_on(_Connector(limit=0, resolver=resolver, force_close=True)))
        return self

    def _session_on(self, connector: _Connector) -> aiohttp.ClientSession:
        """A session on `connector`, which has no bound of its own: the slots of the host's gate are the bound."""
        watch_reuse = aiohttp.TraceConfig()
        watch_reuse.on_connection_reuseconn.append(_note_reuse)
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=self._limits.timeout_s),
            headers={"User-Agent": f"headrace/{_version()}", "Accept-Encoding": "gzip"},
            skip_auto_headers=("Content-Type",),
            max_field_size=_MAX_HEADER_BYTES,
            middlewares=(_no_second_try,),
            trace_configs=[watch_reuse],
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = self._single = None
        await self._opened.aclose()

    async def send(self, request: Request) -> Response:
        """The whole answer. Raises `AttemptFailed` when there is none."""
        host = urlsplit(request.url).hostname or ""
        if is_link_local(host):
            raise _leads_inside(_PrivateAddressError(host, [host]))
        for _ in range(self._limits.in_flight + 1):
            with suppress(_IdleConnectionLost):
                return await self._send_once(request)
        raise AttemptFailed(_LOST, cut_off=True)

    async def _send_once(self, request: Request) -> Response:
        session = self._session if request.idempotent else self._single
        if session is None:
            message = "use `async with` around the transport"
            raise RuntimeError(message)
        connection = _ConnectionNote()
        headers, body = _written(request)
        with self._translating(connection):
            async with session.request(
                request.method,
                URL(full_url(request), encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=connection,
            ) as answer:
                connection.answers = True
                success = 200 <= answer.status < 300
                raw = await self._read(
                    answer, self._limits.max_page_bytes if success else _MAX_ERROR_BODY_BYTES, success
                )
                answered = _headers(answer)
                status = answer.status
                if status == _MISDIRECTED:
                    answer.close()  # its connection leads to the wrong server; the next try makes a new one
        if raw or (success and status != _NO_CONTENT):
            raw = await self._decoded(raw, answered.get("content-encoding", ""), success)
        return Response(status, answered, raw, full_url(request))

    # no asynchronous generator: when an extract fails dlt closes all that rest in its loop, and speaks of it
    @contextmanager
    def _translating(self, connection: _ConnectionNote) -> Iterator[None]:
        """Translate what goes wrong until the body is read; leaving early closes the connection."""
        try:
            yield
        except _ConnectionLost as error:
            if connection.reused:
                raise _IdleConnectionLost from None
            raise _failed(error.__cause__ or error) from shown_cause(error.__cause__)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            raise self._translated(error, connection) from shown_cause(error)

    async def _read(self, answer: aiohttp.ClientResponse, limit: int, success: bool) -> bytes:  # noqa: FBT001
        """The raw body. Of an answer without success as much as comes: its status says what there is to know."""
        declared = answer.content_length
        if success and declared is not None and declared > limit:
            raise too_large(limit, "bytes")
        # gives its bytes away without a copy, where joined pieces would be in memory twice
        body = BytesIO()
        try:
            async for piece in answer.content.iter_any():
                if body.tell() + len(piece) > limit:
                    if success:
                        raise too_large(limit, "bytes")
                    break
                body.write(piece)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            if success:
                raise
        return body.getvalue()

    async def _decoded(self, raw: bytes, coding: str, success: bool) -> bytes:  # noqa: FBT001
        limit = self._limits.max_page_bytes
        try:
            if coding and len(raw) >= _THREAD_FROM_BYTES:
                return await asyncio.to_thread(decompress, raw, coding, limit)
            return decompress(raw, coding, limit)
        except AttemptFailed:
            if success:
                raise
            return b""

    def _translated(self, error: Exception, connection: _ConnectionNote) -> AttemptFailed:
        if isinstance(error, asyncio.TimeoutError):
            text = f"gave no whole answer within {self._limits.timeout_s:g} s"
            return AttemptFailed(text, hint=_TOO_SLOW if connection.answers else None, unfinished=connection.answers)
        return _failed(error)


def _written(request: Request) -> tuple[list[tuple[str, str]], Any]:
    """The headers and the body of `request` as they are sent."""
    headers = list(request.headers)
    if request.json is None:
        return headers, request.data
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return headers, json.dumps(request.json).encode()


class _Connector(aiohttp.TCPConnector):
    """Gives no connection on which something arrived that nobody had asked for.

    The library would hand those bytes to the next request as its answer (measured with 3.14.5: a server that sends a
    second answer 20 ms after the first has it taken for the next page).
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class _PrivateAddressError(OSError):
    """A name leads to addresses alone that it may not lead to."""

    def __init__(self, host: str, addresses: Sequence[str]) -> None:
        super().__init__(f"{host}: {', '.join(addresses)}")
        self.host = host
        self.addresses = addresses


class _Resolver(AbstractResolver):
    """Gives the addresses of a name that may be connected to; `lookup` takes the place of the system's."""

    def __init__(self, lookup: Lookup | None) -> None:
        self._lookup = lookup
        self._addresses = Addresses()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if self._lookup is None:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
            addresses = [str(each[4][0]) for each in found]
        else:
            addresses = list(await self._lookup(host))
        kept = self._addresses.allowed(host, addresses)
        if not kept:
            raise _PrivateAddressError(host, addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in kept
        ]

    async def close(self) -> None:
        """Nothing is held."""


class _ConnectionLost(Exception):  # noqa: N818 - never leaves this file
    """The connection ended before the answer began."""


class _IdleConnectionLost(Exception):  # noqa: N818 - never leaves this file
    """It had been used before, so it may have been closed by then."""


class _ConnectionNote:
    """Whether a request went out on a connection that was used before, and whether its answer began."""

    reused = False
    answers = False


async def _note_reuse(_: object, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.reused = True


async def _no_second_try(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLost from error


#: Foreign error -> how often asking again is worth it, text, hint; the first row that fits counts.
_TRANSLATIONS: Final[tuple[tuple[type[BaseException], int, str, str | None], ...]] = (
    (
        aiohttp.ClientConnectorCertificateError,
        0,
        "showed a certificate that cannot be trusted",
        "check the host's name, the machine's clock and its certificate store; there is no switch to go on regardless",
    ),
    (aiohttp.ClientConnectorDNSError, UNBOUNDED, "could not be reached, its name was not found", "check `base_url`"),
    (aiohttp.ClientConnectorSSLError, UNBOUNDED, "broke off the TLS handshake", "check scheme and port of `base_url`"),
    (aiohttp.ClientConnectorError, UNBOUNDED, _UNREACHED, "check `base_url` and the network"),
    (aiohttp.InvalidURL, 0, "could not be asked, the address is not valid", "check `base_url` and `path`"),
    (aiohttp.ClientResponseError, UNBOUNDED, "got something that is no HTTP answer", None),
    (aiohttp.ClientPayloadError, UNBOUNDED, "got a body that ends early", None),
    (aiohttp.ClientError, UNBOUNDED, _LOST, None),
    (OSError, UNBOUNDED, "lost the connection", None),
    (
        ValueError,
        0,
        "could not be sent",
        "a key read from a file may end in a line break, which no header can hold",
    ),
)


def _failed(error: BaseException) -> AttemptFailed:
    origin = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(origin, _PrivateAddressError):
        return _leads_inside(origin)
    retries, text, hint = next(row[1:] for row in _TRANSLATIONS if isinstance(error, row[0]))
    if getattr(origin, "errno", None) == socket.EAI_NONAME:
        retries = _RETRIES_WITHOUT_NAME
    detail = _detail(error)
    cut_off = text in _CUT_OFF
    undone = isinstance(error, aiohttp.ClientConnectorError)  # there was no connection
    said = f"{text} ({detail})" if detail else text
    return AttemptFailed(said, retries=retries, hint=hint, cut_off=cut_off, undone=undone)


def _leads_inside(error: _PrivateAddressError) -> AttemptFailed:
    found = ", ".join(error.addresses)
    if all(map(is_link_local, error.addresses)):
        text, hint = f"`{error.host}` is {found}, an address of the local link,", "such addresses are never asked"
    else:
        text = f"`{error.host}` led to the public network before and leads to {found} now, in a private one,"
        hint = "look up the name; if it is to lead there, run again"
    return AttemptFailed(f"could not be reached, {text}", retries=0, hint=hint)


def _detail(error: BaseException) -> str:
    """The library's words, masked before they are cut; none where they repeat the address or our own text."""
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.ClientPayloadError)):
        return ""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        # why, which the library's own words tell last
        return str(getattr(error.certificate_error, "verify_message", "")).rstrip(".")[:_MAX_DETAIL_CHARACTERS]
    words = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return " ".join(mask(words).split())[:_MAX_DETAIL_CHARACTERS]


def _headers(answer: aiohttp.ClientResponse) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        # repeated headers are one list (RFC 9110, section 5.3); `Link` comes that way
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _version() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:
        return "unknown"
