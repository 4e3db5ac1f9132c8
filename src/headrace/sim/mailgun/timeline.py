"""Events in order of time, of which each becomes readable when it arrives and unreadable when it is old.

What has arrived lies in one sorted list of (time, id, number, event); what will arrive waits in a heap and is inserted
where its time belongs, into pages that were served already. So a page is two bisections and a slice, a million rows or
not. Nothing is ever taken out: age hides rows, and what was readable when can be told afterwards.
"""

from __future__ import annotations

import heapq
import json
import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Literal, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.sim.mailgun.clock import Clock

__all__ = ["Entry", "Event", "Mark", "Move", "Stretch", "Timeline", "stretch_of"]

Move = Literal["first", "next", "previous", "last"]


@final
class Event:
    """One happening at a domain. `at_s` is its own time, `arrives_s` when it becomes readable, both since the epoch."""

    __slots__ = ("_source", "arrives_s", "at_s", "domain", "id")

    def __init__(
        self, at_s: float, name: str, domain: str, source: bytes | Callable[[], bytes], arrives_s: float
    ) -> None:
        self.at_s = at_s
        self.id = name
        self.domain = domain
        self.arrives_s = arrives_s
        self._source = source

    def __repr__(self) -> str:
        """Where and when."""
        return f"<Event {self.id} of {self.domain} at {self.at_s!r}, arrives {self.arrives_s!r}>"

    @property
    def body(self) -> bytes:
        """JSON text, rendered now unless it is kept."""
        return self._source if isinstance(self._source, bytes) else self._source()

    @property
    def row(self) -> dict[str, Any]:
        """The decoded body."""
        row: dict[str, Any] = json.loads(self.body)
        return row


Entry = tuple[float, str, int, Event]


@dataclass(frozen=True)
class Mark:
    """The row that a page begins behind, or ends before."""

    at_s: float
    id: str


class Timeline:
    """The events of a domain, or of an account; `retention_s` is how long they stay readable."""

    def __init__(self, clock: Clock, retention_s: float) -> None:
        self._clock = clock
        self._retention_s = retention_s
        self._entries: list[Entry] = []
        self._coming: list[tuple[float, Entry]] = []
        self._numbers = count()

    def add(self, events: Iterable[Event]) -> None:
        """Put in any number, in any order, at once."""
        with self._clock.lock:
            now = self._clock.now
            new: list[Entry] = []
            for event in events:
                entry = (event.at_s, event.id, next(self._numbers), event)
                if event.arrives_s <= now:
                    new.append(entry)
                else:
                    heapq.heappush(self._coming, (event.arrives_s, entry))
            if len(new) == 1:
                insort(self._entries, new[0])
            elif new:
                self._entries += new
                self._entries.sort()

    @property
    def entries(self) -> list[Entry]:
        """What has arrived by now, by (time, id), old ones included."""
        now = self._clock.now
        while self._coming and self._coming[0][0] <= now:
            insort(self._entries, heapq.heappop(self._coming)[1])
        return self._entries

    @property
    def oldest_s(self) -> float:
        """Time of the oldest event that could be readable now."""
        return self._clock.now - self._retention_s

    def known(self) -> list[Event]:
        """All events, those to come included."""
        with self._clock.lock:
            return [entry[3] for entry in self._entries] + [entry[3] for _, entry in self._coming]

    def readable(self, at_s: float | None = None) -> list[Event]:
        """What can be read at a moment (`None`: now), in order."""
        with self._clock.lock:
            then = self._clock.now if at_s is None else at_s
            oldest = then - self._retention_s
            entries = self.entries
            first = bisect_left(entries, (oldest,))
            return [entry[3] for entry in entries[first:] if entry[3].arrives_s <= then]

    def ever_readable(self) -> list[Event]:
        """What could be read at any moment up to now: all that arrived before it was too old."""
        with self._clock.lock:
            return [entry[3] for entry in self.entries if entry[3].arrives_s - self._retention_s <= entry[0]]


@dataclass(frozen=True)
class Stretch:
    """Part of a sorted list of entries: `entries[start:stop]`."""

    entries: Sequence[Entry]
    start: int
    stop: int

    def page(
        self,
        move: Move,
        mark: Mark | None,
        limit: int,
        *,
        ascending: bool,
        keep: Callable[[Event], bool] | None = None,
    ) -> tuple[list[Event], range]:
        """At most `limit` events in reading order, and where they lie in the list; filtered ones only have a number."""
        forward = move in ("first", "next")
        up = ascending == forward
        places = self._places(mark, up=up)
        if keep is None:
            found = list(islice(places, limit))
        else:
            found = list(islice((place for place in places if keep(self.entries[place][3])), limit))
        if not forward:
            found.reverse()
        events = [self.entries[place][3] for place in found]
        if keep is not None:
            return events, range(len(found))
        first = min(found) if found else places.start + (not up)
        return events, range(first, first + len(found))

    def number(self, rows: range, limit: int, *, ascending: bool) -> int:
        """Number of a page from 0, by the place of its rows; an empty page behind a short one has the next number."""
        before = rows.start - self.start if ascending else self.stop - rows.stop
        return -(-max(before, 0) // limit)

    def _places(self, mark: Mark | None, *, up: bool) -> range:
        if up:
            behind = 0 if mark is None else bisect_right(self.entries, (mark.at_s, mark.id, math.inf))
            return range(max(self.start, behind), self.stop)
        before = self.stop if mark is None else bisect_left(self.entries, (mark.at_s, mark.id))
        return range(min(self.stop, before) - 1, self.start - 1, -1)


def stretch_of(timelines: Sequence[Timeline], low_s: float, high_s: float) -> Stretch:
    """Arrived events with `low_s` <= time < `high_s`; several timelines are merged, which costs their length."""
    parts = []
    for timeline in timelines:
        entries = timeline.entries
        parts.append(Stretch(entries, bisect_left(entries, (low_s,)), bisect_left(entries, (high_s,))))
    if len(parts) == 1:
        return parts[0]
    merged = sorted(
        (entry[0], entry[1], number, entry[3])
        for number, part in enumerate(parts)
        for entry in part.entries[part.start : part.stop]
    )
    return Stretch(merged, 0, len(merged))
