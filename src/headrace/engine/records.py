"""What is converted at once: rows of whole pages, ready for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Records:
    """Raw records in order, and the record count of each page.

    `rows` are Python objects instead, and `raw` is empty: functions of the configuration made values that JSON lacks.
    """

    raw: Sequence[bytes]
    page_sizes: Sequence[int]
    rows: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.raw) if self.rows is None else len(self.rows)
