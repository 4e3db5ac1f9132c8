"""OAuth 2 client credentials (RFC 6749, 4.4): a token that is fetched when it is needed.

It is fetched before the first request, and again shortly before it ends: a token that ends on its way would be
refused. A 401 means that the server ended it sooner, so it is fetched anew, once for each attempt. Requests that
wait for it share it, and its failure too: eight requests do not ask a broken token endpoint eight times.

The request for a token goes to its configured address and nowhere else; no redirect is followed with a client's secret.
A failure that may pass fails the attempt, so the retry policy decides about it. A token that the configuration gives is
not used, because dlt takes it for one that has ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from headrace.clock import Clock
from headrace.errors import AnswerError, HeadraceError, RefusedError, TransportError
from headrace.message import Request, Response
from headrace.secrets import Secret, remember, remember_passing
from headrace.transport.address import origin_of, place
from headrace.transport.attempt import AttemptFailed
from headrace.transport.auth import revealed, secret, with_header
from headrace.transport.retry_after import retry_after
from headrace.transport.status import body_head, status_text

if TYPE_CHECKING:
    from headrace.plan.model import Auth, RetryPolicy

Send = Callable[[Request], Awaitable[Response]]

#: A token is renewed this many seconds before its end, but not before nine tenths of its time are over.
_EARLY_S: Final = 30.0
_EARLY_SHARE: Final = 0.1
#: A page of maintenance passes, as it does with the data.
_RETRIES_WITHOUT_JSON: Final = 2
#: Of further fields of the token request those are hidden whose name has one of these words in it.
_SENSITIVE: Final = ("secret", "password", "token", "assertion", "key", "code")
_HINT: Final = "check `access_token_url`, `client_id`, `client_secret` and `access_token_request_data`"


@dataclass(frozen=True)
class _Token:
    """A token, and the `Clock.now()` from which a new one is fetched."""

    value: str
    renew_at: float


class TokenKeeper:
    """The token of one `Auth`, for one event loop."""

    def __init__(self, auth: Auth, policy: RetryPolicy, clock: Clock) -> None:
        self._auth = auth
        self._policy = policy
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: _Token | None = None
        self._fetches = 0
        self._failure: Exception | None = None

    async def sign(self, request: Request, send: Send) -> Request:
        """The request with a token that holds.

        Raises `AttemptFailed` where a token may come later, and the named error of a refusal or a wrong answer.
        """
        fetches = self._fetches  # those that have ended
        async with self._lock:
            token = self._token
            if token is None or self._clock.now() >= token.renew_at:
                if self._failure is not None and self._fetches > fetches:
                    raise self._failure  # somebody asked while this request waited
                token = await self._fetched(request, send)
            self._token = token
        return with_header(request, "Authorization", f"Bearer {token.value}")

    async def renews(self, signed: Request) -> bool:
        """Drop the token that `signed` was refused with; true, for another one may do better."""
        if self._token is not None and ("Authorization", f"Bearer {self._token.value}") in signed.headers:
            self._token = None
        return True

    async def _fetched(self, request: Request, send: Send) -> _Token:
        self._failure = None
        try:
            return await self._fetch(request, send)
        except (AttemptFailed, HeadraceError) as failure:
            self._failure = failure
            raise
        finally:
            self._fetches += 1

    async def _fetch(self, request: Request, send: Send) -> _Token:
        asking = self._token_request(request)
        asked = f"POST {asking.url.partition('?')[0]}"
        began = self._clock.now()
        try:
            response = await send(asking)
        except AttemptFailed as failure:
            failure.asked = asked
            raise
        self._expect_success(response, asking, asked)
        fields = _json_object(response, asking, asked)
        value = fields["access_token"]
        remember_passing(value)
        lasts_s = _seconds(fields.get("expires_in"), self._auth.fields.get("default_token_expiration", 3600))
        return _Token(value, began + lasts_s - min(_EARLY_S, _EARLY_SHARE * lasts_s))

    def _token_request(self, request: Request) -> Request:
        url = revealed(self._auth, "access_token_url")
        try:
            origin_of(url)
        except ValueError as error:
            message = f"{error} in `access_token_url`"
            raise TransportError(message, where=place(request), hint=_HINT) from None
        fields = {
            "client_id": revealed(self._auth, "client_id"),
            "client_secret": secret(self._auth, "client_secret"),
            "grant_type": "client_credentials",
            **(self._auth.fields.get("access_token_request_data") or {}),
        }
        return Request(
            "POST",
            url,
            headers=(("Content-Type", "application/x-www-form-urlencoded"),),
            data=urlencode(list(_pairs(fields))).encode(),
            resource=request.resource,
        )

    def _expect_success(self, response: Response, asking: Request, asked: str) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        got = f"got {status_text(status)}{body_head(response.body)}"
        if status in self._policy.statuses:
            raise AttemptFailed(got, rest_s=retry_after(response, self._clock.wall()), asked=asked)
        message = f"expected an access token, {got} from {asked}"
        if 400 <= status < 500:
            raise RefusedError(message, status=status, where=place(asking), hint=_HINT)
        raise TransportError(message, where=place(asking), hint=_HINT)


def _pairs(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a form: a list comes as several, None not at all."""
    for name, given in fields.items():
        for item in given if isinstance(given, (list, tuple)) else (given,):
            if item is None:
                continue
            text = item.reveal() if isinstance(item, Secret) else str(item)
            if any(word in name.lower() for word in _SENSITIVE):
                remember(text)
            yield name, text


def _json_object(response: Response, asking: Request, asked: str) -> Mapping[str, Any]:
    """The answer's fields, `access_token` among them as text. The body itself is never shown: it holds tokens."""
    retries = 0
    try:
        fields = json.loads(response.body)
    except ValueError:
        fields, retries = None, _RETRIES_WITHOUT_JSON
    if not isinstance(fields, dict):
        got = "something that is no JSON object"
    elif not isinstance(fields.get("access_token"), str):
        names = ", ".join(f"`{name[:40]}`" for name in list(fields)[:10])
        got = f"an object with {names or 'no fields'}"
    else:
        return fields
    message = f"expected an object with the text `access_token`, got {got} from {asked}"
    raise AnswerError(message, where=place(asking), hint=_HINT, retries=retries)


def _seconds(told: Any, default: Any) -> float:
    """How long a token lasts. What is no number does not say it."""
    try:
        return max(0.0, float(default if told is None else told))
    except (TypeError, ValueError):
        return float(default)
