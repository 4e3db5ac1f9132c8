"""The pages of all calls of a resource, in the order of the calls, fetched side by side.

As many calls are walked at a time as there are slots (`walker.py`); when one has nothing more to ask the next is begun,
whether or not its turn has come. Pages are handed on in order whatever comes first, because row order decides names,
types and which row is the last.

What waits for its turn is bounded by `limits.max_waiting_bytes`, for all calls of a run together: beyond it no call
asks for more but the first of each resource, which always may; and the later its turn comes, the less of it is for a
call. So what waits cannot keep out what it waits for. A call that waits for room needs no slot. Windows of time are cut
on the way (`window.py`): one that is given up leaves its place to its parts, one that is parted goes on before them.
Where a call is skipped (`skip.py`) its windows that follow go with it, so that what is settled has no gap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import islice

from headrace.decode import Odd
from headrace.engine.early import Early
from headrace.engine.kept import KeptPages
from headrace.engine.report import ResourceReport
from headrace.engine.rows import Errand
from headrace.engine.skip import MANY, Refusals, skip_of
from headrace.engine.step import Step
from headrace.engine.waiting import Waiting
from headrace.engine.walker import Walker
from headrace.engine.window import Window
from headrace.message import Page
from headrace.plan import ResourcePlan
from headrace.transport import Skipped, Transport


async def walk_all(  # noqa: PLR0913 - what the parts of a run share
    resource: ResourcePlan,
    errands: Iterable[Errand],
    waiting: Waiting,
    transport: Transport,
    report: ResourceReport,
    take: Callable[[Errand, Page], Awaitable[None]],
    *,
    kept: KeptPages | None = None,
    step: Step | None = None,
    early: Early | None = None,
) -> bool:
    """Hand the pages of all errands to `take`, in order; whether that were all, or `step` was over before.

    `waiting` is shared by what runs at the same time. What is `kept` is not asked for, and what comes is kept there. An
    errand whose watermark is closed is not walked further. Pages that came sooner than the one whose turn it is are for
    `early`, where there is one. Raises any `HeadraceError`, and what `take` raises.
    """
    walker = partial(Walker, resource=resource, transport=transport, waiting=waiting, kept=kept)
    line = _Line(errands, waiting, walker)
    refusals = Refusals()
    try:
        while (first := line.first()) is not None:
            if step is not None and step.is_over:
                return False
            first.lead()
            try:
                if await _hand_on(partial(_next, first, line, early), first, report, take, kept, step):
                    return False
            except Skipped as skipped:
                errand = first.errand
                report.skipped.append(skip_of(resource, errand.call, skipped, first.rows, errand.unskippable))
                refusals.refused(skipped)
                if errand.watermark is not None:
                    errand.watermark.hold()
                await line.leave_call()
                continue
            if first.instead is None:
                await line.leave()
                if first.doubt:
                    report.doubts.append(first.doubt)
                refusals.answered()
                if first.errand.complete is not None:
                    first.errand.complete()
                if first.errand.whole is not None and not first.doubt and not first.ignored:
                    first.errand.whole()
        refusals.end()
        return True
    finally:
        await line.stop()


async def _next(walker: Walker, line: _Line, early: Early | None) -> Page | None:
    """The next page of `walker`; until it is there those of others are for `early`."""
    while early is not None and not walker.is_ready and await early.take(line.behind()):
        pass
    return await walker.next()


async def _hand_on(
    next_page: Callable[[], Awaitable[Page | None]],
    walker: Walker,
    report: ResourceReport,
    take: Callable[[Errand, Page], Awaitable[None]],
    kept: KeptPages | None,
    step: Step | None,
) -> bool:
    """Hand its pages to `take`; whether the step ended behind one of them that is not the last."""
    watermark = walker.errand.watermark
    is_over = False
    while (page := await next_page()) is not None:
        if is_over:
            return True
        page, is_first = kept.handed(page) if kept is not None else (page, True)
        report.pages += is_first
        if is_first:
            report.count(Odd(page.replaced, page.repeated))
        report.rows += is_first * len(page.records)
        await take(walker.errand, page)
        if watermark is not None and watermark.closed:
            break
        is_over = step is not None and step.ends_behind(page)
    return False


class _Line:
    """The errands in order: those that are walked, and among them ranges of time that nobody walks yet."""

    def __init__(self, errands: Iterable[Errand], waiting: Waiting, walker: Callable[..., Walker]) -> None:
        self._errands = iter(errands)
        self._slots = waiting.limits.in_flight
        self._waiting = waiting
        self._walker = walker
        self._line: list[Walker | Errand] = []
        self._walking = 0
        #: Calls that ended refused, one after the other, since the last one left: beyond many of them none is begun.
        self._refused = 0
        self._failure: Exception | None = None
        self._stopped = False

    def first(self) -> Walker | None:
        """The walker whose turn it is, None when all have left. Raises what the errands raise."""
        self._fill()
        if self._failure is not None:
            raise self._failure
        if not self._line:
            return None
        first = self._line[0]
        return self._begin(0) if isinstance(first, Errand) else first

    def behind(self) -> list[Walker]:
        """The walkers whose turn has not come."""
        return [each for each in self._line[1:] if isinstance(each, Walker)]

    async def leave(self) -> None:
        """The first one is done."""
        self._refused = 0
        first = self._line[0]
        if isinstance(first, Walker):
            await first.stop()
        del self._line[0]

    async def leave_call(self) -> None:
        """The first one is done, and so are the windows of its call that follow."""
        window = _window(self._line[0])
        await self.leave()
        while window is not None and self._line:
            following = _window(self._line[0])
            if following is None or following.stride is not window.stride:
                break
            await self.leave()

    async def stop(self) -> None:
        """Walk no further."""
        self._stopped = True
        walkers = [walker for walker in self._line if isinstance(walker, Walker)]
        for walker in walkers:
            walker.cancel()
        for walker in walkers:
            await walker.stop()

    def _fill(self) -> None:
        """Begin what there are slots and room for, the oldest first."""
        while self._walking < self._slots and (self._refused < MANY or not self._line):
            place = next((place for place, each in enumerate(self._line) if isinstance(each, Errand)), len(self._line))
            has_room = not self._line or self._waiting.has_room(place)
            if not has_room or (place == len(self._line) and not self._draw()):
                found = self._halve()
                if found is None:
                    return
                place = found
            self._begin(place)

    def _halve(self) -> int | None:
        """The place of half of a window that was left by the first one that can, for a slot with nothing else to do."""
        for place, each in enumerate(islice(self._line, self._slots)):
            if isinstance(each, Walker) and self._waiting.has_room(place + 1) and (rest := each.halve()) is not None:
                self._line.insert(place + 1, rest)
                return place + 1
        return None

    def _draw(self) -> bool:
        """Put the next errand at the end of the line, if there is one."""
        if self._failure is not None:
            return False
        try:
            errand = next(self._errands, None)
        except Exception as failure:  # noqa: BLE001 - raised where somebody can catch it: `first`
            self._failure = failure
            return False
        if errand is not None:
            self._line.append(errand)
        return errand is not None

    def _begin(self, place: int) -> Walker:
        """Walk the errand at `place`, or the first window of its range."""
        errand = self._line[place]
        assert isinstance(errand, Errand)  # noqa: S101 - for the type checker
        if errand.window is not None:
            errand, rest = errand.window.first(self._slots)
            if rest is not None:
                self._line.insert(place + 1, rest)
        walker = self._line[place] = self._walker(errand, line=self)
        self._walking += 1
        return walker

    def place_of(self, walker: Walker) -> int:
        """How many come before it; no more are counted than there are slots."""
        ahead = islice(self._line, self._slots)
        return next((place for place, each in enumerate(ahead) if each is walker), self._slots)

    def stir(self) -> None:
        """A walker knows more of its window, part of which may be for an idle slot."""
        self._fill()

    def pause(self) -> None:
        """A walker waits for room, and its slot is for others."""
        self._walking -= 1
        if not self._stopped:
            self._fill()

    def resume(self) -> None:
        """It has room again; for a while more may walk than there are slots, and the transport makes them wait."""
        self._walking += 1

    def part(self, walker: Walker, rest: Errand) -> None:
        """Leave `rest` of the window of `walker` to another one."""
        self._line.insert(self._line.index(walker) + 1, rest)
        self._fill()

    def end(self, walker: Walker) -> None:
        """It has nothing more to ask."""
        self._walking -= 1
        if self._stopped:
            return
        self._refused = self._refused + 1 if walker.is_refused else 0
        if walker.instead is not None:
            self._line[self._line.index(walker)] = walker.instead
        self._fill()


def _window(each: Walker | Errand) -> Window | None:
    return each.errand.window if isinstance(each, Walker) else each.window
