"""Secrets that stand in a text in two parts: a line was broken within one, a text cut, a value shown by halves.

Of the two parts one is at least as long as half of the secret, and begins or ends it. So a long secret is looked for
by its first and by its last half: what is found is masked as far as it goes, and then the rest of it, wherever that
stands. Where such a half may be an ordinary word, because it is short or has no digit, the secret is looked for whole,
with anything but letters and digits in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

MASKED: Final = "***"
#: A half that is as long tells itself from other text, with a digit in it from half of that on.
_TELLS_FROM: Final = 16
#: Below this its letters may follow one another by chance, with a space between.
_BROKEN_FROM: Final = 8
#: A rest that is shorter tells nothing, and masks ordinary words.
_MIN_REST: Final = 3
#: What may stand where a secret is broken, as it is or escaped.
_GAP: Final = r"(?:[\W_]|\\[nrt]){1,16}"


def mask_parts(text: str, secrets: Iterable[str]) -> str:
    """`text` with the parts of each of `secrets` replaced by `***`; what stands there whole was replaced before."""
    spans = sorted(span for secret in secrets for span in _parts(text, secret))
    pieces, end = [], 0
    for first, last in spans:
        if first >= end:
            pieces += [text[end:first], MASKED]
        end = max(end, last)
    return "".join([*pieces, text[end:]]) if spans else text


def _parts(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Where parts of `secret` begin and end."""
    half = (len(secret) + 1) // 2
    if _tells(secret[:half]) and _tells(secret[-half:]):
        rests = set()
        for at in _places(text, secret[:half]):
            length = half
            while length < len(secret) and text.startswith(secret[length], at + length):
                length += 1
            rests.add(secret[length:])
            yield at, at + length
        for at in _places(text, secret[-half:]):
            length = half
            while length < len(secret) and at + half > length and text[at + half - length - 1] == secret[-length - 1]:
                length += 1
            rests.add(secret[:-length])
            yield at + half - length, at + half
        for rest in rests:
            if len(rest) >= _MIN_REST:
                yield from ((at, at + len(rest)) for at in _places(text, rest))
    elif len(secret) >= _BROKEN_FROM and secret[0] in text:
        yield from (found.span() for found in _broken(secret).finditer(text))


def _tells(half: str) -> bool:
    """Whether it is no ordinary word."""
    return len(half) >= _TELLS_FROM or (2 * len(half) >= _TELLS_FROM and any(map(str.isdigit, half)))


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


@lru_cache(maxsize=1024)
def _broken(secret: str) -> re.Pattern[str]:
    """`secret` with a gap at any one place."""
    *before, last = map(re.escape, secret)
    rest, pattern = last, _GAP + last
    for character in reversed(before[1:]):
        rest = character + rest
        pattern = f"(?:{_GAP}{rest}|{character}{pattern})"
    return re.compile(before[0] + pattern)
