"""What a status means: an answer, a failure that may pass, or a refusal with a hint.

2xx                        an answer; an empty one too, `read` decides what it is worth
in `RetryPolicy.statuses`  a failure that may pass
4xx                        a refusal: asking again changes nothing
all others                 an error without a second try
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from headrace.errors import RefusedError, TransportError
from headrace.message import Request, Response
from headrace.secrets import mask
from headrace.transport.address import place, shown
from headrace.transport.attempt import AttemptFailed
from headrace.transport.retry_after import retry_after

#: Status -> what to try. `OTHER_HINT` is for the rest.
HINTS: Final[Mapping[int, str]] = {
    400: "compare the parameters with the API's documentation; `headrace plan` prints them",
    401: "check the key and where it was read from; a key of another region or account is refused as well",
    402: "check the plan of the account",
    403: "the key is known but may not read this: check its role, its scope and the account's plan",
    404: "check `base_url` (region, version) and `path`; `headrace plan` prints the addresses",
    405: "check `method`: this address takes another one",
    406: "check the `Accept` header of the configuration",
    410: "this address is gone for good: look for its successor in the API's documentation",
    413: "ask for less at a time",
    414: "ask with fewer or shorter parameters",
    415: "check `method` and `json`: the API expects another kind of body",
    421: "the address leads to a server that does not answer for this host: check `base_url`",
    422: "compare the parameters with the API's documentation; `headrace plan` prints them",
    429: "ask more slowly: declare `client.rate_limit`, and keep 429 among the retried statuses",
    431: "send fewer or shorter headers",
    451: "the API may not answer for legal reasons",
}
OTHER_HINT: Final = "look up this status in the API's documentation"

#: By these a server says that it did nothing about the request.
_UNDONE: Final = frozenset({421, 425, 429})
#: An error body is shown so far; it is for recognising the cause, not for reading.
_SHOWN_CHARACTERS: Final = 200
#: Keys under which APIs say in words what is wrong, the likeliest first; some begin with a capital.
_WORDS: Final = ("message", "description", "detail", "error", "title")
#: Longer than any secret and its neighbourhood, so that the mask sees a secret whole before the text is cut.
_MASKED_BYTES: Final = 64 * 1024


def expect_success(response: Response, request: Request, retried: frozenset[int], wall: float) -> None:
    """Return for a 2xx.

    Raises `AttemptFailed` for the `retried` statuses, `RefusedError` for other 4xx, `TransportError` for all others.
    """
    status = response.status
    if 200 <= status < 300:
        return
    got = f"got {status_text(status)}{body_head(response.body)}"
    hint = HINTS.get(status, OTHER_HINT)
    if status in retried:
        undone = status in _UNDONE
        raise AttemptFailed(got, rest_s=retry_after(response, wall), hint=hint if status < 500 else None, undone=undone)
    message = f"expected 200, {got} from {shown(request)}"
    if 400 <= status < 500:
        raise RefusedError(message, status=status, where=place(request), hint=hint)
    raise TransportError(message, where=place(request), hint=hint)


def status_text(status: int) -> str:
    """`404 Not Found`; the number alone where it has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def body_head(body: bytes) -> str:
    """The first characters of a body in brackets, masked, in one line, without terminal escapes; marked when cut."""
    head = _head(body[:_MASKED_BYTES].decode(errors="replace"))
    return f" ({head})" if head else ""


def own_words(body: bytes) -> str:
    """What the API says is wrong: its message where the body is an object with one, else the head of the body."""
    text = body[:_MASKED_BYTES].decode(errors="replace")
    try:
        said: Any = json.loads(text)
    except ValueError:
        said = None
    if isinstance(said, dict):
        texts = {str(key).lower(): value for key, value in said.items() if isinstance(value, str)}
        text = next((texts[word] for word in _WORDS if texts.get(word)), text)
    return _head(text)


def _head(text: str) -> str:
    """The first characters of a text, masked, in one line, without terminal escapes; marked when cut."""
    line = " ".join(mask(text).split())
    head = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return f"{head[:_SHOWN_CHARACTERS]}... cut" if len(head) > _SHOWN_CHARACTERS else head
