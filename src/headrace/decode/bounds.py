"""What a page may hold, so that none takes more memory than it is worth.

A body is bounded where it is received (`max_page_bytes`), but what it becomes is not: 200 MB of `1,1,1` are 100 million
rows. So a large body is counted before it is read. Every row that is an object has a brace and every other one a comma
beside it, which gives bounds that no spelling evades; a brace or comma within a text counts too, hence their size: a
page of 100,000 wide rows has a tenth of it. Counting costs 0.3 ms a megabyte, and smaller bodies, nearly all, nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headrace.errors import AnswerError

#: Bodies up to this size in bytes cannot hold too much.
_COUNTED_FROM_BYTES: Final = 8_000_000
#: Objects and lists of a page, rows among them.
MAX_CONTAINERS: Final = 3_000_000
#: Values of a page; beyond the second figure its rows must be objects, and plain JSON.
MAX_VALUES: Final = 20_000_000
MAX_EXACT_VALUES: Final = 3_000_000
#: Bytes of a page that has to be read as Python objects: it stands in memory as bytes, as text and as objects.
MAX_EXACT_BYTES: Final = 100_000_000
#: Values of one row, as each may become a row of a child table.
MAX_ROW_VALUES: Final = 300_000
_ROW_COUNTED_FROM_BYTES: Final = 600_000


def is_large(body: bytes, *, where: str) -> bool:
    """Whether a page is to be read with care: it has many values. Raises `AnswerError` for one with too many."""
    if len(body) <= _COUNTED_FROM_BYTES:
        return False
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise _too_much(f"{MAX_CONTAINERS:,} objects and lists", where)
    values = body.count(b",")
    if values > MAX_VALUES:
        raise _too_much(f"{MAX_VALUES:,} values", where)
    return values > MAX_EXACT_VALUES


def expect_exact(body: bytes, *, large: bool, where: str) -> None:
    """Raises `AnswerError` for a page that is too large to be read as Python objects."""
    if large:
        raise _too_much(f"{MAX_EXACT_VALUES:,} values", where, " that is no plain list of objects")
    if len(body) > MAX_EXACT_BYTES:
        raise _too_much(f"{MAX_EXACT_BYTES:,} bytes", where, " that is no plain list of objects")


def expect_bounded_rows(records: Sequence[bytes], *, where: str) -> None:
    """Raises `AnswerError` for a row with too many values."""
    if max(map(len, records), default=0) <= _ROW_COUNTED_FROM_BYTES:
        return
    for record in records:
        if len(record) > _ROW_COUNTED_FROM_BYTES and sum(map(record.count, (b",", b"{", b"["))) > MAX_ROW_VALUES:
            raise _too_much(f"{MAX_ROW_VALUES:,} values in one row", where)


def _too_much(limit: str, where: str, kind: str = "") -> AnswerError:
    return AnswerError(
        f"got more than {limit}, the most of a page{kind}",
        where=where,
        hint="ask for smaller pages, and declare `data_selector`; an answer like this is often no page at all",
    )
