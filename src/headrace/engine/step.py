"""When what came is loaded though more is to come: the steps of a run.

A step ends when its bound is reached, and the resources that may be loaded in part break off: behind a page that was
handed on, the rest of the listing being for the next step. That walks the listing from its beginning, and is answered
by kept pages (`kept.py`), of which those that are loaded are not stored again. So

* a step has at least one page that was not loaded before, and a run comes to its end;
* nothing breaks off whose pages are not all kept, or whose listing moved: it would never get further;
* nothing breaks off while one is under way that is loaded whole: the package waits for that anyway.

What is remembered of a resource (windows, watermarks) moves with the step that ends it, and its dependents: not before,
because they go on from what the run began with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.engine.kept import KeptPages
    from headrace.message import Page
    from headrace.plan import Limits


class Step:
    """The step under way as one resource sees it, that may be loaded in part; `kept` are its pages."""

    def __init__(self, steps: Steps, kept: KeptPages) -> None:
        self._steps = steps
        self._kept = kept

    @property
    def is_over(self) -> bool:
        """Whether it is to break off."""
        return self._steps.is_over and self._kept.may_break_off

    def ends_behind(self, page: Page) -> bool:
        """Whether it is to break off behind `page`, which was handed on."""
        if self._kept.is_new(page):
            self._steps.hand_on()
        return self.is_over


class Steps:
    """The step of a run that is under way; each begins with `begin`. Used by one event loop at a time."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._limits: Limits | None = None
        self._whole: set[str] = set()
        self._pages = 0
        self._began = 0.0
        self._is_over = False
        #: Resources that broke off, of which the next step has more.
        self.broken: list[str] = []

    def __repr__(self) -> str:
        return f"<Steps pages={self._pages} over={self._is_over} broken={self.broken}>"

    def begin(self, limits: Limits, whole: Iterable[str]) -> None:
        """A step begins, in which resources are under way that are loaded `whole`."""
        self._limits, self._whole = limits, set(whole)
        self._pages, self._began, self._is_over, self.broken = 0, self._now(), False, []

    def hand_on(self) -> None:
        """A page that is new was handed on, of a resource that may be loaded in part."""
        self._pages += 1

    def end(self, name: str) -> None:
        """A resource is complete."""
        self._whole.discard(name)

    def break_off(self, name: str) -> None:
        """A resource breaks off."""
        self.broken.append(name)

    @property
    def is_over(self) -> bool:
        """Whether what may break off is to break off."""
        limits = self._limits
        if not self._is_over and limits is not None and self._pages and not self._whole:
            by_pages = 0 < limits.step_pages <= self._pages
            self._is_over = by_pages or 0 < limits.step_s <= self._now() - self._began
        return self._is_over
