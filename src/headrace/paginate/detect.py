"""The pager for an endpoint that declares none: it looks at the first page and hands over to the pager it finds.

Theory. The order is dlt's (`rest_client/detector.py`), certain signs before guesses:

1. a Link header with relation `next`                                         -> `HeaderLink`
2. a key that begins with `next` (in an object: its `href` or `url`), holding an address -> `JsonLink`
3. `total_pages`, `pages` or `totalpages` with a number                       -> `PageNumber`, parameter `page`
4. a key that begins with `next`, holding something else                      -> `Cursor`, parameter `cursor`
5. nothing                                                                    -> `SinglePage`

Two things differ from dlt. A boolean under `next...` is no reference (`"next_available": true`). And dlt counts pages
from 0 although the first page was asked without a number, so an API that counts from 1 has its first page loaded twice
and its last one lost: here the number that the first page says of itself (`page`, `current_page` ... beside the total)
is the base; without it the base is 0, and an API that then sends its first page again gets an error, never a wrong
table. The guessed parameter names of 3 and 4 are held by the guards of those pagers.

`wants` is the whole envelope (`$`, with the list of records emptied), on every page: the values that the found pager
wants are looked up in it. `found` tells the engine what was decided; `doubt` is set when the page
has several rows and does not speak of paging at all, not even of its end: it may be the first of many (dlt warns too).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, JsonPath, compile_path
from headrace.message import PageFacts, Request
from headrace.paginate.counted import PageNumber
from headrace.paginate.cursor import Cursor
from headrace.paginate.linked import HeaderLink, JsonLink, find_link
from headrace.paginate.pager import Pager, Walk
from headrace.paginate.reading import name_place
from headrace.paginate.single import SinglePage

_ENVELOPE: Final = compile_path("$")
_NEXT: Final = re.compile("next", re.IGNORECASE)
_NEXT_IN_OBJECT: Final = re.compile("href|url", re.IGNORECASE)
_TOTAL_PAGES: Final = re.compile(r"(total_pages|pages|totalpages)\Z", re.IGNORECASE)
_OWN_PAGE: Final = re.compile(r"(page|current_?page|page_?(number|no|index)|number)\Z", re.IGNORECASE)
#: Objects in objects that are searched; real envelopes nest two or three deep.
_DEEPEST: Final = 16

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Detect:
    """Find the pager on the first page of each walk."""

    compares_pages: ClassVar[bool] = True
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return (_ENVELOPE,)

    def begin(self, request: Request) -> DetectWalk:
        """Start a walk; its first request is `request` as it is."""
        return DetectWalk(request)

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {"kind": "auto", "ends": "as the pager that is found on the first page"}


class DetectWalk:
    """A walk whose pager is known after its first page: `found`, None before. `doubt`: see `counted.py`."""

    def __init__(self, request: Request) -> None:
        self.done = False
        self.found: Pager | None = None
        self._request = request
        self._walk: Walk | None = None
        self._asked = False
        self._told = 0
        self._first_fingerprint = ""
        self._single_by_default = False

    def __repr__(self) -> str:
        return f"<DetectWalk found={self.found!r} done={self.done}>"

    @property
    def counts(self) -> bool:
        """As `CountedWalk.counts`; not before the pager is known."""
        return self._walk is not None and self._walk.counts

    @property
    def bounded(self) -> bool:
        """As `CountedWalk.bounded`."""
        return self._walk is not None and self._walk.bounded

    @property
    def probing(self) -> bool:
        """As `CountedWalk.probing`."""
        return self._walk is not None and self._walk.probing

    @property
    def doubt(self) -> str | None:
        """What the engine shows beside a complete walk, None when there is nothing."""
        if self._single_by_default:
            return (
                "no paging was found on the first page, which has rows: declare a paginator, `single_page` if it is all"
            )
        return None if self._walk is None else self._walk.doubt

    def ask(self) -> Request | None:
        """The first request; after its page was told, what the found pager asks."""
        if self._walk is not None:
            return None if self.done else self._walk.ask()
        if self._asked:
            return None
        self._asked = True
        return self._request

    def tell(self, facts: PageFacts) -> None:
        """Take the facts of the oldest page not yet told; the first decides the pager. Raises `PagingError`."""
        if not self._asked or self.done:
            raise AssertionError("tell without an open ask")
        self._told += 1
        if self._walk is None:
            self.found = find_pager(facts)
            self._walk = self.found.begin(self._request)
            self._walk.ask()  # the first request, which was answered by this page
            self._first_fingerprint = facts.fingerprint if facts.row_count else ""
            self._single_by_default = facts.row_count > 1 and not _speaks_of_paging(facts)
        elif self._told == 2 and isinstance(self.found, PageNumber):
            self._guard_base(self.found, facts)
        self._walk.tell(_look_up_all(self.found, facts) if self.found else facts)
        self.done = self._walk.done

    def _guard_base(self, found: PageNumber, facts: PageFacts) -> None:
        if not self._first_fingerprint or facts.fingerprint != self._first_fingerprint:
            return
        raise PagingError(
            f"expected the second page for `{found.page_param}`={found.base_page + 1}, got the first again",
            where=name_place(self._request, self._told),
            hint="paging was guessed: declare `page_number` with its `page_param` and its `base_page` (often 1)",
        )


def find_pager(facts: PageFacts) -> Pager:
    """The pager that the first page points to, by the order at the head of the file."""
    if find_link(facts.headers.get("link", ""), "next"):
        return HeaderLink()
    envelope = facts.values.get(_ENVELOPE.text, MISSING)
    reference = next(_references(envelope), None)
    if reference is not None and isinstance(reference[1], str) and reference[1].startswith(("http", "/")):
        return JsonLink(_path_of(reference[0]))
    total = _total(envelope)
    if total is not None:
        steps, pages = total
        if pages <= 1:
            return SinglePage()
        return PageNumber(base_page=_own_page(envelope, steps), total_path=_path_of(steps))
    return SinglePage() if reference is None else Cursor(_path_of(reference[0]))


def _speaks_of_paging(facts: PageFacts) -> bool:
    """Whether the page has any sign of paging, its end included (`next: null`, one page in all, a Link header)."""
    envelope = facts.values.get(_ENVELOPE.text, MISSING)
    return "link" in facts.headers or _has_next(envelope) or _total(envelope) is not None


def _has_next(document: Any, depth: int = 0) -> bool:
    if not isinstance(document, dict) or depth > _DEEPEST:
        return False
    return any(_NEXT.match(key) or _has_next(value, depth + 1) for key, value in document.items())


def _look_up_all(pager: Pager, facts: PageFacts) -> PageFacts:
    """`facts` with the values that `pager` wants, taken from the envelope."""
    missing = [path for path in pager.wants if path.text not in facts.values]
    if not missing:
        return facts
    if _ENVELOPE.text not in facts.values:
        raise AssertionError("expected the envelope on every page of a detected pager")
    envelope = facts.values[_ENVELOPE.text]
    return replace(facts, values={**facts.values, **{path.text: path.first(envelope) for path in missing}})


def _references(document: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """What lies under keys that begin with `next`, depth first in the order of the document."""
    if not isinstance(document, dict) or len(steps) > _DEEPEST:
        return
    for key, value in document.items():
        if _NEXT.match(key):
            if isinstance(value, dict):
                for inner_key, inner in value.items():
                    if _NEXT_IN_OBJECT.match(inner_key) and _is_scalar(inner):
                        yield (*steps, key, inner_key), inner
            elif _is_scalar(value):
                yield (*steps, key), value
        yield from _references(value, (*steps, key))


def _total(document: Any) -> tuple[Steps, int] | None:
    """What the first key says that names a number of pages, None when there is none or its value is no number."""
    steps, value = next(_totals(document), ((), None))
    try:
        return None if value is None else (steps, int(value))
    except (ValueError, OverflowError):
        return None


def _totals(document: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """What lies under keys that name a number of pages, depth first in the order of the document."""
    if not isinstance(document, dict) or len(steps) > _DEEPEST:
        return
    for key, value in document.items():
        if _TOTAL_PAGES.match(key) and isinstance(value, str | int | float):
            yield (*steps, key), value
        yield from _totals(value, (*steps, key))


def _own_page(document: Any, steps: Steps) -> int:
    """The number that the first page says of itself beside its total, 0 when it says none."""
    beside = JsonPath("", steps[:-1]).find(document)
    for key, value in beside.items():
        if _OWN_PAGE.match(key) and _is_scalar(value) and value in (0, 1, "0", "1"):
            return int(value)
    return 0


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _path_of(steps: Steps) -> JsonPath:
    """The path of `steps`; built, not parsed, because keys may hold any character."""
    return JsonPath(".".join(str(step) for step in steps), steps)
