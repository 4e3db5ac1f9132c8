"""Ctrl-C and SIGTERM: the one is taken as the other, and what is under way may come to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Terminated(KeyboardInterrupt):
    """SIGTERM, on the same way out as Ctrl-C."""

    signal_code = signal.SIGTERM


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does: work in hand is cleaned up, then the exit code says it."""

    def stop(_number: int, _frame: Any) -> None:
        raise _Terminated

    with _handled({signal.SIGTERM: stop}):
        yield


@contextmanager
def finishing(finish: Callable[[], None]) -> Iterator[None]:
    """Call `finish` before a signal is followed; a second one, meanwhile, is followed at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    begun = False

    def stop(number: int, frame: Any) -> None:
        nonlocal begun
        if not begun:
            begun = True
            finish()
        follow = before[signal.Signals(number)]
        if callable(follow):
            follow(number, frame)

    # who ignores a signal goes on doing so: a shell's background job does with Ctrl-C
    with _handled({number: stop for number, follow in before.items() if callable(follow)}):
        yield


@contextmanager
def _handled(handlers: dict[signal.Signals, Callable[[int, Any], None]]) -> Iterator[None]:
    """These are called meanwhile; in another thread than the main one nothing can be changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
