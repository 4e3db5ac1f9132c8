"""Pages in the order of a time of their rows: the next request is bounded by the last instant seen.

Theory. Nothing in such an API names the next page: a row's time does, and that is no key. Several rows share an
instant, a page may end among them, nobody says whether the row at the bound belongs to the answer, and a server may
serve fewer rows than it was asked for without a word. With rows newest first (`asc` is the same in a mirror):

* The last instant T of a page is *held back*: rows at T are not taken, and the next request asks for what is older than
  T plus one unit. So the next page begins with all rows at T, for a server that counts the bound in as for one that
  does not; what is newer than T in it came before and is left out.
* Of the next page it is demanded that no row is newer than the bound (the server ignored it), that it has all rows at T
  that were held back, equal ones as often (else the server cut the bound to something coarser, or what it has changed
  meanwhile), and that rows are in order.
* A page with nothing older than T is the end, if it was not full: there may be more rows at T than a page holds. *Full*
  is a page of `least_limit` rows or more (or of `limit`, where that is less), because no cap is lower; unless a larger
  page was seen, because then the cap is higher. A full page of one instant cannot be paged, and is an error.
* A short page says nothing, and an empty one is the end only where it is the first: after it rows must come again.

So a walk ends with every row that stood there throughout, each once, or with an error. It costs one request more than
there are pages. Steps of the clock are units of `form`: instants within one unit are one instant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal

from headrace.errors import PagingError
from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Request
from headrace.moment import Form
from headrace.paginate.place import Place, place_of
from headrace.paginate.reading import name_place

_MICROS: Final = 1_000_000


@dataclass(frozen=True)
class Keyset:
    """Bounds each request by the last time seen under `key_path` of rows, written in `form`; `limit` rows a page.

    `order` is that of the rows, by time. No server is thought to serve fewer rows than `least_limit` where it has them.
    """

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = True

    key_path: JsonPath
    limit: int
    form: Form
    key_param: str | None = None
    key_body_path: str | None = None
    limit_param: str | None = "limit"
    limit_body_path: str | None = None
    order: Literal["asc", "desc"] = "desc"
    least_limit: int = 10

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return ()

    @property
    def bound(self) -> Place:
        """Where the bound of a request goes."""
        return place_of("key", self.key_param, self.key_body_path)

    def begin(self, request: Request) -> KeysetWalk:
        """Start a walk; the limit goes into every request."""
        place = place_of("limit", self.limit_param, self.limit_body_path)
        return KeysetWalk(self, place.put(request, self.limit))

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "keyset",
            "key_path": str(self.key_path),
            **self.bound.describe(),
            "order": self.order,
            "limit": self.limit,
            "ends": "when a page that is not full has nothing beyond the last instant of the one before",
        }


class KeysetWalk:
    """A walk from instant to instant, one page at a time. Inside, times are whole units that fall as the walk goes."""

    counts = bounded = probing = False
    doubt: str | None = None
    found = None

    def __init__(self, pager: Keyset, request: Request) -> None:
        self.done = False
        self._pager = pager
        self._first = request
        self._next: Request | None = request
        self._sign = 1 if pager.order == "desc" else -1
        self._open = False
        self._pages = 0
        #: The last instant of the page before, and the digests of its rows, which are held back.
        self._edge: int | None = None
        self._held: Counter[int] = Counter()
        self._largest = 0

    def __repr__(self) -> str:
        return f"<KeysetWalk pages={self._pages} held={self._held.total()} done={self.done}>"

    def ask(self) -> Request | None:
        """The next request; None when done, or until the page asked before was told."""
        request, self._next = self._next, None
        self._open = self._open or request is not None
        return request

    def tell(self, facts: PageFacts) -> Sequence[int]:
        """Take the times of a page's rows; the places of the rows that count.

        Raises `PagingError` where the server does not page as it should, or an instant has more rows than a page.
        """
        if not self._open:
            raise AssertionError("tell without an open ask")
        self._open = False
        self._pages += 1
        unit = max(1, round(self._pager.form.unit_s * _MICROS))
        keys = [self._sign * (moment // unit) for moment in facts.moments]
        before = self._edge
        at_edge = Counter(digest for key, digest in zip(keys, facts.digests, strict=True) if key == before)
        self._check(keys, before, at_edge.total())
        full = len(keys) >= max(min(self._pager.limit, self._pager.least_limit), self._largest)
        self._largest = max(self._largest, len(keys))
        oldest = keys[-1] if keys else None
        if oldest is None or oldest == before:
            if full and keys:
                self._overflow(len(keys))
            self._check_held(at_edge)
            self.done = True
            return [place for place, key in enumerate(keys) if key == before]
        self._check_held(at_edge)
        self._edge = oldest
        self._held = Counter(digest for key, digest in zip(keys, facts.digests, strict=True) if key == oldest)
        self._next = self._pager.bound.put(self._first, self._said(oldest + 1))
        return [place for place, key in enumerate(keys) if oldest < key and (before is None or key <= before)]

    def _check(self, keys: Sequence[int], before: int | None, at_edge: int) -> None:
        name, order = self._pager.bound.name, self._pager.order
        if any(key < following for key, following in pairwise(keys)):
            other = "asc" if order == "desc" else "desc"
            raise self._wrong(
                f"rows in the order `{order}` of `{self._pager.key_path}`, got a row out of order",
                f"declare `order: {other}` if the API serves them so, or ask it for an order",
            )
        if before is None:
            return
        if any(key > before + 1 for key in keys):
            side = "after" if order == "desc" else "before"
            raise self._wrong(
                f"no row {side} {self._words(before + 1)}, the bound sent as `{name}`, got some",
                f"the API seems to ignore `{name}`: check its name, and what else must be sent with it",
            )
        held = self._held.total()
        if at_edge < held:
            raise self._wrong(
                f"at least {held} rows at {self._words(before)}, which the page before had, got {at_edge}",
                f"the API seems to cut `{name}` to something coarser than it was sent in: check `format`; or rows were "
                "deleted meanwhile, then try again",
            )

    def _check_held(self, at_edge: Counter[int]) -> None:
        if self._edge is not None and not self._held <= at_edge:
            raise self._wrong(
                f"all {self._held.total()} rows at {self._words(self._edge)} again, which the page before had, "
                "got others",
                "rows were changed or deleted while they were listed: try again; if it comes again, the API does not "
                "serve the same rows twice",
            )

    def _overflow(self, rows: int) -> None:
        assert self._edge is not None  # noqa: S101 - for the type checker
        raise self._wrong(
            f"fewer rows at {self._words(self._edge)} than a page holds, got {rows}, and there may be more",
            f"raise `limit` ({self._pager.limit}), or `least_limit` ({self._pager.least_limit}) if the API surely "
            "serves larger pages",
        )

    def _wrong(self, expected: str, hint: str) -> PagingError:
        return PagingError(f"expected {expected}", where=name_place(self._first, self._pages), hint=hint)

    def _said(self, key: int) -> str | int | float:
        return self._pager.form.say(self._seconds(key))

    def _words(self, key: int) -> str:
        return str(self._said(key))

    def _seconds(self, key: int) -> float:
        return self._sign * key * self._pager.form.unit_s
