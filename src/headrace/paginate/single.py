"""One request, one page: the pager of single entities and of listings that come whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from headrace.jsonpath import JsonPath
from headrace.message import PageFacts, Request


@dataclass(frozen=True)
class SinglePage:
    """Done after one page, whatever it holds."""

    compares_pages: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = False
    reads_digests: ClassVar[bool] = False

    @property
    def wants(self) -> tuple[JsonPath, ...]:
        return ()

    def begin(self, request: Request) -> SingleWalk:
        """Start the walk of one step."""
        return SingleWalk(request)

    def describe(self) -> dict[str, Any]:
        """The pager as plain data for `headrace plan`."""
        return {"kind": "single_page", "ends": "after one page"}


class SingleWalk:
    """Names one request; done once it is told."""

    counts = bounded = probing = False
    doubt: str | None = None
    found = None

    def __init__(self, request: Request) -> None:
        self.done = False
        self._request: Request | None = request

    def __repr__(self) -> str:
        return f"<SingleWalk asked={self._request is None} done={self.done}>"

    def ask(self) -> Request | None:
        """The request, once."""
        request, self._request = self._request, None
        return request

    def tell(self, facts: PageFacts) -> None:  # noqa: ARG002 - one page ends it, whatever it says
        """End the walk."""
        if self._request is not None or self.done:
            raise AssertionError("tell without an open ask")
        self.done = True
