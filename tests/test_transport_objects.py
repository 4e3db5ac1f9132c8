"""Objects that sign: those of dlt are taken over, all others sign in a thread; and no credential in any message."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from dlt.common.configuration.specs.base_configuration import configspec
from dlt.common.typing import TSecretStrValue
from dlt.sources.helpers.requests import Session as DltSession
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
    OAuthJWTAuth,
)
from dlt.sources.rest_api.config_setup import AUTH_MAP, register_auth

from asking import Api, ask, failing, ok
from headrace.bridge.auth import adopt_auth, foreign_signer
from headrace.config.foreign import Foreign
from headrace.errors import RefusedError, TransportError
from headrace.message import Request
from headrace.plan.model import Auth, RetryPolicy
from headrace.secrets import Secret
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came

SECRET = "very/secret+object 77"
THREE = RetryPolicy(max_retries=3)


class Signing(AuthConfigBase):
    """Signs with a counter, in whatever place `how` says."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.calls = 0
        self.inside = 0
        self.threads: set[str] = set()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.calls += 1
        self.inside += 1
        assert self.inside == 1
        self.threads.add(threading.current_thread().name)
        credential = f"signature-{self.calls:04}"
        if self.how == "header":
            request.headers["X-Sign"] = credential
        elif self.how == "query":
            request.prepare_url(request.url, {"sign": credential})
        elif self.how == "body":
            request.prepare_body(None, None, {"sign": credential})
        elif self.how == "cookie":
            request.headers["Cookie"] = f"session={credential}; lang=en"
        elif self.how == "host":
            request.url = "http://127.0.0.2:1/"
        self.inside -= 1
        return request


def custom(auth: Any) -> Auth:
    return Auth("custom", {}, foreign_signer(auth))


@pytest.mark.parametrize("how", ["header", "query", "body", "cookie"])
def test_an_object_signs_each_attempt(how: str) -> None:
    """Wherever it puts its credential, that reaches the wire, and is masked when the API echoes it."""

    def echo(came: Came) -> Reply:
        return failing(500, f"{came.target} {came.headers} {came.body.decode()}".encode())

    signing = Signing(how)
    stage = Api(echo)
    outcome = ask(stage, custom(signing), policy=RetryPolicy(max_retries=1), params=(("a", "b c"),))
    for number, came in enumerate(stage.came, start=1):
        assert f"signature-{number:04}" in f"{came.target} {came.headers} {came.body.decode()}"
        assert came.param("a") == "b c"
    assert len(stage.came) == signing.calls == 2
    if how != "body":
        assert "signature-" not in outcome.said


def test_an_object_signs_one_request_at_a_time_in_a_thread() -> None:
    signing = Signing("header")
    outcome = ask(Api(ok()), custom(signing), times=20, together=True)
    assert outcome.values == [{"items": [1]}] * 20
    assert signing.calls == 20
    assert [name for name in signing.threads if not name.startswith("MainThread-auth")] == []


def test_an_object_sees_the_body_that_is_sent() -> None:
    seen: list[Any] = []

    class Hashing(AuthConfigBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            seen.append((request.method, request.body, request.headers["Content-Length"]))
            return request

    for body in ({"json": {"a": 1}}, {"data": b"a=1", "headers": (("Content-Type", "text/x"),)}):
        stage = Api(ok())
        ask(stage, custom(Hashing()), method="POST", **body)
        came = stage.came[0]
        assert seen.pop() == (came.method, came.body, came.headers["content-length"])
        assert came.headers["content-type"] == ("application/json" if "json" in body else "text/x")


def test_an_object_cannot_lead_elsewhere() -> None:
    outcome = ask(Api(ok()), custom(Signing("host")))
    assert "expected an address at" in str(outcome.error)


@pytest.mark.parametrize(
    ("error", "kind", "text", "attempts"),
    [
        (ValueError(f"no {SECRET}"), TransportError, "to sign the request, got ValueError (no ***)", 1),
        (KeyError("x"), TransportError, "expected `Failing` to sign the request, got KeyError ('x')", 1),
        (403, RefusedError, "expected `Failing` to get credentials, got 403", 1),
        (503, TransportError, "got no credentials (503) from `Failing`", 4),
        (requests.ConnectionError(f"https://x?k={SECRET}"), TransportError, "(ConnectionError) from `Failing`", 4),
    ],
)
def test_an_object_that_fails_is_named(error: Any, kind: type[Exception], text: str, attempts: int) -> None:
    Secret(SECRET)

    class Failing(AuthConfigBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            if isinstance(error, Exception):
                raise error
            answer = requests.Response()
            answer.status_code, answer.url = error, f"https://x/token?key={SECRET}"
            answer.raise_for_status()
            return request

    stage = Api(ok())
    outcome = ask(stage, custom(Failing()), policy=THREE)
    assert type(outcome.error) is kind
    assert text in str(outcome.error)
    assert (len(outcome.traces), stage.came) == (attempts, [])
    assert "very" not in outcome.said


# --- taken over from dlt


def test_stock_objects_become_options() -> None:
    assert adopt_auth(BearerTokenAuth(token="ttt")) == {"type": "bearer", "token": Secret("ttt")}
    assert adopt_auth(APIKeyAuth(name="k", api_key="kkk", location="query")) == {
        "type": "api_key",
        "name": "k",
        "api_key": Secret("kkk"),
        "location": "query",
    }
    assert adopt_auth(HttpBasicAuth(username="u", password="ppp")) == {
        "type": "http_basic",
        "username": "u",
        "password": Secret("ppp"),
    }
    made = OAuth2ClientCredentials(
        access_token_url="https://x/t",
        client_id="us",
        client_secret="sss",
        access_token_request_data={"scope": "a"},
        default_token_expiration=7,
    )
    assert adopt_auth(made) == {
        "type": "oauth2_client_credentials",
        "access_token_url": "https://x/t",
        "client_id": Secret("us"),
        "client_secret": Secret("sss"),
        "access_token_request_data": {"scope": "a"},
        "default_token_expiration": 7,
    }


@configspec
class WithRefresh(OAuth2ClientCredentials):
    """A subclass that speaks another dialect."""

    refresh_token: TSecretStrValue = None

    def build_access_token_request(self) -> dict[str, Any]:
        return {"data": {"grant_type": "refresh_token", "refresh_token": self.refresh_token}}


def with_own_method() -> BearerTokenAuth:
    auth = BearerTokenAuth(token="ttt")
    auth.parse_native_representation = str  # type: ignore[method-assign]
    return auth


def with_token() -> OAuth2ClientCredentials:
    auth = OAuth2ClientCredentials(access_token_url="https://x/t", client_id="us", client_secret="sss")
    auth.access_token, auth.token_expiry = "ttt", auth.token_expiry.add(hours=1)
    return auth


def with_session(session: requests.Session) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(access_token_url="https://x/t", client_id="us", client_secret="sss", session=session)


def dlt_session_with_a_header() -> DltSession:
    session = DltSession()
    session.headers["X-Tenant"] = "1"
    return session


@pytest.mark.parametrize(
    "make",
    [
        lambda: WithRefresh(access_token_url="https://x/t", client_id="us", client_secret="sss", refresh_token="rrr"),
        lambda: OAuthJWTAuth(client_id="us", private_key="ppp", auth_endpoint="https://x/t", scopes="s"),
        lambda: Signing("header"),
        with_own_method,
        with_token,
        lambda: with_session(requests.Session()),
        lambda: with_session(dlt_session_with_a_header()),
    ],
)
def test_all_others_go_on_signing(make: Callable[[], Any]) -> None:
    """Those too that dlt's REST source refuses: a class that is no `configspec`, and `OAuthJWTAuth`."""
    auth = make()
    adopted = adopt_auth(auth)
    assert isinstance(adopted, Foreign)
    assert (adopted.value, adopted.name) == (auth, type(auth).__name__)


def test_a_subclass_fetches_its_token_itself() -> None:
    """In dlt's way, through dlt's session, and its secrets are masked."""

    def token(came: Came) -> Reply:
        assert came.body == b"grant_type=refresh_token&refresh_token=refresh-4711"
        return ok({"access_token": "from-refresh"})

    def echo(came: Came) -> Reply:
        return failing(400, f"{came.headers['authorization']} refresh-4711".encode())

    stage = Api(by_path={"/token": token, "/page": echo})

    def auth(url: str) -> Auth:
        made = WithRefresh(
            access_token_url=f"{url}/token", client_id="us", client_secret="sss", refresh_token="refresh-4711"
        )
        adopted = adopt_auth(made)
        assert isinstance(adopted, Foreign)
        return custom(adopted.value)

    outcome = ask(stage, auth, times=3)
    assert [came.headers["authorization"] for came in stage.at("/page")] == ["Bearer from-refresh"] * 3
    assert len(stage.at("/token")) == 1
    assert "(*** ***)" in str(outcome.error)
    assert "from-refresh" not in outcome.said
    assert "4711" not in outcome.said


@pytest.fixture
def registered() -> Iterator[None]:
    register_auth("with_refresh", WithRefresh)
    register_auth("plain_subclass", dataclasses.dataclass(type("Plain", (BearerTokenAuth,), {})))
    yield
    del AUTH_MAP["with_refresh"], AUTH_MAP["plain_subclass"]


@pytest.mark.usefixtures("registered")
def test_registered_kinds_are_made_by_dlt(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mapping, or as a word whose fields stand in dlt's configuration."""
    fields = {"access_token_url": "https://x/t", "client_id": "us", "client_secret": "sss", "refresh_token": "rrr"}
    adopted = adopt_auth({"type": "with_refresh", **fields})
    assert isinstance(adopted, Foreign)
    assert isinstance(adopted.value, WithRefresh)
    assert adopted.value.refresh_token == "rrr"
    for name, value in fields.items():
        monkeypatch.setenv(f"CREDENTIALS__{name.upper()}", value)
    word = adopt_auth("with_refresh")
    assert isinstance(word, Foreign)
    assert word.value.refresh_token == "rrr"


def test_one_word_is_looked_up_by_dlt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS__TOKEN", "from-the-environment")
    assert adopt_auth("bearer") == {"type": "bearer", "token": Secret("from-the-environment")}
    assert adopt_auth({"type": "bearer"}) == {"type": "bearer", "token": Secret("from-the-environment")}
    assert adopt_auth({}) == {"type": "bearer", "token": Secret("from-the-environment")}


def test_a_field_that_nobody_set_is_named_with_the_places() -> None:
    with pytest.raises(LookupError, match=r"looked for `token` in environment variable `CREDENTIALS__TOKEN`"):
        adopt_auth("bearer")
    with pytest.raises(LookupError, match=r"`access_token_url`"):
        adopt_auth({"type": "oauth2_client_credentials", "client_id": "us", "client_secret": "sss"})


@pytest.mark.parametrize(
    "value", ["nobody", {"type": "nobody"}, {"type": 5}, 42, BearerTokenAuth, requests.auth.AuthBase()]
)
def test_what_is_no_auth_of_dlts_is_not_taken(value: object) -> None:
    """dlt refuses plain `requests` auth objects too."""
    assert adopt_auth(value) is None


def test_signers_of_one_object_are_equal() -> None:
    """Resources that share an object share its turn."""
    signing = Signing("header")
    assert foreign_signer(signing) == foreign_signer(signing)
    assert hash(foreign_signer(signing)) == hash(foreign_signer(signing))
    assert foreign_signer(signing) != foreign_signer(Signing("header"))
    assert custom(signing) == custom(signing)


def test_a_signed_request_is_otherwise_the_same() -> None:
    request = Request("GET", "https://x/a b", (("q", "ü"),), (("X-One", "1"), ("Accept", "a/b")), resource="r")
    signed = foreign_signer(Signing("header"))(request)
    assert (signed.url, signed.params, signed.resource) == (request.url, request.params, "r")
    assert signed.headers == (*request.headers, ("X-Sign", "signature-0001"))
    assert (signed.json, signed.data) == (None, None)
