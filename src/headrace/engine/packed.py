"""A page that waits for its turn, made small: records of JSON take a fifth of their bytes or less.

Where windows of time are walked side by side nearly all of a range waits for its first part. What may wait is bounded,
and once the bound is reached one request at a time is under way: so it pays to pack, 0.5 ms a page of 300 kB, as soon
as room gets short, and not before.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import pyarrow as pa

from headrace.message import Page

_CODEC: Final = "lz4"


@dataclass(frozen=True)
class Packed:
    """A page without its records, which are `body`, `size` bytes before they were packed."""

    page: Page
    body: bytes
    size: int

    def open(self) -> Page:
        """The page as it was."""
        body = pa.decompress(self.body, self.size, _CODEC, asbytes=True)
        return replace(self.page, records=msgspec.msgpack.decode(body, type=list[bytes]))


def pack(page: Page) -> Packed:
    """The page for a while in which nobody looks at it; its pager has seen the digests."""
    body = msgspec.msgpack.encode(page.records)
    facts = replace(page.facts, moments=array("q", page.facts.moments), digests=())
    return Packed(replace(page, records=(), facts=facts), pa.compress(body, _CODEC, asbytes=True), len(body))
