"""Requests of one walk that are under way: how one ends, what came of it, and how the rest is ended."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from headrace.errors import AnswerError, RefusedError
from headrace.message import Page, PageFacts
from headrace.secrets import without_values
from headrace.transport import Skipped

if TYPE_CHECKING:
    from headrace.paginate import Walk
    from headrace.plan import ResourcePlan

    Fetched = asyncio.Task[tuple[Page, int]]

_NO_SUCH_PAGE: Final = (400, 404)


def is_past_the_end(task: Fetched) -> bool:
    """Whether its answer has come, and has no rows."""
    return task.done() and (task.exception() is not None or not task.result()[0].records)


def status_of(refused: RefusedError | Skipped) -> int:
    """The status of a refusal, whether or not an action gives up the call for it."""
    return refused.error.status if isinstance(refused, Skipped) else refused.status


def page_of(task: Fetched, walk: Walk) -> tuple[Page, int]:
    """The page of `task`; an empty one where the API refuses a page that lies past its own total."""
    try:
        return task.result()
    except (RefusedError, Skipped) as refused:
        status = status_of(refused)
        if not (walk.probing and status in _NO_SUCH_PAGE):
            raise
        return Page([], PageFacts(status, {}, "", 0)), 0


def expect_list(facts: PageFacts, resource: ResourcePlan, *, is_whole: bool) -> None:
    """Raises `AnswerError` for an object in place of rows where the listing is not one object, which `is_whole`."""
    if facts.is_object and not (is_whole or resource.allow_object_data):
        place = f" at `{resource.selector}`" if resource.selector else ""
        raise AnswerError(
            f"expected a list of rows{place} in a listing of several pages, got an object",
            where=f"resource `{resource.name}`, {without_values(facts.url) if resource.privacy.fates else facts.url}",
            hint="`paginator: single_page` if it is all there is; `allow_object_data: true` makes it one row, where "
            "the API sends a list of one like that",
        )


async def drop(under_way: deque[Fetched]) -> None:
    """End requests whose answers nobody wants."""
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way)
    for task in under_way:
        if not task.cancelled():
            task.exception()  # seen: a page past the end may be refused, or fail
