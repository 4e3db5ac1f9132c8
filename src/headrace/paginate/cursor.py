"""Pagers that send a cursor from the last answer, found in its body (`Cursor`) or in a header (`HeaderCursor`).

The first page is asked without a cursor, unless the request brings one. End rules and cycle guard: `cycle.py`; what
counts as a cursor and what as the end: `reading.read_cursor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, JsonPath
from headrace.message import PageFacts, Request
from headrace.paginate.cycle import EMPTY_PAGE_RULES, Reference, ReferenceWalk, Scheme
from headrace.paginate.place import Place, place_of
from headrace.paginate.reading import look_up, read_body_cursor, read_cursor, read_has_more


@dataclass(frozen=True)
class Cursor:
    """The cursor under `cursor_path` of a page is sent as `cursor_param` for the next one, or at `cursor_body_path`.

    In the body it keeps its type, whatever that is (some APIs want an object back); in the query it is text.
    `stop_after_empty_page` None is our default (dlt's is False, which never ends on an API that always returns a
    cursor): see the table in `cycle.py`. With `has_more_path` it is False too, because the flag decides: false ends,
    and true without a new cursor is a contradiction and an error.
    """

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    cursor_path: JsonPath
    cursor_param: str | None = "cursor"
    cursor_body_path: str | None = None
    stop_after_empty_page: bool | None = None
    has_more_path: JsonPath | None = None

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return (self.cursor_path,) if self.has_more_path is None else (self.cursor_path, self.has_more_path)

    def begin(self, request: Request) -> ReferenceWalk:
        """Start a walk; a cursor in the request counts as asked."""
        place = self._place
        hint = (
            f"the API may not read its cursor from `{place.name}`: check `{place.option}`, and that `cursor_path` "
            "leads to the next page's cursor"
        )
        return ReferenceWalk(
            request,
            Scheme(
                read=self._read,
                move=place.put,
                noun="cursor",
                hint=hint,
                asked=place.find(request),
                stop_after_empty_page=self._stop,
            ),
        )

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "cursor",
            "cursor_path": str(self.cursor_path),
            **self._place.describe(),
            "has_more_path": str(self.has_more_path) if self.has_more_path else None,
            "stop_after_empty_page": self.stop_after_empty_page,
            "ends": _end_rule(f"`{self.cursor_path}`", self._stop, self.has_more_path),
        }

    @property
    def _stop(self) -> bool | None:
        return False if self.stop_after_empty_page is None and self.has_more_path else self.stop_after_empty_page

    @property
    def _place(self) -> Place:
        return place_of("cursor", self.cursor_param, self.cursor_body_path)

    def _read(self, facts: PageFacts, place: str) -> Reference | None:
        more = None if self.has_more_path is None else read_has_more(facts, self.has_more_path, place)
        if more is False:
            return None
        read = read_cursor if self.cursor_body_path is None else read_body_cursor
        cursor = read(look_up(facts, self.cursor_path), f"`{self.cursor_path}`", place)
        if more and cursor is None:
            raise PagingError(
                f"expected a cursor under `{self.cursor_path}` because `{self.has_more_path}` is true, got none",
                where=place,
                hint="check `cursor_path`; without `has_more_path` a missing cursor is the end",
            )
        return cursor


@dataclass(frozen=True)
class HeaderCursor:
    """The cursor in response header `cursor_key` is sent as `cursor_param` for the next page."""

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    cursor_key: str = "next"
    cursor_param: str = "cursor"
    stop_after_empty_page: bool | None = None

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return ()

    def begin(self, request: Request) -> ReferenceWalk:
        """Start a walk; a cursor in the request counts as asked."""
        place = place_of("cursor", self.cursor_param, None)
        return ReferenceWalk(
            request,
            Scheme(
                read=self._read,
                move=place.put,
                noun="cursor",
                hint=f"the API may not read its cursor from `{place.name}`: check `cursor_param` and `cursor_key`",
                asked=place.find(request),
                stop_after_empty_page=self.stop_after_empty_page,
            ),
        )

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {
            "kind": "header_cursor",
            "cursor_key": self.cursor_key,
            "cursor_param": self.cursor_param,
            "ends": _end_rule(f"header `{self.cursor_key}`", self.stop_after_empty_page),
        }

    def _read(self, facts: PageFacts, place: str) -> str | None:
        value = facts.headers.get(self.cursor_key.lower(), MISSING)
        return read_cursor(value, f"header `{self.cursor_key}`", place)


def _end_rule(source: str, stop_after_empty_page: bool | None, has_more_path: JsonPath | None = None) -> str:
    flag = f", when `{has_more_path}` is false" if has_more_path else ""
    return f"when {source} is missing or empty{flag}, {EMPTY_PAGE_RULES[stop_after_empty_page]}"
