"""Fetched pages that wait for their turn: one bound for all resources of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.plan import Limits


class Waiting:
    """What waits, in bytes, and those who wait for room; `limits` has the bound. It belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes = 0
        self._changed = asyncio.Event()

    def has_room(self, place: int) -> bool:
        """Whether more may be asked for at a place in a line. What is under way then may still go beyond the bound.

        The later its turn comes, the less of the room is for it, half at the least: what is far must not keep out what
        it waits for.
        """
        slots = self.limits.in_flight
        return self.bytes < self.limits.max_waiting_bytes * (1 - min(place, slots) / (2 * slots))

    @property
    def is_filling(self) -> bool:
        """Whether a quarter of the room is taken: what waits is better made small."""
        return 4 * self.bytes >= self.limits.max_waiting_bytes

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
