"""Whole numbers in columns of doubles: which of them a double holds, every digit of them."""

from __future__ import annotations

import math
import re
from typing import Any, Final

#: Text of a whole number; so are those whose digits are too many for Python to make a number of.
_WHOLE: Final = re.compile(r"\s*[+-]?[0-9]+\s*")


def has_all_digits(near: float, value: Any) -> bool:
    """Whether `near`, made of a whole number or of its text, equals it; true of what is no whole number."""
    if not _is_whole(value):
        return True
    return not math.isinf(near) and int(value) == near


def nearest_double(value: Any) -> float | None:
    """The double that is nearest to a whole number or to its text; None for what is neither, or beyond all doubles."""
    if not _is_whole(value):
        return None
    try:
        near = float(value)
    except OverflowError:
        return None
    return None if math.isinf(near) else near


def _is_whole(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and _WHOLE.fullmatch(value) is not None)
