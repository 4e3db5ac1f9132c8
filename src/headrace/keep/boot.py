"""Since when the machine runs: what was written before that, and not synced, may be lost or in halves.

Linux names each such time (`boot_id`; a container has that of its host). Elsewhere it is the moment at which the
monotonic clock began, as the wall clock has it: about the same all the time, unless somebody sets the clock or the
machine sleeps. Then it looks like another time, which costs a mending that was not needed.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_MOMENT: Final = "at "
#: Seconds that two readings of one moment may differ: clocks are set right by less.
_SAME_S: Final = 60.0


def boot() -> str:
    """The name of the time since the machine began."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{_MOMENT}{time.time() - time.monotonic():.0f}"


def is_same(one: str, other: str) -> bool:
    """Whether these are names of one time."""
    if one.startswith(_MOMENT) and other.startswith(_MOMENT):
        return abs(float(one.removeprefix(_MOMENT)) - float(other.removeprefix(_MOMENT))) < _SAME_S
    return one == other
