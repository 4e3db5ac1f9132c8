"""One resource from its first request to its spool: batches by size, conversion beside fetching.

The event loop fetches; meanwhile one thread reads the batch before, and another one finishes the batch before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from headrace.engine.convert import Converter
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.engine.rows import Errand, ParentRow, RowWork
from headrace.engine.spool import Spool
from headrace.engine.walk import walk_all
from headrace.plan import Limits, ResourcePlan
from headrace.transport import Transport

#: Bytes of records that are converted at once: enough for columns to pay, few enough for a small memory.
BATCH_BYTES: Final = 4 << 20
#: Bytes of the first batch; each is twice the one before, so that conversion begins early and learns on little.
_FIRST_BATCH_BYTES: Final = 1 << 19
#: Batches that wait between fetching and reading: one, so that neither side waits for the other at every batch.
_WAITING_BATCHES: Final = 1
#: What a row of Python objects counts, whose bytes nobody knows.
_OBJECT_BYTES: Final = 1 << 10


async def fetch(
    resource: ResourcePlan,
    errands: Iterable[Errand],
    limits: Limits,
    transport: Transport,
    report: ResourceReport,
    line: Line | None,
) -> list[ParentRow]:
    """Fetch all errands of `resource` onto `line`; what its rows give to dependents, in row order.

    `line` None stores nothing: only dependents want the rows. Raises any `HeadraceError`; then nothing is complete.
    """
    exported: list[ParentRow] = []
    waiting: asyncio.Queue[Records | None] = asyncio.Queue(maxsize=_WAITING_BATCHES)
    tasks = [
        asyncio.create_task(_produce(waiting, _batches(resource, errands, limits, transport, report, exported))),
        asyncio.create_task(_consume(waiting, line)),
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
    return exported


async def objects(
    resource: ResourcePlan, errands: Iterable[Errand], limits: Limits, transport: Transport, report: ResourceReport
) -> AsyncIterator[list[Any]]:
    """The rows of each page as Python objects, for whoever takes them in place of the tables."""
    work = RowWork(resource)
    async for errand, page in walk_all(resource, errands, limits, transport, report):
        report.rows += len(page.records)
        yield work.objects(page, errand)
    report.done = True


async def _batches(
    resource: ResourcePlan,
    errands: Iterable[Errand],
    limits: Limits,
    transport: Transport,
    report: ResourceReport,
    exported: list[ParentRow],
) -> AsyncIterator[Records]:
    """Whole pages gathered to batches; what dependents want goes to `exported`."""
    work = RowWork(resource)
    gathered = _Gathered()
    enough = _FIRST_BATCH_BYTES
    async for errand, page in walk_all(resource, errands, limits, transport, report):
        if work.needs_objects(errand):
            # functions of the configuration may take their time, and other resources must not wait
            prepared = await asyncio.to_thread(work.prepare, page, errand)
        else:
            prepared = work.prepare(page, errand)
        report.rows += len(page.records)
        exported.extend(prepared.exported)
        if prepared.rows is not None and gathered.raw:
            yield gathered.take()
        elif prepared.raw and gathered.rows:
            yield gathered.take()
        gathered.add(prepared.raw, prepared.rows)
        if gathered.bytes >= enough:
            enough = min(2 * enough, BATCH_BYTES)
            yield gathered.take()
    if gathered.raw or gathered.rows:
        yield gathered.take()


class _Gathered:
    """Pages on their way to a batch."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.rows: list[Any] = []
        self.bytes = 0
        self._sizes: list[int] = []

    def add(self, raw: Iterable[bytes], rows: Iterable[Any] | None) -> None:
        before = len(self.raw) + len(self.rows)
        records = list(raw)
        self.raw.extend(records)
        self.rows.extend(rows or ())
        self.bytes += sum(map(len, records)) + (len(self.rows) and _OBJECT_BYTES * len(self.rows))
        self._sizes.append(len(self.raw) + len(self.rows) - before)

    def take(self) -> Records:
        """What was gathered, as a batch; gathering starts anew."""
        batch = Records(self.raw, self._sizes, self.rows or None)
        self.raw, self.rows, self._sizes, self.bytes = [], [], [], 0
        return batch


async def _produce(waiting: asyncio.Queue[Records | None], batches: AsyncIterator[Records]) -> None:
    """Fetch batches, and None for their end."""
    async for batch in batches:
        await waiting.put(batch)
    await waiting.put(None)


async def _consume(waiting: asyncio.Queue[Records | None], line: Line | None) -> None:
    """Put batches on the line until their end."""
    try:
        while (batch := await waiting.get()) is not None:
            if line is not None:
                await line.put(batch)
        if line is not None:
            await line.drain()
    finally:
        # threads cannot be cancelled: wait for them, so that nobody removes the spool under their hands
        if line is not None:
            await line.stop()


class Line:
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
