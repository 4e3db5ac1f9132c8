"""Which request comes next: pagers as frozen descriptions, walks as machines without IO.

Every pager has `wants`, `compares_pages`, `reads_answers`, `reads_digests`, `begin(request) -> Walk` and `describe()`:
see `pager.py` for the protocol, and the head of `counted.py`, `cycle.py`, `keyset.py` and `detect.py` for the end
rules. Values that an API names are read in `reading.py` only; `place.py` says where values go in a request. Those of
users: `bridge/paging.py`.
"""

from __future__ import annotations

from headrace.paginate.counted import Offset, PageNumber
from headrace.paginate.cursor import Cursor, HeaderCursor
from headrace.paginate.detect import Detect
from headrace.paginate.keyset import Keyset
from headrace.paginate.linked import HeaderLink, JsonLink
from headrace.paginate.pager import Pager, Walk
from headrace.paginate.single import SinglePage

__all__ = [
    "Cursor",
    "Detect",
    "HeaderCursor",
    "HeaderLink",
    "JsonLink",
    "Keyset",
    "Offset",
    "PageNumber",
    "Pager",
    "SinglePage",
    "Walk",
]
