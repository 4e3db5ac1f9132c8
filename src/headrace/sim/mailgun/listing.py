"""Rows by key that are put in, replaced and deleted, with a journal that tells what was there when."""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.sim.mailgun.clock import Clock

__all__ = ["Listing", "Row"]

Row = dict[str, Any]


class Listing:
    """A list of the service; `key` names the field that a row is known by, `keys` are sorted."""

    def __init__(self, clock: Clock, key: str) -> None:
        self._clock = clock
        self._key = key
        self._rows: dict[str, Row] = {}
        self._bodies: dict[str, bytes] = {}
        self._journal: list[tuple[float, str, Row | None]] = []
        self.keys: list[str] = []

    def __len__(self) -> int:
        """Number of rows now."""
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        """Whether a row is there now."""
        return key in self._rows

    def put(self, row: Mapping[str, Any]) -> None:
        """Put a row in, or in the place of the one with its key."""
        with self._clock.lock:
            kept = dict(row)
            key = kept[self._key]
            if key not in self._rows:
                insort(self.keys, key)
            self._rows[key] = kept
            self._bodies.pop(key, None)
            self._journal.append((self._clock.now, key, kept))

    def delete(self, key: str) -> None:
        """Take a row out.

        Raises:
            KeyError: there is none.
        """
        with self._clock.lock:
            del self._rows[key]
            self._bodies.pop(key, None)
            del self.keys[bisect_left(self.keys, key)]
            self._journal.append((self._clock.now, key, None))

    def get(self, key: str) -> Row | None:
        """The row with a key, or nothing."""
        return self._rows.get(key)

    def body(self, key: str) -> bytes:
        """JSON text of a row, rendered once."""
        if key not in self._bodies:
            text = json.dumps(self._rows[key], ensure_ascii=False, separators=(",", ":"))
            self._bodies[key] = text.encode()
        return self._bodies[key]

    def rows(self, at_s: float | None = None) -> list[Row]:
        """What is there at a moment (`None`: now), in order of first arrival."""
        with self._clock.lock:
            if at_s is None:
                return list(self._rows.values())
            then: dict[str, Row] = {}
            for moment, key, row in self._journal:
                if moment > at_s:
                    break
                if row is None:
                    del then[key]
                else:
                    then[key] = row
            return list(then.values())

    def ever(self) -> list[Row]:
        """Every row that was ever there, each content once, replaced and deleted ones too."""
        with self._clock.lock:
            seen: dict[bytes, Row] = {}
            for _, _, row in self._journal:
                if row is not None:
                    seen.setdefault(json.dumps(row, sort_keys=True).encode(), row)
            return list(seen.values())
