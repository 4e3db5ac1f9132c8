"""Response actions: what the configuration does with an answer before its status is looked at.

The rules are dlt's. Actions run in their order on every whole answer, those of retried attempts included; each one sees
what the functions before it made of the answer. `ignore` ends the call, also where the status would be retried. An
action that names neither status nor text fits every answer when it is a function, and none when it is a word.

`skip` is ours: the call is given up. A status that may pass is asked again first, as often as without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.errors import RefusedError
from headrace.message import Request, Response
from headrace.transport.address import place, shown
from headrace.transport.attempt import UNBOUNDED, AttemptFailed, Ignored, Skipped
from headrace.transport.charset import charset_of, text_of
from headrace.transport.retry_after import retry_after
from headrace.transport.status import HINTS, OTHER_HINT, body_head, own_words, status_text

if TYPE_CHECKING:
    from headrace.plan.model import Action


class Settled(Exception):  # noqa: N818 - no error yet: the status of `response` decides whether it is one
    """A function of an action has seen enough: no further action sees the answer, its status counts."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def acted(
    response: Response, request: Request, actions: Sequence[Action], retried: frozenset[int], wall: float
) -> Response:
    """The answer after all `actions`; `wall` is the time in seconds since the epoch.

    Raises `Ignored`, `Skipped`, `AttemptFailed` where another attempt is wanted, and what a function raises.
    """
    for action in actions:
        if not _fits(action, response):
            continue
        if action.act == "ignore":
            raise Ignored
        if action.act == "skip":
            raise _given_up(response, request, action, retried, wall)
        if action.act == "retry":
            got = f"got {status_text(response.status)}{body_head(response.body)}, which a response action retries"
            raise AttemptFailed(got, rest_s=retry_after(response, wall), undone=True)  # who says so knows what it does
        try:
            for function in action.act:
                response = function(request, response)
        except Settled as settled:
            return settled.response
    return response


def _given_up(response: Response, request: Request, action: Action, retried: frozenset[int], wall: float) -> Skipped:
    """What gives up the call; where the status may pass it asks for another attempt."""
    status = response.status
    expected = "200" if action.content is None else f"an answer without {action.content!r}"
    error = RefusedError(
        f"expected {expected}, got {status_text(status)}{body_head(response.body)} from {shown(request)}",
        status=status,
        where=place(request),
        hint=HINTS.get(status, OTHER_HINT),
    )
    words = own_words(response.body)
    if status in retried:
        rest_s = retry_after(response, wall)
        return Skipped(error, words, retries=UNBOUNDED, rest_s=rest_s, by_default=action.by_default)
    return Skipped(error, words, by_default=action.by_default)


def _fits(action: Action, response: Response) -> bool:
    if action.status is None and action.content is None:
        return not isinstance(action.act, str)
    if action.status is not None and action.status != response.status:
        return False
    return action.content is None or _holds(response, action.content)


def _holds(response: Response, content: str) -> bool:
    """Whether `content` stands in the body, read in the charset that the answer declares, else in UTF-8."""
    if charset_of(response) is not None:
        return content in text_of(response)
    # no text is made of a large page: in UTF-8 the bytes of a text are found nowhere but where it stands
    return content.encode(errors="replace") in response.body
