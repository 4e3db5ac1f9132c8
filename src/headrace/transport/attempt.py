"""What an attempt can end with besides an answer; it stays inside this room, `retry` turns it into a named error.

Any error may say in an attribute `retries` how often at most asking again is worth it (an `AnswerError` of the page
splitter does); an error without it is final.
"""

from __future__ import annotations

import sys
from typing import Final

#: As often as the policy allows.
UNBOUNDED: Final = sys.maxsize


class AttemptFailed(Exception):  # noqa: N818 - no error of the program: most attempts that fail are followed by one that does not
    """One attempt gave no whole answer; `str()` says what came instead of it, without the address.

    `rest_s` is the rest in seconds that the server asked for, None when it named none; `undecodable` says that the
    content coding failed, so that the next attempt does better without one.
    """

    def __init__(
        self,
        text: str,
        *,
        retries: int = UNBOUNDED,
        rest_s: float | None = None,
        undecodable: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(text)
        self.retries = retries
        self.rest_s = rest_s
        self.undecodable = undecodable
        self.hint = hint
