"""The simulator's socket side: keep-alive, gzip, ledger, and every fault of the table."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from headrace.sim import Fault, Guides, GuidesSim, page_faults
from headrace.sim.faults import FAULTS, Schedule
from headrace.sim.hostile import HOSTILE
from headrace.sim.message import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

# A client that waits longer than this has found a hang.
TIMEOUT_S = 60.0
CUT = (http.client.IncompleteRead, ConnectionError)


def headers_of(sim: GuidesSim) -> dict[str, str]:
    token = b64encode(f"api:{sim.private_key}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def connect(sim: GuidesSim) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(sim.url.removeprefix("http://"), timeout=TIMEOUT_S)


def ask(sim: GuidesSim, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """First page of events on a connection of its own."""
    connection = connect(sim)
    try:
        connection.request("GET", "/v1/events", headers={**headers_of(sim), **headers})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_connection_is_kept_alive() -> None:
    """One connection carries many requests, bodies of POST included."""
    with Guides(events=10).serve() as sim:
        connection = connect(sim)
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            connection.request("POST", "/v1/events", body=b"x" * 100_000, headers=headers_of(sim))
            response = connection.getresponse()
            assert response.status == 405
            response.read()
            connection.request("GET", "/v1/events", headers=headers_of(sim))
            response = connection.getresponse()
            assert len(json.loads(response.read())["items"]) == 10
            assert connection.sock is sock
        connection.close()


def test_requests_that_arrive_together_are_answered_in_order() -> None:
    """Two requests in one packet give two answers."""
    with Guides(domains=2).serve() as sim:
        host, port = sim.url.removeprefix("http://").split(":")
        auth = headers_of(sim)["Authorization"]
        one = f"GET /v1/domains?limit=1&skip=%d HTTP/1.1\r\nAuthorization: {auth}\r\n"
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as sock:
            sock.sendall(f"{one % 0}\r\n{one % 1}Connection: close\r\n\r\n".encode())
            data = b"".join(iter(lambda: sock.recv(65536), b""))
        assert data.count(b"HTTP/1.1 200") == 2
        assert sim.ledger.served("domains") == (range(2),)


@pytest.mark.parametrize("nonsense", [b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nX"])
def test_nonsense_ends_the_connection_only(nonsense: bytes) -> None:
    """What is not HTTP closes its connection; the server goes on."""
    with Guides(events=1).serve() as sim:
        host, port = sim.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as sock:
            sock.sendall(nonsense)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(100) == b""
        assert ask(sim)[0].status == 200


def test_leaving_drops_open_connections() -> None:
    """A stalled and an idle client do not keep the server alive."""
    with Guides(events=10, faults=[Fault("stall")]).serve() as sim:
        idle = connect(sim)
        idle.connect()
        stalled = connect(sim)
        stalled.request("GET", "/v1/events", headers=headers_of(sim))
        response = stalled.getresponse()
    with pytest.raises(CUT):
        response.read()
    response.close()
    idle.close()
    stalled.close()


def test_port_in_use_is_an_error_at_entering() -> None:
    """The failure of the server's thread is raised where the test can see it."""
    with (
        Guides().serve() as sim,
        pytest.raises(OSError, match="address already in use"),
        Guides().serve(int(sim.url.rpartition(":")[2])),
    ):
        pass


def test_gzip_needs_both_sides() -> None:
    """Compressed only if the simulator was asked to and the client accepts it."""
    for asked, prerender in ((True, False), (True, True), (False, False)):
        with Guides(events=50, gzip=asked, prerender=prerender).serve() as sim:
            response, body = ask(sim, **{"Accept-Encoding": "br, gzip"})
            assert response.headers["Content-Encoding"] == ("gzip" if asked else None)
            plain_response, plain = ask(sim)
            assert plain_response.headers["Content-Encoding"] is None
            assert (gzip.decompress(body) if asked else body) == plain


def test_ledger_hides_credentials() -> None:
    """No key in any entry: not in its own header, not in another one."""
    with Guides(events=1).serve() as sim:
        ask(sim, **{"X-Odd": f"key={sim.private_key}", "X-Plain": "seen", "Cookie": "a=b"})
        (entry,) = sim.ledger.requests
        headers = dict(entry.headers)
        assert headers["authorization"] == headers["x-odd"] == headers["cookie"] == "(hidden)"
        assert headers["x-plain"] == "seen"
        assert sim.private_key not in repr(entry)
        assert headers_of(sim)["Authorization"] not in repr(entry)


def test_ledger_is_complete_when_the_client_has_the_answer() -> None:
    """No race: the entry is complete as soon as the last byte can be read."""
    with Guides(events=600, prerender=True).serve() as sim:
        for _ in range(50):
            ask(sim)
            assert sim.ledger.requests[-1].complete
        assert sim.ledger.served("events") == (range(300),)
        assert sim.ledger.served_again("events") == 49 * 300


def test_ledger_takes_back_what_was_not_delivered() -> None:
    """A client that leaves in mid body has not been served."""
    with Guides(events=20_000, page_size=20_000).serve() as sim:
        host, port = sim.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as sock:
            auth = headers_of(sim)["Authorization"]
            sock.sendall(f"GET /v1/events HTTP/1.1\r\nAuthorization: {auth}\r\n\r\n".encode())
            sock.recv(10)
        entry = sim.ledger.requests[0]
        assert (entry.status, entry.complete, entry.rows) == (200, False, 20_000)
        assert sim.ledger.served("events") == ()


# For each fault: its parameters, the status that the client sees, and what the client gets.


def _json(body: bytes) -> Any:
    return json.loads(body)


def _is_html(body: bytes) -> bool:
    return b"<html" in body


def _bad_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return bool(body)
    return False


def _bad_gzip(body: bytes) -> bool:
    try:
        gzip.decompress(body)
    except (EOFError, OSError, zlib.error):
        return True
    return False


def _is_bomb(body: bytes) -> bool:
    plain = gzip.decompress(body)
    return len(plain) > 3 * 1024 * 1024 > 500 * len(body) and json.loads(plain) == {"items": []}


ANSWERS: dict[str, tuple[dict[str, Any], int, Callable[[bytes], object]]] = {
    "429": ({"retry_after": 1}, 429, lambda body: "message" in _json(body)),
    "500": ({}, 500, lambda body: "message" in _json(body)),
    "502": ({}, 502, _is_html),
    "503": ({}, 503, _is_html),
    "504": ({}, 504, _is_html),
    "status": ({"status": 999, "body": "html"}, 999, _is_html),
    "204": ({}, 204, lambda body: body == b""),
    "redirect": ({"status": 307}, 307, lambda body: body == b""),
    "html": ({}, 200, _is_html),
    "empty_body": ({}, 200, lambda body: body == b""),
    "json_cut": ({}, 200, _bad_json),
    "error_object": ({}, 200, lambda body: list(_json(body)) == ["error"]),
    "missing_key": ({}, 200, lambda body: list(_json(body)) == ["paging"]),
    "null_key": ({}, 200, lambda body: _json(body)["items"] is None),
    "wrong_selector": ({}, 200, lambda body: len(_json(body)["results"]) == 40),
    "short_length": ({}, 200, _bad_json),
    "gzip_cut": ({}, 200, _bad_gzip),
    "gzip_corrupt": ({}, 200, _bad_gzip),
    "bomb": ({"mib": 4}, 200, _is_bomb),
    "slow": ({"delay_s": 0.02}, 200, lambda body: len(_json(body)["items"]) == 40),
}
BREAKS: dict[str, dict[str, Any]] = {
    "reset": {},
    "reset_body": {},
    "cut_body": {},
    "cut_chunked": {},
    "stall": {},
}


def test_every_fault_has_a_case() -> None:
    """A new fault needs a row here, or in `test_sim_hostile`."""
    assert set(ANSWERS) | set(BREAKS) | set(HOSTILE) == set(FAULTS)


@pytest.mark.parametrize("name", ANSWERS)
def test_fault_answers_once_then_the_truth(name: str) -> None:
    """The client gets the fault's answer, the ledger says so, and the next answer is true."""
    params, status, check = ANSWERS[name]
    with Guides(events=40, faults=[Fault(name, **params)]).serve() as sim:
        response, body = ask(sim)
        assert response.status == status
        assert check(body)
        entry = sim.ledger.requests[0]
        assert (entry.fault, entry.status, entry.resource, entry.page) == (
            name,
            status,
            "events",
            0,
        )
        assert sim.ledger.served("events") == ((range(40),) if name == "slow" else ())
        _, body = ask(sim)
        assert json.loads(body)["items"] == list(sim.rows("events"))
        assert sim.ledger.faults() == {name: 1}
        assert sim.ledger.served("events") == (range(40),)


@pytest.mark.parametrize("name", BREAKS)
def test_fault_breaks_once_then_the_truth(name: str) -> None:
    """The client sees a broken answer, never a whole one, and then the true one."""
    with Guides(events=40, faults=[Fault(name, **BREAKS[name])]).serve() as sim:
        connection = connect(sim)
        connection.request("GET", "/v1/events", headers=headers_of(sim))
        if name == "stall":
            response = connection.getresponse()
            length = int(response.headers["Content-Length"])
            assert len(response.read(length // 2)) == length // 2
            connection.sock.settimeout(0.02)
            with pytest.raises(TimeoutError):
                response.read(1)
            response.close()
        else:
            with pytest.raises(CUT):
                connection.getresponse().read()
        connection.close()
        entry = sim.ledger.requests[0]
        assert (entry.fault, entry.complete) == (name, False)
        assert entry.status == (None if name == "reset" else 200)
        _, body = ask(sim)
        assert json.loads(body)["items"] == list(sim.rows("events"))


@pytest.mark.parametrize(("name", "kind"), [("cut_body", b""), ("reset_body", None)])
def test_fin_and_rst_differ_at_the_socket(name: str, kind: bytes | None) -> None:
    """A cut body ends in order, a reset one in ECONNRESET; both after half of the body."""
    with Guides(events=40, faults=[Fault(name)]).serve() as sim:
        host, port = sim.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as sock:
            auth = headers_of(sim)["Authorization"]
            sock.sendall(f"GET /v1/events HTTP/1.1\r\nAuthorization: {auth}\r\n\r\n".encode())
            end: bytes | None = b"more"
            try:
                while end:
                    end = sock.recv(65536)
            except ConnectionResetError:
                end = None
        assert end == kind


@pytest.mark.parametrize("mid_chunk", [True, False])
def test_chunked_body_is_cut_in_and_between_chunks(*, mid_chunk: bool) -> None:
    """Both cuts are visible to a client that waits for the last chunk."""
    fault = Fault("cut_chunked", mid_chunk=mid_chunk)
    with Guides(events=40, faults=[fault]).serve() as sim, pytest.raises(CUT):
        ask(sim)


def test_retry_after_as_seconds_date_text_or_not_at_all() -> None:
    """A number is seconds, a timedelta an HTTP date, text goes out as it is."""
    waits = [7, timedelta(seconds=90), "soon", None]
    faults = [Fault("429", retry_after=wait) for wait in waits]
    with Guides(events=1, faults=faults).serve() as sim:
        seconds, date, text, absent = (ask(sim)[0].headers["Retry-After"] for _ in waits)
    assert (seconds, text, absent) == ("7", "soon", None)
    away = parsedate_to_datetime(date) - datetime.now(timezone.utc)
    assert timedelta(seconds=80) < away < timedelta(seconds=91)


def test_redirect_to_another_place_or_to_itself() -> None:
    """Without a `url` the location is the request's own target."""
    faults = [Fault("redirect"), Fault("redirect", url="http://127.0.0.2:1/x")]
    with Guides(events=1, faults=faults).serve() as sim:
        assert ask(sim)[0].headers["Location"] == "/v1/events"
        assert ask(sim)[0].headers["Location"] == "http://127.0.0.2:1/x"


def test_short_length_spoils_the_connection() -> None:
    """The rest of the body is what a kept-alive client reads as the next answer."""
    with Guides(events=40, faults=[Fault("short_length")]).serve() as sim:
        connection = connect(sim)
        connection.request("GET", "/v1/events", headers=headers_of(sim))
        connection.getresponse().read()
        connection.request("GET", "/v1/events", headers=headers_of(sim))
        with pytest.raises(http.client.HTTPException):
            connection.getresponse()
        connection.close()


def test_latency_is_waited_side_by_side() -> None:
    """The tenth request is read while the first one still waits for its answer."""
    with Guides(events=1, latency_s=0.5).serve() as sim:
        connections = [connect(sim) for _ in range(10)]
        for connection in connections:
            connection.request("GET", "/v1/events", headers=headers_of(sim))
        for connection in connections:
            assert connection.getresponse().read()
            connection.close()
        # One after the other, the tenth would come in after nine latencies.
        assert sim.ledger.requests[9].time_s - sim.ledger.requests[0].time_s < 9 * 0.5


def test_schedule_counts_by_page_by_hit_and_by_label() -> None:
    """Where and how often a fault fires."""

    def fired(fault: Fault, *pages: tuple[str, int]) -> list[bool]:
        schedule = Schedule([fault])
        return [schedule.take(Reply(resource=label, page=page)) is not None for label, page in pages]

    a, b = [("clicks/7", page) for page in (0, 1)]
    other = ("clicks/8", 0)
    assert fired(Fault("500"), a, a, b, other) == [True, False, False, True]
    assert fired(Fault("500", 1, times=2), a, b, b, b) == [False, True, True, False]
    assert fired(Fault("500", None, times=None), a, b, a, b) == [True] * 4
    assert fired(Fault("500", 1, by="hit", times=2), a, a, a, a) == [False, True, True, False]
    assert fired(Fault("500", resource="clicks"), a, other) == [True, True]
    assert fired(Fault("500", resource="clicks/8"), a, other) == [False, True]
    assert fired(Fault("500", resource="click"), a, other) == [False, False]
    assert Schedule([Fault("500", None)]).take(Reply()) is None


def test_wrong_faults_are_refused_when_they_are_written() -> None:
    """Names near misses; unknown parameters are an error at once."""
    with pytest.raises(ValueError, match="got 'cut_bdy': try one of cut_body"):
        Fault("cut_bdy")
    with pytest.raises(TypeError, match="unexpected keyword argument 'delay'"):
        Fault("slow", delay=1)


def test_page_faults_is_one_of_each_a_resource() -> None:
    """Four faults a resource, one a page, the same for the same seed."""
    faults = page_faults(seed=3)
    assert faults == page_faults(seed=3)
    assert faults != page_faults(seed=4)
    for resource in ("domains", "events", "links", "clicks"):
        own = [fault for fault in faults if fault.resource == resource]
        assert {fault.name for fault in own} == {"429", "503", "cut_body", "slow"}
        assert {fault.at for fault in own} == {0, 1, 2, 3}
