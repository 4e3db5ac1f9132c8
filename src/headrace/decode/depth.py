"""JSON that is nested too deep to be read as a tree: what lies below a level becomes its own JSON text.

Readers recurse, and so does all that walks through what they read: at about 1,000 levels Python stops, at 255 dlt's
JSON writer. `LEVELS` lies below both, so that dlt loads what it can load, and the same comes of it here.
"""

from __future__ import annotations

import json
import re
from typing import Final

#: Levels of objects and lists that a document keeps; dlt 1.31 fails at 254.
LEVELS: Final = 250
_TOKENS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def is_deep(text: bytes, above: int = 0) -> bool:
    """Whether `text`, which stands `above` levels deep in a document, reaches below `LEVELS`."""
    if text.count(b"{") + text.count(b"[") + above <= LEVELS:
        return False
    depth = above
    for token in _TOKENS.finditer(text.decode("utf-8", "replace")):
        mark = token.group()
        depth += (mark in "{[") - (mark in "}]")
        if depth > LEVELS:
            return True
    return False


def cut(text: str) -> str:
    """`text` with every object and list below `LEVELS` levels as a JSON string that holds its text."""
    pieces: list[str] = []
    depth = copied = start = 0
    for token in _TOKENS.finditer(text):
        mark = token.group()
        if mark in "{[":
            depth += 1
            if depth == LEVELS + 1:
                start = token.start()
        elif mark in "}]":
            if depth == LEVELS + 1:
                pieces += [text[copied:start], json.dumps(text[start : token.end()])]
                copied = token.end()
            depth -= 1
    return "".join(pieces) + text[copied:]
