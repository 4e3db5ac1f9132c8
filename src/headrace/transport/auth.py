"""Auth: how a credential joins a request.

It replaces whatever stands in its place already (a configured header, a key that the server echoed into a `next`
link), so it is never sent twice. A new kind whose credential is at hand is a new row of `SIGNERS`; one that has to
fetch it, or that is somebody's own code, is a row of `credentials.KEEPERS`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from headrace.errors import ConfigError, Problem
from headrace.message import Request
from headrace.secrets import Secret, remember, remember_pair

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


def _sign_basic(request: Request, auth: Auth) -> Request:
    username, password = revealed(auth, "username"), secret(auth, "password")
    remember_pair(username, password)
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return with_header(request, "Authorization", f"Basic {pair}")


def _sign_bearer(request: Request, auth: Auth) -> Request:
    return with_header(request, "Authorization", f"Bearer {secret(auth, 'token')}")


def _sign_api_key(request: Request, auth: Auth) -> Request:
    location = revealed(auth, "location", "header")
    put = _KEY_PLACES.get(location)
    if put is None:
        known = ", ".join(f"`{name}`" for name in _KEY_PLACES)
        raise ConfigError([Problem(f"expected `location` of an api_key auth to be one of {known}, got {location!r}")])
    return put(request, revealed(auth, "name", "Authorization"), secret(auth, "api_key"))


def with_header(request: Request, name: str, value: str) -> Request:
    """The request with this header instead of any of that name."""
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


def revealed(auth: Auth, field: str, default: str | None = None) -> str:
    """A field as text, to be sent. Raises `ConfigError` when it is missing."""
    value: str | Secret | None = auth.fields.get(field, default)
    if value is None:
        raise ConfigError([Problem(f"expected `{field}` for auth of type `{auth.kind}`, got nothing")])
    return value.reveal() if isinstance(value, Secret) else value


def secret(auth: Auth, field: str) -> str:
    """The same for a field that no output may show."""
    value = revealed(auth, field)
    remember(value)  # it may have come as plain text
    return value


_KEY_PLACES: Final[Mapping[str, Callable[[Request, str, str], Request]]] = {
    "header": with_header,
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
