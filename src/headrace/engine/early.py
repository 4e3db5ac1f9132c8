"""Pages that are converted before their turn, where nothing depends on it.

Theory. Windows are walked side by side and handed on in order, so most of a range waits for its first part: once that
ends, all the rest is still to be converted. Order matters for rows that supersede each other, for functions of the
configuration, and for what is learned of columns. Rows without a key that are replaced by their time
(`windows.replace`) are a multiset, no call of theirs may be skipped, and they are loaded together or not at all. Of
them, pages that the fast path takes with the columns known so far teach nothing: they give the same rows now as in
their turn, since what is settled stays. Others wait for their turn. So what is loaded, its columns too, does not depend
on which answer came first; the order of rows in the table does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from headrace.engine.packed import Packed
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.engine.convert import Attempt, Converter
    from headrace.engine.kept import KeptPages
    from headrace.engine.records import Records
    from headrace.engine.report import ResourceReport
    from headrace.engine.rows import Errand
    from headrace.engine.walker import Walker
    from headrace.message import Page
    from headrace.normalise import Layout
    from headrace.plan import ResourcePlan

    #: What becomes of pages in a batch; None where they cannot be one.
    Gather = Callable[[Sequence[tuple[Errand, Page]]], Records | None]
    Put = Callable[[Records, Attempt], Awaitable[None]]

#: Records are converted some MB at once, as in their turn.
_EARLY_BYTES: Final = 4 << 20


def may_be_early(resource: ResourcePlan) -> bool:
    """Whether nothing of `resource` depends on the order of its pages, but what they teach."""
    looks = resource.steps or resource.exports or resource.incremental is not None
    return resource.replacing is not None and not looks


class Early:
    """Takes pages of walkers whose turn has not come, with the columns that `converter` knows.

    `gather` makes a batch of pages, and `put` takes it with what the fast path made of it. Pages are counted in
    `report` and in what is `kept` as in their turn.
    """

    def __init__(
        self, converter: Converter, gather: Gather, put: Put, report: ResourceReport, kept: KeptPages | None
    ) -> None:
        self._converter = converter
        self._gather = gather
        self._put = put
        self._report = report
        self._kept = kept
        #: The columns with which pages were refused; until there are more, no others are tried.
        self._refused: Layout | None = None

    async def take(self, walkers: Iterable[Walker]) -> bool:
        """Convert the first pages of `walkers`; whether there were enough, and they do not have to wait."""
        layout = self._converter.layout
        if layout is None or layout is self._refused or not (lent := _lent(walkers)):
            return False
        pairs = [(walker.errand, page) for walker, pages in lent for page in pages]
        tried = await asyncio.to_thread(self._tried, pairs)
        if tried is None:
            self._refused = layout
            return False
        for walker, pages in lent:
            for page in walker.give(len(pages)):
                _, is_first = self._kept.handed(page) if self._kept is not None else (page, True)
                self._report.pages += is_first
                self._report.rows += is_first * page.facts.row_count
        await self._put(*tried)
        return True

    def _tried(self, pairs: Sequence[tuple[Errand, Page | Packed]]) -> tuple[Records, Attempt] | None:
        opened = [(errand, page.open() if isinstance(page, Packed) else page) for errand, page in pairs]
        try:
            batch = self._gather(opened)
        except HeadraceError:
            return None  # said when its turn comes, if nothing before it is wrong
        attempt = None if batch is None else self._converter.attempt(batch)
        return None if batch is None or attempt is None or attempt.run is None else (batch, attempt)


def _lent(walkers: Iterable[Walker]) -> list[tuple[Walker, Sequence[Page | Packed]]]:
    """The first pages of walkers, enough to be converted at once; none where there are fewer."""
    found: list[tuple[Walker, Sequence[Page | Packed]]] = []
    size = 0
    for walker in walkers:
        pages: list[Page | Packed] = []
        for page, page_bytes in walker.held:
            if size >= _EARLY_BYTES:
                return [*found, (walker, pages)]
            pages.append(page)
            size += page.size if isinstance(page, Packed) else page_bytes
        found.append((walker, pages))
    return found if size >= _EARLY_BYTES else []
