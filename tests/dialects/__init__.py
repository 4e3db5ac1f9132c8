"""Public APIs as small services, each with a configuration for it as a user of dlt would write it.

How they page, sign and nest is what their documentation says; data and texts are made up. Every service refuses wrong
credentials (401) and parameters that it does not know (400).
"""

from __future__ import annotations

from dialects import (
    cursor_body,
    cursor_row,
    cursor_star,
    link_header,
    next_key,
    next_url,
    numbered,
    offset,
    post_cursor,
    post_number,
)
from dialects.dialect import Dialect

STYLES = (
    link_header, next_url, next_key, cursor_body, cursor_row, cursor_star, post_cursor, post_number, offset, numbered,
)  # fmt: skip

DIALECTS: tuple[Dialect, ...] = tuple(dialect for style in STYLES for dialect in style.DIALECTS)

__all__ = ["DIALECTS", "Dialect"]
