"""A session of the user's sends for us: what it brings stays, what it must not do is ours. And dlt's own settings."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from asking import Api, Outcome, ask, failing, ok
from headrace.bridge.session import session_policy, session_sender
from headrace.bridge.settings import runtime_policy
from headrace.errors import ConfigError, TransportError
from headrace.plan.model import Auth, RetryPolicy
from headrace.secrets import Secret
from headrace.sim.faults import Fault
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came
from headrace.sim.server import Server

TOKEN = "session-token-4711"
ROWS = {"items": [{"id": n} for n in range(40)]}


def through(session: requests.Session, api: Api, auth: Any = None, **more: Any) -> Outcome:
    """Ask with `session`, by the policy that it brings unless another one is declared."""
    bounds = {name: more.pop(name) for name in ("max_page_bytes", "timeout_s") if name in more}
    policy = more.pop("policy", None) or RetryPolicy(**session_policy(session))
    with session:
        return ask(
            api,
            auth,
            policy=policy,
            sender=lambda: session_sender(session, **{"max_page_bytes": 10_000, **bounds}),
            **more,
        )


def rich() -> requests.Session:
    """Everything that a session may bring along."""
    session = requests.Session()
    session.headers.update({"X-Tenant": "seven", "User-Agent": "theirs/1"})
    session.cookies.set("seen", "before-4711")
    session.auth = ("ann", "pass-4711")
    session.params = {"api_version": "3"}
    return session


def test_what_a_session_brings_is_sent() -> None:
    """The same request as dlt sends with it, line by line, but for the connection's own headers."""
    mine, theirs = Api(ok(ROWS)), Api(ok(ROWS))
    assert through(rich(), mine, params=(("a", "b c"),), headers=(("X-Own", "1"),)).value == ROWS
    with Server(theirs) as server, rich() as session:
        RESTClient(server.url, session=session).get("/page", params={"a": "b c"}, headers={"X-Own": "1"})
    (ours,), (dlts,) = mine.came, theirs.came
    assert sorted(ours.query) == sorted(dlts.query)
    assert {**ours.headers, "host": ""} == {**dlts.headers, "host": ""}
    assert ours.headers["cookie"] == "seen=before-4711"


@pytest.mark.parametrize(
    "body", [{"json": {"a": [1, "é"]}}, {"data": b"a=1", "headers": (("Content-Type", "text/x"),)}]
)
def test_bodies_are_sent(body: dict[str, Any]) -> None:
    api = Api(ok())
    through(requests.Session(), api, method="POST", **body)
    assert api.came[0].body == (b'{"a": [1, "\\u00e9"]}' if "json" in body else b"a=1")
    assert api.came[0].headers["content-type"] == ("application/json" if "json" in body else "text/x")


def test_cookies_are_kept_between_requests() -> None:
    """A session is where a log-in lives."""
    first = Reply(200, b"{}", headers=(("Set-Cookie", "sid=abc; Path=/"),))
    api = Api(first, ok())
    through(requests.Session(), api, times=2)
    assert [came.headers.get("cookie") for came in api.came] == [None, "sid=abc"]


def test_credentials_of_the_configuration_win_over_those_of_the_session() -> None:
    """As in dlt, where the request's auth takes the place of the session's."""
    api = Api(ok())
    through(rich(), api, Auth("bearer", {"token": TOKEN}))
    assert api.came[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_one_request_at_a_time_in_one_thread() -> None:
    """A session is not made for several threads."""
    inside: list[str] = []
    threads: set[str] = set()

    class Watching(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
            assert not inside
            inside.append(threading.current_thread().name)
            threads.add(inside[0])
            try:
                return super().send(request, **more)
            finally:
                inside.pop()

    session = requests.Session()
    session.mount("http://", Watching())
    assert through(session, Api(ok()), times=12, together=True).values == [{"items": [1]}] * 12
    assert len(threads) == 1


def test_redirects_stay_ours() -> None:
    """A session would follow them to any host with its own headers."""
    with Server(Api(ok())) as other:
        outcome = through(rich(), Api(failing(302, location=f"{other.url}/page")))
        assert "expected an address at" in str(outcome.error)
        assert other.ledger.requests == ()
    followed = Api(by_path={"/page": failing(308, location="/there"), "/there": ok(ROWS)})
    assert through(rich(), followed).value == ROWS


def test_a_page_has_its_bound() -> None:
    zipped = Reply(200, gzip.compress(bytes(1_000_000)), headers=(("Content-Encoding", "gzip"),))
    for reply in (Reply(200, bytes(20_000)), zipped):
        outcome = through(requests.Session(), Api(reply))
        assert "got more than the 10000 decompressed bytes that a page may have" in str(outcome.error)
    assert through(requests.Session(), Api(failing(404, bytes(200_000)))).traces[0].status == 404


def test_compressed_answers_are_unpacked() -> None:
    reply = Reply(200, gzip.compress(b'{"a": 1}'), headers=(("Content-Encoding", "gzip"),))
    assert through(requests.Session(), Api(reply)).value == {"a": 1}


def count(api: Api, session: requests.Session, **more: Any) -> int:
    through(session, api, **more)
    return len(api.came)


def test_a_plain_session_does_not_retry() -> None:
    """As in dlt; a declared policy is followed."""
    assert session_policy(requests.Session()) == {"max_retries": 0}
    assert count(Api(failing(500), ok()), requests.Session()) == 1
    assert count(Api(failing(500), ok()), requests.Session(), policy=RetryPolicy(max_retries=2)) == 2


def quick(**more: Any) -> requests.Session:
    """A session of dlt's that does not wait."""
    session: requests.Session = Client(raise_for_status=False, request_backoff_factor=0, **more).session
    return session


def test_the_retries_of_dlts_own_session_are_followed() -> None:
    """Read off and done by us: as many requests as dlt makes, and actions see every attempt."""
    assert session_policy(Client().session) == {
        "max_retries": 4,
        "backoff_factor": 1.0,
        "max_wait_s": 300.0,
        "statuses": frozenset({429, *range(500, 600)}),
    }
    for settings in ({}, {"request_max_attempts": 2}, {"status_codes": [418]}):
        for status in (500, 418, 408, 429):
            theirs = Api(failing(status))
            with Server(theirs) as server, pytest.raises(requests.HTTPError):
                RESTClient(server.url, session=quick(**settings)).get("/page").raise_for_status()
            assert count(Api(failing(status)), quick(**settings)) == len(theirs.came), (settings, status)


def test_a_session_with_conditions_of_its_own_keeps_its_retries() -> None:
    """What a function of the user's decides is not known beforehand."""
    session = quick(retry_condition=lambda response, _: response is not None and b"again" in response.content)
    assert session_policy(session) == {"max_retries": 0}
    api = Api(ok("again"), ok("again"), ok(ROWS))
    outcome = through(session, api)
    assert (outcome.value, len(api.came), len(outcome.traces)) == (ROWS, 3, 1)


def test_a_session_that_sends_in_its_own_way() -> None:
    """Its `send` is what is called."""

    class Own(requests.Session):
        def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
            request.headers["X-Own"] = "yes"
            return super().send(request, **more)

    api = Api(ok())
    through(Own(), api)
    assert api.came[0].headers["x-own"] == "yes"


def test_a_hook_of_the_session_that_raises_leaves_the_status() -> None:
    session = requests.Session()
    session.hooks["response"].append(lambda response, *_, **__: response.raise_for_status())
    outcome = through(session, Api(failing(404, b"nobody here")))
    assert "expected 200, got 404 Not Found (nobody here)" in str(outcome.error)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("reset", "could not be reached, or lost the connection (ConnectionError)"),
        ("cut_body", "got a body that ends early (ChunkedEncodingError)"),
        ("gzip_corrupt", "got a damaged compressed body (ContentDecodingError)"),
        ("stall", "gave no answer in time"),
    ],
)
def test_faults_of_the_wire_are_named(fault: str, text: str) -> None:
    """And passed over where retries are declared."""
    page = ok(ROWS, resource="things", page=0, rows=range(40), key="items")
    timeout_s = 0.2 if fault == "stall" else 20
    for retries in (0, 5):
        policy = RetryPolicy(max_retries=retries)
        faults = [Fault(fault, resource="things")]
        outcome = through(requests.Session(), Api(page), policy=policy, faults=faults, timeout_s=timeout_s)
        if retries:
            assert outcome.value == ROWS
        else:
            assert text in str(outcome.error)


@pytest.mark.parametrize(
    "make", [lambda: _raising(ValueError(f"no {TOKEN}")), lambda: _raising(requests.exceptions.InvalidSchema(TOKEN))]
)
def test_what_an_adapter_raises_shows_no_secret(make: Callable[[], requests.Session]) -> None:
    Secret(TOKEN)
    outcome = through(make(), Api(ok()))
    assert isinstance(outcome.error, TransportError)
    assert TOKEN not in outcome.said


def _raising(error: Exception) -> requests.Session:
    class Raising(HTTPAdapter):
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise error

    session = requests.Session()
    session.mount("http://", Raising())
    return session


def test_secrets_of_a_session_are_masked() -> None:
    """Its headers, cookies, auth and keys among its parameters, when the API echoes them."""
    session = rich()
    session.headers["X-Api-Key"] = "header-4711"
    session.params = {"api_key": "param-4711", "page_size": "100"}

    def echo(came: Came) -> Reply:
        texts = [
            came.headers["x-api-key"],
            came.param("api_key"),
            came.headers["cookie"],
            came.headers["authorization"],
        ]
        return failing(400, f"{' '.join(map(str, texts))} {came.param('page_size')}".encode())

    outcome = through(session, Api(echo))
    assert "(*** *** seen=*** Basic *** 100)" in str(outcome.error)
    assert "4711" not in outcome.said


def test_an_auth_object_of_the_session_signs() -> None:
    session = requests.Session()
    session.auth = HTTPBasicAuth("ann", "pass-4711")
    api = Api(ok())
    through(session, api)
    assert api.came[0].headers["authorization"].startswith("Basic ")


# --- dlt's settings


def test_settings_that_nobody_made_change_nothing() -> None:
    policy = runtime_policy()
    assert (policy.retry, policy.limits) == ({}, {})


def test_settings_of_the_environment_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "1.5")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_RETRY_DELAY", "30")
    monkeypatch.setenv("RUNTIME__REQUEST_TIMEOUT", "12.5")
    policy = runtime_policy()
    assert policy.retry == {"max_retries": 4, "backoff_factor": 1.5, "max_wait_s": 30.0}
    assert policy.limits == {"timeout_s": 12.5}


def test_settings_of_the_source_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("SOURCES__REST_API__RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    assert runtime_policy(("sources", "rest_api")).retry == {"max_retries": 0}
    assert runtime_policy(("sources", "other")).retry == {"max_retries": 4}


def test_settings_of_a_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("[runtime]\nrequest_timeout = 7\nrequest_max_attempts = 2\n")
    monkeypatch.chdir(tmp_path)
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    with Container().injectable_context(PluggableRunContext()):
        policy = runtime_policy()
    assert (policy.retry, policy.limits) == ({"max_retries": 1}, {"timeout_s": 7.0})


def test_settings_that_are_no_numbers_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "0")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "-1")
    monkeypatch.setenv("RUNTIME__REQUEST_TIMEOUT", "soon")
    with pytest.raises(ConfigError) as caught:
        runtime_policy()
    assert [str(problem).splitlines()[0] for problem in caught.value.problems] == [
        "expected a whole number of 1 or more, got '0' at `runtime.request_max_attempts`",
        "expected a number of 0 or more, got '-1' at `runtime.request_backoff_factor`",
        "expected a number of 0.001 or more, got 'soon' at `runtime.request_timeout`",
    ]
