"""dlt's auth objects: a stock one becomes our options, any other goes on signing for itself.

dlt takes credentials as a mapping, as the name of a kind whose fields stand in its configuration, or as an object, and
kinds can be registered. dlt's own `create_auth` makes an object of each, its fields looked up in the sections of the
source. Where that object is one of the stock kinds, unchanged, what it holds is all there is to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from dlt.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigurationException,
    ConfigurationWrongTypeException,
)
from dlt.common.configuration.specs.base_configuration import is_secret_hint
from dlt.sources.helpers.requests import Session as DltSession
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
    OAuthJWTAuth,
)
from dlt.sources.rest_api.config_setup import AUTH_MAP, create_auth
from requests import PreparedRequest
from requests.exceptions import ConnectionError as LostConnection
from requests.exceptions import HTTPError, Timeout

from headrace.bridge.answer import as_prepared_request
from headrace.bridge.places import looked_in
from headrace.config.foreign import Foreign
from headrace.errors import HeadraceError, RefusedError, TransportError
from headrace.message import Request
from headrace.secrets import Secret, in_words, mask, remember, remember_passing, shown_cause
from headrace.transport import AttemptFailed, place

#: Headers that an auth object may set and that hold no secret.
_OPEN_HEADERS: Final = frozenset(
    {"accept", "content-length", "content-type", "date", "host", "user-agent", "x-amz-date"}
)
#: Parts of a header (a cookie, a signature) are hidden one by one from this length on.
_PART_LENGTH: Final = 8


def adopt_auth(value: object) -> dict[str, Any] | Foreign | None:
    """What the configuration may hold in place of `value`: our options, an object that signs, None for neither.

    `value` is an auth object, or a name or mapping whose `type` dlt knows. Raises `LookupError` with the places where
    dlt looked for a missing field.
    """
    if isinstance(value, str):
        kind: Any = value
    elif isinstance(value, Mapping) and not isinstance(value, AuthConfigBase):
        kind = value.get("type", "bearer")
        value = dict(value)
    elif isinstance(value, AuthConfigBase):
        kind = next(iter(AUTH_MAP))
    else:
        return None
    if not isinstance(kind, str) or kind not in AUTH_MAP:
        return None
    auth = _created(value)
    _remember_fields(auth)
    say = _STOCK.get(type(auth))
    # a callable among the values is a method that was replaced on the object alone
    if say is None or any(callable(held) for held in vars(auth).values()):
        return Foreign(auth, type(auth).__name__)
    return say(auth) or Foreign(auth, type(auth).__name__)


def foreign_signer(auth: Callable[[PreparedRequest], PreparedRequest]) -> Callable[[Request], Request]:
    """What signs our requests with an auth object; it may block, and must be asked by one thread at a time."""
    return _ObjectSigner(auth)


class _ObjectSigner:
    """Equal when it signs with the same object: resources that share an auth share its turn as well."""

    def __init__(self, auth: Callable[[PreparedRequest], PreparedRequest]) -> None:
        self._auth = auth
        self._name = type(auth).__name__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ObjectSigner) and other._auth is self._auth

    def __hash__(self) -> int:
        return id(self._auth)

    def __call__(self, request: Request) -> Request:
        """The signed request.

        Raises `RefusedError` where the object was refused a token, `AttemptFailed` where it may get one later, and
        `TransportError` with the object's error as its cause.
        """
        before = as_prepared_request(request)
        prepared = before.copy()
        prepared.prepare_content_length(prepared.body)
        try:
            signed = self._auth(prepared)
            return _read_back(before, signed, request)
        except (HeadraceError, AttemptFailed):
            raise
        except HTTPError as error:
            raise self._refused(error, request) from shown_cause(error)
        except (LostConnection, Timeout) as error:
            # the library's own text names the address that it asked, credentials and all
            raise AttemptFailed(f"got no credentials ({type(error).__name__})", asked=f"`{self._name}`") from None
        except Exception as error:  # noqa: BLE001 - whatever somebody's object raises has a name here
            raise self._failed(in_words(error), request) from shown_cause(error)

    def _refused(self, error: HTTPError, request: Request) -> Exception:
        status = error.response.status_code if error.response is not None else 0
        if status == 429 or status >= 500:
            return AttemptFailed(f"got no credentials ({status})", asked=f"`{self._name}`")
        if status >= 400:
            return RefusedError(
                f"expected `{self._name}` to get credentials, got {status}",
                status=status,
                where=place(request),
                hint="check the client, its secret and the address for tokens",
            )
        return self._failed(in_words(error), request)

    def _failed(self, got: str, request: Request) -> TransportError:
        return TransportError(f"expected `{self._name}` to sign the request, got {got}", where=place(request))


def _created(value: Any) -> Any:
    """The auth object, its fields resolved by dlt where it can do so."""
    try:
        return create_auth(value)
    except ConfigurationWrongTypeException:
        return value  # dlt refuses a class that is no `configspec`; it can sign all the same
    except ConfigFieldMissingException as error:
        if isinstance(value, OAuthJWTAuth) and set(error.traces) == {"token"}:
            return value  # dlt wants the token that the object is there to fetch
        names = ", ".join(f"`{name}`" for name in error.traces)
        raise LookupError(f"looked for {names} in {looked_in(error)}") from None
    except ConfigurationException as error:
        raise LookupError(" ".join(mask(str(error)).split())[:200]) from None


def _remember_fields(auth: Any) -> None:
    """Its declared secrets are masked from now on, whatever it does with them."""
    for name, hint in type(auth).get_resolvable_fields().items():
        held = getattr(auth, name, None)
        if isinstance(held, str) and is_secret_hint(hint):
            remember(held)


def _bearer(auth: Any) -> dict[str, Any]:
    return {"type": "bearer", "token": Secret(str(auth.token))}


def _api_key(auth: Any) -> dict[str, Any]:
    return {"type": "api_key", "name": auth.name, "api_key": Secret(str(auth.api_key)), "location": auth.location}


def _http_basic(auth: Any) -> dict[str, Any]:
    return {"type": "http_basic", "username": str(auth.username), "password": Secret(str(auth.password))}


def _client_credentials(auth: Any) -> dict[str, Any] | None:
    if not _is_plain(auth.session) or not auth.is_token_expired():
        return None  # its session does more than sending, or it holds a token already
    return {
        "type": "oauth2_client_credentials",
        "access_token_url": auth.access_token_url,
        "client_id": Secret(str(auth.client_id)),
        "client_secret": Secret(str(auth.client_secret)),
        "access_token_request_data": dict(auth.access_token_request_data or {}),
        "default_token_expiration": auth.default_token_expiration,
    }


#: Stock auth objects -> their options as data.
_STOCK: Final[Mapping[type[Any], Callable[[Any], dict[str, Any] | None]]] = {
    BearerTokenAuth: _bearer,
    APIKeyAuth: _api_key,
    HttpBasicAuth: _http_basic,
    OAuth2ClientCredentials: _client_credentials,
}


def _is_plain(session: Any) -> bool:
    """Whether a session is as dlt makes it for itself."""
    names = ("headers", "auth", "proxies", "params", "verify", "cert", "trust_env", "hooks")
    plain = DltSession()
    return type(session) is DltSession and all(getattr(session, name) == getattr(plain, name) for name in names)


def _read_back(before: PreparedRequest, signed: PreparedRequest, request: Request) -> Request:
    """Our request with what the object made of it."""
    if not isinstance(signed, PreparedRequest):
        raise TypeError(f"expected the request back, got {type(signed).__name__}")
    headers = tuple(
        (_text(name), _text(value)) for name, value in signed.headers.items() if name.lower() != "content-length"
    )
    url = _text(signed.url)
    body = signed.body.encode() if isinstance(signed.body, str) else signed.body
    if body is not None and not isinstance(body, bytes):
        raise TypeError(f"expected a body of bytes, got {type(body).__name__}")
    for value in _added(before, url, headers):
        remember_passing(value)
    moved = url != before.url
    return replace(
        request,
        method=_text(signed.method),
        url=url if moved else request.url,
        params=() if moved else request.params,
        headers=headers,
        json=None,
        data=body,
    )


def _added(before: PreparedRequest, url: str, headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """The values that were not there before: they are credentials, or nearly."""
    for name, value in headers:
        if name.lower() in _OPEN_HEADERS or before.headers.get(name) == value:
            continue
        yield value
        parts = value.replace(";", " ").replace(",", " ").split()
        yield from (part for one in parts for part in (one, one.partition("=")[2]) if len(part) >= _PART_LENGTH)
    known = set(_query(_text(before.url)))
    yield from (value for name, value in _query(url) if (name, value) not in known)


def _query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
