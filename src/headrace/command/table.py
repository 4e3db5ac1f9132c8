"""Aligned text, readable without colour and in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_MAX_CELL: Final = 28


def table_lines(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, indent: str = "") -> list[str]:
    """Lines of a table: whole numbers to the right with thousands, everything else to the left, cut to 28 characters.

    >>> table_lines(["table", "rows"], [["events", 12345]])
    ['table     rows', 'events  12,345']
    """
    cells = [[_cell(value) for value in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[at]) for row in rows) for at in range(len(headers))]
    widths = [max(len(row[at]) for row in [headers, *cells]) for at in range(len(headers))]
    return [
        indent
        + "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [headers, *cells]
    ]


def counted(number: int, thing: str) -> str:
    """`1 row`, `1,000 rows`.

    >>> counted(1, "row"), counted(1000, "row"), counted(2, "retry")
    ('1 row', '1,000 rows', '2 retries')
    """
    plural = thing[:-1] + "ies" if thing.endswith("ry") else thing + "s"
    return f"{number:,} {thing if number == 1 else plural}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if _is_number(value):
        return f"{value:,}"
    # what an API wrote is shown as text, never as an escape sequence for the terminal
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 3] + "..."
