"""Rows made from templates and pools: any row, at once, from its number alone.

A row must be a pure function of (seed, index), so that a million rows need no memory and a test can
recompute any of them. Building dictionaries and dumping them costs about 40 us a row; `random` adds
as much again for its seeding. Here a row costs one BLAKE2 digest of 64 bytes, one table look-up for
each placeholder (its byte of the digest picks one of 256 fragments of JSON text) and one
`%`-formatting: about 10 us for 1 kB.

A template is written as ordinary Python data. In its texts `<name>` is replaced by a fragment of
the pool `name`; the text `<#name>` stands for a JSON value that is not a text. One name gives one
fragment in the whole row, so values that belong together (recipient and header "to") agree.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Template", "digest", "literals", "texts", "wide"]

_WIDTH = 256
_PLACEHOLDER = re.compile(r'"<#(\w+)>"|<(\w+)>')
# The digest's first bytes are left to the caller for ids and times.
RESERVED_BYTES = 20
_MAX_POOLS = blake2b.MAX_DIGEST_SIZE - RESERVED_BYTES


def digest(label: str, seed: int, index: int) -> bytes:
    """64 bytes that depend on all three and on nothing else."""
    return blake2b(b"%s:%d:%d" % (label.encode(), seed, index)).digest()


def wide(fragments: Sequence[str]) -> tuple[str, ...]:
    """Spread a pool over all 256 values of a byte, in near equal shares."""
    return tuple(fragments[place * len(fragments) // _WIDTH] for place in range(_WIDTH))


def texts(values: Sequence[str], *, ascii_only: bool = False) -> tuple[str, ...]:
    """Pool for `<name>` within a text: escaped for JSON, without quotes."""
    return wide([json.dumps(value, ensure_ascii=ascii_only)[1:-1] for value in values])


def literals(values: Sequence[Any]) -> tuple[str, ...]:
    """Pool for `<#name>`: whole JSON values."""
    return wide([json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values])


class Template:
    """A row's JSON text with placeholders, compiled.

    The names in `later` stay in the text for the caller to replace.
    """

    __slots__ = ("_picks", "_text")

    def __init__(self, row: object, pools: Mapping[str, Sequence[str]], later: Sequence[str] = ()) -> None:
        if len(pools) > _MAX_POOLS:
            message = f"expected at most {_MAX_POOLS} pools, got {len(pools)}"
            raise ValueError(message)
        places = {name: RESERVED_BYTES + place for place, name in enumerate(pools)}
        picks: list[tuple[Sequence[str], int]] = []

        def compile_one(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name in later:
                return f"<{name}>"
            picks.append((pools[name], places[name]))
            return "%s"

        text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
        self._text = _PLACEHOLDER.sub(compile_one, text)
        self._picks = picks

    def render(self, digest: bytes) -> str:
        """JSON text of the row that the digest stands for."""
        return self._text % tuple([pool[digest[place]] for pool, place in self._picks])
