"""Tokens that are fetched, in dlt's way and longer; and none of them in any message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import (
    OAuth2ClientCredentials,
)

from asking import Api, ask, failing, ok
from headrace.clock import TurnedClock
from headrace.errors import AnswerError, RefusedError, TransportError
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
