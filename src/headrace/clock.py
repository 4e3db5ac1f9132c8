"""Time as a parameter: the real clock, and one that tests can turn."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the transport asks of time; all values in seconds."""

    def now(self) -> float:
        """Monotonic seconds, for waits and rates."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, for dates that a server names."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...

    def jitter(self) -> float:
        """A factor from 0.5 to 1 by which a computed wait is multiplied, so that clients do not march in step."""
        ...


class RealClock:
    """The machine's clock. Who sets it while a run goes on moves nothing: its date counts from when this was made."""

    def __init__(self) -> None:
        self._began = time.time() - time.monotonic()

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return self._began + self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        return random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


class TurnedClock:
    """A clock for tests: sleeping moves it and takes no time; `slept` lists the waits, in seconds, in order."""

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self.slept: list[float] = []
        self._now = 0.0
        self._wall = wall

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall + self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)

    def jitter(self) -> float:
        return 1.0
