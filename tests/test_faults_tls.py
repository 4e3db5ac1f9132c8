"""TLS that cannot be trusted or does not come about: an error that names it, never a second try without checks.

The authority is made here, by `openssl`, and lives as long as the tests; without that program they are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

BODY = b'{"items": []}'
#: Reads `https://<host>:<port>/` in a process that was told by OpenSSL's own variable to trust the authority.
READ = """
import asyncio, json, sys
from headrace.clock import TurnedClock
from headrace.errors import HeadraceError
from headrace.message import Request
from headrace.plan.model import Limits, RetryPolicy
from headrace.transport import Transport
from headrace.transport.send import Sender

async def names(host):
    return ["127.0.0.1"]

async def scene(host, port):
    sender = Sender(Limits(timeout_s=20), names)
    clock = TurnedClock()
    async with sender, Transport(
        retry=RetryPolicy(max_retries=2), limits=Limits(), origins=frozenset({("https", host, port)}), clock=clock,
        send=sender.send,
    ) as transport:
        try:
            body = await transport.fetch(Request("GET", f"https://{host}:{port}/"), None, lambda answer: answer.body)
            return {"body": body.decode(), "slept": len(clock.slept)}
        except HeadraceError as error:
            return {"message": error.message, "hint": error.hint, "slept": len(clock.slept)}

print(json.dumps(asyncio.run(scene(sys.argv[1], int(sys.argv[2])))))
"""


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of `api.example.com`: a good one, one of yesterday, one signed by itself."""
    folder = tmp_path_factory.mktemp("papers")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test", cwd=folder)
    (folder / "names.txt").write_text("subjectAltName=DNS:api.example.com\n")
    subject = ("-subj", "/CN=api.example.com")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names.txt")
    for name, days in (("good", "2"), ("expired", "-1")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", *subject, cwd=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-days", days, "-out", f"{name}.pem", cwd=folder)
    alone = ("-keyout", "alone.key", "-out", "alone.pem", "-days", "2")
    openssl("req", "-x509", *key, *alone, *subject, "-addext", "subjectAltName=DNS:api.example.com", cwd=folder)
    return folder


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers everything; the port, and the heads that it read."""
    heads: list[bytes] = []
    ready, stop = Event(), asyncio.Event()
    found: dict[str, Any] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if context is None:
                await reader.read(1)
            else:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # handshakes fail here on purpose
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        found.update(loop=loop, port=server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()

    thread = Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield found["port"], heads
    finally:
        found["loop"].call_soon_threadsafe(stop.set)
        thread.join(10)


def served_by(papers: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / f"{name}.pem", papers / f"{name}.key")
    return context


def read(papers: Path, host: str, port: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", READ, host, str(port)],
        env={**os.environ, "SSL_CERT_FILE": str(papers / "ca.pem")},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_good_certificate_is_trusted(papers: Path) -> None:
    with serving(served_by(papers, "good")) as (port, _):
        assert read(papers, "api.example.com", port) == {"body": BODY.decode(), "slept": 0}


@pytest.mark.parametrize(
    ("name", "host", "detail"),
    [
        ("expired", "api.example.com", "certificate has expired"),
        ("alone", "api.example.com", "self-signed certificate"),
        ("good", "other.example.com", "Hostname mismatch"),
    ],
)
def test_a_certificate_that_cannot_be_trusted(name: str, host: str, detail: str, papers: Path) -> None:
    """At once and finally: nothing is sent, nothing is tried without checking."""
    with serving(served_by(papers, name)) as (port, heads):
        found = read(papers, host, port)
    assert "showed a certificate that cannot be trusted" in found["message"]
    assert detail.replace("-", " ") in found["message"].replace("-", " ")
    assert found["hint"].endswith("there is no switch to go on regardless")
    assert (found["slept"], heads) == (0, [])


def test_a_broken_handshake(papers: Path) -> None:
    """Plain HTTP where TLS is expected: tried again, because a proxy may be starting, then named."""
    with serving(None) as (port, heads):
        found = read(papers, "api.example.com", port)
    assert "broke off the TLS handshake" in found["message"]
    assert found["hint"] == "check scheme and port of `base_url`"
    assert (found["slept"], heads) == (2, [])


def test_an_old_version_is_not_spoken(papers: Path) -> None:
    context = served_by(papers, "good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(context) as (port, heads):
        found = read(papers, "api.example.com", port)
    assert "broke off the TLS handshake" in found["message"] or "could not be reached" in found["message"]
    assert heads == []
