"""A `requests` session of the user's in place of our own sending: adapters, headers, cookies, auth and certificates.

A session is no thread's but one's, so a thread of its own serves all resources, one request at a time. What it must not
do is ours: redirects, which could lead anywhere, and unbounded bodies. It has no time-out and no retry unless the
configuration declares them, as in dlt. Only a session that dlt made retries: inside `send`, where no response action
would see the attempts. So its policy is read off, and our own retry follows it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from dlt.sources.helpers.requests import Session as DltSession
from dlt.sources.helpers.requests.retry import retry_if_status
from requests import PreparedRequest, Session
from requests import Request as RequestsRequest
from requests import Response as RequestsResponse
from requests.exceptions import (
    ChunkedEncodingError,
    ContentDecodingError,
    HTTPError,
    InvalidHeader,
    RequestException,
    SSLError,
    Timeout,
)
from requests.exceptions import ConnectionError as LostConnection
from tenacity import retry_any, retry_if_exception_type
from urllib3.exceptions import ReadTimeoutError

from headrace.errors import HeadraceError, TransportError
from headrace.message import Request, Response
from headrace.secrets import in_words, remember, remember_pair, shown_cause
from headrace.transport import UNBOUNDED, AttemptFailed, full_url, place, too_large

_PIECE_BYTES: Final = 64 * 1024
#: The body of an answer without success is read so far; only its first characters are ever shown.
_MAX_ERROR_BODY_BYTES: Final = 64 * 1024
#: Headers of a session that hold no secret; all others are masked.
_OPEN_HEADERS: Final = frozenset({"accept", "accept-encoding", "accept-language", "connection", "user-agent"})
_SENSITIVE: Final = ("secret", "password", "token", "key", "auth", "sig")

#: Foreign error -> how often asking again is worth it, text, hint; the first row that fits counts.
_TRANSLATIONS: Final[tuple[tuple[type[Exception], int, str, str | None], ...]] = (
    (SSLError, 0, "broke off the TLS handshake", "check the host's name and the `verify` and `cert` of the session"),
    (Timeout, UNBOUNDED, "gave no answer in time", None),
    (ChunkedEncodingError, UNBOUNDED, "got a body that ends early", None),
    (ContentDecodingError, 1, "got a damaged compressed body", None),
    (LostConnection, UNBOUNDED, "could not be reached, or lost the connection", "check `base_url` and the network"),
    (InvalidHeader, 0, "could not be sent", "a key read from a file may end in a line break, which no header can hold"),
    (RequestException, 0, "could not be asked", "check `base_url`, `path` and the session"),
)


def adopted_session(value: object) -> bool:
    """Whether `value` is a session that can send for us."""
    return isinstance(value, Session)


def session_sender(
    session: Session, *, max_page_bytes: int, timeout_s: float | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """What sends our signed requests through `session`; owes what `Sender.send` owes.

    `timeout_s` bounds the wait for a connection and between two pieces of a body; None leaves it to the session.
    """
    _remember(session)
    return _SessionSender(session, max_page_bytes, timeout_s).send


def session_policy(session: Session) -> Mapping[str, Any]:
    """Fields of `RetryPolicy` for a configuration that declares none: no retries, or those of a session of dlt's."""
    retrying = _retrying(session)
    if retrying is None:
        return {"max_retries": 0}
    statuses = [part.status_codes for part in retrying.retry.retries if isinstance(part, retry_if_status)]
    return {
        "max_retries": retrying.stop.max_attempt_number - 1,
        "backoff_factor": float(retrying.wait.multiplier),
        "max_wait_s": float(retrying.wait.max),
        "statuses": frozenset().union(*statuses),
    }


class _SessionSender:
    def __init__(self, session: Session, max_page_bytes: int, timeout_s: float | None) -> None:
        self._session = session
        self._send = session.send if _retrying(session) is None else session.send.__wrapped__  # type: ignore[attr-defined]
        self._max_page_bytes = max_page_bytes
        self._settings = {} if timeout_s is None else {"timeout": timeout_s}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-session")

    async def send(self, request: Request) -> Response:
        """The whole answer. Raises `AttemptFailed` when there is none, `TransportError` for what cannot be sent."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, request)

    def _exchange(self, request: Request) -> Response:
        try:
            answer = self._asked(request)
            try:
                return self._whole(answer, request)
            finally:
                answer.close()
        except (HeadraceError, AttemptFailed):
            raise
        except RequestException as error:
            # a body that stalls is a lost connection to the library; what it wraps says what happened
            is_late = bool(error.args) and isinstance(error.args[0], ReadTimeoutError)
            meant = Timeout() if is_late else error
            retries, text, hint = next(row[1:] for row in _TRANSLATIONS if isinstance(meant, row[0]))
            # the library's words name the address with all its parameters: not shown
            raise AttemptFailed(f"{text} ({type(error).__name__})", retries=retries, hint=hint) from shown_cause(error)
        except Exception as error:  # noqa: BLE001 - an adapter or a hook of the session may raise anything
            message = f"expected the session to send the request, got {in_words(error)}"
            raise TransportError(message, where=place(request)) from shown_cause(error)

    def _asked(self, request: Request) -> RequestsResponse:
        prepared = self._session.prepare_request(_as_requests_request(request))
        url = prepared.url or ""
        environment = self._session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003 - its signature
        try:
            return self._send(prepared, allow_redirects=False, **{**environment, **self._settings})
        except HTTPError as error:
            if error.response is None:
                raise
            return error.response  # a hook of the session raised for the status, which is judged elsewhere

    def _whole(self, answer: RequestsResponse, request: Request) -> Response:
        success = 200 <= answer.status_code < 300
        limit = self._max_page_bytes if success else _MAX_ERROR_BODY_BYTES
        pieces: list[bytes] = []
        size = 0
        for piece in answer.iter_content(_PIECE_BYTES):
            size += len(piece)
            if size > limit:
                if success:
                    raise too_large(limit)
                break
            pieces.append(piece)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, b"".join(pieces), full_url(request))


def _as_requests_request(request: Request) -> RequestsRequest:
    headers = dict(request.headers)
    names = {name.lower() for name in headers}
    data = request.data
    if request.json is not None:
        data = json.dumps(request.json).encode()
        if "content-type" not in names:
            headers["Content-Type"] = "application/json"
    # a request that has its credentials keeps them: the session's own, and netrc's, are for those that have none
    auth = _as_it_is if "authorization" in names else None
    return RequestsRequest(request.method, full_url(request), headers=headers, data=data, auth=auth)


def _as_it_is(prepared: PreparedRequest) -> PreparedRequest:
    return prepared


def _retrying(session: Session) -> Any:
    """The retry of a session of dlt's, None where there is none or where it decides by somebody's own function."""
    retrying = getattr(session.send, "retry", None)
    if not isinstance(session, DltSession) or not hasattr(session.send, "__wrapped__"):
        return None
    conditions = getattr(getattr(retrying, "retry", None), "retries", ())
    known = isinstance(getattr(retrying, "retry", None), retry_any) and all(
        isinstance(condition, retry_if_status | retry_if_exception_type) for condition in conditions
    )
    return retrying if known else None


def _remember(session: Session) -> None:
    """The secrets of the session are masked from now on."""
    for value in _secrets(session):
        remember(value)
    if isinstance(session.auth, tuple):
        username, password = session.auth
        remember(str(password))
        remember_pair(str(username), str(password))


def _secrets(session: Session) -> Iterator[str]:
    for name, value in session.headers.items():
        if name.lower() not in _OPEN_HEADERS:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            yield from {text, text.partition(" ")[2] or text}
    params = session.params if isinstance(session.params, Mapping) else {}
    for name, value in params.items():
        if any(word in str(name).lower() for word in _SENSITIVE):
            yield str(value)
    yield from (cookie.value for cookie in session.cookies if cookie.value)
