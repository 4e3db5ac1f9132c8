"""Following references (cursors, links) to an end: the cycle guard and the empty-page rule.

Theory. A walk along references has no positions, so only three things can end it: no reference (a positive statement),
an empty page, or an error. An API may return a next cursor for ever (Mailgun's events), and an empty page may lie in
the middle (an API that filters after paging). With what a page holds and whether its reference is new:

    `stop_after_empty_page`     page with rows            empty page
                                new      asked before     new                         asked before
    None, the default           follow   error            follow once; two in a row   end
                                                          end the walk
    True                        follow   error            end                         end
    False                       follow   error            follow                      error

* A page with rows whose reference was asked before is an error whatever the period: following it loads rows twice and
  never ends, ending there would call a listing complete of which nobody said so.
* An empty page whose reference was asked before leads nowhere new: by default that is the end.
* The walk ends for every API whose references are finite in number; with endless new references it runs as long as
  pages have rows, and the engine's ceiling of pages is the last bound.

A reference is remembered by 8 bytes of BLAKE2b, so memory per page is constant however long the links are. Among a
million pages two collide by chance once in 30 million walks; the outcome is a false cycle error, never a lost row.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.errors import PagingError
from headrace.message import PageFacts, Request
from headrace.paginate.reading import name_place, show

#: An address or a cursor as text, or a cursor of any JSON type where it goes into a body.
Reference = str | int | float | dict[str, Any] | list[Any]


class Verdict(enum.Enum):
    """What to do with the reference of a page."""

    FOLLOW = "follow"
    END = "end"
    CYCLE = "cycle"


#: (page has rows, `stop_after_empty_page`) -> (verdict for a new reference, for one asked before).
VERDICTS: Final[Mapping[tuple[bool, bool | None], tuple[Verdict, Verdict]]] = {
    (True, None): (Verdict.FOLLOW, Verdict.CYCLE),
    (True, True): (Verdict.FOLLOW, Verdict.CYCLE),
    (True, False): (Verdict.FOLLOW, Verdict.CYCLE),
    (False, None): (Verdict.FOLLOW, Verdict.END),
    (False, True): (Verdict.END, Verdict.END),
    (False, False): (Verdict.FOLLOW, Verdict.CYCLE),
}

#: `stop_after_empty_page` -> how `headrace plan` says it.
EMPTY_PAGE_RULES: Final[Mapping[bool | None, str]] = {
    None: "at a second empty page in a row, or an empty page that names nothing new",
    True: "at an empty page",
    False: "never at an empty page",
}


class Trail:
    """The references a walk has asked for, and what becomes of the next one."""

    def __init__(self, stop_after_empty_page: bool | None) -> None:
        self._stop = stop_after_empty_page
        self._seen: set[int] = set()
        self._after_empty = False

    def __repr__(self) -> str:
        return f"<Trail asked={len(self._seen)} after_empty={self._after_empty}>"

    def mark(self, reference: Reference) -> None:
        """Remember `reference` as asked."""
        self._seen.add(_digest(reference))

    def judge(self, reference: Reference, row_count: int) -> Verdict:
        """The verdict on the reference of a page with `row_count` rows; call once a page, in page order."""
        has_rows = row_count > 0
        second_empty = self._after_empty and not has_rows
        self._after_empty = not has_rows
        if second_empty and self._stop is None:
            return Verdict.END
        new, asked_before = VERDICTS[has_rows, self._stop]
        return asked_before if _digest(reference) in self._seen else new


def _digest(reference: Reference) -> int:
    text = reference if isinstance(reference, str) else json.dumps(reference, sort_keys=True)
    # surrogatepass: a lone surrogate in a cursor must end in a request or an error, not in a UnicodeEncodeError
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Scheme:
    """How references are found and followed: what differs between the cursor and link pagers.

    `read` gives the reference of an answer, None for the end, and gets the place for its errors; `move` turns the first
    request into the one for a reference; `asked` lists what the first request already names; `noun` and `hint` are
    for the error of a cycle.
    """

    read: Callable[[PageFacts, str], Reference | None]
    move: Callable[[Request, Any], Request]
    noun: str
    hint: str
    asked: tuple[Reference, ...] = ()
    stop_after_empty_page: bool | None = None
    marks_address: bool = False


class ReferenceWalk:
    """A walk along references, one page at a time: the next is known when the page before was told."""

    counts = bounded = probing = False
    doubt: str | None = None
    found = None

    def __init__(self, request: Request, scheme: Scheme) -> None:
        self.done = False
        self._first = request
        self._scheme = scheme
        self._next: Request | None = request
        self._trail = Trail(scheme.stop_after_empty_page)
        self._open = False
        self._pages = 0
        for reference in scheme.asked:
            self._trail.mark(reference)

    def __repr__(self) -> str:
        return f"<ReferenceWalk of {self._scheme.noun}s pages={self._pages} done={self.done}>"

    def ask(self) -> Request | None:
        """The next request; None when done, or until the page asked before was told."""
        request, self._next = self._next, None
        self._open = self._open or request is not None
        return request

    def tell(self, facts: PageFacts) -> None:
        """Take the facts of the page asked for. Raises `PagingError` when its reference cannot be followed."""
        if not self._open:
            raise AssertionError("tell without an open ask")
        self._open = False
        self._pages += 1
        scheme = self._scheme
        place = name_place(self._first, self._pages)
        if scheme.marks_address:
            self._trail.mark(facts.url)
        if facts.row_count == 0 and scheme.stop_after_empty_page:
            self.done = True
            return
        reference = scheme.read(facts, place)
        verdict = Verdict.END if reference is None else self._trail.judge(reference, facts.row_count)
        if reference is None or verdict is Verdict.END:
            self.done = True
        elif verdict is Verdict.CYCLE:
            raise PagingError(
                f"expected a new {scheme.noun}, got {show(reference)} which was asked for before",
                where=place,
                hint=scheme.hint,
            )
        else:
            self._trail.mark(reference)
            self._next = scheme.move(self._first, reference)
