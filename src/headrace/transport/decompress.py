"""Content codings, undone within bounds and checked to their end.

Clients were measured to hand over a gzip body without its trailer as a whole one, and to unpack 1 MiB into 1 GiB
(faults N12, N13). So the library's own decompression is off, and here

* output stops at the limit, not after it: at most one piece more than `limit` is ever held;
* a body is whole only when its last member ended with the right checksum and length, and nothing follows;
* input goes in by pieces, because zlib copies the rest of its input at every member's end: whole, a body of many tiny
  members would take quadratic time. For the same reason their number has a bound.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final

from headrace.transport.attempt import AttemptFailed

_PIECE_BYTES: Final = 16 * 1024
#: bgzip, the writer of the smallest members that we know, needs 4,096 for a page of 256 MiB.
_MAX_MEMBERS: Final = 65_536
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_DEFLATE_WBITS: Final = -15


def decompress(raw: bytes, coding: str, limit: int) -> bytes:
    """The body behind a `Content-Encoding`, at most `limit` bytes.

    Raises `AttemptFailed` when it is longer (final), damaged, or in a coding that was not asked for.
    """
    coding = coding.strip().lower()
    undo = _CODINGS.get(coding)
    if undo is None:
        # once more without coding, then never again: a server that insists will insist for ever
        raise AttemptFailed(f"got content coding {coding[:40]!r}, expected gzip", retries=1, undecodable=True)
    return undo(raw, limit)


def too_large(limit: int, unit: str = "decompressed bytes") -> AttemptFailed:
    """The failure for a body beyond the limit; asking again gives the same."""
    return AttemptFailed(
        f"got more than the {limit} {unit} that a page may have (`max_page_bytes`)",
        retries=0,
        hint="ask for smaller pages, or raise `max_page_bytes` if the API really answers that much",
    )


def _keep(raw: bytes, limit: int) -> bytes:
    if len(raw) > limit:
        raise too_large(limit, "bytes")
    return raw


def _gunzip(raw: bytes, limit: int) -> bytes:
    return _inflate(raw, limit, _GZIP_WBITS, _MAX_MEMBERS)


def _inflate_deflate(raw: bytes, limit: int) -> bytes:
    # "deflate" means zlib's format (RFC 9110, 8.4.1.2); old servers send it without the header
    header = int.from_bytes(raw[:2], "big")
    zlib_format = header >> 8 & 0x0F == zlib.DEFLATED and header % 31 == 0
    return _inflate(raw, limit, _ZLIB_WBITS if zlib_format else _RAW_DEFLATE_WBITS, 1)


def _inflate(raw: bytes, limit: int, wbits: int, max_members: int) -> bytes:
    view = memoryview(raw)
    output = BytesIO()
    members = 1
    machine = zlib.decompressobj(wbits)
    for start in range(0, len(view), _PIECE_BYTES):
        piece: bytes | memoryview = view[start : start + _PIECE_BYTES]
        while piece:
            if machine.eof:
                members += 1
                if members > max_members:
                    raise AttemptFailed("got a compressed body with bytes after its end", undecodable=True)
                machine = zlib.decompressobj(wbits)
            try:
                data = machine.decompress(piece, limit - output.tell() + 1)
            except zlib.error as error:
                raise AttemptFailed(f"got a damaged compressed body ({error})", undecodable=True) from error
            output.write(data)
            if output.tell() > limit:
                raise too_large(limit)
            piece = machine.unused_data if machine.eof else machine.unconsumed_tail
    if not machine.eof:
        raise AttemptFailed("got a compressed body without its end", undecodable=True)
    return output.getvalue()


_CODINGS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "": _keep,
    "identity": _keep,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_deflate,
}
