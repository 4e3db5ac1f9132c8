"""A chain of pages behind opaque cursors, as a pure function of the step's number.

Step 0 is what is served without a cursor; every other step has a cursor, which is its number made
opaque. Where the rows end is one thing, how the service says so another:

    end                     what the cursors do after the last row
    "stop"                  the last page with rows has no next cursor
    "same"                  an empty page, whose cursor leads to itself
    "new_once"              an empty page with a new cursor, behind it as "same"
    "new_forever"           empty pages, each with a new cursor, without end

On the way there may be a gap (an empty page before more rows), or a cycle: from the second page on
the cursors lead in a circle of period 1 (`"A"`) or 2 (`"ABA"`), and the rows behind it are never
reached.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

__all__ = ["Chain", "Cycle", "End"]

End = Literal["stop", "same", "new_once", "new_forever"]
Cycle = Literal["A", "ABA"]

_PERIODS: dict[str, int] = {"A": 1, "ABA": 2}
_CYCLE_START = 1
_STEP_BYTES = 6
# 6 + 14 bytes: 28 characters of standard base64, so that "+", "/" and "=" occur and a client that
# does not quote its parameters is found out.
_CHECK_BYTES = 14


@dataclass(frozen=True)
class Chain:
    """Where each step's rows are and where it leads; `count` rows in pages of `page_size`.

    `gap_at` is the number of pages served before the empty one, smaller than the number of pages.
    """

    label: str
    seed: int
    count: int
    page_size: int
    end: End = "stop"
    gap_at: int | None = None
    cycle: Cycle | None = None

    def __post_init__(self) -> None:
        """Refuse a gap or a cycle that the rows are too few for."""
        if self.gap_at is not None and not 0 <= self.gap_at < self.pages:
            message = f"expected gap_at below {self.pages} pages of {self.label}: {self.gap_at}"
            raise ValueError(message)
        if self.cycle is not None and self.pages < _CYCLE_START + _PERIODS[self.cycle]:
            message = f"too few pages of {self.label} for the cycle {self.cycle}: {self.pages}"
            raise ValueError(message)

    @property
    def pages(self) -> int:
        """Number of pages with rows."""
        return -(-self.count // self.page_size)

    @property
    def last_page_start(self) -> int:
        """Index of the first row of the last page."""
        return max(self.pages - 1, 0) * self.page_size

    @property
    def last_step(self) -> int:
        """Number of the first step that has neither rows nor rows behind it, or would have."""
        return self.pages + (self.gap_at is not None)

    def rows(self, step: int) -> range:
        """Row indexes of a step, in serving order; empty in the gap and after the end."""
        page = step
        if self.gap_at is not None and step >= self.gap_at:
            page = step - 1
            if step == self.gap_at:
                return range(0)
        start = min(page * self.page_size, self.count)
        return range(start, min(start + self.page_size, self.count))

    def after(self, step: int) -> int | None:
        """Step that the page's cursor leads to; `None` is no cursor."""
        if self.cycle is not None and step >= _CYCLE_START:
            return _CYCLE_START + (step - _CYCLE_START + 1) % _PERIODS[self.cycle]
        if self.end == "stop":
            return step + 1 if step + 1 < self.last_step else None
        last = self.last_step + (self.end == "new_once")
        return step + 1 if step < last or self.end == "new_forever" else step

    def token(self, step: int) -> str:
        """Cursor of a step; the same seed gives the same cursor."""
        return base64.b64encode(step.to_bytes(_STEP_BYTES, "big") + self._check(step)).decode()

    def step(self, token: str) -> int | None:
        """Step of a cursor that this chain gave out, `None` for any other text."""
        try:
            data = base64.b64decode(token, validate=True)
        except ValueError:
            return None
        step = int.from_bytes(data[:_STEP_BYTES], "big")
        return step if data[_STEP_BYTES:] == self._check(step) else None

    def _check(self, step: int) -> bytes:
        text = f"{self.label}:{self.seed}:{step}"
        return blake2b(text.encode(), digest_size=_CHECK_BYTES).digest()
