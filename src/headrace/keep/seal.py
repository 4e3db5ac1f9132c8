"""What is kept beside the rows, addresses, cursors, headers, is for nobody's eyes: it is sealed with the credentials.

Theory. To go on, a later run needs what a pager reads from a page: the next address, a cursor. Addresses may hold a
key that the server echoes, and where rows are about persons they may hold a name. Rows are concealed before they are
kept; these cannot be, because they are asked for again as they are. The credentials that the configuration resolves are
known to both runs and stand in no file of ours. So they make the key:

    key     = scrypt(credentials, salt of the folder)
    hidden  = nonce || text XOR (BLAKE2b(key, nonce, 0) || BLAKE2b(key, nonce, 1) ...)
    sealed  = hidden || BLAKE2b(key, hidden)

This is a keyed pseudo-random function in counter mode, then a tag (encrypt, then authenticate). BLAKE2b is keyed and in
the standard library, which has no cipher. A nonce is drawn for each text and 16 bytes long. Other credentials open
nothing: what was kept under an old key counts as not kept. `scrypt` makes guessing a weak password from a stolen disk
as dear as guessing it from a hash made for that.

Without credentials there is nothing to hide behind: texts stay readable, and what is personal is not kept at all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_NONCE: Final = 16
_TAG: Final = 16
_BLOCK: Final = 64


class Seal:
    """Seals texts under `secrets`; `salt` is the folder's. `closes` is false where there are no secrets."""

    def __init__(self, secrets: Iterable[str], salt: bytes) -> None:
        material = b"".join(len(text).to_bytes(4, "big") + text for text in map(_encoded, secrets))
        self.closes = bool(material)
        self._key = _key(material, salt) if material else b""

    def digest(self, text: bytes) -> bytes:
        """16 bytes that stand for `text`, and that nobody without the secrets can test a guess against."""
        return hashlib.blake2b(text, digest_size=16, key=self._key, person=b"digest").digest()

    def close(self, text: bytes) -> bytes:
        """`text` sealed; as it is where nothing closes."""
        if not self.closes:
            return text
        nonce = os.urandom(_NONCE)
        hidden = nonce + self._mixed(text, nonce)
        return hidden + self._tag(hidden)

    def open(self, sealed: bytes) -> bytes | None:
        """The text; None where it was sealed otherwise or is damaged."""
        if not self.closes:
            return sealed
        hidden, tag = sealed[:-_TAG], sealed[-_TAG:]
        if len(hidden) < _NONCE or not hmac.compare_digest(self._tag(hidden), tag):
            return None
        return self._mixed(hidden[_NONCE:], hidden[:_NONCE])

    def _mixed(self, text: bytes, nonce: bytes) -> bytes:
        blocks = range(-(-len(text) // _BLOCK))
        stream = b"".join(
            hashlib.blake2b(number.to_bytes(8, "big"), key=self._key, salt=nonce, person=b"seal").digest()
            for number in blocks
        )
        mixed = int.from_bytes(text, "big") ^ int.from_bytes(stream[: len(text)], "big")
        return mixed.to_bytes(len(text), "big")

    def _tag(self, hidden: bytes) -> bytes:
        return hashlib.blake2b(hidden, digest_size=_TAG, key=self._key, person=b"tag").digest()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=64)
def _key(material: bytes, salt: bytes) -> bytes:
    # 8 MB and about 20 ms, once for each set of credentials
    return hashlib.scrypt(material, salt=salt, n=1 << 13, r=8, p=1, dklen=32)
