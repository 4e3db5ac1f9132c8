"""What is remembered of the windows of each call, in the state of a resource.

`resources.<name>.windows.<key of the call>` is the bound up to which a call was listed and settled,
`resources.<name>.rereads.<key of the call>` when a run last looked far back. Both are written once, when all of a
resource was fetched and handed over: dlt keeps them when it keeps the rows, and a run that fails or is limited changes
nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from headrace.config import HeadraceWarning
from headrace.engine import ResourceReport
from headrace.moment import length_words
from headrace.plan import Call, Mark
from headrace.secrets import mask

T = TypeVar("T")


class WindowLedger:
    """`Ledger` of one resource in one run; `state` is that of the resource, and changes when the ledger is kept."""

    def __init__(
        self,
        state: dict[str, Any],
        now_s: Callable[[], float],
        report: ResourceReport,
        ahead_s: Callable[[str], float | None] = lambda _: None,
    ) -> None:
        self.now_s = now_s
        self.ahead_s = ahead_s
        self._state = state
        self._report = report
        #: What was listed completely: the call, from when, until when.
        self.listed: list[tuple[Call, float, float]] = []
        self._settled: dict[str, float] = {}
        self._reread: dict[str, float] = {}
        self._is_held = False

    def mark(self, key: str) -> Mark:
        """What the last run left."""
        return Mark(self._state.get("windows", {}).get(key), self._state.get("rereads", {}).get(key))

    def list(self, call: Call, start: float, end: float) -> None:
        """All rows of a call between two moments were listed."""
        self.listed.append((call, start, end))

    def settle(self, key: str, until: float) -> None:
        """A further window is complete, in order."""
        self._settled[key] = until

    def reread(self, key: str, moment: float) -> None:
        """All windows of a run that looked far back are complete."""
        self._reread[key] = moment

    def lose(self, key: str, text: str) -> None:
        """Warn, and say it in the report."""
        call = "" if key == "{}" else f"call {mask(key)}: "
        self._report.gone.append(f"{call}{text}")
        warnings.warn(f"resource `{self._report.name}`: {call}{text}", HeadraceWarning, stacklevel=2)

    def end_early(self, by_s: float) -> None:
        """Say once that rows up to the present are missing."""
        length = length_words(timedelta(minutes=round(by_s / 60)))
        doubt = f"windows end {length} before the present of the API: the clock of this machine is behind its own"
        if doubt not in self._report.doubts:
            self._report.doubts.append(doubt)

    def hold(self) -> None:
        """Write nothing: not all of it has come."""
        self._is_held = True

    def keep(self) -> None:
        """Write what was learned into the state; what is known never goes back."""
        if self._is_held:
            return
        for name, learned in (("windows", self._settled), ("rereads", self._reread)):
            if learned:
                known: dict[str, float] = self._state.setdefault(name, {})
                known.update({key: max(moment, known.get(key, moment)) for key, moment in learned.items()})


async def kept_after(work: Callable[[], Awaitable[T]], ledger: WindowLedger | None) -> T:
    """What `work` gives; the ledger is kept when it has ended well.

    It is called in here, so that nothing is left unawaited of what is closed before it begins.
    """
    result = await work()
    if ledger is not None:
        ledger.keep()
    return result


def kept_behind(pages: Iterator[Any], ledger: WindowLedger | None) -> Iterator[Any]:
    """`pages`; the ledger is kept when somebody has taken all of them."""
    yield from pages
    if ledger is not None:
        ledger.keep()
