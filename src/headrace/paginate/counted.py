"""Pagers that count: by row offset (`Offset`) and by page number (`PageNumber`). They name pages ahead.

Theory. The position of every page is known beforehand (`start + n * step`), so a driver may ask for any number of pages
before it tells the first. What is told in page order alone decides the end, so the rows do not depend on how far ahead
the driver looked.

The end, with `stop_after_empty_page` (the default): an empty page, `has_more` false, or `maximum_*`. Nothing else:

* A short page proves nothing (an API may filter after paging). The step is the limit whatever the length of a page.
* A total is a hint. It bounds what is named ahead: every page up to the total, and one further, the *probe*, which an
  honest API answers with an empty page. So an honest total costs one request, side by side with the last ones; a total
  that is too small costs speed (beyond it pages are named one by one) and no row; one that is too large costs
  requests that are thrown away. A total that is absent, negative or no number is ignored. Ending when the rows told
  add up to the total was considered and dropped: an API that names the count of *this page* as total, and filters,
  would lose rows without a word.
* `probing` says that the oldest page not yet told lies at or past the API's own total. APIs that refuse pages past
  the end (404 "invalid page") may be told as an empty page then; it is the engine's decision.
* `doubt` says, after an empty page ended the walk, that the last total promised more than came. Rows may be missing: an
  API that caps `limit` at 100 where 1,000 were asked leaves 900 of each thousand unasked. It is no error, because a
  total may as well be wrong; the engine shows it.

With `stop_after_empty_page` false something else must end the walk: `has_more_path`, else the total (pages are named
strictly below it, and at least one page must have said it), or `maximum_*`.

Rows that are deleted before a position while it is listed move those behind it forward, and as many are never served.
With an `overlap` each page begins so many rows before the end of the one before, and must begin with them (equal
digests): a row that two answers have at one position had the same rows before it, so all that stood there throughout
were served. A page with fewer rows than were asked for must be the last one, for of an API that leaves rows out of its
pages nobody knows their positions. Else the walk ends with `MovedError`, whichever page was asked for first.

An API that ignores the position sends the same page again and again. Equal records twice in a row are an error when
the page is full (`limit` rows or more, and more than one); otherwise three times in a row, because short pages of
records without an id can be equal by chance, full ones hardly. A page number has no limit to compare with: three times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from headrace.errors import MovedError, PagingError
from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Request
from headrace.paginate.place import Place, place_of
from headrace.paginate.reading import name_place, read_has_more, read_total

#: Equal pages in a row that are an error: full pages, any other.
_REPEATS_WHEN_FULL: Final = 2
_REPEATS: Final = 3
_MOVED: Final = (
    "rows were inserted or deleted while they were listed: try again; if it comes again, ask the API for an order that "
    "does not change, or page by a cursor or by windows; an API that leaves rows out of its pages takes no `overlap`"
)


@dataclass(frozen=True)
class Count:
    """What both counted pagers have in common: positions are `start + n * step`, sent at `place`.

    `end_offset` is added to a declared total to get the first position past the end; `limit` is None when the rows of a
    full page are not known; `maximum_option` names the option for messages.
    """

    start: int
    step: int
    place: Place
    maximum_option: str
    limit: int | None
    end_offset: int
    total_path: JsonPath | None
    maximum: int | None
    stop_after_empty_page: bool
    has_more_path: JsonPath | None
    overlap: int = 0

    @property
    def total_ends(self) -> bool:
        """Whether the total is a stop rule: only when nothing better was declared."""
        return not self.stop_after_empty_page and self.has_more_path is None

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return tuple(path for path in (self.total_path, self.has_more_path) if path is not None)

    def end_rule(self) -> str:
        """How the walk ends, in words."""
        rules = ["at an empty page"] if self.stop_after_empty_page else []
        if self.has_more_path is not None:
            rules.append(f"when `{self.has_more_path}` is false")
        if self.total_ends and self.total_path is not None:
            rules.append(f"when `{self.total_path}` is reached")
        if self.maximum is not None:
            rules.append(f"before `{self.place.name}`={self.maximum}")
        return ", ".join(rules)


@dataclass(frozen=True)
class Offset:
    """Rows are counted: `offset_param` is the first row of a page, `limit_param` how many it may have.

    Each may go into the JSON body instead: its body path, when there is one, takes the place of the parameter.
    `total_path` leads to the number of all rows; `maximum_offset` is a position that is not asked for any more. The
    first page is always asked for. Each page begins `overlap` rows before the end of the one before.
    """

    compares_pages: ClassVar[bool] = True
    reads_answers: ClassVar[bool] = False

    limit: int
    offset: int = 0
    offset_param: str | None = "offset"
    limit_param: str | None = "limit"
    offset_body_path: str | None = None
    limit_body_path: str | None = None
    total_path: JsonPath | None = None
    maximum_offset: int | None = None
    stop_after_empty_page: bool = True
    has_more_path: JsonPath | None = None
    overlap: int = 0

    @property
    def reads_digests(self) -> bool:
        """Whether rows are compared with those of the page before."""
        return self.overlap > 0

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return self._count.wants

    def begin(self, request: Request) -> CountedWalk:
        """Start a walk. Raises `PagingError` when nothing could end it, or `limit` is not positive."""
        if self.limit < 1:
            raise PagingError(f"expected a `limit` of at least 1, got {self.limit}", hint="it is the rows of a page")
        return CountedWalk(self._limit_place.put(request, self.limit), self._count)

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "offset",
            **self._count.place.describe(),
            "offset": self.offset,
            **self._limit_place.describe(),
            "limit": self.limit,
            "total_path": str(self.total_path) if self.total_path else None,
            "maximum_offset": self.maximum_offset,
            **({"overlap": self.overlap} if self.overlap else {}),
            "has_more_path": str(self.has_more_path) if self.has_more_path else None,
            "stop_after_empty_page": self.stop_after_empty_page,
            "ends": self._count.end_rule(),
        }

    @property
    def _limit_place(self) -> Place:
        return place_of("limit", self.limit_param, self.limit_body_path)

    @property
    def _count(self) -> Count:
        return Count(
            start=self.offset,
            step=self.limit - self.overlap,
            place=place_of("offset", self.offset_param, self.offset_body_path),
            maximum_option="maximum_offset",
            limit=self.limit,
            end_offset=0,
            total_path=self.total_path,
            maximum=self.maximum_offset,
            stop_after_empty_page=self.stop_after_empty_page,
            has_more_path=self.has_more_path,
            overlap=self.overlap,
        )


@dataclass(frozen=True)
class PageNumber:
    """Pages are counted from `base_page`; a walk starts with `page` (None: with `base_page`).

    `total_path` leads to the number of all **pages**; `maximum_page` is a number that is not asked for any more. The
    first page is always asked for.
    """

    compares_pages: ClassVar[bool] = True
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    base_page: int = 0
    page: int | None = None
    page_param: str | None = "page"
    page_body_path: str | None = None
    total_path: JsonPath | None = None
    maximum_page: int | None = None
    stop_after_empty_page: bool = True
    has_more_path: JsonPath | None = None

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return self._count.wants

    def begin(self, request: Request) -> CountedWalk:
        """Start a walk. Raises `PagingError` when nothing could end it."""
        return CountedWalk(request, self._count)

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "page_number",
            **self._count.place.describe(),
            "base_page": self.base_page,
            "page": self._count.start,
            "total_path": str(self.total_path) if self.total_path else None,
            "maximum_page": self.maximum_page,
            "has_more_path": str(self.has_more_path) if self.has_more_path else None,
            "stop_after_empty_page": self.stop_after_empty_page,
            "ends": self._count.end_rule(),
        }

    @property
    def _count(self) -> Count:
        return Count(
            start=self.base_page if self.page is None else self.page,
            step=1,
            place=place_of("page", self.page_param, self.page_body_path),
            maximum_option="maximum_page",
            limit=None,
            end_offset=self.base_page,
            total_path=self.total_path,
            maximum=self.maximum_page,
            stop_after_empty_page=self.stop_after_empty_page,
            has_more_path=self.has_more_path,
        )


class CountedWalk:
    """A walk that names positions ahead; `probing` and `doubt` are explained at the head of the file."""

    counts = True
    found = None

    def __init__(self, request: Request, count: Count) -> None:
        if not (count.stop_after_empty_page or count.wants or count.maximum is not None):
            raise PagingError(
                "expected something that ends paging, got `stop_after_empty_page` false and nothing else",
                where=name_place(request, 1),
                hint=f"give `total_path`, `has_more_path` or `{count.maximum_option}`, or leave "
                "`stop_after_empty_page` true",
            )
        self.done = False
        self.doubt: str | None = None
        # put in here already, so that a body that cannot hold it is an error before anything is asked
        self._request = count.place.put(request, count.start)
        self._count = count
        self._rows = 0
        self._longest = 0
        self._asked = 0
        self._told = 0
        self._end: int | None = None
        self._fingerprint = ""
        self._repeats = 0
        #: Digests of the rows with which the next page must begin, and whether it must have no others.
        self._shared: Sequence[int] = ()
        self._is_short = False

    def __repr__(self) -> str:
        return f"<CountedWalk by {self._count.place.name} asked={self._asked} told={self._told} done={self.done}>"

    @property
    def bounded(self) -> bool:
        """Whether the API has said a total, beyond which pages are named one by one."""
        return self._end is not None

    @property
    def probing(self) -> bool:
        """Whether the oldest request not yet told lies at or past the end that the API's total names."""
        is_open = self._told < self._asked and not self.done
        return is_open and self._end is not None and self._position(self._told) >= self._end

    def ask(self) -> Request | None:
        """The next page; None when done, or when the pages named so far must be told first."""
        position = self._position(self._asked)
        if self.done or not self._may_name(position):
            return None
        self._asked += 1
        return self._count.place.put(self._request, position)

    def tell(self, facts: PageFacts) -> Sequence[int] | None:
        """Take the facts of the oldest page not yet told; the places of rows that the page before did not have.

        Raises `PagingError` as the head of the file says.
        """
        if self.done or self._told == self._asked:
            raise AssertionError("tell without an open ask")
        count = self._count
        position = self._position(self._told)
        self._told += 1
        place = name_place(self._request, self._told)
        known = self._expect_shared(facts, position, place)
        if facts.row_count == 0 and count.stop_after_empty_page:
            self.done = True
            self.doubt = self._compare_total(position)
            return None
        self._rows += facts.row_count - known
        self._longest = max(self._longest, facts.row_count)
        self._guard_repetition(facts, position, place)
        self._take_total(facts)
        more = count.has_more_path is None or read_has_more(facts, count.has_more_path, place)
        following = self._position(self._told)
        past_maximum = count.maximum is not None and following >= count.maximum
        past_total = count.total_ends and self._end is not None and following >= self._end
        self.done = past_maximum or past_total or not more
        if not self.done and count.total_ends and self._end is None and count.maximum is None:
            raise PagingError(
                f"expected a number under `{count.total_path}`, which alone ends paging, and found none",
                where=place,
                hint="check `total_path`, or leave `stop_after_empty_page` true",
            )
        return range(known, facts.row_count) if known else None

    def _expect_shared(self, facts: PageFacts, position: int, place: str) -> int:
        """How many rows of the page before it begins with. Raises `MovedError` where they are others."""
        count, known = self._count, len(self._shared)
        if not count.overlap:
            return 0
        name = f"`{count.place.name}`={position}"
        if list(facts.digests[:known]) != list(self._shared):
            last = "last row" if known == 1 else f"last {known} rows"
            raise MovedError(f"expected {name} to begin with the {last} of the page before", where=place, hint=_MOVED)
        if self._is_short and facts.row_count > known:
            raise MovedError(
                f"expected nothing new at {name} behind a page of less than {count.limit} rows",
                where=place,
                hint=_MOVED,
            )
        self._is_short = facts.row_count != count.limit
        self._shared = facts.digests[count.step :]
        return known

    def _position(self, index: int) -> int:
        return self._count.start + index * self._count.step

    def _may_name(self, position: int) -> bool:
        """Whether `position` may be asked for before the open pages are told."""
        if self._asked == 0:
            return True
        if self._count.maximum is not None and position >= self._count.maximum:
            return False
        if self._end is None or position < self._end:
            return True
        if self._count.total_ends:
            return False
        is_probe = position - self._count.step < self._end
        return is_probe or self._told == self._asked

    def _take_total(self, facts: PageFacts) -> None:
        total = read_total(facts, self._count.total_path)
        if total is not None:
            self._end = total + self._count.end_offset

    def _compare_total(self, position: int) -> str | None:
        """What the total promised beyond the empty page at `position`, in words; None when it agrees."""
        count = self._count
        if self._end is None:
            return None
        if count.limit is None:
            if position >= self._end:
                return None
            return (
                f"`{count.total_path}` names {self._end - count.end_offset} pages, and `{count.place.name}`={position} "
                f"is empty: check `{count.place.option}` and `base_page`"
            )
        if count.start + self._rows >= self._end:
            return None
        capped = 0 < self._longest < count.limit
        return f"`{count.total_path}` names {self._end} rows, and {count.start + self._rows} were counted" + (
            f": the API may cap pages at {self._longest} rows, try it as `limit`" if capped else ""
        )

    def _guard_repetition(self, facts: PageFacts, position: int, place: str) -> None:
        if facts.row_count == 0:
            return
        same = bool(facts.fingerprint) and facts.fingerprint == self._fingerprint
        self._fingerprint = facts.fingerprint
        self._repeats = self._repeats + 1 if same else 1
        count = self._count
        name = count.place.name
        full = count.limit is not None and facts.row_count >= max(count.limit, 2)
        if self._repeats < (_REPEATS_WHEN_FULL if full else _REPEATS):
            return
        whole = count.limit is not None and facts.row_count > count.limit
        raise PagingError(
            f"expected other rows for `{name}`={position}, got the {facts.row_count} of the page before again",
            where=place,
            hint=f"the API ignores `{name}`: check `{count.place.option}`"
            + ("; it sends more rows than `limit`, so `single_page` may be enough" if whole else ""),
        )
