"""The values that rooms hand to each other, all frozen: Request, Response, PageFacts, Page, TableBatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

#: Name and value pairs in the order of sending; a name may come twice.
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One request without its credentials (auth adds them last).

    `params` are (name, value) pairs added to the query of `url`; `json` is a JSON document or None; `data` is a body
    that is sent as it is (its content type stands in `headers`), never together with `json`; `resource` names the
    resource that asks, for messages and progress.
    """

    method: str
    url: str
    params: Pairs = ()
    headers: Pairs = ()
    json: Any = None
    data: bytes | None = None
    resource: str = ""

    def with_param(self, name: str, value: str) -> Request:
        """The same request with query parameter `name` set to `value`, in its old place when it was there."""
        if any(key == name for key, _ in self.params):
            pairs = tuple((key, value if key == name else old) for key, old in self.params)
        else:
            pairs = (*self.params, (name, value))
        return replace(self, params=pairs)

    def with_url(self, url: str) -> Request:
        """The same request for another address, its own query parameters dropped (the address brings its own)."""
        return replace(self, url=url, params=())


@dataclass(frozen=True)
class Response:
    """One whole answer: `headers` has lower-case names, `body` is decompressed and complete, `url` as asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class PageFacts:
    """What a pager may know of an answer: `values` holds what it asked for by path text, `MISSING` where absent.

    `fingerprint` is a digest of the page's raw records, to see an API that serves the same page again and again.
    `response` and `records` are the whole answer and its rows, only for a pager that says `reads_answers`.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    row_count: int
    fingerprint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    response: Response | None = None
    records: Sequence[bytes] = ()


@dataclass(frozen=True)
class Page:
    """One split page: its records as raw JSON bytes in page order, and the facts for the pager."""

    records: Sequence[bytes]
    facts: PageFacts


@dataclass(frozen=True)
class TableBatch:
    """Rows of one resource as columns: table name -> Arrow table, the root table first; rows in page order."""

    resource: str
    tables: Mapping[str, pa.Table]

    @property
    def rows(self) -> int:
        """Rows of the root table."""
        return next(iter(self.tables.values())).num_rows if self.tables else 0
