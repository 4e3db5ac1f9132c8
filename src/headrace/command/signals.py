"""SIGTERM is taken as Ctrl-C is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Terminated(KeyboardInterrupt):
    """SIGTERM, on the same way out as Ctrl-C."""

    signal_code = signal.SIGTERM


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does: work in hand is cleaned up, then the exit code says it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: Any) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
