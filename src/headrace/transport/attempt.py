"""What an attempt can end with besides a value.

`AttemptFailed` stays inside this room and in what the bridge puts into it: `retry` turns it into a named error.
`Ignored` and `Skipped` are for who asked. Any other error may say in an attribute `retries` how often at most asking
again is worth it (an `AnswerError` of the page splitter does); an error without it is final.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.errors import RefusedError

#: As often as the policy allows.
UNBOUNDED: Final = sys.maxsize


class AttemptFailed(Exception):  # noqa: N818 - no error of the program: most attempts that fail are followed by one that does not
    """One attempt gave no whole answer; `str()` says what came instead of it, without the address.

    `rest_s` is the rest in seconds that the server asked for, None when it named none; `undecodable` says that the
    content coding failed, so that the next attempt does better without one. `asked` is what was asked instead of the
    request itself (for its token, `POST https://...`). `later` says that the host wants a longer rest than a run waits,
    `cut_off` that there was no connection, or that it ended before the answer began, `unfinished` that the answer began
    and did not end in time, `undone` that the server did nothing about the request.
    """

    def __init__(  # noqa: PLR0913 - all named
        self,
        text: str,
        *,
        retries: int = UNBOUNDED,
        rest_s: float | None = None,
        undecodable: bool = False,
        hint: str | None = None,
        asked: str | None = None,
        later: bool = False,
        cut_off: bool = False,
        unfinished: bool = False,
        undone: bool = False,
    ) -> None:
        super().__init__(text)
        self.retries = retries
        self.rest_s = rest_s
        self.undecodable = undecodable
        self.hint = hint
        self.asked = asked
        self.later = later
        self.cut_off = cut_off
        self.unfinished = unfinished
        self.undone = undone


class Ignored(Exception):  # noqa: N818 - the configuration wants it: the call ends here, and all is well
    """A response action says that this answer is no page, and that the call has no more of them."""


class Skipped(Exception):  # noqa: N818 - the configuration wants it: the call is given up, the others go on
    """A response action gives up the call, which is not done: `error` is what a refusal would have been without it.

    `words` is what the API said, a line of text, masked and cut; empty where it said nothing. Where its status may pass
    `retries` and `rest_s` ask for another attempt first, as those of `AttemptFailed`. `by_default`: no configuration
    wants it, see `engine/skip.py`.
    """

    def __init__(
        self,
        error: RefusedError,
        words: str,
        *,
        retries: int = 0,
        rest_s: float | None = None,
        by_default: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.words = words
        self.by_default = by_default
        self.retries = retries
        self.rest_s = rest_s
