"""One resource from its first request to its spool: pages in order, batches by size, conversion beside fetching.

The event loop fetches; meanwhile one thread reads the batch before, and another one finishes the batch before that.
Pages that can be named ahead are asked for side by side, and still handed on in page order, because row order decides
names, types and which row is the last. How far ahead grows with the pages that came: a resource of one page costs one
request too many at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from headrace.decode import PageSplitter
from headrace.engine.convert import Converter
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.engine.spool import Spool
from headrace.errors import PagingError, RefusedError
from headrace.message import Page, PageFacts
from headrace.paginate import Walk
from headrace.plan import Call, Limits, ResourcePlan
from headrace.transport import Transport

#: Bytes of records that are converted at once: enough for columns to pay, few enough for a small memory.
BATCH_BYTES: Final = 4 << 20
#: Bytes of the first batch; each is twice the one before, so that conversion begins early and learns on little.
_FIRST_BATCH_BYTES: Final = 1 << 19
#: Batches that wait between fetching and reading: one, so that neither side waits for the other at every batch.
_WAITING_BATCHES: Final = 1
_NO_SUCH_PAGE: Final = (400, 404)


async def fetch(
    resource: ResourcePlan,
    limits: Limits,
    transport: Transport,
    converter: Converter,
    spool: Spool,
    report: ResourceReport,
) -> None:
    """Fetch all calls of `resource` into `spool`. Raises any `HeadraceError`; then the spool is not complete."""
    waiting: asyncio.Queue[Records | None] = asyncio.Queue(maxsize=_WAITING_BATCHES)
    tasks = [
        asyncio.create_task(_produce(waiting, resource, limits, transport, report)),
        asyncio.create_task(_consume(waiting, _Line(converter, spool))),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
            raise error
    report.done = True


async def _produce(
    waiting: asyncio.Queue[Records | None],
    resource: ResourcePlan,
    limits: Limits,
    transport: Transport,
    report: ResourceReport,
) -> None:
    """Fetch batches, and None for their end."""
    async for batch in batches(resource, limits, transport, report):
        await waiting.put(batch)
    await waiting.put(None)


async def _consume(waiting: asyncio.Queue[Records | None], line: _Line) -> None:
    """Put batches on the line until their end."""
    try:
        while (batch := await waiting.get()) is not None:
            await line.put(batch)
        await line.drain()
    finally:
        # threads cannot be cancelled: wait for them, so that nobody removes the spool under their hands
        await line.stop()


class _Line:
    """Two stations in threads of their own: a batch is read while the one before is finished and spooled."""

    def __init__(self, converter: Converter, spool: Spool) -> None:
        self._converter = converter
        self._spool = spool
        self._reading: asyncio.Task[Any] | None = None
        self._finishing: asyncio.Task[None] | None = None

    async def put(self, batch: Records) -> None:
        """Start reading `batch` as soon as the one before is read."""
        await self._advance()
        self._reading = asyncio.create_task(asyncio.to_thread(self._converter.read, batch))

    async def drain(self) -> None:
        """Wait until all is spooled."""
        await self._advance()
        if self._finishing is not None:
            await asyncio.shield(self._finishing)

    async def stop(self) -> None:
        """Wait for the threads, whatever they bring."""
        tasks = [task for task in (self._reading, self._finishing) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _advance(self) -> None:
        """Hand the batch that is being read on to the second station."""
        if self._reading is None:
            return
        # shielded: a cancelled wait must not make a task look done whose thread still runs
        read = await asyncio.shield(self._reading)
        if self._finishing is not None:
            await asyncio.shield(self._finishing)
        self._finishing = asyncio.create_task(asyncio.to_thread(self._finish, read))
        self._reading = None

    def _finish(self, read: Any) -> None:
        self._spool.append(self._converter.finish(read))


async def batches(
    resource: ResourcePlan, limits: Limits, transport: Transport, report: ResourceReport
) -> AsyncIterator[Records]:
    """Whole pages gathered to batches; a batch never mixes two calls."""
    enough = _FIRST_BATCH_BYTES
    for call in resource.calls():
        records: list[bytes] = []
        sizes: list[int] = []
        waiting = 0
        async for page in _pages(resource, call, limits, transport, report):
            report.pages += 1
            records.extend(page.records)
            sizes.append(len(page.records))
            waiting += sum(map(len, page.records))
            if waiting >= enough:
                enough = min(2 * enough, BATCH_BYTES)
                yield Records(records, sizes, call.values, resource.dropped)
                records, sizes, waiting = [], [], 0
        if records:
            yield Records(records, sizes, call.values, resource.dropped)


async def _pages(
    resource: ResourcePlan, call: Call, limits: Limits, transport: Transport, report: ResourceReport
) -> AsyncIterator[Page]:
    """The pages of one call in page order, those that can be named ahead fetched side by side."""
    walk = resource.pager.begin(call.request)
    splitter = PageSplitter(
        resource.selector,
        resource.pager.wants,
        resource=resource.name,
        allow_null=resource.allow_null_data,
        fingerprint=resource.pager.compares_pages,
    )
    under_way: deque[asyncio.Task[Page]] = deque()
    told = 0
    try:
        while True:
            while not walk.done and len(under_way) < min(limits.in_flight, max(1, 2 * told)):
                request = walk.ask()
                if request is None:
                    break
                under_way.append(asyncio.create_task(transport.fetch(request, resource.auth, splitter.split)))
            if walk.done or not under_way:
                break
            page = await _page(under_way.popleft(), walk)
            told += 1
            walk.tell(page.facts)
            if walk.found is not None:
                splitter.want(walk.found.wants)
            yield page
            if told >= limits.max_pages and not walk.done:
                raise PagingError(
                    f"expected an end within {limits.max_pages} pages, got more",
                    where=f"resource `{resource.name}`",
                    hint="raise `client.limits.max_pages` if the API really has that many",
                )
        if walk.doubt:
            report.doubts.append(walk.doubt)
    finally:
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)


async def _page(task: asyncio.Task[Page], walk: Walk) -> Page:
    """The page of `task`; an empty one where the API refuses a page that lies past its own total."""
    try:
        return await task
    except RefusedError as refusal:
        if not (walk.probing and refusal.status in _NO_SUCH_PAGE):
            raise
        return Page([], PageFacts(refusal.status, {}, "", 0))
