"""Charsets: a body whose answer declares another one than UTF-8 is read on in UTF-8.

JSON is UTF-8, but some servers say `charset=windows-1252` and mean it, and dlt believes them. Only what is declared
counts: an answer without a charset is UTF-8 whatever its media type.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from headrace.message import Response

_DECLARED: Final = re.compile(r";\s*charset=\s*[\"']?([\w.:-]+)[\"']?", re.IGNORECASE)
_UTF_8: Final = ("utf-8", "utf8", "us-ascii", "ascii")


def charset_of(response: Response) -> str | None:
    """The charset that the answer declares, None for UTF-8 and where there is none."""
    declared = _DECLARED.search(response.headers.get("content-type", ""))
    return None if declared is None or declared[1].lower() in _UTF_8 else declared[1]


def with_charset(response: Response, charset: str) -> Response:
    """The answer with its body declared to be in this charset."""
    media_type = _DECLARED.sub("", response.headers.get("content-type", "")) or "application/json"
    return replace(response, headers={**response.headers, "content-type": f"{media_type}; charset={charset}"})


def text_of(response: Response) -> str:
    """The body as text; what is no text becomes U+FFFD, and a charset that nobody knows is taken for UTF-8."""
    try:
        return response.body.decode(charset_of(response) or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return response.body.decode(errors="replace")


def in_utf_8(response: Response) -> Response:
    """The answer with its body in UTF-8."""
    if charset_of(response) is None:
        return response
    return with_charset(replace(response, body=text_of(response).encode(errors="replace")), "utf-8")
