"""Auth: the last layer before the wire; only here do credentials join a request.

A credential replaces whatever stands in its place already (a configured header, a key that the server echoed into a
`next` link), so it is never sent twice. A new kind is a new row of `SIGNERS`.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from headrace.errors import ConfigError, Problem
from headrace.message import Request, Response
from headrace.secrets import Secret, remember, remember_pair
from headrace.transport.address import Origin, check_origin, full_url

if TYPE_CHECKING:
    from headrace.plan.model import Auth

Signer = Callable[[Request, "Auth"], Request]


def sign(request: Request, auth: Auth | None) -> Request:
    """The request with its credentials. Raises `ConfigError` for an unknown kind or a missing field."""
    if auth is None:
        return request
    signer = SIGNERS.get(auth.kind)
    if signer is None:
        known = ", ".join(f"`{kind}`" for kind in SIGNERS)
        raise ConfigError([Problem(f"expected an auth type of {known}, got {auth.kind!r}")])
    return signer(request, auth)


def signed(
    send: Callable[[Request], Awaitable[Response]], origins: frozenset[Origin]
) -> Callable[[Request, Auth | None], Awaitable[Response]]:
    """The layer: sends requests to `origins` only, with their credentials; the answer's `url` is without them."""

    async def send_signed(request: Request, auth: Auth | None) -> Response:
        check_origin(request, origins)
        response = await send(sign(request, auth))
        return replace(response, url=full_url(request))

    return send_signed


def _sign_basic(request: Request, auth: Auth) -> Request:
    username, password = _revealed(auth, "username"), _secret(auth, "password")
    remember_pair(username, password)
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return _with_header(request, "Authorization", f"Basic {pair}")


def _sign_bearer(request: Request, auth: Auth) -> Request:
    return _with_header(request, "Authorization", f"Bearer {_secret(auth, 'token')}")


def _sign_api_key(request: Request, auth: Auth) -> Request:
    location = _revealed(auth, "location", "header")
    put = _KEY_PLACES.get(location)
    if put is None:
        known = ", ".join(f"`{name}`" for name in _KEY_PLACES)
        raise ConfigError([Problem(f"expected `location` of an api_key auth to be one of {known}, got {location!r}")])
    return put(request, _revealed(auth, "name", "Authorization"), _secret(auth, "api_key"))


def _with_header(request: Request, name: str, value: str) -> Request:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return replace(request, headers=(*kept, (name, value)))


def _with_query(request: Request, name: str, value: str) -> Request:
    kept = tuple(pair for pair in request.params if pair[0] != name)
    return replace(request, url=_without_query(request.url, name), params=(*kept, (name, value)))


def _without_query(url: str, name: str) -> str:
    parts = urlsplit(url)
    fields = parts.query.split("&")
    # compared decoded, kept as they came: a cursor in the link must not change by a single byte
    kept = [field for field in fields if not any(key == name for key, _ in parse_qsl(field, keep_blank_values=True))]
    return url if len(kept) == len(fields) else urlunsplit(parts._replace(query="&".join(kept)))


def _revealed(auth: Auth, field: str, default: str | None = None) -> str:
    value = auth.fields.get(field, default)
    if value is None:
        raise ConfigError([Problem(f"expected `{field}` for auth of type `{auth.kind}`, got nothing")])
    return value.reveal() if isinstance(value, Secret) else value


def _secret(auth: Auth, field: str) -> str:
    value = _revealed(auth, field)
    remember(value)  # it may have come as plain text
    return value


_KEY_PLACES: Final[Mapping[str, Callable[[Request, str, str], Request]]] = {
    "header": _with_header,
    "query": _with_query,
    "param": _with_query,
}

#: Kind of auth -> what adds its credentials. `http_basic` is dlt's older name of `basic`.
SIGNERS: Final[Mapping[str, Signer]] = {
    "basic": _sign_basic,
    "http_basic": _sign_basic,
    "bearer": _sign_bearer,
    "api_key": _sign_api_key,
}
