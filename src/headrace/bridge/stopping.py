"""A signal while dlt normalises or loads: it ends what it has begun, however long that takes; we give it some seconds.

dlt takes signals over in these steps: at the first it begins no further job and waits for those under way, and a second
is passed on to a thread that waits. What is cut off is a job, which the next run does again (`bridge/take_back.py`), so
nothing is lost by leaving at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from dlt.common.runtime import signals

#: Seconds for jobs under way, of the five in which a command ends after Ctrl-C.
_PATIENCE_S: Final = 4.0
_LOOK_S: Final = 0.1


@contextmanager
def stopped_in_time(leave: Callable[[int], None]) -> Iterator[None]:
    """Call `leave` with the signal, in a thread, where a step goes on after it for too long or a second one comes."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(ended, leave), name="headrace-signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(ended: threading.Event, leave: Callable[[int], None]) -> None:
    since: float | None = None
    while not ended.wait(_LOOK_S):
        # dlt forgets a signal when the step has ended; `was_signal_received` does not say which it was
        number = signals._received_signal  # noqa: SLF001
        if not number:
            since = None
            continue
        since = time.monotonic() if since is None else since
        if signals._signal_counts.get(number, 0) > 1 or time.monotonic() - since >= _PATIENCE_S:  # noqa: SLF001
            leave(number)
            return
