"""One resource from its first request to its spool: batches by size, conversion beside fetching.

The event loop fetches; meanwhile threads read the two batches before, and another one finishes the batch before those.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from headrace.engine.convert import Attempt, Converter
from headrace.engine.early import Early, may_be_early
from headrace.engine.kept import KeptPages
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.engine.rows import Errand, ParentRow, Prepared, RowWork, Watermark
from headrace.engine.spool import Spool
from headrace.engine.step import Step
from headrace.engine.waiting import Waiting
from headrace.engine.walk import walk_all
from headrace.message import Page
from headrace.plan import ResourcePlan
from headrace.transport import Transport

#: Bytes of records that are converted at once: enough for columns to pay, few enough for a small memory.
BATCH_BYTES: Final = 4 << 20
#: Bytes of the first batch; each is twice the one before, so that conversion begins early and learns on little.
_FIRST_BATCH_BYTES: Final = 1 << 19
#: Batches that wait between fetching and reading: one, so that neither side waits for the other at every batch.
_WAITING_BATCHES: Final = 1
#: Batches that are being read, two of them side by side, or finished.
_BATCHES_UNDER_WAY: Final = 3
#: A batch, and what was made of it where it was tried before its turn.
_Due = tuple[Records, Attempt | None]
#: What a row of Python objects counts, whose bytes nobody knows.
_OBJECT_BYTES: Final = 1 << 10


async def fetch(  # noqa: PLR0913 - what the parts of a run share
    resource: ResourcePlan,
    errands: Iterable[Errand],
    waiting: Waiting,
    transport: Transport,
    report: ResourceReport,
    line: Sink | None,
    *,
    kept: KeptPages | None = None,
    step: Step | None = None,
) -> list[ParentRow]:
    """Fetch all errands of `resource` onto `line`; what its rows give to dependents, in row order.

    `line` None stores nothing: only dependents want the rows. What is `kept` is not asked for, and not stored again
    where it is loaded. The report says whether it is done, or broke off because its `step` was over. Raises any
    `HeadraceError`; then nothing is complete.
    """
    report.done = False
    gatherer = _Gatherer(resource)
    early = None
    if isinstance(line, Line) and may_be_early(resource):
        early = Early(line.converter, gatherer.batch, gatherer.put, report, kept)
    walk = walk_all(resource, errands, waiting, transport, report, gatherer.take, kept=kept, step=step, early=early)
    tasks = [
        asyncio.create_task(gatherer.gather(walk)),
        asyncio.create_task(_consume(gatherer.waiting, line)),
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
    report.count(gatherer.work.odd)
    report.done = gatherer.is_whole
    return gatherer.exported


async def fetch_objects(  # noqa: PLR0913 - what the parts of a run share
    work: RowWork,
    errands: Iterable[Errand],
    waiting: Waiting,
    transport: Transport,
    report: ResourceReport,
    take: Callable[[list[Any], Watermark | None], Awaitable[None]],
    *,
    kept: KeptPages | None = None,
) -> None:
    """Hand the rows of each page to `take` as Python objects, for whoever wants them in place of the tables.

    With them goes the filter of the call where it has one of its own, for whoever takes the rows in the end.
    """

    async def take_page(errand: Errand, page: Page) -> None:
        await take(work.objects(page, errand), errand.watermark)

    await walk_all(work.resource, errands, waiting, transport, report, take_page, kept=kept)
    report.count(work.odd)
    report.done = True


class Sink(Protocol):
    """Where batches go, in order."""

    async def put(self, batch: Records, attempt: Attempt | None = None) -> None:
        """Take one batch; back when there is room for another. `attempt` was made of it before its turn, if any."""
        ...

    async def drain(self) -> None:
        """Wait until all is done. Raises what went wrong with any batch."""
        ...

    async def stop(self) -> None:
        """Wait for what is under way, whatever it brings."""
        ...


class _Gatherer:
    """Whole pages gathered to batches; what dependents want goes to `exported`, None follows the last batch."""

    def __init__(self, resource: ResourcePlan) -> None:
        self.waiting: asyncio.Queue[_Due | None] = asyncio.Queue(maxsize=_WAITING_BATCHES)
        self.exported: list[ParentRow] = []
        self.is_whole = False
        self.work = RowWork(resource)
        #: Whether rows that are loaded are looked at: for dependents, or for how far they lead.
        self._looks_back = bool(resource.exports) or resource.incremental is not None
        self._gathered = _Gathered()
        self._enough = _FIRST_BATCH_BYTES

    async def gather(self, walk: Awaitable[bool]) -> None:
        """Gather what `walk` hands over, to its end."""
        self.is_whole = await walk
        await self._pass_on()
        await self.waiting.put(None)

    async def take(self, errand: Errand, page: Page) -> None:
        """One page, in its turn."""
        if page.loaded and not self._looks_back:
            return
        if self.work.needs_objects(errand):
            # functions of the configuration may take their time, and other resources must not wait
            prepared = await asyncio.to_thread(self.work.prepare, page, errand)
        else:
            prepared = self.work.prepare(page, errand)
        self.exported.extend(prepared.exported)
        if page.loaded:
            return
        if self._gathered.differs(prepared):
            await self._pass_on()
        self._gathered.add(prepared)
        if self._gathered.bytes >= self._enough:
            self._enough = min(2 * self._enough, BATCH_BYTES)
            await self._pass_on()

    def batch(self, pages: Sequence[tuple[Errand, Page]]) -> Records | None:
        """Pages before their turn, as a batch; None where JSON cannot hold them. Raises `AnswerError`."""
        gathered = _Gathered()
        for errand, page in pages:
            prepared = self.work.prepare(page, errand)
            if prepared.rows is not None:
                return None
            gathered.add(prepared)
        return gathered.take()

    async def put(self, batch: Records, attempt: Attempt | None = None) -> None:
        """Pass a batch on, with what was made of it where it was tried before its turn."""
        await self.waiting.put((batch, attempt))

    async def _pass_on(self) -> None:
        if len(batch := self._gathered.take()):
            await self.put(batch)


class _Gathered:
    """Pages on their way to a batch; all of them bytes, or all of them objects."""

    def __init__(self) -> None:
        self.bytes = 0
        self._raw: list[bytes] = []
        self._rows: list[Any] = []
        self._sizes: list[int] = []

    def differs(self, page: Prepared) -> bool:
        """Whether `page` cannot stand in one batch with what is there."""
        return bool(self._raw) if page.rows is not None else bool(self._rows)

    def add(self, page: Prepared) -> None:
        """One more page."""
        rows = page.rows or ()
        self._raw.extend(page.raw)
        self._rows.extend(rows)
        self._sizes.append(len(page.raw) + len(rows))
        self.bytes += sum(map(len, page.raw)) + _OBJECT_BYTES * len(rows)

    def take(self) -> Records:
        """What was gathered, as a batch; gathering starts anew."""
        batch = Records(self._raw, self._sizes, self._rows or None)
        self._raw, self._rows, self._sizes, self.bytes = [], [], [], 0
        return batch


async def _consume(waiting: asyncio.Queue[_Due | None], line: Sink | None) -> None:
    """Put batches on the line until their end."""
    try:
        while (due := await waiting.get()) is not None:
            if line is not None:
                await line.put(*due)
        if line is not None:
            await line.drain()
    finally:
        # threads cannot be cancelled: wait for them, so that nobody removes the spool under their hands
        if line is not None:
            await line.stop()


class Line:
    """Batches on their way through threads: tried side by side, read in order, then finished and spooled in order.

    Reading takes longest, and most of it, the attempt, needs nothing of the batches before.
    """

    def __init__(self, converter: Converter, spool: Spool) -> None:
        self.converter = converter
        self._spool = spool
        self._read: asyncio.Task[Any] | None = None
        self._under_way: deque[asyncio.Task[None]] = deque()

    async def put(self, batch: Records, attempt: Attempt | None = None) -> None:
        """Start with `batch` as soon as there is room for it."""
        while len(self._under_way) >= _BATCHES_UNDER_WAY:
            await self._end_of_first()
        self._read = asyncio.create_task(self._reading(batch, attempt, self._read))
        before = self._under_way[-1] if self._under_way else None
        self._under_way.append(asyncio.create_task(self._finishing(self._read, before)))

    async def drain(self) -> None:
        """Wait until all is spooled."""
        while self._under_way:
            await self._end_of_first()

    async def stop(self) -> None:
        """Wait for the threads, whatever they bring."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _end_of_first(self) -> None:
        # shielded: a cancelled wait must not make a task look done whose thread still runs
        await asyncio.shield(self._under_way[0])
        self._under_way.popleft()

    async def _reading(self, batch: Records, attempt: Attempt | None, before: asyncio.Task[Any] | None) -> Any:
        if attempt is None:
            attempt = await asyncio.to_thread(self.converter.attempt, batch)
        if before is not None:
            await before
        return await asyncio.to_thread(self.converter.read, batch, attempt)

    async def _finishing(self, reading: asyncio.Task[Any], before: asyncio.Task[None] | None) -> None:
        read = await reading
        if before is not None:
            await before
        await asyncio.to_thread(self._finish, read)

    def _finish(self, read: Any) -> None:
        self._spool.append(self.converter.finish(read))
