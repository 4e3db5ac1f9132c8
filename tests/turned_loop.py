"""An event loop whose time is turned: waiting takes none, and everything else is asyncio as it is."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class _TurnedSelector(selectors.SelectSelector):
    """Instead of waiting for sockets it turns the time."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("expected somebody to wait for a moment, got a loop that waits for ever")
        self.now += max(timeout, 0.0)
        return []


class TurnedLoop(asyncio.SelectorEventLoop):
    """Its `time` begins at 0 and goes forward only when every task waits."""

    def __init__(self) -> None:
        self._turned = _TurnedSelector()
        super().__init__(self._turned)

    def time(self) -> float:
        return self._turned.now


class LoopClock:
    """The clock of a `TurnedLoop`; it begins `phase_s` after a whole minute."""

    def __init__(self, phase_s: float = 0.0) -> None:
        self._wall = 1_700_000_040.0 + phase_s

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return self._wall + self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        return 0.75


class AtOnce(Executor):
    """Does what it is given before it comes back: no thread takes time that the loop does not see."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is handed on
            done.set_exception(error)
        return done


def turned(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end, in no time."""
    loop = TurnedLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
