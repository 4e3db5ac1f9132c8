"""One call of a resource, walked in a task of its own; its pages are held until they are wanted.

Within a call, pages that have positions are asked for before the ones before are answered, up to the number of slots;
that is for the call whose turn it is, as others fill the slots beside each other. How far ahead: to the end where that
is known; else twice as many pages as came, so that one page costs one request more; not beyond an empty page that came.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from headrace.decode import PageSplitter
from headrace.engine.chosen import chosen
from headrace.engine.order import Order
from headrace.engine.packed import Packed, pack
from headrace.engine.under_way import drop, expect_list, is_past_the_end, page_of, status_of
from headrace.engine.window import HEAVY
from headrace.errors import AnswerError, MovedError, PagingError, RefusedError, TransportError
from headrace.message import Page, PageFacts, Request
from headrace.transport import Ignored, Skipped, Transport

if TYPE_CHECKING:
    from headrace.engine.kept import KeptPages
    from headrace.engine.line import Line
    from headrace.engine.rows import Errand
    from headrace.engine.under_way import Fetched
    from headrace.engine.waiting import Waiting
    from headrace.paginate import Walk
    from headrace.plan import ResourcePlan

#: What an API answers that does not like the key, or the plan that was paid for.
_KEY_REFUSED: Final = (401, 402, 403)
#: Pages that may be asked for before the oldest of them has come, for each slot: a slow one does not stop the others.
_AHEAD: Final = 4
#: What a record costs beside its bytes, and a walker beside its pages.
_RECORD_BYTES: Final = 48
_WALKER_BYTES: Final = 4096


class Walker:
    """The walk of one errand.

    `instead` is set when its range of time is to be walked in parts instead; then it has handed nothing on. Where rows
    come oldest first `errand` may come to be the first part of its range. `doubt` is the pager's, see `Walk`; `ignored`
    says that an action of the configuration ended it, `is_refused` that it is skipped without being declared.
    """

    def __init__(
        self,
        errand: Errand,
        resource: ResourcePlan,
        transport: Transport,
        waiting: Waiting,
        line: Line,
        kept: KeptPages | None = None,
    ) -> None:
        self.errand = errand
        self.instead: Errand | None = None
        self.doubt: str | None = None
        self.ignored = self.is_refused = False
        #: Rows that were handed on.
        self.rows = 0
        self._resource = resource
        self._limits = limits = waiting.limits
        self._share = limits.max_waiting_bytes / limits.in_flight
        self._transport = transport
        self._kept = kept
        self._waiting = waiting
        self._line = line
        self._order = Order.of(resource) if errand.window is not None and errand.window.stride.ordered else None
        self._leads = self._has_begun = self._has_ended = self._is_ending = False
        self._bytes = self._told_bytes = self._told = 0
        #: Its pages as `window.py` counts them, the empty ones at the end left out.
        self._weight = 0.0
        self._pages: deque[tuple[Page | Packed, int]] = deque()
        # a window hands on when it is not to be given up any more
        self._hands_on = (
            errand.window is None or self._order is not None or not errand.window.is_heavy(HEAVY, limits.in_flight)
        )
        self._changed = asyncio.Event()
        self._own = _WALKER_BYTES
        waiting.add(self._own)
        self._task = asyncio.create_task(self._walk())

    def __repr__(self) -> str:
        return f"<Walker pages={len(self._pages)} leads={self._leads} ended={self._has_ended}>"

    def lead(self) -> None:
        """Its turn has come: it goes on whatever waits, and names pages ahead."""
        self._leads = True
        self._waiting.stir()

    @property
    def is_ready(self) -> bool:
        """Whether its next page is there, or it has ended."""
        return self._has_ended or bool(self._pages and self._hands_on)

    @property
    def held(self) -> Sequence[tuple[Page | Packed, int]]:
        """Its pages and their bytes, none where it may still be given up."""
        return self._pages if self._hands_on else ()

    def give(self, pages: int) -> list[Page]:
        """Let go of so many of them, which were converted before its turn; their records may be left out."""
        given = [self._pages.popleft() for _ in range(pages)]
        self._let_go(sum(size for _, size in given))
        found = [page.page if isinstance(page, Packed) else page for page, _ in given]
        self.rows += sum(page.facts.row_count for page in found)
        return found

    async def next(self) -> Page | None:
        """The next page, None after the last one. Raises what ended the walk."""
        while not (self._pages and self._hands_on):
            if self._has_ended:
                await self._task
                return None
            self._changed.clear()
            await self._changed.wait()
        page, size = self._pages.popleft()
        self._let_go(size)
        opened = page.open() if isinstance(page, Packed) else page
        self.rows += len(opened.records)
        return opened

    def cancel(self) -> None:
        """Walk no further."""
        # once, and not while it ends by itself: that would break off the wait for its requests, and nobody would learn
        # that its slot is free
        if not self._is_ending:
            self._is_ending = True
            self._task.cancel()

    async def stop(self) -> None:
        """Walk no further, and let all go."""
        self.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # seen, so that nobody is told of it later
        self._let_all_go()

    async def _walk(self) -> None:
        under_way: deque[Fetched] = deque()
        try:
            try:
                await self._fetch_either(under_way)
            except Ignored:  # an action of the configuration says that the listing ends here
                self.ignored = True
            except (TransportError, RefusedError, AnswerError, MovedError) as error:
                if self._kept is not None:
                    self._kept.interrupt(error, in_the_midst=self._has_begun)
                raise
            if self.errand.window is not None and self.instead is None:
                self.errand.window.ended(self._weight, self._order.first_s if self._order else None)
        finally:
            self._is_ending = True
            await drop(under_way)
            self._let_go(self._bytes - sum(size for _, size in self._pages))
            if self.instead is not None:
                self._let_all_go()
            self._has_ended = self._hands_on = True
            self._changed.set()
            self._line.end(self)

    async def _fetch_either(self, under_way: deque[Fetched]) -> None:
        try:
            await self._fetch(under_way)
        except (RefusedError, Skipped) as refused:
            if self._has_begun and isinstance(refused, Skipped) and refused.by_default:
                raise refused.error from None  # the row was there: what ended is its listing
            if not self._falls_back(status_of(refused)):
                self.is_refused = isinstance(refused, Skipped) and refused.by_default
                raise
            await self._fetch(under_way)

    async def _fetch(self, under_way: deque[Fetched]) -> None:
        resource, limits = self._resource, self._limits
        walk = resource.pager.begin(self.errand.call.request)
        splitter = PageSplitter(
            resource.selector,
            resource.pager.wants,
            resource=resource.name,
            allow_null=resource.allow_null_data,
            fingerprint=resource.pager.compares_pages,
            answers=resource.pager.reads_answers,
            digests=resource.pager.reads_digests,
            moments=resource.time_path,
            entries=resource.entries,
            shows=not resource.privacy.fates,
        )
        known = 0 if self._kept is None else await self._known(self._kept, splitter)
        told = asked = 0
        while not walk.done:
            if not under_way:
                await self._until_room()
            while self._may_ask(under_way, walk, told) and (request := walk.ask()) is not None:
                kept = self._kept if asked < known else None
                under_way.append(asyncio.create_task(self._get(request, splitter, kept)))
                asked += 1
            if not under_way[0].done():
                open_ones = [task for task in under_way if not task.done()]
                await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
                continue
            page, size = page_of(under_way.popleft(), walk)
            told += 1
            places = walk.tell(page.facts)
            expect_list(page.facts, resource, is_whole=walk.done and told == 1)
            if self._order is not None:
                self._order.see(page.facts.moments)
                # kept pages were cut before: cut elsewhere, what is loaded of them would come again
                if not (walk.done or walk.counts or told < known):
                    self._told = told
                    self._part(max(self._weight, told))
                    self._line.stir()
            is_past = self._is_past(page.facts)
            page = chosen(page, places, self.errand.window, resource.windows)
            if walk.found is not None:
                splitter.want(walk.found.wants)
            self._hold(page, size, told)
            if is_past or self._is_given_up(walk, told):
                return
            if told >= limits.max_pages and not walk.done:
                raise PagingError(
                    f"expected an end within {limits.max_pages} pages, got more",
                    where=f"resource `{resource.name}`",
                    hint="raise `client.limits.max_pages` if the API really has that many",
                )
        self.doubt = walk.doubt

    async def _get(self, request: Request, splitter: PageSplitter, kept: KeptPages | None) -> tuple[Page, int]:
        """The page and its bytes, which wait from now on; what is `kept` is not asked for."""
        page = kept.take(request, splitter) if kept else None
        if page is None:
            page = await self._asked(request, splitter)
            page = await self._kept.keep(request, page, splitter) if self._kept else page
        size = sum(map(len, page.records)) + _RECORD_BYTES * len(page.records)
        self._bytes += size
        self._waiting.add(size)
        return page, size

    async def _asked(self, request: Request, splitter: PageSplitter) -> Page:
        return await self._transport.fetch(request, self._resource.auth, splitter.split, self._resource.actions)

    def _falls_back(self, status: int) -> bool:
        """Whether a call that is refused at once is asked for at another address from now on."""
        call = self.errand.call
        if self._has_begun or call.fallback is None or status not in call.fallback.statuses:
            return False
        request = replace(call.request, url=call.fallback.url)
        self.errand = replace(self.errand, call=replace(call, request=request, fallback=None))
        return True

    async def _known(self, kept: KeptPages, splitter: PageSplitter) -> int:
        """How many pages may be taken from what is kept, no bound where they lead to the end: see `kept.py`."""
        chain = kept.chain(self._resource.pager, self.errand.call.request, self._is_past)
        if chain.is_whole:
            self._hands_on = True  # a window whose end is known is not to be given up, nor cut
            return sys.maxsize
        last = chain.requests[-1] if chain.requests else None
        # a single page would be asked for anyway; one that is loaded must not come as if it were new
        if last is not None and (len(chain.requests) > 1 or kept.is_loaded(last)):
            try:
                # another splitter would do: what this one learns of the page is what it learned before
                if await kept.renew(last, await self._asked(last, splitter), splitter):
                    return len(chain.requests)
            except RefusedError as refused:
                if refused.status in _KEY_REFUSED:
                    raise  # another key may do, and what is kept stays
            except (AnswerError, Skipped, Ignored):
                pass
        if chain.requests:
            kept.forget(chain.requests)
        return 0

    async def _until_room(self) -> None:
        if not self._has_room():
            self._line.pause()
            try:
                await self._waiting.until(self._has_room)
            finally:
                self._line.resume()

    def _has_room(self) -> bool:
        """Whether its next page may wait; the call whose turn it is may always hold its share."""
        return self._waiting.has_room(self._line.place_of(self)) or (self._leads and self._bytes < max(self._share, 1))

    def _may_ask(self, under_way: deque[Fetched], walk: Walk, told: int) -> bool:
        """Whether one more page may be asked for, the ones under way being unanswered."""
        if walk.done or not under_way:
            return not walk.done
        slots = self._limits.in_flight
        ahead = _AHEAD * slots if walk.bounded else min(2 * told, _AHEAD * slots)
        return (
            self._leads
            and len(under_way) < ahead
            and sum(not task.done() for task in under_way) < slots
            and self._has_room()
            and not any(map(is_past_the_end, under_way))
        )

    def _hold(self, page: Page, size: int, told: int) -> None:
        self._has_begun = True
        self._told_bytes += size
        if self._waits_long:
            packed = pack(page)
            self._pages.append((packed, len(packed.body)))
            self._let_go(size - len(packed.body))
        else:
            self._pages.append((page, size))
        if page.records:
            of_share = self._told_bytes / self._share
            window = self.errand.window
            self._weight = float(told) if window is None else window.weight(told, of_share)
        self._changed.set()

    @property
    def _waits_long(self) -> bool:
        """Whether a page had better be made small: it is not its turn, and room gets short."""
        return not self._leads and self._waiting.is_filling and not self._resource.pager.reads_answers

    def _is_given_up(self, walk: Walk, told: int) -> bool:
        """Whether it is given up; once it is too late for that, it hands on."""
        window, slots = self.errand.window, self._limits.in_flight
        pages = max(self._weight, told)
        if self._hands_on or walk.done or window is None or not window.is_heavy(pages, slots):
            return False
        if walk.counts:
            self._hands_on = True
            return False
        self._pages.clear()
        self.instead = window.given_up(pages, slots)
        return True

    def _part(self, pages: float) -> None:
        """Leave the rest of its range to others, where it has many pages and more are to come."""
        window, order, slots = self.errand.window, self._order, self._limits.in_flight
        if window is None or order is None or not order.is_full or not window.is_heavy(pages, slots):
            return
        first, latest = order.first_s, order.latest_s
        parts = None if first is None or latest is None else window.parted(first, latest, pages, slots)
        if parts is not None:
            self.errand, rest = parts
            self._line.part(self, rest)

    def halve(self) -> Errand | None:
        """Leave half of what is left of its window, if that is more than a page or two."""
        window, order = self.errand.window, self._order
        if window is None or order is None or not order.is_full or self._has_ended:
            return None
        first, latest = order.first_s, order.latest_s
        parts = None if first is None or latest is None else window.halved(first, latest, self._told)
        if parts is None:
            return None
        self.errand, rest = parts
        return rest

    def _is_past(self, facts: PageFacts) -> bool:
        """Whether no row that follows this page lies in its window, as rows come oldest first."""
        window = self.errand.window
        return window is not None and self._order is not None and self._order.is_past(facts.moments, window)

    def _let_go(self, size: int) -> None:
        self._bytes -= size
        self._waiting.free(size)

    def _let_all_go(self) -> None:
        self._pages.clear()
        self._let_go(self._bytes)
        self._waiting.free(self._own)
        self._own = 0
