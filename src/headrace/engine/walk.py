"""The pages of all calls of a resource, in the order of the calls, fetched side by side.

Two kinds of lead: within a call, pages that can be named ahead are asked for before the ones before are answered; and
of several calls the next ones are walked while the first is still open. Pages are handed on in order whatever comes
first, because row order decides names, types and which row is the last. How far ahead a call is named grows with the
pages that came: a listing of one page costs one request too many at most. A call that is not yet the first holds a few
pages, so what waits is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from headrace.decode import PageSplitter
from headrace.engine.report import ResourceReport
from headrace.engine.rows import Errand
from headrace.errors import PagingError, RefusedError
from headrace.message import Page, PageFacts
from headrace.paginate import Walk
from headrace.plan import Limits, ResourcePlan
from headrace.transport import Ignored, Transport

#: Pages that a call holds whose turn has not come.
_WAITING_PAGES: Final = 2
_NO_SUCH_PAGE: Final = (400, 404)


async def walk_all(
    resource: ResourcePlan,
    errands: Iterable[Errand],
    limits: Limits,
    transport: Transport,
    report: ResourceReport,
    take: Callable[[Errand, Page], Awaitable[None]],
) -> None:
    """Hand the pages of all errands to `take`, in order. Raises any `HeadraceError`, and what `take` raises.

    An errand whose watermark is closed is not walked further.
    """
    source = iter(errands)
    walkers: deque[_Walker] = deque()
    try:
        while True:
            while len(walkers) < limits.in_flight and (errand := next(source, None)) is not None:
                walkers.append(_Walker(errand, resource, limits, transport, report))
            if not walkers:
                return
            first = walkers[0]
            first.lead()
            while (page := await first.next()) is not None:
                report.pages += 1
                await take(first.errand, page)
                watermark = first.errand.watermark
                if watermark is not None and watermark.closed:
                    break
            await walkers.popleft().stop()
            if first.errand.complete is not None:
                first.errand.complete()
    finally:
        for walker in walkers:
            await walker.stop()


class _Walker:
    """Walks one call in a task of its own and holds its pages until they are wanted."""

    def __init__(
        self, errand: Errand, resource: ResourcePlan, limits: Limits, transport: Transport, report: ResourceReport
    ) -> None:
        self.errand = errand
        self._resource = resource
        self._limits = limits
        self._transport = transport
        self._report = report
        self._leads = False
        self._room = asyncio.Semaphore(_WAITING_PAGES)
        self._pages: asyncio.Queue[Page | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._walk())

    def lead(self) -> None:
        """Its turn has come: name as many pages ahead as there are slots."""
        self._leads = True

    async def next(self) -> Page | None:
        """The next page, None after the last one. Raises what ended the walk."""
        page = await self._pages.get()
        if page is None:
            await self._task
        self._room.release()
        return page

    async def stop(self) -> None:
        """Walk no further."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # seen, so that nobody is told of it later

    async def _walk(self) -> None:
        under_way: deque[asyncio.Task[Page]] = deque()
        try:
            await self._fetch(under_way)
        except Ignored:
            pass  # an action of the configuration says that the listing ends here
        finally:
            for task in under_way:
                task.cancel()
            if under_way:
                await asyncio.wait(under_way)
            self._pages.put_nowait(None)

    async def _fetch(self, under_way: deque[asyncio.Task[Page]]) -> None:
        resource, limits = self._resource, self._limits
        walk = resource.pager.begin(self.errand.call.request)
        splitter = PageSplitter(
            resource.selector,
            resource.pager.wants,
            resource=resource.name,
            allow_null=resource.allow_null_data,
            fingerprint=resource.pager.compares_pages,
            answers=resource.pager.reads_answers,
        )
        told = 0
        while True:
            ahead = min(limits.in_flight, max(1, 2 * told)) if self._leads else 1
            while not walk.done and len(under_way) < ahead:
                request = walk.ask()
                if request is None:
                    break
                fetched = self._transport.fetch(request, resource.auth, splitter.split, resource.actions)
                under_way.append(asyncio.create_task(fetched))
            if walk.done or not under_way:
                break
            page = await _page(under_way[0], walk)
            under_way.popleft()
            told += 1
            walk.tell(page.facts)
            if walk.found is not None:
                splitter.want(walk.found.wants)
            await self._room.acquire()
            self._pages.put_nowait(page)
            if told >= limits.max_pages and not walk.done:
                raise PagingError(
                    f"expected an end within {limits.max_pages} pages, got more",
                    where=f"resource `{resource.name}`",
                    hint="raise `client.limits.max_pages` if the API really has that many",
                )
        if walk.doubt:
            self._report.doubts.append(walk.doubt)


async def _page(task: asyncio.Task[Page], walk: Walk) -> Page:
    """The page of `task`; an empty one where the API refuses a page that lies past its own total."""
    try:
        return await task
    except RefusedError as refusal:
        if not (walk.probing and refusal.status in _NO_SUCH_PAGE):
            raise
        return Page([], PageFacts(refusal.status, {}, "", 0))
