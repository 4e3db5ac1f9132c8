"""What each fault of a hostile server puts on the wire, read from the socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from headrace.sim.faults import Fault
from headrace.sim.hostile import HOSTILE
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

ROWS = {"items": [{"id": number} for number in range(40)], "next": None}
BODY = json.dumps(ROWS).encode()


def service(_: Request) -> Reply:
    return Reply(body=BODY, resource="things", page=0, rows=range(40), key="items")


def split(data: bytes) -> tuple[str, bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


#: Fault -> its parameters, whether the true rows arrive, and what stands on the wire.
CASES: dict[str, tuple[dict[str, Any], bool, Callable[[str, bytes], bool]]] = {
    "long_length": ({"beyond": 7}, False, lambda head, body: f"Length: {len(BODY) + 7}" in head and body == BODY),
    "cut_unknown": ({}, False, lambda head, body: "Length" not in head and body == BODY[: len(BODY) // 2]),
    "coding": ({"coding": "br"}, False, lambda head, body: "Content-Encoding: br" in head and body == BODY),
    "smuggled": ({}, True, lambda head, body: f"Length: {len(BODY)}" in head and body.count(b"HTTP/1.1 200 OK") == 1),
    "idle_end": ({}, True, lambda head, body: "Connection: close" not in head and body == BODY),
    "head_lines": ({"count": 9}, True, lambda head, body: head.count("X-Line-") == 9 and body == BODY),
    "raw": ({"data": b"hello"}, False, lambda head, _: head == "hello"),
    "interim": ({"count": 3}, True, lambda head, body: "100 Interim" in head and body.endswith(BODY)),
    "silent": ({}, False, lambda head, _: head == ""),
    "trickle": ({"delay_s": 0.01}, False, lambda head, body: f"Length: {len(BODY)}" in head and len(body) > 0),
    "throttled": ({"delay_s": 0.0, "bytes_a_s": 1e6}, True, lambda _, body: body == BODY),
    "flood": (
        {"mib": 1, "piece": b"1,"}, False, lambda _, body: body == b'{"items":[' + b"1," * (1 << 19) + b"]}",
    ),
    "body": ({"data": b"x", "coding": "gzip"}, False, lambda head, body: "Encoding: gzip" in head and body == b"x"),
    "charset": ({}, True, lambda _, body: json.loads(body.decode("utf-16")) == ROWS),
    "beside": ({"key": "total", "value": -1}, True, lambda _, body: json.loads(body) == {**ROWS, "total": -1}),
    "headers": ({"headers": [("X-A", "b")]}, True, lambda head, body: "X-A: b" in head and body == BODY),
}  # fmt: skip


def test_every_hostile_fault_has_a_case() -> None:
    assert set(CASES) == set(HOSTILE)


@pytest.mark.parametrize("name", CASES)
def test_fault_is_on_the_wire_as_it_says(name: str) -> None:
    params, true_rows, check = CASES[name]
    with Server(service, faults=[Fault(name, **params)]) as server:
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=60) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            if name == "silent":
                sock.settimeout(0.5)
            data = b""
            with suppress(TimeoutError):
                while piece := sock.recv(1 << 16):
                    data += piece
                    sock.settimeout(0.5)
                    if name == "trickle" and b"\r\n\r\n" in data[:-4]:
                        break
        assert check(*split(data))
        [entry] = server.ledger.requests
        assert entry.fault == name
        assert server.ledger.served("things") == ((range(40),) if true_rows else ())
