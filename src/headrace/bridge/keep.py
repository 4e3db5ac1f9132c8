"""Kept pages of one run of the command line: where they lie, what they are judged by, when they go.

Pages outlast a run that fails, and go when a load is confirmed. Whether a load was confirmed in between, the pipeline
says: the last package that it completed is a part of what a journal is judged by. So a run that ends between the load
and the removal of the pages leaves nothing that counts.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dlt

from headrace.bridge.first import current_pipeline
from headrace.config import HeadraceWarning
from headrace.engine import KeptPages, Standing, Steps
from headrace.keep import SHARE, Attempts, Disk, Keeper
from headrace.plan.keeping import is_additive, is_appended, why_not_kept, why_whole
from headrace.transport import Gates

if TYPE_CHECKING:
    from headrace.engine import ResourceReport
    from headrace.plan import Plan, ResourcePlan

#: Looks, and seconds between two, for requests under way when a run is stopped.
_LOOKS: Final = 2
_LOOK_S: Final = 0.02


class Keep:
    """Keeps the pages of the resources of a run in a folder that `open` names; before that, nothing is kept."""

    def __init__(self, *, share: float = SHARE, disk: Disk | None = None, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self._share = share
        self._disk = disk
        self._keeper: Keeper | None = None
        self._attempts: Attempts | None = None
        #: Whether what lies there is not taken; None until somebody asks.
        self._is_anew: bool | None = None
        self._pages: dict[str, KeptPages | None] = {}
        self._gates: Gates | None = None
        self._known: set[str] = set()
        self._completed: set[str] | None = None

    def open(self, folder: Path) -> None:
        """Keep what comes there from now on, and take what lies there."""
        self._keeper = Keeper(folder, share=self._share, disk=self._disk)
        self._attempts = Attempts(folder, self._disk)

    def pages_of(self, resource: ResourcePlan, plan: Plan, report: ResourceReport, now_s: float) -> KeptPages | None:
        """The pages of a resource, None where none are kept; asked for in dlt's main thread, while it extracts."""
        if self._keeper is None:
            return None
        if resource.name not in self._pages:
            self._pages[resource.name] = self._opened(self._keeper, resource, plan, report, now_s)
        elif resource.name not in self._known:
            self._go_on(self._keeper, resource.name)
        self._known.add(resource.name)
        return self._pages[resource.name]

    def gates_of(self, plan: Plan) -> Gates:
        """The gates of hosts, for the event loop that asks: what they allow is counted from step to step."""
        if self._gates is None:
            self._gates = Gates(plan.limits)
        self._gates.begin_again()
        return self._gates

    def begin_step(self, plan: Plan, names: Iterable[str]) -> None:
        """A package begins for the resources of these names; what the one before brought is loaded."""
        if self._known:
            self.end_attempt()
        self._known, self._completed = set(), None
        whole = (each.name for each in plan.resources if each.name in names and why_whole(each, plan) is not None)
        self.steps.begin(plan.limits, whole)

    def note_step(self, load_id: str, now_s: float) -> None:
        """A resource breaks off: the package is one of several of this run."""
        for pages in self._pages.values():
            if pages is not None:
                pages.note_step(load_id, now_s)

    def sync(self) -> None:
        """What is kept, and noted, outlasts a loss of power from now on."""
        if self._keeper is not None:
            self._keeper.sync()

    def discard(self) -> None:
        """What was fetched is loaded: the pages of all resources that were asked for go."""
        for name in self._pages:
            if self._keeper is not None:
                self._keeper.discard(name)
        self._pages = {}

    def finish_pages(self, seconds: float) -> None:
        """Ask for nothing more, and keep what comes of the requests under way, for so long at most.

        Called where a signal is handled, in dlt's main thread; another thread has the event loop.
        """
        if self._gates is None or not self.is_active:
            return
        self._gates.close()
        end, quiet = time.monotonic() + seconds, 0
        # what came is given to be written in the same turn of the event loop: the second look is behind it
        while quiet < _LOOKS and time.monotonic() < end:
            time.sleep(_LOOK_S)
            quiet = 0 if self._gates.under_way else quiet + 1

    def end_attempt(self) -> None:
        """The run ends by itself, whatever it says, or came further."""
        if self._attempts is not None:
            with suppress(OSError):
                self._attempts.end()

    def close(self) -> None:
        """Have what is kept on the disk; warn where the disk did not take it."""
        if self._keeper is None:
            return
        self.end_attempt()
        self._keeper.close()
        failure = self._keeper.failure
        if failure is not None:
            why = (failure.strerror or str(failure)).lower()
            warnings.warn(
                f"pages are not kept any more: {why} at `{self._keeper.folder}`; the run itself goes on",
                HeadraceWarning,
                stacklevel=2,
            )

    @property
    def is_active(self) -> bool:
        """Whether pages of some resource are kept."""
        return any(self._pages.values())

    @property
    def is_interrupted(self) -> bool:
        """Whether an answer did not come, or was none; otherwise the run failed by what came."""
        return any(pages.is_interrupted for pages in self._pages.values() if pages is not None)

    @property
    def has_lost_its_place(self) -> bool:
        """Whether a listing of which pages are kept was refused its next one, or its rows moved."""
        return any(pages.has_lost_its_place for pages in self._pages.values() if pages is not None)

    def _opened(
        self, keeper: Keeper, resource: ResourcePlan, plan: Plan, report: ResourceReport, now_s: float
    ) -> KeptPages | None:
        if why_not_kept(resource, plan) is not None:
            return None
        try:
            if self._begins_anew():
                keeper.discard(resource.name)
            pages = KeptPages(resource, plan, keeper, report, standing=self._standing(), now_s=now_s)
        except OSError as failure:
            keeper.failure = keeper.failure or failure
            return None
        if not (is_additive(resource) or (is_appended(resource) and pages.is_loaded_whole)):
            pages.load_again()
        if pages.is_continued:
            report.continued_s = pages.began_s
            self._begin_attempt()
        return pages

    def _begins_anew(self) -> bool:
        """Whether runs that used what lies there ended without a word, again and again. Raises `OSError`."""
        if self._is_anew is None and self._attempts is not None:
            self._is_anew = self._attempts.are_too_many
            if self._is_anew:
                self._attempts.forget()
                warnings.warn(
                    "two runs in a row ended without a word (killed, crashed, out of memory) while they used kept "
                    "pages: these are asked for again",
                    HeadraceWarning,
                    stacklevel=2,
                )
        return bool(self._is_anew)

    def _begin_attempt(self) -> None:
        if self._attempts is not None:
            with suppress(OSError):
                self._attempts.begin()

    def _go_on(self, keeper: Keeper, name: str) -> None:
        pages = self._pages[name]
        try:
            if pages is not None:
                pages.go_on(self._standing())
        except OSError as failure:
            keeper.failure = keeper.failure or failure
            self._pages[name] = None

    def _standing(self) -> Standing:
        """What is remembered of a resource, and the packages that were loaded."""
        if self._completed is None:
            self._completed = set(current_pipeline().list_completed_load_packages())
        state = json.loads(json.dumps(dlt.current.resource_state(), sort_keys=True, default=str))
        return Standing(state, max(self._completed, default=""), self._completed)
