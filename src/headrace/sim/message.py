"""The two values of an exchange: what a client asked and what a service answers.

A service (`guides`) is a pure function `Request -> Reply`; sockets, faults and the ledger are the
server's matter. So a service can be read and tested without a socket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "Request"]

NO_ROWS = range(0)


@dataclass(frozen=True)
class Request:
    """One request, read to its end.

    `target` is the raw request target, `path` and `query` are percent-decoded (a bare `+` in the
    query is a space). Header names are lower case; of repeated headers the last one counts.
    """

    method: str
    target: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def param(self, name: str) -> str | None:
        """First value of a query parameter, `None` when it is absent."""
        return next((value for key, value in self.query if key == name), None)


@dataclass(frozen=True)
class Reply:
    """One answer.

    `resource` and `page` (index from 0) let faults and the ledger find it; both are `None` on
    answers that belong to no resource. `rows` are the indexes, in serving order, of the rows in
    `body`; `key` is the name of the list in `body`. `gzipped` is `body` compressed ahead of time.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    resource: str | None = None
    page: int | None = None
    rows: range = NO_ROWS
    key: str | None = None
    gzipped: bytes | None = None
