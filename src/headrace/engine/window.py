"""Where a range of time is cut into windows, decided while they are walked.

Theory. A cursor or a link names one page at a time, so several can be under way only where several parts of the range
are listed. Where its rows lie is not known beforehand. Therefore:

* The whole range is listed first, or `size` of it where that is declared: most runs have little to fetch, and no
  request too many. Whatever else is learned, no window is longer than `size`.
* A window that has more pages than it should is *given up*: its pages are dropped, none of which was handed on, and its
  range is cut anew into shorter ones. Its first pages could be kept only if they were known to be the oldest (see
  below). So pages are handed on once their window has ended, or when it is not to be given up any more.
* Windows that are handed on follow each other and touch, whatever was given up in between: together they are the range,
  and nothing of it is listed twice.
* Bounds are whole seconds, or whole days where they are sent as dates. What is no longer than that is never given up;
  neither is a listing whose pages can be named ahead, which needs no windows to be fast.

How long a window is follows from those that ended: about ten pages, and less where few slots would be left with work at
the end of the range. It is given up when it has twice the pages that were expected, at least three and at most twenty.
While nothing has ended twenty are taken; only the first window of all, that shows no more than that the range is not
all but empty, is given up after three. The parts of a range that was given up are a sixteenth of it at most (with
eight slots), so the way from a year to an hour costs three such steps, each by all slots at once. Where other calls
fill the slots anyway, twenty are always taken.

Pages here are a weight: a window counts as the twenty pages at which it is given up when its bytes are the share of
one slot in the bound of what may wait. So windows that are walked side by side fit under that bound.

Where a configuration declares that rows come oldest first (`row_order`), no page is dropped. Each window is asked for
to the end of the range, and its walk ends with the first row behind the window's own end, which saves the empty page
too. That end can still be moved while it is walked: behind the pages that it should have once it is seen how dense
rows are; behind its last row where it has more than that; to the middle of what is left where a slot has nothing else
to do. What follows is walked by others. So a part costs half a page, which both that meet there ask for.

Where windows are `fixed` nothing is learned and none is given up: what is dropped was a request, of which some APIs
allow ten a minute.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.engine.rows import Errand
    from headrace.plan import Windows

#: Pages that a window should have: the one request more that each costs is a tenth, and the last ones are short.
_GOOD: Final = 10
#: Pages that it should have at least, when the end of the range is spread over the slots.
_FEW: Final = 3
#: Pages at which it is given up, at least and at most.
_EARLY: Final = 3
HEAVY: Final = 2 * _GOOD
#: Where rows come oldest first: pages that a window should have, one more being shared with the next; their share of
#: one slot's part of what may wait; at how many the density is learned, sooner where slots would else be empty; and
#: how many must be left for an idle slot to get half of them.
_GOOD_ORDERED: Final = _GOOD - 1
_SURE: Final = 6
_GOOD_SHARE: Final = 0.75
_WORTH_HALVING: Final = 6
#: How much longer than the ones before a window may be, for they may have lain where few rows are.
_GROWTH: Final = 3


class Cuts:
    """Where the range of one call is cut: the end of the window that begins at a moment.

    `known` are the cuts of an earlier run, whose pages are kept: where they are cut alike, they are asked for alike.
    `tell` is told of each cut, to be known later; the last one at a moment counts.
    """

    def __init__(
        self, known: Mapping[float, float] | None = None, tell: Callable[[float, float], None] | None = None
    ) -> None:
        self._known = dict(known or {})
        self._tell = tell

    def end(self, start: float) -> float | None:
        """Where a window that begins at `start` ended before."""
        return self._known.get(start)

    def cut(self, start: float, end: float) -> None:
        """A window from `start` to `end` is begun."""
        if self._tell is not None and self._known.get(start) != end:
            self._tell(start, end)

    def give_up(self, start: float) -> None:
        """The window that begins there is to be cut anew."""
        self._known.pop(start, None)


class Strides:
    """The strides of one resource, a stride for each of its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def begin(self, windows: Windows, cuts: Cuts | None = None) -> Stride:
        """The stride of the next call."""
        self.calls += 1
        longest = math.inf if windows.size is None else windows.size.total_seconds()
        ordered = windows.row_order is not None and not windows.fixed
        return Stride(windows.unit_s, longest, self, cuts or Cuts(), fixed=windows.fixed, ordered=ordered)


class Stride:
    """How long the next window of a call is: what was learned from those that ended. Lengths are in seconds.

    `ordered`: rows come oldest first.
    """

    def __init__(
        self,
        unit_s: int,
        longest_s: float,
        among: Strides,
        cuts: Cuts,
        *,
        fixed: bool = False,
        ordered: bool = False,
    ) -> None:
        self._fixed = fixed
        self.ordered = ordered
        self.cuts = cuts
        self.unit_s = unit_s
        self.longest_s = longest_s
        #: Pages a second, None where no window has ended yet.
        self.density: float | None = None
        self._among = among
        self._pages = 0.0
        self._seconds = 0.0

    def __repr__(self) -> str:
        return f"<Stride of {self.longest_s:g} s at most, density={self.density}>"

    def ended(self, length_s: float, pages: float) -> None:
        """A window, or what came of it, had so many pages; each counts twice as much as the one before."""
        self._pages = self._pages / 2 + pages
        self._seconds = self._seconds / 2 + length_s
        self.density = self._pages / self._seconds

    def length(self, left_s: float, slots: int) -> float:
        """The length of the next window, where so much of a range is left."""
        if self.density is None or self._fixed:
            return self.longest_s
        if self.ordered:
            good, few = (pages / self.density if self.density else math.inf for pages in (_GOOD_ORDERED, _FEW))
            spread = math.inf if self._among.calls >= slots else max(left_s / (2 * slots), few)
            return min(self.longest_s, good, spread)
        good, few = (pages / self.density if self.density else math.inf for pages in (_GOOD, _FEW))
        return min(self.longest_s, good, max(left_s / (2 * slots), few), _GROWTH * self._seconds)

    def patience(self, length_s: float, density: float, slots: int) -> float:
        """At how many pages a window is given up that has at least so many pages a second."""
        if self._fixed:
            return math.inf
        if self.ordered:
            return HEAVY if self.density is not None else _SURE if self._among.calls >= slots else _EARLY
        if self._among.calls >= slots:
            return HEAVY
        if self.density is None:
            return HEAVY if density or self.longest_s < math.inf else _EARLY
        return min(max(2 * length_s * max(density, self.density), _EARLY), HEAVY)


@dataclass(frozen=True)
class Window:
    """A range of time of one call from `start` to `end`, in seconds since 1970; `errand_of` lists a part of it.

    `longest_s` and `density`, in pages a second, are what is known of it because it was given up before. `last` is the
    end of the whole range.
    """

    start: float
    end: float
    stride: Stride
    errand_of: Callable[[Window], Errand]
    longest_s: float = math.inf
    density: float = 0.0
    last: float = -math.inf

    @property
    def asked_to(self) -> float:
        """The end of what is asked for; its own, or a later one where rows come oldest first."""
        if not self.stride.ordered:
            return self.end
        return max(self.end, min(self.last, self.start + self.stride.longest_s))

    def first(self, slots: int) -> tuple[Errand, Errand | None]:
        """The errand of its first window, and of what is left of the range, None where nothing is."""
        at = self._first_end(slots)
        self.stride.cuts.cut(self.start, at)
        if at >= self.end:
            return self.errand_of(self), None
        return self.errand_of(replace(self, end=at)), self.errand_of(replace(self, start=at))

    def _first_end(self, slots: int) -> float:
        known = self.stride.cuts.end(self.start)
        if known is not None and self.start < known <= self.end:
            return known
        longest_s = self.stride.longest_s
        if slots > 1:
            longest_s = min(self.longest_s, self.stride.length(self.end - self.start, slots))
        if self.start + longest_s >= self.end or self._bound >= self.end:
            return self.end
        at = self._cut(longest_s, self.start)
        may_stretch = self.stride.ordered and self.end - self.start <= self.stride.longest_s
        return self.end if may_stretch and self.end - at < (at - self.start) / 2 else at

    def _cut(self, length_s: float, behind: float) -> float:
        """The end of the first `length_s` of it, behind a moment; it may lie behind its own."""
        unit_s = self.stride.unit_s
        return max((self.start + length_s) // unit_s * unit_s, (behind // unit_s + 1) * unit_s)

    def weight(self, pages: int, of_share: float) -> float:
        """What so many pages count, of a share of one slot in what may wait."""
        return max(pages, of_share * (_GOOD_ORDERED / _GOOD_SHARE if self.stride.ordered else HEAVY))

    def is_heavy(self, pages: float, slots: int) -> bool:
        """Whether it is to be given up after so many pages, more being to come."""
        if slots == 1 or self._bound >= self.end:
            return False
        return pages >= self.stride.patience(self.end - self.start, self.density, slots)

    def given_up(self, pages: float, slots: int) -> Errand:
        """The errand of the same range that is walked in shorter parts."""
        length_s = self.end - self.start
        self.stride.cuts.give_up(self.start)
        return self.errand_of(replace(self, longest_s=length_s / (2 * slots), density=pages / length_s))

    def parted(self, first: float, latest: float, pages: float, slots: int) -> tuple[Errand, Errand] | None:
        """Where rows come oldest first, those of so many pages between two moments: its first part, and the rest.

        What is asked for stays as it is. None where it is not to be parted.
        """
        self.stride.ended(max(latest - first, self.stride.unit_s), pages)
        idle_s = max(0.0, first - self.start)
        length_s = idle_s + self.stride.length(self.end - self.start - idle_s, slots)
        at = self._cut(min(length_s, self.end - self.start), max(latest, self.start))
        if self.end - at < (at - self.start) / 2:
            return None
        self.stride.cuts.cut(self.start, at)
        return self.errand_of(replace(self, end=at)), self.errand_of(replace(self, start=at))

    def halved(self, first: float, latest: float, pages: float) -> tuple[Errand, Errand] | None:
        """The same, in the middle of what is left; None where that is little."""
        if pages < _EARLY:
            return None
        left_s = self.end - max(latest, self.start)
        at = self._cut(latest + left_s / 2 - self.start, max(latest, self.start))
        if left_s * pages < _WORTH_HALVING * max(latest - first, self.stride.unit_s) or at >= self.end:
            return None
        self.stride.cuts.cut(self.start, at)
        return self.errand_of(replace(self, end=at)), self.errand_of(replace(self, start=at))

    def ended(self, pages: float, first: float | None = None) -> None:
        """It ended with so many pages; its rows begin with a moment where rows come oldest first."""
        start = self.start if first is None else min(max(first, self.start), self.end)
        self.stride.ended(max(self.end - start, self.stride.unit_s), pages)

    @property
    def _bound(self) -> float:
        """The first bound after its start."""
        return (self.start // self.stride.unit_s + 1) * self.stride.unit_s
