"""What is converted at once: whole pages of one call, made ready for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.decode import add_values, drop_keys


@dataclass(frozen=True)
class Records:
    """Raw records in order, the record count of each page, parameter values to add, and top-level keys to drop."""

    raw: Sequence[bytes]
    page_sizes: Sequence[int]
    values: Mapping[str, Any]
    dropped: Sequence[str]

    def prepared(self) -> list[bytes]:
        """The records without the dropped keys and with the kept parameter values."""
        records = drop_keys(self.raw, self.dropped) if self.dropped else self.raw
        return add_values(records, self.values)
