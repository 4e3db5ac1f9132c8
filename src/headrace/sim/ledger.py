"""The record of everything that was asked and served, for the checks of a test.

It holds one small entry a request and never a row: rows are known by index, and a page is a range
of them. A million rows are a few thousand entries.

An entry is opened before the answer starts, and `complete` is set just before the last bytes leave
(and taken back if they do not), so a client that holds the whole answer always finds its entry
complete. "Complete" means handed to the kernel: what was served is never less than what arrived.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.sim.message import Request

__all__ = ["Entry", "Ledger"]

HIDDEN = "(hidden)"
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}
)


@dataclass
class Entry:
    """One request and what became of it.

    `time_s` is monotonic. `status` is `None` while nothing was written, for good if the fault was a
    reset. `resource` is the label that the service gave, such as `events` or `clicks/7`; `first`
    and `rows` are the range of row indexes that the answer held or, if `complete` is false, would
    have held. Answers of faults without true rows have `rows` 0.
    """

    ordinal: int
    time_s: float
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    status: int | None = None
    fault: str | None = None
    resource: str | None = None
    page: int | None = None
    first: int | None = None
    rows: int = 0
    complete: bool = False


class Ledger:
    """All requests of one simulator, oldest first.

    Written by the server's thread only; reading from another thread is safe at any time.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Header values that contain one of `secrets` are hidden, whatever their name."""
        self._secrets = tuple(secrets)
        self._entries: list[Entry] = []

    def __repr__(self) -> str:
        """How much was asked."""
        return f"<Ledger {len(self._entries)} requests>"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """Every entry so far, in order of arrival."""
        return tuple(self._entries)

    def open(self, request: Request) -> Entry:
        """Enter a request; the server fills in the rest."""
        entry = Entry(
            ordinal=len(self._entries),
            time_s=time.monotonic(),
            method=request.method,
            path=request.path,
            query=request.query,
            headers=tuple((name, self._shown(name, value)) for name, value in request.headers.items()),
        )
        self._entries.append(entry)
        return entry

    def of(self, resource: str) -> tuple[Entry, ...]:
        """Entries of one resource; `clicks` covers `clicks/7`, `clicks/8` and so on."""
        return tuple(
            entry
            for entry in self.requests
            if entry.resource is not None and (entry.resource == resource or entry.resource.startswith(f"{resource}/"))
        )

    def served(self, resource: str) -> tuple[range, ...]:
        """Row indexes served in whole answers: disjoint, ascending, as few ranges as possible.

        Indexes count by label, so ask for `clicks/7`, not for `clicks`.
        """
        merged: list[range] = []
        for page in sorted(self._pages(resource), key=lambda page: page.start):
            if merged and page.start <= merged[-1].stop:
                merged[-1] = range(merged[-1].start, max(merged[-1].stop, page.stop))
            else:
                merged.append(page)
        return tuple(merged)

    def served_count(self, resource: str) -> int:
        """Number of different rows served."""
        return sum(len(rows) for rows in self.served(resource))

    def served_again(self, resource: str) -> int:
        """Number of rows served more often than once, counted each time (over-fetch)."""
        return sum(len(rows) for rows in self._pages(resource)) - self.served_count(resource)

    def statuses(self) -> dict[int | None, int]:
        """Number of requests by status of the answer; `None` is no answer."""
        counts: dict[int | None, int] = {}
        for entry in self.requests:
            counts[entry.status] = counts.get(entry.status, 0) + 1
        return counts

    def faults(self) -> dict[str, int]:
        """Number of times that each fault fired, by name."""
        counts: dict[str, int] = {}
        for entry in self.requests:
            if entry.fault is not None:
                counts[entry.fault] = counts.get(entry.fault, 0) + 1
        return counts

    def _pages(self, resource: str) -> list[range]:
        return [
            range(entry.first, entry.first + entry.rows)
            for entry in self.requests
            if entry.resource == resource and entry.complete and entry.rows and entry.first is not None
        ]

    def _shown(self, name: str, value: str) -> str:
        secret = name in _CREDENTIAL_HEADERS or any(text in value for text in self._secrets)
        return HIDDEN if secret else value
