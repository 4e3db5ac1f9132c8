"""Heavy imports without garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing while the block imports, and take what it made for old afterwards.

    dlt and what stands on it make some hundred thousand objects that live as long as the process. To look for garbage
    among them, again and again while they are made and in the first collections after, took 0.2 of the 2.2 s of CPU of
    a command that finds nothing new, and 0.1 of the 2.0 s of a program that had dlt before.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # there and back: what was young is in the oldest generation then, without a collection
        gc.freeze()
        gc.unfreeze()
        gc.enable()
