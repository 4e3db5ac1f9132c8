"""What the resources of one source share in a run: the transport, the report, and the rows of parents."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import dlt

from headrace.bridge.once import Once
from headrace.bridge.rows import Take
from headrace.bridge.secrets import read_again
from headrace.clock import Clock, RealClock
from headrace.config import HeadraceWarning
from headrace.engine import (
    Aliases,
    Errand,
    KeptPages,
    ParentRow,
    Report,
    RowWork,
    Sink,
    Step,
    Unskippable,
    Waiting,
    errands,
    fetch,
    fetch_objects,
    origins_of,
)
from headrace.errors import UsageError
from headrace.plan.dependents import descent
from headrace.plan.keeping import why_whole
from headrace.transport import Credentials, Gates, Trace, Transport

if TYPE_CHECKING:
    from headrace.bridge.keep import Keep
    from headrace.engine import ResourceReport
    from headrace.plan import Plan, ResourcePlan


class Session:
    """One source's plan at work; it may run more than once."""

    def __init__(
        self, plan: Plan, report: Report | None = None, clock: Clock | None = None, keep: Keep | None = None
    ) -> None:
        self.plan = plan
        self._keep = keep
        self._kept: dict[str, KeptPages | None] = {}
        self.report = report if report is not None else Report()
        self._clock = clock or RealClock()
        self._end = threading.Condition()
        self._ends = 0
        # these belong to an event loop, and dlt makes a new one for each run
        self._runs: WeakKeyDictionary[asyncio.AbstractEventLoop, _Run] = WeakKeyDictionary()
        self._once = Once()
        #: What hashes in rows that go through pipes stand for, where a dependent needs it.
        self.aliases: Aliases = {}

    @property
    def takes_back(self) -> bool:
        """Whether what a killed load may have written is taken back before it is written again: by `headrace run`."""
        return self._keep is not None

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self._clock.wall()

    def ahead_s(self, url: str) -> float | None:
        """By how many seconds that is ahead of the clock of the host, None until its first answer."""
        return self._run.gates.ahead_s(url)

    @property
    def once(self) -> Once:
        """What the load under way is asked once; called in dlt's main thread."""
        load_id: str = dlt.current.load_package_state()["load_id"]
        if self._once.load_id != load_id:
            self._once = Once(load_id)
        return self._once

    def kept_of(self, resource: ResourcePlan) -> KeptPages | None:
        """What is kept of the pages of `resource`; called in dlt's main thread, before it is fetched."""
        if self._keep is not None:
            report = self.report.of(resource.name)
            self._kept[resource.name] = self._keep.pages_of(resource, self.plan, report, self.now_s())
        return self._kept.get(resource.name)

    def step_of(self, resource: ResourcePlan) -> Step | None:
        """The step under way, None where rows of `resource` are loaded whole."""
        kept = self._kept.get(resource.name)
        if self._keep is None or kept is None or why_whole(resource, self.plan) is not None:
            return None
        return Step(self._keep.steps, kept)

    def end_of(self, resource: ResourcePlan, load_id: str, *, is_whole: bool, is_void: bool) -> None:
        """A resource whose rows go into this package, if not `is_void`, is complete, or breaks off."""
        kept = self._kept.get(resource.name)
        if kept is not None and is_void:
            kept.is_steady = False
        elif kept is not None:
            kept.note(load_id, is_whole=is_whole)
        if self._keep is not None and is_whole:
            self._keep.steps.end(resource.name)
        elif self._keep is not None:
            self._keep.steps.break_off(resource.name)
            self._keep.note_step(load_id, self.now_s())

    def tell_an_end(self) -> None:
        """Wake who waits: a resource was fetched, or failed."""
        with self._end:
            self._ends += 1
            self._end.notify_all()

    def wait_for_an_end(self, known: int, seconds: float) -> int:
        """Wait until more resources than `known` have ended, at most `seconds`; how many have."""
        with self._end:
            if self._ends == known:
                self._end.wait(seconds)
            return self._ends

    async def fetch(
        self, resource: ResourcePlan, calls: Iterable[Errand], line: Sink | None, step: Step | None = None
    ) -> list[ParentRow]:
        """Fetch `calls` onto `line`; see `engine.fetch`."""
        report = self.report.of(resource.name)
        async with self._transport(report) as transport:
            with _skips_told(report):
                kept = self._kept.get(resource.name)
                return await fetch(resource, calls, self._run.waiting, transport, report, line, kept=kept, step=step)

    async def objects(self, resource: ResourcePlan, calls: Iterable[Errand], take: Take) -> None:
        """Hand the rows of `calls` to `take` as Python objects, a page at a time."""
        self._withhold(resource.name)
        report = self.report.of(resource.name)
        report.hides(resource.privacy)
        work = RowWork(resource, self.aliases)
        async with self._transport(report) as transport:
            with _skips_told(report):
                await fetch_objects(
                    work, calls, self._run.waiting, transport, report, take, kept=self._kept.get(resource.name)
                )
        if self._keep is not None:
            self._keep.steps.end(resource.name)

    async def combinations(
        self, resource: ResourcePlan, rows: Iterable[ParentRow], running: frozenset[str]
    ) -> Iterable[Mapping[str, ParentRow]]:
        """`rows` of the first parent, each with the rows it came from and with every row of the other parents.

        Parents in `running` give their rows when they are fetched; others are fetched here, and not stored.
        """
        first, *others = [parent.resource for parent in resource.parents]
        rows = list(rows)
        ancestors = descent(first, {each.name: each.parents for each in self.plan.resources})
        lost = next((name for name in others if name in ancestors for row in rows if name not in row.origins), None)
        if lost is not None:
            raise _as_dictionaries(first)
        apart = [await self._rows_of(name, running) for name in others if name not in ancestors]
        return origins_of([rows, *apart])

    def publish(self, name: str, rows: list[ParentRow]) -> None:
        """Give the rows of a parent to whoever waits for them; called in the event loop."""
        waiting = self._run.exported.setdefault(name, asyncio.get_running_loop().create_future())
        if not waiting.done():
            waiting.set_result(rows)

    def _withhold(self, name: str) -> None:
        """Tell who waits for the rows of a parent that they go another way."""
        waiting = self._run.exported.setdefault(name, asyncio.get_running_loop().create_future())
        if not waiting.done():
            waiting.set_exception(_as_dictionaries(name))
            waiting.exception()  # seen: nobody may wait for it

    async def _rows_of(self, name: str, running: frozenset[str]) -> list[ParentRow]:
        exported = self._run.exported
        if name not in exported:
            exported[name] = asyncio.get_running_loop().create_future()
            if name not in running:
                self.publish(name, await self._fetched_apart(name, running))
        return await exported[name]

    async def _fetched_apart(self, name: str, running: frozenset[str]) -> list[ParentRow]:
        # a ready resource as one of several parents is refused when the plan is made
        resource = next(resource for resource in self.plan.resources if resource.name == name)
        if resource.incremental is not None or resource.windows is not None:
            raise UsageError(
                f"expected resource `{name}` to run too, because a dependent of it has several parents: "
                "where it goes on is known to its own run only",
                hint=f"select `{name}` as well",
            )
        combinations: Iterable[Mapping[str, ParentRow]] = ({},)
        if resource.parents:
            rows = await self._rows_of(resource.parents[0].resource, running)
            combinations = await self.combinations(resource, rows, running)
        alone = Unskippable("it is asked for by a dependent alone", hint=f"select `{name}` as well")
        return await self.fetch(resource, errands(resource, combinations, unskippable=alone), None)

    @property
    def _run(self) -> _Run:
        loop = asyncio.get_running_loop()
        if loop not in self._runs:
            gates = Gates(self.plan.limits) if self._keep is None else self._keep.gates_of(self.plan)
            self._runs[loop] = _Run(self.plan, gates)
            if gates not in self.report.gates:
                self.report.gates.append(gates)
        return self._runs[loop]

    def _transport(self, report: ResourceReport) -> Transport:
        """A transport for one resource; called in the event loop that will use it."""

        def observe(trace: Trace) -> None:
            report.requests += 1
            report.bytes += trace.body_bytes
            if trace.wait_s is not None:
                report.wait_s += trace.wait_s
                report.retries[trace.cause] += 1

        return Transport(
            retry=self.plan.retry, limits=self.plan.limits, origins=self.plan.origins, clock=self._clock,
            observe=observe, gates=self._run.gates, credentials=self._run.credentials, send=self._run.send,
            hints=self.plan.hints,
        )  # fmt: skip


@contextmanager
def _skips_told(report: ResourceReport) -> Iterator[None]:
    """Warn once of the calls that were skipped meanwhile: who runs a pipeline may look at no report."""
    known = len(report.skipped)
    yield
    if skipped := report.skipped[known:]:
        calls = "1 call was" if len(skipped) == 1 else f"{len(skipped)} calls were"
        others = "" if len(skipped) == 1 else f" (first of {len(skipped)})"
        warnings.warn(f"resource `{report.name}`: {calls} skipped: {skipped[0]}{others}", HeadraceWarning, stacklevel=2)


def _as_dictionaries(name: str) -> UsageError:
    return UsageError(
        f"expected the rows of resource `{name}` as they were fetched, because a dependent of it has several parents; "
        "they go through its pipe as dictionaries",
        hint=f"put steps over rows into the `processing_steps` of `{name}`, and no limit on it",
    )


class _Run:
    def __init__(self, plan: Plan, gates: Gates) -> None:
        self.gates = gates
        self.credentials = Credentials(read_again)
        self.waiting = Waiting(plan.limits)
        self.send = None
        if plan.session is not None:
            from headrace.bridge.session import session_sender  # late: see `bridge/objects.py`

            self.send = session_sender(
                plan.session, max_page_bytes=plan.limits.max_page_bytes, timeout_s=plan.session_timeout_s
            )
        self.exported: dict[str, asyncio.Future[list[ParentRow]]] = {}


def running_now() -> frozenset[str]:
    """The resources of the source that dlt extracts now; asked where it does."""
    return frozenset(dlt.current.source().resources.selected)
