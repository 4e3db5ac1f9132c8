"""Credentials for drawn configurations: as they are configured, and who gets in with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from dlt.common.configuration.specs import configspec
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from dlt.sources.rest_api.config_setup import register_auth

from dialects.dialect import Asked, Refused, answer
from drawn.draft import Fresh
from headrace.sim.message import Reply

#: What `auth: "bearer"` finds in the environment, under this name. dlt looks there for objects as well.
WORD_TOKEN = "token-of-the-environment"
WORD_TOKEN_AT = "CREDENTIALS__TOKEN"


@configspec
class Halves(AuthConfigBase):
    """Credentials of the user's own: two headers."""

    token: str = ""

    def __call__(self, request: Any) -> Any:
        half = len(self.token) // 2
        request.headers["X-Half"], request.headers["X-Other-Half"] = self.token[:half], self.token[half:]
        return request


register_auth("drawn_halves", Halves)


@dataclass(frozen=True)
class Auth:
    """`value` is what is configured; `guard` refuses others; `params` are query parameters that it sends."""

    value: Any
    guard: Callable[[Asked], None]
    params: tuple[str, ...] = ()
    scope: str = ""

    def token(self, asked: Asked) -> Reply:
        """The token address of OAuth."""
        wanted = {"client_id": "id 1", "client_secret": "s&cret", "grant_type": "client_credentials"}
        if asked.form() != wanted | ({"scope": self.scope} if self.scope else {}):
            raise Refused(401, "unknown client")
        return answer({"access_token": "token-of-oauth", "expires_in": 3600})


def _oauth(dice: Random, *, made: bool) -> Auth:
    scope = dice.choice(["", "read all"])
    fields: dict[str, Any] = {"client_id": "id 1", "client_secret": "s&cret"}
    if scope:
        fields["access_token_request_data"] = {"scope": scope}

    def value(url: str) -> Any:
        found = {"access_token_url": f"{url}/token", **fields}
        return OAuth2ClientCredentials(**found) if made else {"type": "oauth2_client_credentials", **found}

    return Auth(Fresh(value), lambda asked: asked.bearer("token-of-oauth"), scope=scope)


def _key_in(location: str) -> Auth:
    def guard(asked: Asked) -> None:
        if asked.params.get("api-key") != "k/1+2=":
            raise Refused(401, "no key")

    value = {"type": "api_key", "name": "api-key", "api_key": "k/1+2=", "location": location}
    return Auth(value, guard, ("api-key",))


def _bearer(value: Any, token: str) -> Auth:
    return Auth(value, lambda asked: asked.bearer(token))


def _signed(value: Any, header: str, wanted: str) -> Auth:
    return Auth(value, lambda asked: asked.signed(header, wanted))


def _basic(value: Any, username: str, password: str) -> Auth:
    return Auth(value, lambda asked: asked.basic(username, password))


def _halves(value: Any) -> Auth:
    def guard(asked: Asked) -> None:
        half = len(WORD_TOKEN) // 2
        asked.signed("x-half", WORD_TOKEN[:half])
        asked.signed("x-other-half", WORD_TOKEN[half:])

    return Auth(value, guard)


AUTHS: dict[str, Callable[[Random], Auth]] = {
    "none": lambda _: Auth(None, lambda _: None),
    "bearer": lambda _: _bearer({"type": "bearer", "token": "b-1"}, "b-1"),
    "bearer without type": lambda _: _bearer({"token": "b-2"}, "b-2"),
    "bearer object": lambda _: _bearer(Fresh(lambda _: BearerTokenAuth(WORD_TOKEN)), WORD_TOKEN),
    "bearer in one word": lambda _: _bearer("bearer", WORD_TOKEN),
    "api_key header": lambda _: _signed({"type": "api_key", "name": "X-Api-Key", "api_key": "k-1"}, "x-api-key", "k-1"),
    "api_key Authorization": lambda _: _signed({"type": "api_key", "api_key": "Key k 2"}, "authorization", "Key k 2"),
    "api_key object": lambda _: _signed(Fresh(lambda _: APIKeyAuth("X-K", "k-3")), "x-k", "k-3"),
    "api_key query": lambda _: _key_in("query"),
    "api_key param": lambda _: _key_in("param"),
    "http_basic": lambda _: _basic({"type": "http_basic", "username": "a@x", "password": "pä:s"}, "a@x", "pä:s"),
    "http_basic without password": lambda _: _basic({"type": "http_basic", "username": "k", "password": ""}, "k", ""),
    "http_basic object": lambda _: _basic(Fresh(lambda _: HttpBasicAuth("ada", "p")), "ada", "p"),
    "oauth2": lambda dice: _oauth(dice, made=False),
    "oauth2 object": lambda dice: _oauth(dice, made=True),
    "own class": lambda _: _halves({"type": "drawn_halves", "token": WORD_TOKEN}),
    "own object": lambda _: _halves(Fresh(lambda _: Halves(WORD_TOKEN))),
}
