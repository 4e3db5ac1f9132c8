"""The world's time: turned by tests, or the real one. It never goes back.

The clock carries the world's lock too, since all that changes with time is read by the servers' threads while a test
turns it.
"""

from __future__ import annotations

import time
from threading import RLock

__all__ = ["DAY_S", "HOUR_S", "START_S", "Clock"]

HOUR_S = 3600.0
DAY_S = 86_400.0
START_S = 1_772_582_400.0  # 2026-03-04T00:00:00Z


class Clock:
    """Stands still at `start_s` (since the epoch) until it is turned, or `runs` from there; `None` is the real time."""

    def __init__(self, start_s: float | None = START_S, *, runs: bool = False) -> None:
        self.lock = RLock()
        self._start_s = time.time() if start_s is None else start_s
        self._began_s = time.monotonic() if runs or start_s is None else None
        self._turned_s = 0.0

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        ran_s = 0.0 if self._began_s is None else time.monotonic() - self._began_s
        return self._start_s + ran_s + self._turned_s

    def advance(self, seconds: float) -> None:
        """Turn it forward.

        Raises:
            ValueError: backward.
        """
        if seconds < 0:
            raise ValueError(f"expected seconds to go forward, got {seconds}")
        with self.lock:
            self._turned_s += seconds
