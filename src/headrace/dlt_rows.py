"""Rows through a pipe as dictionaries, a page at a time: where somebody else than `LoadTables` takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Any


def paged(pages: AsyncGenerator[list[Any], None]) -> Iterator[Awaitable[Any] | None]:
    """For dlt: one awaitable a page, None while one is under way. Closing it closes `pages`, requests under way too.

    dlt's own wrapper leaves an asynchronous generator open when a limit closes the pipe.
    """
    state = _State(pages)
    try:
        while not state.ended:
            if state.is_busy:
                yield None
            else:
                state.is_busy = True
                yield state.next()
    finally:
        state.close()


class _State:
    def __init__(self, pages: AsyncGenerator[list[Any], None]) -> None:
        self._pages = pages
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ended = False
        self.is_busy = False

    async def next(self) -> Any:
        """The next page; None after the last one, which dlt takes for nothing."""
        self._loop = asyncio.get_running_loop()
        try:
            page = None if self.ended else await self._pages.__anext__()
        except StopAsyncIteration:
            self.ended = True
            return None
        except BaseException:
            self.ended = True
            raise
        finally:
            self.is_busy = False
        if self.ended:  # it was closed meanwhile
            await self._pages.aclose()
        return page

    def close(self) -> None:
        """Give the next page to nobody, and close the pages in their own loop."""
        was_open, self.ended = not self.ended, True
        if was_open and not self.is_busy and self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._pages.aclose(), self._loop)
