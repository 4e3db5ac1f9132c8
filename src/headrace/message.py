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
    resource that asks, for messages and progress. `given` has the parameters of a first request before they became
    text, for pagers of others that calculate with them; None where nobody kept them. `discreet` keeps the values of its
    query out of messages: where rows are personal, links from page to page may be. One that is not `idempotent` is
    asked again only where it is known that the server did nothing about it.
    """

    method: str
    url: str
    params: Pairs = ()
    headers: Pairs = ()
    json: Any = None
    data: bytes | None = None
    resource: str = ""
    given: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    discreet: bool = field(default=False, compare=False, repr=False)
    idempotent: bool = field(default=True, compare=False, repr=False)

    def with_param(self, name: str, value: str) -> Request:
        """The same request with query parameter `name` once, set to `value`, in its old place when it was there."""
        place = next((place for place, (key, _) in enumerate(self.params) if key == name), len(self.params))
        before, after = self.params[:place], self.params[place + 1 :]
        return replace(self, params=(*before, (name, value), *(pair for pair in after if pair[0] != name)))

    def with_json_value(self, keys: Sequence[str], value: Any) -> Request:
        """The same request with `value` at `keys` of its JSON body, objects made on the way where there is nothing.

        Raises `TypeError`, saying what came, when something else than an object is on the way.
        """
        return replace(self, json=_planted(self.json, keys, value))

    def with_url(self, url: str) -> Request:
        """The same request for another address, its own query parameters dropped (the address brings its own)."""
        return replace(self, url=url, params=())


def _planted(document: Any, keys: Sequence[str], value: Any) -> Any:
    if not keys:
        return value
    if not isinstance(document, Mapping | None):
        raise TypeError(f"a {type(document).__name__} around `{keys[0]}`")
    inner = document or {}
    return {**inner, keys[0]: _planted(inner.get(keys[0]), keys[1:], value)}


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
    `response` and `records` are the whole answer and its rows, only for a pager that says `reads_answers`. `moments`
    are the times of its rows, in microseconds since 1970, where the plan says what their time is. `digests` are
    sums of their bytes, the same in every process, for a pager that says `reads_digests`: equal rows have equal ones.
    `is_object`: in place of a list of rows there was an object.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    row_count: int
    fingerprint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    response: Response | None = None
    records: Sequence[bytes] = ()
    moments: Sequence[int] = ()
    digests: Sequence[int] = ()
    is_object: bool = False


@dataclass(frozen=True)
class Page:
    """One split page: its records as raw JSON bytes in page order, and the facts for the pager.

    `shown`: the records are as they may be stored, fields in one shape and private ones out. `kept_as` is the digest
    under which it is kept, empty where it is not; `loaded`: its rows stand at the destination already. `replaced`
    counts characters that are none and became U+FFFD when it was split, `repeated` keys that an object named again.
    """

    records: Sequence[bytes]
    facts: PageFacts
    shown: bool = False
    kept_as: bytes = b""
    loaded: bool = False
    replaced: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class TableBatch:
    """Rows of one resource as columns: table name -> Arrow table, the root table first; rows in page order.

    `schemas` are the columns that each table is known to have by now; those of `tables` are some of them.
    """

    resource: str
    tables: Mapping[str, pa.Table]
    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the root table."""
        return next(iter(self.tables.values())).num_rows if self.tables else 0
