"""Our answers as objects of `requests`: for response actions and paginators that were written for dlt.

A function of a response action gets such an object and changes it in place: `_content`, `encoding`, `status_code`,
`headers`. What it returns is not looked at, because dlt does not look at it either. What it raises means what it means
in dlt: `IgnoreResponseException` ends the call; an `HTTPError` leaves the rest to the status; a lost connection or a
time-out fails the attempt; all else is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from requests import PreparedRequest
from requests import Response as RequestsResponse
from requests.exceptions import ChunkedEncodingError, HTTPError, Timeout
from requests.exceptions import ConnectionError as LostConnection
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from headrace.errors import AnswerError, HeadraceError
from headrace.message import Request, Response
from headrace.secrets import in_words, shown_cause
from headrace.transport import AttemptFailed, Ignored, Settled, full_url, place, with_charset

#: A status from which on `raise_for_status` raises.
_FIRST_ERROR: int = 400


class Answer(RequestsResponse):
    """A whole answer; its JSON is parsed once, and again only when `_content` or `encoding` changed."""

    _parsed: Any = None
    _parsed_from: tuple[Any, Any] | None = None

    def json(self, **kwargs: Any) -> Any:
        """The JSON of the body, as `requests` parses it."""
        if kwargs:
            return super().json(**kwargs)
        source = (self._content, self.encoding)
        known = self._parsed_from
        # by identity: a body is not compared byte by byte, and bytes never change in place
        if known is None or known[0] is not source[0] or known[1] != source[1]:
            self._parsed = super().json()
            self._parsed_from = source
        return self._parsed


def as_requests_response(response: Response, request: Request) -> Answer:
    """The answer as a `requests.Response`, its `request` included; neither has credentials in it."""
    answer = Answer()
    answer.status_code = response.status
    answer.headers = CaseInsensitiveDict(response.headers)
    answer.url = response.url
    answer.encoding = get_encoding_from_headers(answer.headers)
    answer.reason = _reason(response.status)
    answer.request = as_prepared_request(request)
    answer._content = response.body  # noqa: SLF001 - `requests` and dlt have no other way to say that a body is there
    answer._content_consumed = True  # noqa: SLF001
    return answer


def as_prepared_request(request: Request) -> PreparedRequest:
    """The request as `requests` would send it: one address, the body in bytes."""
    prepared = PreparedRequest()
    prepared.method = request.method.upper()
    prepared.url = full_url(request)
    headers: dict[str, tuple[str, str]] = {}
    for name, value in request.headers:
        known = headers.get(name.lower())
        headers[name.lower()] = (name, value) if known is None else (known[0], f"{known[1]}, {value}")
    prepared.body = request.data
    if request.json is not None:
        prepared.body = json.dumps(request.json).encode()
        headers.setdefault("content-type", ("Content-Type", "application/json"))
    prepared.headers = CaseInsensitiveDict(headers.values())
    prepared.hooks = default_hooks()
    return prepared


def adapted(function: Callable[..., Any]) -> Callable[[Request, Response], Response]:
    """A function of a response action, to be called with our request and answer; gives what it made of the answer.

    Raises `Ignored`, `Settled`, `AttemptFailed`, or `AnswerError` with the function's error as its cause.
    """
    name = getattr(function, "__name__", type(function).__name__)

    def act(request: Request, response: Response) -> Response:
        answer = as_requests_response(response, request)
        try:
            function(answer)
            return _read_back(answer, response)
        except IgnoreResponseException:
            raise Ignored from None
        except (HeadraceError, AttemptFailed, Ignored, Settled):
            raise
        except HTTPError as error:
            status = error.response.status_code if error.response is not None else answer.status_code
            if status >= _FIRST_ERROR:
                answer.status_code = status
                raise Settled(_read_back(answer, response)) from None
            raise _failed(name, error, request) from shown_cause(error)
        except (LostConnection, Timeout, ChunkedEncodingError) as error:
            raise AttemptFailed(f"got {in_words(error)} in response action `{name}`") from shown_cause(error)
        except Exception as error:  # noqa: BLE001 - whatever somebody's function raises has a name here
            raise _failed(name, error, request) from shown_cause(error)

    return act


def _read_back(answer: RequestsResponse, before: Response) -> Response:
    """What became of the answer."""
    body = answer._content or b""  # noqa: SLF001 - this is what functions replace
    if not isinstance(body, (bytes, bytearray)):
        message = f"expected bytes in `_content`, got {type(body).__name__}"
        raise TypeError(message)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    response = Response(answer.status_code, headers, bytes(body), before.url)
    if answer.encoding and answer.encoding != get_encoding_from_headers(answer.headers):
        return with_charset(response, answer.encoding)
    return response


def _failed(name: str, error: Exception, request: Request) -> AnswerError:
    return AnswerError(
        f"expected response action `{name}` to take the answer, got {in_words(error)}",
        where=place(request),
        hint="it gets a `requests.Response` and may change its `_content`, `encoding`, `status_code` and `headers`",
    )


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
