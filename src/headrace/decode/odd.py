"""What was put in place of text that is none, and which keys came twice: nothing of it is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


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
