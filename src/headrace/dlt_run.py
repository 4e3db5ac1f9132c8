"""One resource in one run: its working tables, its spool, and the fetch that fills it."""

from __future__ import annotations

import asyncio
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.extract import DltResource

from headrace.config import HeadraceWarning
from headrace.dlt_first import destination_client
from headrace.dlt_tables import WorkingTables
from headrace.engine import Converter, Identities, IdSource, Report, ResourceReport, Spool, fetch
from headrace.transport import Gates, Trace, Transport

if TYPE_CHECKING:
    from headrace.clock import Clock
    from headrace.plan import Plan, ResourcePlan


class ResourceRun:
    """The state of one resource from the moment dlt asks for it until its tables are handed over.

    Made in dlt's main thread; `fetch` runs in dlt's event loop; `close` may be called by anyone, more than once.
    """

    def __init__(self, plan: Plan, resource: ResourcePlan, dlt_resource: DltResource, session: Session) -> None:
        self.plan = resource
        self.resource = dlt_resource
        self.report = session.report.of(resource.name)
        self.report.dropped = resource.dropped
        schema = dlt.current.source_schema()
        root = dlt_resource.compute_table_schema()
        nested = dlt_resource.compute_nested_table_schemas(root["name"], schema.naming)
        capabilities = Container()[DestinationCapabilitiesContext]
        self.tables = WorkingTables(schema, [root, *nested], capabilities)
        #: Tables of which a column is declared with its type: they exist though no row comes.
        self.declared = frozenset(name for name in self.tables.tables() if self.tables.columns(name))
        self.id_source: IdSource = _id_source(resource, self.tables)
        self.spool = Spool(resource.name, Path(dlt.current.pipeline().working_dir))
        self.identities = Identities(self.spool.folder, self.tables)
        self._plan = plan
        self._session = session
        self._destination: Any = None
        self.ended = False
        self._converter = Converter(resource, self.tables, self.identities, self.id_source, self.report)

    @property
    def by_content(self) -> bool:
        """Whether rows are told apart by their content, all or some of them."""
        return self.id_source == "content" or (self.id_source == "key" and self.report.keyless > 0)

    async def fetch(self) -> ResourceRun:
        """Fetch the resource completely. Raises `HeadraceError`; then nothing of it is loaded."""
        try:
            async with self._session.transport(self._plan, self.report) as transport:
                await fetch(self.plan, self._plan.limits, transport, self._converter, self.spool, self.report)
        except BaseException:
            self.close()
            raise
        finally:
            self.ended = True
            self._session.tell_an_end()
        return self

    @property
    def destination(self) -> Any:
        """The destination's client, not connected; made when first asked for, in dlt's main thread."""
        if self._destination is None:
            self._destination = destination_client(dlt.current.pipeline(), dlt.current.source_schema())
        return self._destination

    def warn_keyless(self) -> None:
        """Warn once when rows lack the declared key."""
        if self.report.keyless:
            key = ", ".join(f"`{name}`" for name in self.plan.primary_key)
            warnings.warn(
                f"resource `{self.plan.name}`: {self.report.keyless} of {self.report.rows} rows lack the declared key "
                f"{key}; every row is kept, keyed by its content",
                HeadraceWarning,
                stacklevel=2,
            )

    def close(self) -> None:
        """Free the disk."""
        self.identities.close()
        self.spool.remove()


class Session:
    """What the resources of one source share: the report, the clock, and the gates of the hosts."""

    def __init__(self, report: Report | None = None, clock: Clock | None = None) -> None:
        self.report = report if report is not None else Report()
        self._clock = clock
        self._end = threading.Condition()
        self._ends = 0
        # gates belong to an event loop, and dlt makes a new one for each run
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, Gates] = WeakKeyDictionary()

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

    def transport(self, plan: Plan, report: ResourceReport) -> Transport:
        """A transport for one resource; called in the event loop that will use it."""
        gates = self._gates.setdefault(asyncio.get_running_loop(), Gates(plan.limits.in_flight))

        def observe(trace: Trace) -> None:
            report.requests += 1
            report.bytes += trace.body_bytes
            if trace.wait_s is not None:
                report.wait_s += trace.wait_s
                report.retries[trace.cause] += 1

        return Transport(
            retry=plan.retry, limits=plan.limits, origins=plan.origins, clock=self._clock, observe=observe, gates=gates
        )


def _id_source(resource: ResourcePlan, tables: WorkingTables) -> IdSource:
    """How rows of `resource` get their ids; see `headrace.engine.identity`."""
    table = tables.schema.tables[tables.root]
    if tables.dlt_makes_ids:
        return "dlt"
    if table.get("write_disposition") != "merge" or not resource.primary_key:
        return "chance"
    return "content" if resource.key_collisions == "keep_all" else "key"
