"""Bytes of fetched pages that wait for their turn: one bound for all calls of a resource."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Waiting:
    """What waits, in bytes, and those who wait for room."""

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most
        self._changed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """Whether more may be asked for. What is under way then may still go beyond the bound."""
        return self.bytes < self._most

    def add(self, size: int) -> None:
        """So many bytes wait from now on."""
        self.bytes += size

    def free(self, size: int) -> None:
        """So many bytes wait no more."""
        self.bytes -= size
        self.stir()

    def stir(self) -> None:
        """Something has changed: let those who wait look again."""
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Come back when `is_so` says yes."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()
