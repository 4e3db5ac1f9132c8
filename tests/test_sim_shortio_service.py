"""The simulated Short.io as a service: hosts, keys, limits, errors, faults, the command line."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest

import headrace.sim
from headrace.cli import main
from headrace.sim import Fault, Rate
from headrace.sim.message import Request
from headrace.sim.shortio import Key, Rates, Shortio, ShortioSim, Size, World, fill
from shortio_calls import Calls

TIMEOUT_S = 60.0
FREE = Rates(None, None)


def fetch(
    origin: str, method: str, path: str, key: str | None, body: Any = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body over a socket."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=TIMEOUT_S)
    headers = {} if key is None else {"Authorization": key}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def clicks_of(sim: ShortioSim, body: Any = None) -> tuple[int, http.client.HTTPMessage, bytes]:
    return fetch(sim.statistics_url, "POST", "/statistics/domain/555001/last_clicks", sim.key, body or {"limit": 5})


def small(**options: Any) -> Shortio:
    world = World()
    fill(world, Size(domains=1, links=8, clicks=50, days=20))
    return Shortio(world, **{"rates": FREE, **options})


def test_three_hosts_over_one_world() -> None:
    """Each has its own ledger; the dead one answers everything with a page for people."""
    with small().serve() as sim:
        status, _, body = fetch(sim.api_url, "GET", "/api/domains", sim.key)
        assert (status, json.loads(body)) == (200, sim.truth.domains())
        status, _, body = clicks_of(sim)
        assert (status, len(json.loads(body))) == (200, 5)
        status, headers, body = fetch(sim.dead_url, "GET", "/statistics/domain/555001", sim.key)
        assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert b"Domain not found" in body
        assert fetch(sim.statistics_url, "GET", "/api/domains", sim.key)[0] == 404
        assert fetch(sim.api_url, "GET", "/statistics/domain/555001", sim.key)[0] == 404
        (one, _), (two, _) = sim.api_ledger.requests, sim.statistics_ledger.requests
        assert (one.resource, one.rows, two.resource, two.rows) == ("domains", 1, "last_clicks/555001", 5)
        assert dict(two.headers)["authorization"] == "(hidden)"


@pytest.mark.parametrize("key", [None, "", "sk_wrong", "Bearer sk_of_the_shortio_simulator"])
def test_the_key_is_sent_bare(key: str | None) -> None:
    calls = Calls()
    calls.headers = {} if key is None else {"authorization": key}
    refusal = {"message": "Unauthorized", "statusCode": 401}
    assert calls.get("/api/domains") == (401, refusal)
    assert calls.post(f"/statistics/domain/{calls.id}/last_clicks") == (401, refusal)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/links"),
        ("GET", "/v1/domain/555001/link_clicks"),
        ("GET", "/links"),
        ("POST", "/api/links"),
        ("DELETE", "/links/lnk_x"),
    ],
)
def test_unknown_routes_are_404_with_any_key(method: str, target: str) -> None:
    """The paths of the guide among them; there is no 405."""
    for headers in ({}, Calls().headers):
        reply = Calls().service.api(Request(method, target, target, (), headers))
        said = {"message": f"Route {method}:{target} not found", "error": "Not Found", "statusCode": 404}
        assert (reply.status, json.loads(reply.body), reply.resource) == (404, said, None)


def test_a_plan_without_it_answers_402() -> None:
    calls = Calls()
    link = calls.world.add_link(calls.id, "x")
    calls.service = Shortio(calls.world, rates=FREE, unpaid=["permissions", "links"])
    assert calls.get(f"/links/permissions/{calls.id}/{link.id}")[0] == 402
    assert calls.get("/api/links", domain_id=calls.id) == (402, {"error": "This feature is not available on your plan"})
    assert calls.get("/api/domains")[0] == 200


def test_limits_of_the_hosts_are_counted_apart() -> None:
    """By default 10 a minute for all statistics and 20 a second for single links; listings are free."""
    calls = Calls(rates=Rates())
    path = f"/statistics/domain/{calls.id}"
    for number in range(12):
        reply = calls.ask(Request("GET", path, path, (), calls.headers))
        assert reply.status == (200 if number < 10 else 429)
    assert dict(reply.headers)["Retry-After"] == "60"
    link = calls.world.add_link(calls.id, "x")
    assert [calls.get(f"/links/{link.id}")[0] for _ in range(21)] == [200] * 20 + [429]
    assert [calls.get(f"/link_country/{link.id}")[0] for _ in range(30)] == [200] * 30
    assert {calls.get("/api/domains")[0] for _ in range(30)} == {200}
    calls.world.advance(60)
    assert calls.get(path)[0] == 200


def test_limits_may_speak() -> None:
    rates = Rates(statistics=Rate(1, 60.0, headers="epoch"))
    calls = Calls(rates=rates)
    path = f"/statistics/domain/{calls.id}"
    replies = [calls.ask(Request("GET", path, path, (), calls.headers)) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert "X-RateLimit-Remaining" in dict(replies[0].headers)
    assert "Retry-After" not in dict(replies[1].headers)


def test_faults_find_clicks_by_request() -> None:
    """Twice a refusal, an error inside success, a page for people; then the truth."""
    faults = [
        Fault("429", 0, resource="last_clicks", by="hit", retry_after=24),
        Fault("429", 1, resource="last_clicks", by="hit"),
        Fault("error_object", 2, resource="last_clicks", by="hit", success=False),
        Fault("503", 3, resource="last_clicks", by="hit"),
    ]
    with small(faults=faults).serve() as sim:
        answers = [clicks_of(sim) for _ in range(5)]
        assert [status for status, _, _ in answers] == [429, 429, 200, 503, 200]
        assert [headers["Retry-After"] for _, headers, _ in answers[:2]] == ["24", None]
        assert json.loads(answers[2][2]) == {"success": False, "error": "internal error"}
        assert answers[3][1]["Content-Type"] == "text/html"
        assert len(json.loads(answers[4][2])) == 5


def test_time_may_be_that_of_another_clock() -> None:
    seconds = [1_788_264_000.0]
    world = World(wall=lambda: seconds[0])
    world.add_domain()
    assert world.domains[555001].row["createdAt"] == "2026-09-01T12:00:00.000Z"
    seconds[0] += 1.5
    world.advance(1)
    assert world.now_ms == 1_788_264_002_500
    assert world.now_s == 1_788_264_002.5


def test_keys_have_a_scope() -> None:
    assert Key("x").sees(1)
    assert not Key("x", frozenset({2})).sees(1)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--help"], 0, "--doubt NAME=VALUE"),
        (["--doubt", "token_kinds=1"], 2, "expected the name of a switch, got 'token_kinds': try one of token_kind"),
    ],
)
def test_command_line_knows_the_switches(options: list[str], code: int, told: str) -> None:
    out = StringIO()
    assert main(["sim", "shortio", *options], out=out, err=out) == code
    assert told in out.getvalue()


def test_command_line_serves_until_it_is_told_to_stop() -> None:
    """One line of JSON when ready; the clock begins where it is told; SIGTERM ends it with exit code 0."""
    root = headrace.sim.__path__[0].removesuffix("/headrace/sim")
    options = ["--links", "3", "--clicks", "7", "--start", "2026-09-01", "--rate", "2/60", "--faults"]
    options += ["--doubt", "series_key=clickStatistics", "--doubt", "retention_days=30"]
    command = [sys.executable, "-m", "headrace.sim", "shortio", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": root}, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        path = "/statistics/domain/555001/by_interval"
        answers = [fetch(ready["statistics_url"], "POST", path, ready["api_key"], {"limit": n}) for n in range(3)]
        assert [status for status, _, _ in answers] == [200, 200, 429]
        assert json.loads(answers[0][2])["clickStatistics"][-1]["x"] == "2026-09-01T00:00:00.000Z"
        assert fetch(ready["url"], "GET", "/api/links?domain_id=555001", ready["api_key"])[0] in (200, 429, 503)
        assert fetch(ready["dead_url"], "GET", "/", None)[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
