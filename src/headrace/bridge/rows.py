"""Work in dlt's event loop: a coroutine that ends before the loop does, and rows as dictionaries, a page at a time.

When an extract fails, dlt cancels the futures that it knows, closes open asynchronous generators, and stops the loop:
what still runs then is left in the middle. So each piece of work has a keeper, an asynchronous generator that rests at
its `yield`; closing it ends the work, and waits for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from headrace.engine import Watermark

T = TypeVar("T")


class Take(Protocol):
    """Takes a page; its rows pass `watermark`, where one is given, when dlt takes them and no sooner.

    So a limit that ends the pages leaves the watermark at what was taken.
    """

    async def __call__(self, page: list[Any], watermark: Watermark | None = None, /) -> None: ...


#: Pages that wait for dlt: one that it takes, and one behind it.
_WAITING_PAGES = 2


async def kept(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is ended when dlt's loop ends."""
    task = asyncio.ensure_future(work)
    keeper = await _kept(task)
    try:
        return await task
    finally:
        with suppress(RuntimeError):  # dlt's loop is closing it, which is what ended the task
            await keeper.aclose()


def paged(work: Callable[[Take], Coroutine[Any, Any, None]]) -> Iterator[Awaitable[Any] | None]:
    """The pages that `work` hands over, for dlt: one awaitable a page, None while one is under way.

    Closing it ends the work, requests under way too.
    """
    pages = _Pages(work)
    try:
        while not pages.ended:
            if pages.is_busy:
                yield None
            else:
                pages.is_busy = True
                yield pages.next()
    finally:
        pages.close()


class _Pages:
    def __init__(self, work: Callable[[Take], Coroutine[Any, Any, None]]) -> None:
        self.ended = False
        self.is_busy = False
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: AsyncGenerator[None, None] | None = None
        self._waiting: asyncio.Queue[tuple[list[Any], Watermark | None] | None]
        self._room: asyncio.Semaphore
        self._task: asyncio.Future[None]

    async def next(self) -> list[Any] | None:
        """The next page; None after the last one, which dlt takes for nothing. Raises what ended the work."""
        try:
            if self._keeper is None:
                await self._begin()
            page, watermark = await self._waiting.get() or (None, None)
            if page is None:
                self.ended = True
                # not awaited itself: closed in the midst it is cancelled, and for a cancelled page dlt waits for ever
                await asyncio.wait([self._task])
                if not self._task.cancelled():
                    self._task.result()
            else:
                self._room.release()
                if watermark is not None:
                    page = watermark.keep(page)
        except BaseException:
            self.ended = True
            raise
        else:
            return page
        finally:
            self.is_busy = False

    def close(self) -> None:
        """Give no page any more and end the work, in its own loop."""
        self.ended = True
        if self._keeper is not None and self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting = asyncio.Queue()
        self._room = asyncio.Semaphore(_WAITING_PAGES)
        self._task = asyncio.ensure_future(self._produce())
        self._keeper = await _kept(self._task)

    async def _produce(self) -> None:
        try:
            await self._work(self._take)
        finally:
            self._waiting.put_nowait(None)

    async def _take(self, page: list[Any], watermark: Watermark | None = None, /) -> None:
        await self._room.acquire()
        self._waiting.put_nowait((page, watermark))


async def _kept(task: asyncio.Future[Any]) -> AsyncGenerator[None, None]:
    async def keep() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            task.cancel()
            if not task.done():
                await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: who waited for it may be gone

    keeper = keep()
    await keeper.__anext__()
    return keeper
