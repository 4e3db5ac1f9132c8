"""Pace: at most so many requests in any window of time, as they arrive there.

The count is exact: no window of `per_s` seconds, wherever it begins, has more than `requests` of them. An average would
let twice as many through at the edge of two windows, which is what such APIs count.

A server counts a request somewhere between its sending and its answer. So a place in the window is free again `per_s`
seconds after the answer came, not after the sending: then no jitter on the way brings one request too many. Where
answers take long this would slow everything down by their time; a twentieth of the window is waited for at the most.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.plan.model import Rate

#: The part of a window by which an answer may be later than its request and still be waited for.
_WAITED_FOR: Final = 0.05


@dataclass
class Passage:
    """One request on its way: when it was let through, and when its answer (or none) came; seconds of `Clock.now()`."""

    sent: float
    answered: float = math.inf


class Pace:
    """At most `requests` in any `per_s` seconds. All moments are given, and go forward."""

    def __init__(self, rate: Rate) -> None:
        self.per_s = rate.per_s
        self._passages: deque[Passage] = deque(maxlen=rate.requests)

    def opens(self, now: float) -> float:
        """The moment from which the next request may be sent, the past when that is now; ask again when it is there."""
        if len(self._passages) < (self._passages.maxlen or 0):
            return -math.inf
        oldest = self._passages[0]
        if oldest.answered == math.inf and now < oldest.sent + self.per_s:
            return oldest.sent + self.per_s  # by then its answer may be there
        return min(oldest.answered, oldest.sent + _WAITED_FOR * self.per_s) + self.per_s

    def send(self, passage: Passage) -> None:
        """Count a request that is sent now; its answer's moment is read later."""
        # some hosts allow millions: what is out of the window is not remembered
        while self._passages and self._passages[0].sent < passage.sent - (1 + _WAITED_FOR) * self.per_s:
            self._passages.popleft()
        self._passages.append(passage)
