"""Pages for dlt, one awaitable each, and how their work ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headrace.bridge.rows import Take, kept, paged


@contextmanager
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop in a thread of its own, as dlt's is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def test_pages_come_in_order_and_end() -> None:
    async def work(take: Take) -> None:
        for number in range(5):
            await take([number])

    with event_loop() as loop:
        got = [asyncio.run_coroutine_threadsafe(page, loop).result(60) for page in paged(work) if page is not None]
    assert got == [[0], [1], [2], [3], [4], None]


def test_what_ends_the_work_comes_with_the_page() -> None:
    async def work(take: Take) -> None:
        await take([1])
        raise ValueError("no more")

    with event_loop() as loop:
        pages = paged(work)
        assert asyncio.run_coroutine_threadsafe(next(pages), loop).result(60) == [1]
        with pytest.raises(ValueError, match="no more"):
            asyncio.run_coroutine_threadsafe(next(pages), loop).result(60)
        assert list(pages) == []


def test_a_page_that_is_waited_for_ends_empty_when_pages_are_closed() -> None:
    """Not cancelled: dlt, which closes pages when a limit is reached, waits for such a page for ever."""
    ended = []
    began = threading.Event()

    async def work(take: Take) -> None:
        await take([1])
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with event_loop() as loop:
        pages = paged(work)
        assert asyncio.run_coroutine_threadsafe(next(pages), loop).result(60) == [1]
        waiting = asyncio.run_coroutine_threadsafe(next(pages), loop)
        assert began.wait(5)
        pages.close()
        assert waiting.result(60) is None
    assert ended == [True]


def test_kept_work_ends_with_the_loop() -> None:
    ended = []

    async def work() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with event_loop() as loop:
        future = asyncio.run_coroutine_threadsafe(kept(work()), loop)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(60)
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result(60)
        assert future.cancelled()
    assert ended == [True]


class Remembering:
    """A watermark that lets the first row of a page through, and remembers whatever it saw."""

    closed = False

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def keep(self, rows: list[Any]) -> list[Any]:
        self.seen += rows
        return rows[:1]

    def hold(self) -> None:
        raise AssertionError("no call was skipped")


def test_rows_pass_their_watermark_when_they_are_taken() -> None:
    """Not when they wait: a limit may end the pages, and what nobody took must be asked for again."""
    watermark = Remembering()
    ahead = threading.Event()

    async def work(take: Take) -> None:
        for number in range(3):
            await take([number, -number], watermark)
            if number == 1:
                ahead.set()

    with event_loop() as loop:
        pages = paged(work)
        assert asyncio.run_coroutine_threadsafe(next(pages), loop).result(60) == [0]
        assert ahead.wait(5)
        assert watermark.seen == [0, 0]
        assert asyncio.run_coroutine_threadsafe(next(pages), loop).result(60) == [1]
        pages.close()
    assert watermark.seen == [0, 0, 1, -1]
