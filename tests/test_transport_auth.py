"""Tokens that are fetched, objects that sign, dlt's auth taken over; and no credential in any message."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from dlt.common.configuration.specs.base_configuration import configspec
from dlt.common.typing import TSecretStrValue
from dlt.sources.helpers.requests import Session as DltSession
from dlt.sources.helpers.rest_client import RESTClient
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
from headrace.clock import TurnedClock
from headrace.config.foreign import Foreign
from headrace.dlt_auth import adopt_auth, foreign_signer
from headrace.errors import AnswerError, RefusedError, TransportError
from headrace.message import Request
from headrace.plan.model import Auth, RetryPolicy
from headrace.secrets import Secret
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came
from headrace.sim.server import Server
from headrace.transport import KEEPERS, Credentials

SECRET = "very/secret+client 77"
THREE = RetryPolicy(max_retries=3)


def tokens(**more: Any) -> Callable[[Came], Reply]:
    """A token endpoint: `token-0001`, `token-0002` ..., each with what `more` says."""
    given: list[str] = []

    def answer(_: Came) -> Reply:
        given.append(f"token-{len(given) + 1:04}")
        return ok({"access_token": given[-1], "token_type": "Bearer", **more})

    return answer


def client(**more: Any) -> Callable[[str], Auth]:
    """Client credentials whose token endpoint is at `/token` of the server."""

    def made(url: str) -> Auth:
        fields = {"access_token_url": f"{url}/token", "client_id": "us", "client_secret": Secret(SECRET), **more}
        return Auth("oauth2_client_credentials", fields)

    return made


def api(token: Any, *pages: Any) -> Api:
    return Api(by_path={"/token": token, "/page": pages or (ok(),)})


def shown_tokens(came: list[Came]) -> list[str]:
    return [request.headers.get("authorization", "") for request in came]


def test_a_token_is_fetched_once_and_used_by_all() -> None:
    """Eight requests side by side wait for one token."""
    stage = api(tokens(expires_in=3600))
    outcome = ask(stage, client(), times=8, together=True)
    assert outcome.values == [{"items": [1]}] * 8
    assert len(stage.at("/token")) == 1
    assert shown_tokens(stage.at("/page")) == ["Bearer token-0001"] * 8


@pytest.mark.parametrize(
    "data", [{}, {"scope": "read write", "audience": "https://x/?a=b"}, {"scope": ["a", "b"], "n": 5, "none": None}]
)
def test_the_request_for_a_token_is_dlts(data: dict[str, Any]) -> None:
    """The same method, form and content type as dlt's object sends, further fields merged over the standard ones."""
    mine, theirs = api(tokens()), api(tokens())
    ask(mine, client(access_token_request_data=data))
    with Server(theirs) as server:
        auth = OAuth2ClientCredentials(
            access_token_url=f"{server.url}/token", client_id="us", client_secret=SECRET, access_token_request_data=data
        )
        RESTClient(server.url, auth=auth, session=requests.Session()).get("/page")
    (ours,), (dlts,) = mine.at("/token"), theirs.at("/token")
    assert (ours.method, ours.headers["content-type"]) == (dlts.method, dlts.headers["content-type"])
    assert parse_qsl(ours.body.decode()) == parse_qsl(dlts.body.decode())
    assert mine.at("/page")[0].headers["authorization"] == theirs.at("/page")[0].headers["authorization"]


def test_the_grant_may_be_another() -> None:
    stage = api(tokens())
    ask(stage, client(access_token_request_data={"grant_type": "password", "password": Secret("hunter22")}))
    form = dict(parse_qsl(stage.at("/token")[0].body.decode()))
    assert (form["grant_type"], form["password"], form["client_secret"]) == ("password", "hunter22", SECRET)


def test_a_given_token_is_not_used() -> None:
    """dlt takes it for one that has ended, and fetches its own."""
    stage = api(tokens())
    ask(stage, client(access_token=Secret("given-token")))
    assert shown_tokens(stage.at("/page")) == ["Bearer token-0001"]


@pytest.mark.parametrize(
    ("more", "default", "lasts_s"),
    [
        ({"expires_in": 1000}, 3600, 970),
        ({"expires_in": "1000"}, 3600, 970),
        ({"expires_in": 100}, 3600, 90),
        ({}, 500, 470),
        ({"expires_in": None}, 500, 470),
        ({"expires_in": "soon"}, 500, 470),
        ({"expires_in": 0}, 500, 0),
    ],
)
def test_a_token_is_renewed_shortly_before_its_end(more: dict[str, Any], default: int, lasts_s: int) -> None:
    clock = TurnedClock()

    def later(seconds: float) -> Callable[[Came], Reply]:
        def answer(_: Came) -> Reply:
            clock._now += seconds
            return ok()

        return answer

    stage = api(tokens(**more), later(max(lasts_s - 1, 0)), later(1), ok())
    ask(stage, client(default_token_expiration=default), times=3, clock=clock)
    used = [text.removeprefix("Bearer token-") for text in shown_tokens(stage.at("/page"))]
    assert used == (["0001", "0001", "0002"] if lasts_s else ["0001", "0002", "0003"])


def test_a_401_renews_the_token_once() -> None:
    """The server ended the token sooner than it said: another one is fetched, and no attempt is used up for it."""
    stage = api(tokens(expires_in=3600), failing(401), ok())
    outcome = ask(stage, client(), policy=RetryPolicy(max_retries=0))
    assert outcome.value == {"items": [1]}
    assert shown_tokens(stage.at("/page")) == ["Bearer token-0001", "Bearer token-0002"]
    assert len(outcome.traces) == 1


def test_a_second_401_is_a_refusal() -> None:
    stage = api(tokens(), failing(401))
    outcome = ask(stage, client())
    assert isinstance(outcome.error, RefusedError)
    assert (len(stage.at("/page")), len(stage.at("/token"))) == (2, 2)


def test_many_that_are_refused_renew_it_once() -> None:
    """A token that others have renewed meanwhile is not dropped again."""
    wanted = "Bearer token-0002"
    stage = api(tokens(), lambda came: ok() if came.headers["authorization"] == wanted else failing(401))
    outcome = ask(stage, client(), times=8, together=True)
    assert outcome.values == [{"items": [1]}] * 8
    assert len(stage.at("/token")) == 2


def test_a_token_endpoint_that_is_down_is_asked_again_by_the_policy() -> None:
    stage = api([failing(503), failing(500), tokens()])
    outcome = ask(stage, client())
    assert (outcome.value, outcome.slept, len(stage.at("/token"))) == ({"items": [1]}, [1.0, 2.0], 3)


def test_its_failure_is_shared_by_those_who_wait() -> None:
    """Eight requests do not ask a broken endpoint eight times in one breath."""
    stage = api(failing(500, b"down"))
    outcome = ask(stage, client(), times=8, together=True, policy=RetryPolicy(max_retries=0))
    assert [type(error) for error in outcome.values] == [TransportError] * 8
    assert len(stage.at("/token")) == 1
    assert str(outcome.error).splitlines()[0] == (
        "no whole answer after 1 attempt: last one got 500 Internal Server Error (down) "
        f"from POST {outcome.url}/token at resource `things`"
    )


@pytest.mark.parametrize(
    ("answer", "kind", "text", "times"),
    [
        (failing(401, b'{"error": "invalid_client"}'), RefusedError, "expected an access token, got 401", 1),
        (failing(302, location="https://elsewhere/"), TransportError, "expected an access token, got 302 Found", 1),
        (ok({"acess_token": "t"}), AnswerError, "`access_token`, got an object with `acess_token`", 1),
        (ok({"access_token": None}), AnswerError, "`access_token`, got an object with `access_token`", 1),
        (ok([1]), AnswerError, "`access_token`, got something that is no JSON object", 1),
        (Reply(200, b"<html>"), AnswerError, "`access_token`, got something that is no JSON object", 3),
    ],
)
def test_what_is_no_token_is_named(answer: Reply, kind: type[Exception], text: str, times: int) -> None:
    stage = api(answer)
    outcome = ask(stage, client(), policy=THREE)
    assert type(outcome.error) is kind
    assert text in str(outcome.error)
    assert f"from POST {outcome.url}/token" in str(outcome.error)
    assert "check `access_token_url`, `client_id`, `client_secret`" in str(outcome.error)
    assert (len(stage.at("/token")), stage.at("/page")) == (times, [])


@pytest.mark.parametrize("status", [401, 500])
def test_neither_token_nor_secret_is_shown(status: int) -> None:
    """The API echoes the token, the token endpoint the secret; a body with tokens in it is not shown at all."""

    def echo(came: Came) -> Reply:
        return failing(status, f"{came.headers['authorization']} {came.body.decode()}".encode())

    pages = ask(api(tokens(), echo), client(), policy=THREE)
    assert "(Bearer *** )" in str(pages.error) or "(Bearer ***)" in str(pages.error)
    assert "token-0" not in pages.said
    refused = ask(api(lambda came: failing(status, came.body)), client(), policy=THREE)
    assert "client_secret=***" in str(refused.error)
    assert "very" not in refused.said
    odd = ask(api(ok({"refresh_token": "never-shown", "access_token": 5})), client(), policy=THREE)
    assert "never-shown" not in odd.said


def test_the_tokens_address_needs_no_origin_and_gets_nothing_else() -> None:
    """The origin of the token endpoint is another host, which no link may lead to."""
    with Server(Api(tokens())) as other:
        auth = client(access_token_url=f"{other.url}/token")
        assert ask(Api(ok()), auth).value == {"items": [1]}
        assert [entry.path for entry in other.ledger.requests] == ["/token"]
        led = ask(Api(failing(302, location=f"{other.url}/page")), auth)
        assert "expected an address at" in str(led.error)
        assert [entry.path for entry in other.ledger.requests] == ["/token"] * 2


def test_an_address_for_tokens_that_is_none_is_named() -> None:
    outcome = ask(Api(ok()), client(access_token_url="ftp://x/token"))
    assert "expected an http or https address, got scheme 'ftp' in `access_token_url`" in str(outcome.error)


def test_the_keepers_of_equal_auths_are_one() -> None:
    """Each resource may bring an auth of its own that says the same."""
    credentials, clock = Credentials(), TurnedClock()
    first, second, third = client()("http://x"), client()("http://x"), client()("http://y")
    keepers = [credentials.of(auth, THREE, clock) for auth in (first, second, third)]
    assert keepers[0] is keepers[1] is not keepers[2]
    assert credentials.of(Auth("bearer", {"token": "t"}), THREE, clock) is None
    assert set(KEEPERS) == {"oauth2_client_credentials", "custom"}


# --- objects


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
        lambda: OAuthJWTAuth(client_id="us", private_key="ppp", auth_endpoint="https://x/t"),
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

    stage = api(token, lambda came: failing(400, f"{came.headers['authorization']} refresh-4711".encode()))

    def auth(url: str) -> Auth:
        made = WithRefresh(
            access_token_url=f"{url}/token", client_id="us", client_secret="sss", refresh_token="refresh-4711"
        )
        adopted = adopt_auth(made)
        assert isinstance(adopted, Foreign)
        return custom(adopted.value)

    outcome = ask(stage, auth, times=3)
    assert shown_tokens(stage.at("/page")) == ["Bearer from-refresh"] * 3
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
