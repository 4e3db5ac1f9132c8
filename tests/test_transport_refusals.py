"""What the API refuses, and what the transport refuses: statuses, foreign origins, redirects; and that no secret shows.

Two real loopback servers stand for the API and for somebody else's host.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from headrace.clock import TurnedClock
from headrace.errors import ConfigError, HeadraceError, RefusedError, TransportError
from headrace.message import Request, Response
from headrace.plan.model import Auth, Limits, RetryPolicy
from headrace.secrets import Secret
from headrace.transport import SIGNERS, Trace, Transport
from headrace.transport.auth import sign

GOLD = "gold/key+77 äq"
LATIN = "gold-key-77"
PAIR = base64.b64encode(f"api:{LATIN}".encode()).decode()
#: path -> status, headers, body
Pages = dict[str, tuple[int, dict[str, str], bytes]]
Ask = Callable[..., Coroutine[Any, Any, Any]]


class Host:
    """A server that answers by path and keeps the request heads."""

    def __init__(self) -> None:
        self.pages: Pages = {}
        self.heads: list[str] = []

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:  # a request that could not be sent leaves a connection without one
            writer.close()
            return
        self.heads.append(head)
        status, headers, body = self.pages.get(head.split()[1].split("?")[0], (200, {}, b'{"ok": true}'))
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{fields}\r\n".encode()
        )
        writer.write(body)
        writer.close()
        await writer.wait_closed()


class Scene:
    """The API, somebody else's host, the transport and its traces."""

    def __init__(self) -> None:
        self.api, self.other = Host(), Host()
        self.traces: list[Trace] = []
        self.transport: Transport

    async def ask(self, url: str, auth: Auth | None = None, method: str = "GET", **more: Any) -> Any:
        request = Request(method, url if ":" in url else self.api.url + url, resource="events", **more)
        return await self.transport.fetch(request, auth, lambda response: json.loads(response.body))

    async def error(self, url: str, auth: Auth | None = None, method: str = "GET", **more: Any) -> HeadraceError:
        with pytest.raises(HeadraceError) as caught:
            await self.ask(url, auth, method, **more)
        return caught.value


@asynccontextmanager
async def scene(max_retries: int = 0, timeout_s: float = 20.0) -> AsyncIterator[Scene]:
    stage = Scene()
    await stage.api.start()
    await stage.other.start()
    async with Transport(
        retry=RetryPolicy(max_retries=max_retries),
        limits=Limits(timeout_s=timeout_s),
        origins=frozenset({("http", "127.0.0.1", stage.api.port)}),
        clock=TurnedClock(),
        observe=stage.traces.append,
    ) as stage.transport:
        yield stage
    for host in (stage.api, stage.other):
        host.server.close()
        await host.server.wait_closed()
    await asyncio.sleep(0.01)  # the servers' ends of the connections see the end


def test_a_refusal_is_final_and_shows_little_of_the_body() -> None:
    """401 and its kin are not retried; the body is cut, in one line, without escapes; a known secret is masked."""

    async def play() -> None:
        async with scene(max_retries=3) as stage:
            body = f'{{"message": "no such key\n {LATIN} \x1b[31m{"x" * 400}"}}'.encode()
            stage.api.pages["/page"] = (401, {}, body)
            error = await stage.error("/page", Auth("bearer", {"token": Secret(LATIN)}))
            assert isinstance(error, RefusedError)
            assert (error.status, len(stage.api.heads)) == (401, 1)
            head = 'expected 200, got 401 Unauthorized ({"message": "no such key *** \ufffd[31mxx'
            assert error.message.startswith(head)
            assert error.message.endswith(f"x... cut) from GET {stage.api.url}/page")
            assert len(error.message) < 340
            assert error.where == "resource `events`"
            assert "check the key" in str(error.hint)

    asyncio.run(play())


def test_a_secret_at_the_cut_is_masked_whole() -> None:
    """The mask works before the cut: half a key would be shown otherwise."""

    async def play() -> None:
        async with scene() as stage:
            stage.api.pages["/page"] = (400, {}, b"y" * 195 + LATIN.encode() + b"z" * 90)
            error = await stage.error("/page", Auth("bearer", {"token": LATIN}))
            assert "yy***zz" in error.message
            assert LATIN[:4] not in str(error)

    asyncio.run(play())


@pytest.mark.parametrize(("status", "kind"), [(404, RefusedError), (418, RefusedError), (304, TransportError)])
def test_other_statuses_are_named(status: int, kind: type[HeadraceError]) -> None:
    """A status that the policy does not retry is an error at once, whatever its class."""

    async def play() -> None:
        async with scene(max_retries=3) as stage:
            stage.api.pages["/page"] = (status, {}, b"")
            error = await stage.error("/page")
            assert type(error) is kind
            assert f"expected 200, got {status}" in str(error)
            assert len(stage.api.heads) == 1

    asyncio.run(play())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{other}/page",
        "http://localhost:{api}/page",
        "https://127.0.0.1:{api}/page",
        "http://127.0.0.1:{api}@127.0.0.1:{other}/page",
        "http://127.0.0.1:{other}\\@127.0.0.1:{api}/page",
        "http://user:sesame@127.0.0.1:{api}/page",
        "http://127.0.0.1:{api}.example/page",
        "http://127.0.0.1:99999/page",
        "http://[::1/page",
        "file:///etc/passwd",
        "//127.0.0.1:{other}/page",
    ],
)
def test_a_link_to_a_foreign_origin_is_refused(url: str) -> None:
    """A `next` link is text of the server: nothing is sent outside the origins, and no user-info is shown."""

    async def play() -> None:
        async with scene() as stage:
            there = url.format(api=stage.api.port, other=stage.other.port)
            error = await stage.error(there, Auth("bearer", {"token": Secret(LATIN)}))
            assert isinstance(error, TransportError)
            assert error.hint
            assert "sesame" not in str(error)
            assert (stage.api.heads, stage.other.heads) == ([], [])

    asyncio.run(play())


def test_the_same_origin_may_be_written_otherwise() -> None:
    """Scheme and host are compared without regard to case, and what is not ASCII goes out encoded."""

    async def play() -> None:
        async with scene() as stage:
            assert await stage.ask(f"HTTP://127.0.0.1:{stage.api.port}/a b/ü\r\nx: y?q=%2f é#part") == {"ok": True}
            assert stage.api.heads[0].startswith("GET /a%20b/%C3%BCx:%20y?q=%2f%20%C3%A9 HTTP/1.1\r\n")
            assert "\r\nx: y" not in stage.api.heads[0]

    asyncio.run(play())


def test_redirects_inside_the_origins_are_followed_and_signed() -> None:
    """Each hop is a request of its own, with its credential once, and the answer bears the last address."""

    async def play() -> None:
        async with scene() as stage:
            auth = Auth("api_key", {"name": "key", "api_key": Secret(LATIN), "location": "query"})
            stage.api.pages["/old"] = (301, {"Location": f"/new?page=2&key={LATIN}&z=%2F"}, b"")
            urls: list[str] = []

            def read(response: Response) -> int:
                urls.append(response.url)
                return response.status

            assert await stage.transport.fetch(Request("GET", f"{stage.api.url}/old?page=2"), auth, read) == 200
            assert [head.split()[1] for head in stage.api.heads] == [
                f"/old?page=2&key={LATIN}",
                f"/new?page=2&z=%2F&key={LATIN}",
            ]
            assert [trace.status for trace in stage.traces] == [200]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("status", "method", "location", "text"),
    [
        (302, "GET", "http://127.0.0.1:{other}/page", "expected an address at http://127.0.0.1:"),
        (307, "POST", "http://127.0.0.1:{other}/page", "expected an address at http://127.0.0.1:"),
        (302, "GET", "http://me:sesame@127.0.0.1:{api}/page", "without user name and password"),
        (301, "POST", "/page", "got 301 with a redirect that drops the body of a POST"),
        (303, "POST", "/page", "got 303 with a redirect that drops the body of a POST"),
        (302, "GET", "/from", "a loop or more than 5 redirects"),
        (302, "GET", "", "got 302 with no `location`"),
    ],
)
def test_a_bad_redirect_is_refused(status: int, method: str, location: str, text: str) -> None:
    """No credential to another host, no body dropped, no loop (faults H18, H19)."""

    async def play() -> None:
        async with scene(max_retries=3) as stage:
            there = location.format(api=stage.api.port, other=stage.other.port)
            stage.api.pages["/from"] = (status, {"Location": there}, b"")
            auth = Auth("api_key", {"name": "X-Api-Key", "api_key": Secret(LATIN)})
            error = await stage.error("/from", auth, method, json={} if method == "POST" else None)
            assert isinstance(error, TransportError)
            assert text in str(error)
            assert error.hint
            assert "sesame" not in str(error)
            assert (len(stage.api.heads), stage.other.heads) == (1, [])

    asyncio.run(play())


def test_five_redirects_are_enough() -> None:
    """Five are followed, the sixth is an error."""

    async def play() -> None:
        async with scene() as stage:
            for hop in range(6):
                stage.api.pages[f"/{hop}"] = (308, {"Location": f"/{hop + 1}"}, b"")
            assert await stage.ask("/1") == {"ok": True}
            assert "more than 5" in str(await stage.error("/0"))

    asyncio.run(play())


@pytest.mark.parametrize(
    ("kind", "fields", "line", "hidden"),
    [
        ("basic", {"username": "api", "password": Secret(LATIN)}, f"authorization: Basic {PAIR}", (LATIN, PAIR)),
        ("http_basic", {"username": "api", "password": LATIN}, f"authorization: Basic {PAIR}", (LATIN, PAIR)),
        ("bearer", {"token": Secret(LATIN)}, f"authorization: Bearer {LATIN}", (LATIN,)),
        ("api_key", {"api_key": Secret(LATIN)}, f"authorization: {LATIN}", (LATIN,)),
        ("api_key", {"api_key": LATIN, "name": "X-Key", "location": "header"}, f"x-key: {LATIN}", (LATIN,)),
        (
            "api_key",
            {"api_key": Secret(GOLD), "name": "k", "location": "query"},
            f"GET /echo?k={quote_plus(GOLD)} HTTP/1.1",
            (GOLD, quote_plus(GOLD), quote(GOLD, safe="")),
        ),
        ("api_key", {"api_key": LATIN, "name": "k", "location": "param"}, f"GET /echo?k={LATIN} HTTP/1.1", (LATIN,)),
    ],
)
@pytest.mark.parametrize("status", [401, 500])
def test_a_credential_reaches_the_wire_and_nothing_else(
    kind: str,
    fields: dict[str, str | Secret],
    line: str,
    hidden: tuple[str, ...],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is on the wire once, and in no error, traceback, trace or log, even when the server echoes it."""
    caplog.set_level(logging.DEBUG)

    async def play() -> None:
        async with scene(max_retries=1) as stage:
            stage.api.pages["/echo"] = (status, {}, "; ".join(hidden).encode())
            error = await stage.error("/echo", Auth(kind, fields), headers=(("Authorization", "old"), ("X-Key", "old")))
            lines = [text.lower() for text in stage.api.heads[0].splitlines()]
            assert lines.count(line.lower()) == 1
            assert sum(text.startswith(line.lower().split()[0]) for text in lines) == 1
            assert f"({'; '.join('***' for _ in hidden)})" in str(error)
            shown = "".join(traceback.format_exception(error)) + repr(stage.traces) + caplog.text
            assert [secret for secret in hidden if secret in shown] == []

    asyncio.run(play())


def test_the_table_of_signers_is_walked() -> None:
    """Every kind signs; an unknown kind, place or missing field is an error of the configuration."""
    fields = {"username": "u", "password": "p", "token": "ttt", "api_key": "kkk"}
    request = Request("GET", "https://host/")
    for kind in SIGNERS:
        assert sign(request, Auth(kind, fields)) != request
    for auth in (Auth("oauth9"), Auth("bearer"), Auth("api_key", fields | {"location": "cookie"})):
        with pytest.raises(ConfigError, match="expected"):
            sign(request, auth)


def test_a_key_with_a_line_break_is_explained() -> None:
    """The commonest slip with keys in files; not retried, and the key is not shown."""

    async def play() -> None:
        async with scene(max_retries=3) as stage:
            error = await stage.error("/page", Auth("bearer", {"token": Secret(LATIN + "\n")}))
            assert "could not be sent" in str(error)
            assert "line break" in str(error.hint)
            assert LATIN not in "".join(traceback.format_exception(error))
            assert len(stage.traces) == 1

    asyncio.run(play())


@pytest.mark.parametrize("fault", ["nobody there", "no HTTP"])
def test_a_failed_attempt_does_not_show_the_signed_address(fault: str) -> None:
    """The library's errors name the address that it asked for, with the key in its query; a traceback prints them."""

    async def play() -> None:
        async with scene() as stage:
            if fault == "no HTTP":
                stage.api.pages["/page"] = (99999, {}, b"")
            else:
                stage.api.server.close()
                await stage.api.server.wait_closed()
            auth = Auth("api_key", {"name": "k", "api_key": Secret(LATIN), "location": "query"})
            error = await stage.error("/page", auth)
            assert ("could not be reached" if fault == "nobody there" else "no HTTP answer") in str(error)
            assert LATIN not in "".join(traceback.format_exception(error)) + repr(stage.traces)

    asyncio.run(play())
