"""Kept pages of one run of the command line: where they lie, what they are judged by, when they go.

Pages outlast a run that fails, and go when a load is confirmed. Whether a load was confirmed in between, the pipeline
says: the last package that it completed is a part of what a journal is judged by. So a run that ends between the load
and the removal of the pages leaves nothing that counts.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt

from headrace.bridge.first import current_pipeline
from headrace.config import HeadraceWarning
from headrace.engine import KeptPages, why_not
from headrace.keep import SHARE, Disk, Keeper

if TYPE_CHECKING:
    from headrace.engine import ResourceReport
    from headrace.plan import Plan, ResourcePlan


class Keep:
    """Keeps the pages of the resources of a run in a folder that `open` names; before that, nothing is kept."""

    def __init__(self, *, share: float = SHARE, disk: Disk | None = None) -> None:
        self._share = share
        self._disk = disk
        self._keeper: Keeper | None = None
        self._pages: dict[str, KeptPages | None] = {}
        self._last_load: str | None = None

    def open(self, folder: Path) -> None:
        """Keep what comes there from now on, and take what lies there."""
        self._keeper = Keeper(folder, share=self._share, disk=self._disk)

    def pages_of(self, resource: ResourcePlan, plan: Plan, report: ResourceReport, now_s: float) -> KeptPages | None:
        """The pages of a resource, None where none are kept; asked for in dlt's main thread, while it extracts."""
        if self._keeper is None:
            return None
        if resource.name not in self._pages:
            self._pages[resource.name] = self._opened(self._keeper, resource, plan, report, now_s)
        return self._pages[resource.name]

    def discard(self) -> None:
        """What was fetched is loaded: the pages of all resources that were asked for go."""
        for name in self._pages:
            if self._keeper is not None:
                self._keeper.discard(name)
        self._pages = {}

    def discard_all(self) -> None:
        """A package of an earlier run is loaded, with the rows of whatever is kept."""
        if self._keeper is not None:
            self._keeper.discard_all()

    def close(self) -> None:
        """Have what is kept on the disk; warn where the disk did not take it."""
        if self._keeper is None:
            return
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

    def _opened(
        self, keeper: Keeper, resource: ResourcePlan, plan: Plan, report: ResourceReport, now_s: float
    ) -> KeptPages | None:
        if why_not(resource, plan) is not None:
            return None
        try:
            pages = KeptPages(resource, plan, keeper, report, standing=self._standing(), now_s=now_s)
        except OSError as failure:
            keeper.failure = keeper.failure or failure
            return None
        if pages.is_continued:
            report.continued_s = pages.began_s
        return pages

    def _standing(self) -> Any:
        """What is remembered of a resource, and the last package that was loaded."""
        if self._last_load is None:
            completed = current_pipeline().list_completed_load_packages()
            self._last_load = max(completed, default="")
        state = dlt.current.resource_state()
        return [json.loads(json.dumps(state, sort_keys=True, default=str)), self._last_load]
