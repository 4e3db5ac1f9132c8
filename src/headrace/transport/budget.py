"""Budget: what the headers of a host leave to be sent, see `quota`.

What remains. `remaining` falls while a window lasts, so of all answers the lowest is the newest; the requests under way
were perhaps not yet counted in it. Hence the rule, at every moment and whatever the order of answers: a request is sent
only while fewer are under way than remain. When nothing remains, everybody waits for the end of the window.

After its end the quota may be whole again, or, where it is filled drop by drop, have room for one request more: no more
requests go first than remained, or one, and their answers say what there is.

When it ends. Most hosts say it in whole seconds, rounded up, so the earliest end that any answer of the window named is
the best known one. Some round down: who finds nothing left just after the end waits for a second more from then on.

Short windows. With windows of a second, the rounding alone would cost half of the speed. Where limit and window are
known and the window is short, the requests are paced by them exactly (`pace`), and what remains is looked at only when
others use up the quota as well. Long windows are not paced: requests that fit into what is left need not wait.

A quota whose end lies beyond the longest wait of a run holds nobody: it may concern other addresses of the host, and a
run should end by a refusal, not by a guess.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headrace.plan.model import Rate
from headrace.transport.pace import Pace, Passage
from headrace.transport.quota import Quota

#: Windows up to this length are paced.
_SHORT_S: Final = 10.0
#: Whoever names more quotas than this at once is not taken at his word.
_MOST_QUOTAS: Final = 16
#: A pace begins with so many requests that were sent before it was known.
_REMEMBERED: Final = 256


@dataclass
class _Window:
    """One window of a quota: when it began and ends as far as anyone knows, and the fewest requests that remained.

    Until an answer says what remains, None, at most `first` are under way (None: any number).
    """

    began: float = -math.inf
    ends: float = math.inf
    remaining: int | None = None
    first: int | None = None
    limit: int | None = None
    length_s: float = 0.0
    pace: Pace | None = None


class Budget:
    """The quotas of one host. Moments are seconds of `Clock.now()`."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._rounded_s = 0.0
        self._sent: deque[Passage] = deque(maxlen=_REMEMBERED)

    def take(self, quotas: Iterable[Quota], passage: Passage, now: float, *, refused: bool) -> float | None:
        """Read what an answer said. Seconds until something is left again where nothing is, else None."""
        rest_s = None
        for quota in quotas:
            if len(self._windows) == _MOST_QUOTAS and quota.name not in self._windows:
                continue
            window = self._windows.setdefault(quota.name, _Window())
            _roll(window, now)
            if quota.remaining == 0:
                if refused and window.remaining is None and 0 <= passage.sent - window.began < 1:
                    self._rounded_s = 1.0
                rest_s = max(rest_s or 0.0, quota.reset_s + self._rounded_s)
            if passage.sent < window.began:
                continue  # it speaks of the window before
            window.ends = min(window.ends, now + quota.reset_s + self._rounded_s)
            window.remaining = min(quota.remaining, quota.remaining if window.remaining is None else window.remaining)
            self._set_pace(window, quota)
        for window in self._windows.values():
            if passage.sent >= window.began:
                window.first = None  # it was the answer, whether it speaks of this quota or not
        return rest_s

    def opens(self, under_way: int, now: float, max_wait_s: float) -> float:
        """The moment from which the next request may be sent; infinite when an answer must come first."""
        moment = -math.inf
        for window in self._windows.values():
            _roll(window, now)
            paced = window.pace.opens(now) if window.pace is not None else -math.inf
            moment = max(moment, paced)
            # the quota went to requests of ours: the pace knows better when it is free again
            ours = paced > now - window.length_s / 2
            left = window.first if window.remaining is None else window.remaining
            far = window.remaining is not None and window.ends > now + max_wait_s
            if left is not None and under_way >= left and not ours and not far:
                moment = max(moment, window.ends if under_way == 0 else math.inf)
        return moment

    def send(self, passage: Passage) -> None:
        """Count a request that is sent now."""
        self._sent.append(passage)
        for window in self._windows.values():
            if window.pace is not None:
                window.pace.send(passage)

    def _set_pace(self, window: _Window, quota: Quota) -> None:
        """Learn limit and length; a length that is not said is the longest time to the end, whole seconds of it."""
        # rounded down: too short a length is mended by what remains, too long a one only makes slow
        length_s = quota.window_s or max(window.length_s, math.floor(quota.reset_s), 1)
        if (window.limit, window.length_s) == (quota.limit, length_s):
            return
        same = window.limit == quota.limit
        window.limit, window.length_s = quota.limit, length_s
        if quota.limit is None or not 0 < length_s <= _SHORT_S:
            window.pace = None
        elif window.pace is not None and same:
            window.pace.per_s = length_s
        else:
            window.pace = Pace(Rate(quota.limit, length_s))
            for passage in self._sent:
                window.pace.send(passage)

    @property
    def strictest(self) -> str | None:
        """The quota with the least to give, in words; None where no header named one."""
        known = [window for window in self._windows.values() if window.limit is not None and window.length_s > 0]
        if not known:
            return "what remains" if self._windows else None
        least = min(known, key=lambda window: (window.limit or 0) / window.length_s)
        return f"{least.limit} requests in {least.length_s:g} s"


def _roll(window: _Window, now: float) -> None:
    if now >= window.ends:
        # all is there again, or, in a bucket that is filled evenly, one more request: the first answer will say
        window.first = max(window.remaining or 0, 1)
        window.began, window.ends, window.remaining = window.ends, math.inf, None
