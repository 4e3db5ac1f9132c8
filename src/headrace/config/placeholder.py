"""`{name}` placeholders in texts, with the braces of `str.format`: `{{` and `}}` are literal braces.

dlt runs all strings of an endpoint (path, params, headers, json) through `str.format`, so a lone brace is an error
there too. Here it is found while the configuration is read.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Final

#: Placeholder prefixes that dlt fills from a parent row or from a watermark.
DLT_CONTEXTS: Final = ("resources", "incremental")

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_DOUBLED: Final = "double a brace that is meant literally: `{{` or `}}`"


class PlaceholderError(ValueError):
    """A text whose braces are no placeholder; `hint` says what to try."""

    def __init__(self, message: str, hint: str = _DOUBLED) -> None:
        super().__init__(message)
        self.hint = hint


class UnsupportedPlaceholderError(PlaceholderError):
    """A placeholder that dlt knows and that is not yet run here."""


def split(text: str) -> tuple[tuple[str, str | None], ...]:
    """`text` as (literal, name) pairs in order, name None at the end. Raises `PlaceholderError`."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise PlaceholderError("expected braces around parameter names only, got others") from None
    pairs: list[tuple[str, str | None]] = []
    for literal, name, spec, conversion in parts:
        if name is not None:
            _check(name, spec, conversion)
        pairs.append((literal, name))
    return tuple(pairs)


def _check(name: str, spec: str | None, conversion: str | None) -> None:
    if name.partition(".")[0] in DLT_CONTEXTS and "." in name:
        context = name.partition(".")[0]
        raise UnsupportedPlaceholderError(
            f"`{{{context}. ... }}` placeholders are known to dlt and not yet run by headrace",
            "use a parameter like `{domain_id}` and give its values in `params`",
        )
    if spec or conversion or not _NAME.fullmatch(name):
        shown = name if len(name) <= 20 else name[:20] + "..."
        raise PlaceholderError(f"expected a parameter name in braces, got `{{{shown}}}`")
