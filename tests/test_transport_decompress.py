"""Content codings: whole or a named failure, within the limit, in bounded time and memory."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.transport.attempt import AttemptFailed
from headrace.transport.decompress import decompress

LIMIT = 10_000_000
BODY = b'{"items": [1, 2, 3]}' * 3_000


def raw_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        (" GZIP ", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:7]) + gzip.compress(b"") + gzip.compress(BODY[7:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
    ],
)
def test_known_codings_are_undone(coding: str, raw: bytes) -> None:
    """gzip with one member or several, and both things that are called deflate."""
    assert decompress(raw, coding, len(BODY)) == BODY


@given(st.lists(st.binary(max_size=40_000), min_size=1, max_size=4))
def test_members_are_joined(parts: list[bytes]) -> None:
    """Any split into members gives the same body."""
    assert decompress(b"".join(map(gzip.compress, parts)), "gzip", LIMIT) == b"".join(parts)


@given(st.data())
def test_damage_never_gives_another_body(data: st.DataObject) -> None:
    """Cut, flipped or followed by something: a failure, or (in the bytes of the header that mean nothing) the body."""
    whole = gzip.compress(BODY[:500])
    kind = data.draw(st.sampled_from(["cut", "flip", "follow"]))
    if kind == "cut":
        raw = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif kind == "flip":
        at = data.draw(st.integers(0, len(whole) - 1))
        raw = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        raw = whole + data.draw(st.binary(min_size=1, max_size=30))
    try:
        result = decompress(raw, "gzip", LIMIT)
    except AttemptFailed as failure:
        assert failure.undecodable
        assert failure.retries > 0
    else:
        assert kind == "flip"
        assert result == BODY[:500]


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "identity", "br", "gzip, gzip"]))
def test_any_bytes_give_a_body_or_a_named_failure(raw: bytes, coding: str) -> None:
    """No other exception, whatever the server sends."""
    with contextlib.suppress(AttemptFailed):
        assert len(decompress(raw, coding, 100)) <= 100


def test_the_limit_is_exact() -> None:
    """A body of just the limit passes."""
    assert len(decompress(gzip.compress(bytes(1_000)), "gzip", 1_000)) == 1_000
    with pytest.raises(AttemptFailed, match="more than the 999 decompressed bytes"):
        decompress(gzip.compress(bytes(1_000)), "gzip", 999)


def test_a_bomb_stops_at_the_limit() -> None:
    """1 MiB that becomes 1 GiB: an error in well under a second, holding no more than the limit."""
    machine = zlib.compressobj(9, wbits=31)
    head = machine.compress(b"") or machine.flush(zlib.Z_FULL_FLUSH)
    # after a full flush the same megabytes compress to the same bytes, so that one block can be repeated
    block = machine.compress(bytes(16 * 1024 * 1024)) + machine.flush(zlib.Z_FULL_FLUSH)
    bomb = head + block * 64
    assert len(bomb) < 1_100_000
    limit = 32 * 1024 * 1024
    tracemalloc.start()
    begin = time.thread_time()
    with pytest.raises(AttemptFailed, match=f"more than the {limit} decompressed bytes"):
        decompress(bomb, "gzip", limit)
    seconds = time.thread_time() - begin
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1
    # a buffer that grows is counted at its old and its new place; the system moves its pages
    assert peak < 2.1 * limit


def test_a_million_members_are_refused() -> None:
    """Members cost time though they give nothing, so their number has a bound."""
    with pytest.raises(AttemptFailed, match="after its end"):
        decompress(gzip.compress(b"") * 1_000_000, "gzip", LIMIT)


def test_an_unknown_coding_is_asked_for_once_more() -> None:
    """Without coding; `retries` says so."""
    with pytest.raises(AttemptFailed, match="got content coding 'br', expected gzip") as caught:
        decompress(b"x", "br", LIMIT)
    assert (caught.value.retries, caught.value.undecodable) == (1, True)
