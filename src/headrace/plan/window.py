"""A range of time that is listed in windows: each is a listing of its own, so they can be fetched side by side.

Windows touch: the end of one is the start of the next. An API that takes both bounds as part of the range gives the
rows of that instant twice, and a key that is merged makes them one. How an API treats its bounds is mostly not written
down: it may take them or leave them out, on either side, and cut or round bounds and times to some resolution `p`
first. With `resolution` each window is therefore asked for from `edge_s` earlier, the larger of `p` and the unit of the
form in which bounds are sent. That is enough: a window that ends at `c` lists all before `cut(c)` at the least; the one
behind it, where the beginning is left out, all from `cut(c - edge) + p` on, and `cut(c - edge) + p <= cut(c)`. Where
the range is cut is the engine's business (`engine/window.py`): at multiples of `unit_s`, because nothing finer can be
said.

What is remembered of a call is one bound: all before it was listed when it was settled. So a next run begins there,
less the overlap in which rows may have come late, and never at the largest time that a row had. The bound

* is the end of a complete window, or `settle` before the run where that is earlier;
* never goes back;
* goes forward only by a range that begins at or before it, less the overlap, or where the API has nothing older: a
  backfill of some range behind it leaves no hole.

Where rows have no key (`replace`) what is listed takes the place of what is stored of the same time. That is decided
step by step, whole hours say, so a range begins with a step, and ends with one unless it ends by the run: a step that
is listed in part would lose what stands in its rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

from headrace.errors import UsageError
from headrace.message import Request
from headrace.moment import DAY_S, Form, Moment, form_of, length_words, moment_words, seconds_of, words
from headrace.paginate.place import place_of

_NO_TIME: Final = timedelta(0)
#: The part of `reread_every` after which it is time: runs that are started daily do not come at the same second.
_SOON_ENOUGH: Final = 0.9


@dataclass(frozen=True)
class Mark:
    """What is remembered of a call, in seconds since 1970, None where nothing is.

    All before `until` was listed and settled; `reread` is when a run looked far back.
    """

    until: float | None = None
    reread: float | None = None


@dataclass(frozen=True)
class Span:
    """What one call lists in one run, from `start` to `end`, in seconds since 1970; nothing where it is empty.

    No more than `settled` may be remembered of it, None for nothing. `gone` is the range that should have been listed
    and that the API has no more. `rereads`: when it is complete, the run has looked far back.
    """

    start: float
    end: float
    settled: float | None = None
    gone: tuple[float, float] | None = None
    rereads: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no time lies in it."""
        return self.start >= self.end


@dataclass(frozen=True)
class Windows:
    """The options of `endpoint.windows`; `since` and `until` are the range of this run alone, where it has one."""

    param_start: str | None
    param_end: str | None
    start: Moment
    end: Moment | None = None
    size: timedelta | None = None
    overlap: timedelta = _NO_TIME
    exclusive: bool = False
    body_path_start: str | None = None
    body_path_end: str | None = None
    format: str | None = None
    settle: timedelta = _NO_TIME
    resolution: timedelta | None = None
    retention: timedelta | None = None
    reread_every: timedelta | None = None
    reread_span: timedelta | None = None
    fixed: bool = False
    time_path: str | None = None
    row_order: str | None = None
    replace: timedelta | None = None
    most: float = 0.5
    cached: timedelta = _NO_TIME
    since: Moment | None = None
    until: Moment | None = None

    @cached_property
    def form(self) -> Form:
        """How bounds are sent."""
        return form_of(self.format, self.start)

    @cached_property
    def unit_s(self) -> int:
        """The shortest time between two bounds at which a range is cut, in seconds."""
        return math.ceil(max(1.0, self.form.unit_s, self._resolution_s))

    @cached_property
    def edge_s(self) -> float:
        """How much earlier than its start a window is asked for, in seconds."""
        if self.resolution is None:
            return self.form.unit_s if self.exclusive else 0.0
        return max(self.form.unit_s, self._resolution_s)

    def span(self, now_s: float, mark: Mark) -> Span:
        """What a call lists of which `mark` is remembered. Raises `UsageError` for an end before the start."""
        first, end = self._start(now_s), self._end(now_s)
        is_backfill = self.since is not None or self.until is not None
        known = None if self.since is not None else mark.until
        # an end that counts from the run may come before the start: there is nothing yet
        if end < first and not (self._is_relative and known is not None) and not self._ends_by_the_run:
            self._refuse_end()
        if known is None:
            start = first
        else:
            earliest = -math.inf if self._is_relative else first
            start = max(earliest, min(known, end) - self.overlap.total_seconds())
            if not is_backfill and self._is_due(now_s, mark):
                start = min(start, max(earliest, now_s - self._reread_s))
        oldest = self._oldest(now_s)
        wanted = self._wanted(known, first)
        gone = (wanted, min(oldest, end)) if wanted < min(oldest, end) else None
        oldest = self._up(oldest + self.edge_s)
        start, end = max(self._down(start), oldest), self._whole_end(end, now_s)
        covered = self._declared(now_s) if mark.until is None else mark.until - self.overlap.total_seconds()
        covered = max(covered, oldest)
        if not isinstance(self.start, timedelta):
            covered = max(covered, self._declared(now_s))
        return Span(
            start,
            end,
            min(self.form.cut(end), self.settled(now_s)) if start <= covered else None,
            gone,
            self.reread_every is not None and not is_backfill and (mark.until is None or self._is_due(now_s, mark)),
        )

    def settled(self, now_s: float) -> float:
        """Up to when rows may be taken for complete at the moment `now_s`."""
        return self.form.cut(now_s - self.settle.total_seconds())

    @property
    def ends_now(self) -> bool:
        """Whether a range ends with the present."""
        return self.end is None and self.until is None

    def ask(self, request: Request, start: float, end: float, now_s: float = 0.0) -> Request:
        """`request` for what lies between two moments, each cut down to what can be said.

        Where answers are `cached` the second is later by a part of that time, which the moment `now_s` says.
        Raises `PagingError` where its body cannot hold them.
        """
        places = (
            place_of("start", self.param_start, self.body_path_start),
            place_of("end", self.param_end, self.body_path_end),
        )
        later_s = math.fmod(now_s, self.cached.total_seconds()) if self.cached else 0.0
        for place, moment_s in zip(places, (start - self.edge_s, end + later_s), strict=True):
            request = place.put(request, self.form.say(moment_s))
        return request

    def gone_words(self, gone: tuple[float, float]) -> str:
        """What a run came too late for, in words."""
        age = length_words(self.retention or _NO_TIME)
        return f"rows between {words(gone[0])} and {words(gone[1])} are older than {age}: gone at the API"

    def step_of(self, moment_s: float) -> float:
        """The beginning of the step of `replace` in which a moment lies."""
        step_s = (self.replace or _NO_TIME).total_seconds()
        return moment_s // step_s * step_s

    def _down(self, moment_s: float) -> float:
        """Where the step begins that is replaced whole; the moment itself where nothing is replaced."""
        return moment_s if self.replace is None else self.step_of(moment_s)

    def _up(self, moment_s: float) -> float:
        if self.replace is None or math.isinf(moment_s):
            return moment_s
        return -self.step_of(-moment_s)

    def _whole_end(self, end: float, now_s: float) -> float:
        """The end of a range whose steps are replaced whole: the last one may be cut by the run alone."""
        if self.replace is None:
            return end
        by_the_run = now_s if not isinstance(self.end, timedelta) else seconds_of(self.end, now_s)
        return self.form.cut(end if end >= by_the_run else min(self._up(end), by_the_run))

    @property
    def _is_relative(self) -> bool:
        """Whether a range that was begun before has no first moment."""
        return self.since is None and isinstance(self.start, timedelta)

    @property
    def _ends_by_the_run(self) -> bool:
        return self.until is None and isinstance(self.end, timedelta)

    @property
    def _resolution_s(self) -> float:
        return (self.resolution or _NO_TIME).total_seconds()

    @property
    def _reread_s(self) -> float:
        return (self.reread_span or self.retention or _NO_TIME).total_seconds()

    def _declared(self, now_s: float) -> float:
        return seconds_of(self.start, now_s)

    def _start(self, now_s: float) -> float:
        return seconds_of(self.start if self.since is None else self.since, now_s)

    def _end(self, now_s: float) -> float:
        end = self.end if self.until is None else self.until
        return now_s if end is None else seconds_of(end, now_s)

    def _wanted(self, known: float | None, first: float) -> float:
        """From when on rows are missed where the API has them no more; none are by a first run that looks back."""
        if known is not None:
            return known if self._is_relative else max(first, known)
        return math.inf if self._is_relative else first

    def _oldest(self, now_s: float) -> float:
        """The first moment that may be asked for; a date is asked for whole, though some of it may be gone."""
        if self.retention is None:
            return -math.inf
        oldest, unit_s = now_s - self.retention.total_seconds(), self.form.unit_s
        return oldest if unit_s >= DAY_S else math.ceil(oldest / unit_s) * unit_s

    def _is_due(self, now_s: float, mark: Mark) -> bool:
        """Whether it is time to look far back."""
        if self.reread_every is None:
            return False
        return mark.reread is None or now_s - mark.reread >= _SOON_ENOUGH * self.reread_every.total_seconds()

    def _refuse_end(self) -> None:
        name, start = ("start", self.start) if self.since is None else ("since", self.since)
        raise UsageError(
            f"expected windows that end after they start, got `{name}` {moment_words(start)} and an end before it",
            hint="check `windows.start` and `windows.end`, and the machine's clock",
        )
