"""What was put in place of text that is none, and which keys came twice: nothing of it is silent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_SPACED: Final = b'": '

_encode = msgspec.json.Encoder().encode


@dataclass
class Odd:
    """Counts: `replaced` characters that became U+FFFD (lone surrogates, bytes that are no UTF-8), keys `repeated`.

    Of a key that an object names again the last value counts.
    """

    replaced: int = 0
    repeated: int = 0

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of these keys and values, as a parser gives them."""
        made = dict(pairs)
        self.repeated += len(pairs) - len(made)
        return made

    def opened(self, raw: bytes, fields: Mapping[str, msgspec.Raw]) -> None:
        """An object was read as `fields`, values as they stand in its text `raw`, and will be written without that.

        Where it has the length of what is written, without spaces or with one behind each comma and colon, it named no
        key twice. (One that is spaced now so and now so might hide one: a count is off by it, no row.)
        """
        spare = len(raw) - len(_encode(fields))
        spaces = 2 * len(fields) - 1 if raw[raw.find(b'":') :].startswith(_SPACED) else 0
        if spare != spaces:
            with suppress(ValueError):  # what is wrong with the text is said where all of it is read
                # of objects in an object the outermost one comes last
                pairs = json.loads(raw.decode(errors="replace"), strict=False, object_pairs_hook=len)
                self.repeated += pairs - len(fields)
