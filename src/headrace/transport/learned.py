"""The pace of a host that does not say it: learned from what it lets pass and what it refuses.

Nothing is slowed down before the first refusal (429). After it requests are spread evenly, which every kind of limiter
likes best (fixed window, sliding window, token bucket), at a pace that is found like that of TCP CUBIC (RFC 9438):

The guess. At the first refusal: what passed until now, in the steepest stretch, over the time until the host is asked
again. Ten requests in 0.1 s and a rest of 1 s make 9 a second. Where hardly any passed (a limiter that takes no
bursts) the guess is poor, and the pace grows by a quarter with each success until the next refusal. Where none passed
there is no pace: somebody else used up the quota.

Growth. From a little below the pace that passed before (`_ceiling`) up to it, then flat for a while, then above it,
ever faster: `ceiling * (1 + ((t - k) / s) ** 3)`. The time `t` is counted in requests that were held back by the pace,
so a run that has nothing to ask does not grow. Each time the same ceiling is found again `s` doubles, up to eightfold:
a host that does not change refuses once in minutes.

Decrease. A refusal after a long while (`_MANY` requests) came from growth by a few percent: the ceiling is what passed
in the last requests, and the pace goes a little below. A second one soon after: down by a fifth, then by half each
time. Refusals without anything passing between them say that a window is used up: the rest doubles, and the pace is
at most what passed in all that time.

A burst counts once: refusals of requests that were sent before the pace was lowered say nothing about the new pace.
Constants were chosen by simulation; the figures stand in docs/decisions.md.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import Final

from headrace.transport.pace import Passage

#: The pace starts at this part of the ceiling.
_BACK: Final = 0.98
#: Seconds, and requests, of the growth curve: the longer of the two counts.
_CURVE_S: Final = 20.0
_CURVE_REQUESTS: Final = 32
_MOST_DOUBLED: Final = 8.0
#: Two ceilings that differ by less are the same one.
_SAME: Final = 0.15
#: Fewer passed requests than this make a poor guess; more than this make a pace that held.
_FEW: Final = 5
_MANY: Final = 16
#: The ceiling is measured over so many of the last requests, and taken a little higher because the pace was growing.
_MEASURED: Final = 24
_GROWN: Final = 1.03
#: A guess looks back so many requests; limits are counted in a second or more.
_REMEMBERED: Final = 1024
_SHORTEST_WINDOW_S: Final = 1.0
#: Bounds: a request a minute, and the rest after refusals in a row where the host names none.
_SLOWEST: Final = 1 / 60
_LONGEST_REST_S: Final = 60.0
#: A turn that was missed by this much is made up for; timers are late.
_LATE_S: Final = 0.05


class LearnedPace:
    """Requests a second that a host seems to allow: `rate`, None before the first refusal.

    Moments are given, in seconds of `Clock.now()`, and go forward.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self.refusals = 0
        self._passed: deque[float] = deque(maxlen=_REMEMBERED)
        self._passed_count = 0
        self._lowered = -math.inf
        self._turn = -math.inf
        self._held_back = False
        self._guessed: tuple[float, float] | None = None
        self._poor = False
        self._ceiling = self._base = 0.0
        self._grown_s = 0.0
        self._doubled = 1.0
        self._in_a_row = self._soon = 0

    def opens(self) -> float:
        """The moment from which the next request may be sent; the past when that is now."""
        return self._turn

    def send(self, now: float) -> None:
        """Count a request that is sent now."""
        if self.rate is not None:
            gap_s = 1 / self.rate
            self._held_back = now - self._turn < gap_s
            self._turn = max(self._turn, now - min(gap_s, _LATE_S)) + gap_s

    def accepted(self, passage: Passage) -> None:
        """A request was answered with something else than a refusal."""
        if passage.sent <= self._lowered:
            if self._guessed is not None:  # it was under way when others were refused: the guess counted too few
                self._passed.append(passage.sent)
                self._begin(self._guess(*self._guessed))
            return
        self._guessed = None
        if not self._passed_count:
            self._passed.clear()
        self._in_a_row = 0
        self._passed_count += 1
        self._passed.append(passage.sent)
        if self.rate is None or not self._held_back:
            return
        if self._poor:
            self.rate *= 1.25
            return
        self._grown_s += 1 / self.rate
        curve_s = max(_CURVE_S, _CURVE_REQUESTS / self._ceiling) * self._doubled
        back_s = curve_s * (1 - self._base / self._ceiling) ** (1 / 3)
        self.rate = self._ceiling * (1 + ((self._grown_s - back_s) / curve_s) ** 3)

    def refused(self, passage: Passage, now: float, rest_s: float | None, backoff_s: float) -> float:
        """A request was refused: lower the pace. The seconds for which nobody should ask.

        `rest_s` is the rest that the host asked for; where it named none, `backoff_s` is the first one of ours.
        """
        if passage.sent <= self._lowered:
            return rest_s or 0.0
        self.refusals += 1
        self._in_a_row += 1
        first, sent = self.rate is None, passage.sent
        if rest_s is None:
            doublings = self._in_a_row - (1 if first else 2)
            rest_s = min(backoff_s * 2.0**doublings, _LONGEST_REST_S) if doublings >= 0 else 0.0
        self._lower(sent, rest_s)
        self._lowered = now
        self._passed_count = 0
        if self.rate is not None:
            self._turn = now + (rest_s or 1 / self.rate)
        return rest_s

    def _lower(self, sent: float, rest_s: float) -> None:
        rate = self.rate
        if rate is None and self._passed_count:
            self._poor = self._passed_count < _FEW
            self._guessed = sent, min(rest_s, _SHORTEST_WINDOW_S) if self._poor else rest_s
            self._begin(self._guess(*self._guessed))
        elif rate is None:
            pass  # somebody else used the quota up: that says nothing about its size
        elif self._in_a_row > 1:
            # without the new rest: that nothing more passed until now is certain
            guess = min(rate, self._guess(sent, 0.0)) if len(self._passed) >= _FEW else rate / 2
            if guess < rate:
                self._begin(guess)
        elif self._poor:
            self._poor = False
            self._begin(rate / 1.2, rate / 1.5)
        elif self._passed_count < _MANY:
            self._soon += 1
            lower = rate * 0.8 if self._soon == 1 else rate / 2
            if self._passed_count >= _FEW and rest_s:
                # rests are told in whole seconds, rounded up: half of a second too much is what to expect
                lower = min(lower, self._guess(sent, max(rest_s - 0.5, rest_s / 2)))
            self._begin(lower / _BACK, lower)
        else:
            self._soon = 0
            last = list(islice(reversed(self._passed), _MEASURED))
            measured = min(rate, _GROWN * (len(last) - 1) / max(sent - last[-1], _LATE_S))
            again = abs(measured / self._ceiling - 1) < _SAME
            self._doubled = min(self._doubled * 2, _MOST_DOUBLED) if again else 1.0
            self._begin(measured)

    def _begin(self, ceiling: float, base: float | None = None) -> None:
        """Grow anew, from `base` towards `ceiling`."""
        self._ceiling = max(ceiling, _SLOWEST)
        self._base = max(self._ceiling * _BACK if base is None else base, _SLOWEST * _BACK)
        self.rate = self._base
        self._grown_s = 0.0

    def _guess(self, sent: float, rest_s: float) -> float:
        """Requests a second: the steepest stretch of what passed, the rest after it included."""
        count = len(self._passed)
        return max(
            (count - place) / max(sent - moment + rest_s, _SHORTEST_WINDOW_S)
            for place, moment in enumerate(self._passed)
        )
