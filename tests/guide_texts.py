"""The dictionaries of the two guides as their authors printed them, cut out of the guides' code in `golden/guides/`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden" / "guides"


def dictionary(guide: str) -> str:
    """The text of the dictionary of `email` or `links`, braces included."""
    code = (FOLDER / f"{guide}.py").read_text()
    return code[code.index("({") + 1 : code.rindex("})") + 1]


EMAIL = dictionary("email")
LINKS = dictionary("links")
