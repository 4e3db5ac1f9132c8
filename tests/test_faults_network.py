"""Faults of names, addresses and connections that no simulated answer can show."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from headrace.clock import TurnedClock
from headrace.errors import TransportError
from headrace.message import Request
from headrace.plan.model import Limits, RetryPolicy
from headrace.sim.message import Reply
from headrace.sim.server import Server
from headrace.transport import Transport
from headrace.transport.attempt import AttemptFailed
from headrace.transport.private import is_private
from headrace.transport.send import Sender, _failed, _Resolver

BODY = b'{"items": [1]}'


def service(_: Any) -> Reply:
    return Reply(body=BODY, resource="things", page=0, rows=range(1), key="items")


def ask(
    url: str,
    clock: TurnedClock,
    *,
    lookup: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    limits: Limits | None = None,
    times: int = 1,
) -> list[Any]:
    """What `times` requests side by side give, bodies or errors, by the default policy of retries."""

    async def scene() -> list[Any]:
        bounds = limits or Limits()
        sender = Sender(bounds, lookup)
        host, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")
        origins = frozenset({("http", host.strip("[]"), int(port))})
        async with (
            sender,
            Transport(retry=RetryPolicy(), limits=bounds, origins=origins, clock=clock, send=sender.send) as transport,
        ):
            request = Request("GET", f"{url}/things", resource="things")
            tasks = [transport.fetch(request, None, lambda response: response.body) for _ in range(times)]
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(scene())


class Waking(TurnedClock):
    """Calls `wake` once when its time has passed `after_s`."""

    def __init__(self, after_s: float, wake: Callable[[], object]) -> None:
        super().__init__()
        self._after_s = after_s
        self._wake: Callable[[], object] | None = wake

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.now() >= self._after_s and self._wake is not None:
            wake, self._wake = self._wake, None
            wake()


def test_who_is_ended_twice_leaves_no_session_open() -> None:
    """The second end comes while the connection that rests is waited for."""

    async def scene(url: str) -> list[bool]:
        sessions: list[Any] = []
        answered = asyncio.Event()

        async def held() -> None:
            async with Sender(Limits()) as sender:
                sessions.extend((sender._session, sender._single))
                await sender.send(Request("GET", f"{url}/things", resource="things", idempotent=True))
                answered.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(held())
        await answered.wait()
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await task
        return [session.closed for session in sessions]

    with Server(service) as server:
        assert asyncio.run(scene(server.url)) == [True, True]


@pytest.mark.parametrize("seconds", [30, 600, 890], ids=["N01", "H09", "a quarter of an hour"])
def test_a_host_that_is_down_for_a_while(seconds: float) -> None:
    """Nobody listens, then somebody does: waited for, as long as the time for retries lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(service, port=port)
    clock = Waking(seconds, server.__enter__)
    try:
        assert ask(f"http://127.0.0.1:{port}", clock) == [BODY]
    finally:
        server.__exit__()
    assert seconds <= clock.now() <= seconds + 60


def test_an_outage_that_outlasts_the_time_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clock = TurnedClock()
    [error] = ask(f"http://127.0.0.1:{port}", clock)
    assert isinstance(error, TransportError)
    assert "could not be reached" in error.message
    assert error.hint == "check `base_url` and the network"
    assert clock.now() == pytest.approx(900)


class Names:
    """A resolver: each answer is a list of addresses or an error, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> Sequence[str]:
        del host
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
LATER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize("failure", [NO_NAME, LATER])
def test_a_name_that_is_not_found_at_first(failure: Exception) -> None:
    names, clock = Names(failure, failure, ["127.0.0.1"]), TurnedClock()
    with Server(service) as server:
        port = server.url.rpartition(":")[2]
        assert ask(f"http://api.internal:{port}", clock, lookup=names) == [BODY]
    assert clock.slept == [1.0, 2.0]


@pytest.mark.parametrize(("failure", "seconds", "tries"), [(NO_NAME, 15, 5), (LATER, 900, 21)])
def test_a_name_that_is_not_found(failure: Exception, seconds: float, tries: int) -> None:
    """A name that does not exist is not waited for as long as a resolver that is down."""
    names, clock = Names(failure), TurnedClock()
    [error] = ask("http://api.example.com:1", clock, lookup=names)
    assert "could not be reached, its name was not found" in error.message
    assert "api.example.com" in error.message
    assert (clock.now(), names.asked) == (pytest.approx(seconds), tries)


PUBLIC = "8.8.8.8"


@pytest.mark.parametrize("address", ["10.0.0.5", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"])
def test_a_name_that_is_led_inside_in_mid_run_is_refused(address: str) -> None:
    resolver = _Resolver(Names([PUBLIC], [address]))

    async def scene() -> AttemptFailed:
        first = await resolver.resolve("api.example.com", 443)
        assert [each["host"] for each in first] == [PUBLIC]
        with pytest.raises(OSError, match=re.escape("api.example.com")) as refused:
            await resolver.resolve("api.example.com", 443)
        return _failed(refused.value)

    failed = asyncio.run(scene())
    assert f"`api.example.com` led to the public network before and leads to {address} now" in str(failed)
    assert failed.hint == "look up the name; if it is to lead there, run again"
    assert failed.retries == 0


def test_of_public_and_private_addresses_only_the_public_ones_are_asked() -> None:
    found = asyncio.run(_Resolver(Names(["10.0.0.5", PUBLIC])).resolve("api.example.com", 443))
    assert [each["host"] for each in found] == [PUBLIC]


@pytest.mark.parametrize("host", ["api.internal", "api", "api.example.com"])
def test_a_name_may_lead_inside_from_the_beginning(host: str) -> None:
    with Server(service) as server:
        port = server.url.rpartition(":")[2]
        assert ask(f"http://{host}:{port}", TurnedClock(), lookup=Names(["127.0.0.1"])) == [BODY]


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.example.com"])
def test_addresses_of_the_local_link_are_never_asked(host: str) -> None:
    [error] = ask(f"http://{host}:80", TurnedClock(), lookup=Names(["169.254.169.254"]))
    assert f"`{host}` is 169.254.169.254, an address of the local link" in error.message


@pytest.mark.parametrize(
    ("address", "private"),
    [("8.8.8.8", False), ("2606:4700::1", False), ("192.168.1.1", True), ("100.64.0.1", True), ("224.0.0.1", True),
     ("0.0.0.1", True), ("fe80::1%eth0", True), ("nonsense", True)],
)  # fmt: skip
def test_private_addresses(address: str, private: bool) -> None:
    assert is_private(address) is private


def test_a_server_that_takes_two_connections() -> None:
    """Every further one is reset at once: all are answered in the end, and soon no more than two are tried."""
    open_now = resets = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, resets
        if open_now >= 2:
            resets += 1
            writer.transport.abort()
            return
        open_now += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_now -= 1
            writer.close()

    async def scene() -> list[Any]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        clock, origins = TurnedClock(), frozenset({("http", "127.0.0.1", port)})
        async with Transport(retry=RetryPolicy(), limits=Limits(), origins=origins, clock=clock) as transport:
            request = Request("GET", f"http://127.0.0.1:{port}/")
            tasks = [transport.fetch(request, None, lambda response: response.body) for _ in range(400)]
            found = await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        return found

    assert asyncio.run(scene()) == [BODY] * 400
    assert resets <= 30


def run_apart(code: str, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with its own home."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_netrc_entry_replaces_nothing(tmp_path: Path) -> None:
    """Neither where credentials are configured nor where none are."""
    seen: list[str | None] = []

    def answer(request: Any) -> Reply:
        seen.append(request.headers.get("authorization"))
        return service(request)

    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    with Server(answer) as server:
        code = (
            "import asyncio\n"
            "from headrace.message import Request\n"
            "from headrace.plan.model import Limits\n"
            "from headrace.transport.send import Sender\n"
            "async def scene():\n"
            "    async with Sender(Limits()) as sender:\n"
            f"        await sender.send(Request('GET', '{server.url}/'))\n"
            f"        await sender.send(Request('GET', '{server.url}/', headers=(('Authorization', 'Bearer x'),)))\n"
            "asyncio.run(scene())\n"
        )
        done = run_apart(code, tmp_path, NETRC=str(tmp_path / ".netrc"), HTTP_PROXY="http://127.0.0.1:9")
    assert done.stderr == ""
    assert seen == [None, "Bearer x"]


LOAD = """
import json, resource, sys
{before}
from headrace.cli import main
json.dump({{"client": {{"base_url": "{url}"}}, "resources": [
    {{"name": "things", "endpoint": {{"path": "things", "data_selector": "items", "paginator": "single_page"}}}}]}},
    open("things.json", "w"))
sys.exit(main(["run", "things.json", "--to", "duckdb:///rows.duckdb", "--dataset", "data"]))
"""


def test_few_file_descriptors(tmp_path: Path) -> None:
    with Server(service) as server:
        before = "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
        done = run_apart(LOAD.format(url=server.url, before=before), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "things         1" in done.stdout


def test_nobody_but_the_api_is_spoken_to(tmp_path: Path) -> None:
    """A whole run, first start included, with every other connection forbidden: no telemetry, no download."""
    spy = (
        "from pathlib import Path\n"
        "def look(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        "        with open('spoken', 'a') as file: file.write(f'{event} {args[1:] if event != \"socket.getaddrinfo\" "
        "else args}\\n')\n"
        "sys.addaudithook(look)\n"
    )
    with Server(service) as server:
        done = run_apart(LOAD.format(url=server.url, before=spy), tmp_path)
        port = server.url.rpartition(":")[2]
    assert done.returncode == 0, done.stderr
    spoken = (tmp_path / "spoken").read_text().splitlines()
    assert spoken
    assert [line for line in spoken if port not in line] == []
