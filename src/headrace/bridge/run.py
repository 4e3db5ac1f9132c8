"""One resource in one run: its working tables, its spool, and the fetch that fills it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.schema.utils import has_table_seen_data, is_complete_column
from dlt.common.storages.load_package import LoadPackageStateInjectableContext

from headrace.bridge.first import Stored, current_pipeline
from headrace.bridge.pipe import Fetched
from headrace.bridge.replaced import Replaced
from headrace.bridge.tables import WorkingTables
from headrace.bridge.turns import take_turn
from headrace.bridge.vanished import Vanished, with_marks
from headrace.config import HeadraceWarning
from headrace.engine import Converter, Identities, IdSource, Line, Roll, Shelf, Spool
from headrace.plan.keeping import may_append_first

if TYPE_CHECKING:
    from dlt.common.schema import Schema
    from dlt.extract import DltResource

    from headrace.bridge.shared import Session
    from headrace.bridge.window import WindowLedger
    from headrace.engine import Errand, Origins, ParentRow
    from headrace.plan import Privacy, ResourcePlan

    CallsOf = Callable[[Iterable[Origins]], Iterable[Errand]]


class ResourceRun:
    """The state of one resource from the moment dlt asks for it until its tables are handed over.

    Made in dlt's main thread; `fetch` runs in dlt's event loop; `close` may be called by anyone, more than once.
    `stores` false means that only dependents want its rows: it has no tables then. `above` is the run of its parent,
    `ledger` has what was listed of its windows.
    """

    def __init__(
        self,
        resource: ResourcePlan,
        session: Session,
        *,
        stores: bool,
        above: ResourceRun | None = None,
        ledger: WindowLedger | None = None,
    ) -> None:
        self.plan = resource
        self.ledger = ledger
        self.stores = stores
        self.report = session.report.of(resource.name)
        self.report.hides(resource.privacy)
        self.ended = False
        #: Whether its listing goes on behind what came, for the next package of the run.
        self.broke_off = False
        #: Whether what came is for the next package too.
        self.is_void = False
        self._rows_before = self.report.rows
        self._above = above
        self._step = session.step_of(resource)
        self._state: dict[str, Any] = dlt.current.resource_state() if self._step else {}
        self._began = copy.deepcopy(self._state)
        self._load_id: str = dlt.current.load_package_state()["load_id"]
        #: What its rows give to dependents, once it is fetched.
        self.exported: list[ParentRow] = []
        self._session = session
        #: Which calls end completely, where that is asked for.
        self.roll: Roll | None = None
        if resource.deletions:
            self.roll = Roll(resource, resource.deletions, above.roll if above else None)
        if stores:
            self._make_tables()

    def _make_tables(self) -> None:
        self.resource: DltResource = dlt.current.resource()
        schema = dlt.current.source_schema()
        root = self.resource.compute_table_schema()
        nested = self.resource.compute_nested_table_schemas(root["name"], schema.naming)
        capabilities = Container()[DestinationCapabilitiesContext]
        self.tables = WorkingTables(
            schema,
            [with_marks(root, self.plan.deletions), *nested],
            capabilities,
            keeps_lost=self.plan.name_collisions == "keep",
            widens=self.plan.mixed_numbers == "widen",
        )
        self.turn = take_turn(self, self.tables.root)
        #: Whether the tables are handed over.
        self.loaded = False
        #: Tables of which a column is declared with its type: they exist though no row comes.
        self.declared = frozenset(
            schema.naming.normalize_tables_path(table["name"])
            for table in (root, *nested)
            if any(map(_is_declared, table.get("columns", {}).values()))
        )
        self.id_source: IdSource = _id_source(self.plan, self.tables, capabilities)
        #: Columns that have one value in all rows.
        self.constants = {self.tables.system.load_id: Container()[LoadPackageStateInjectableContext].load_id}
        #: Opens a Parquet file with dlt's settings.
        self.open_file = self._session.once.files.open
        self.spool = Spool(
            self.plan.name,
            Path(current_pipeline().working_dir),
            constants=self.constants,
            open_file=self.open_file,
            group_rows=self._session.once.group_rows,
            from_the_first=_is_staged(root, schema),
            room=self._session.once.room,
        )
        self.identities = Identities(self.spool.folder, self.tables)
        self._converter = Converter(self.plan, self.tables, self.identities, self.id_source, self.report)
        self._shelf = Shelf(self.spool.folder) if self.turn.number else None
        if self.turn.number and self.tables.ids_may_differ:
            self._converter.salt = str(self.turn.number)
        #: What vanished of its rows at the API, where that is asked for.
        self.vanished: Vanished | None = None
        if self.plan.deletions:
            try:
                self.vanished = Vanished(self, self.plan.deletions, schema, self._session.now_s())
            except BaseException:
                self.close()
                raise
        #: What its rows replace by their time, where that is asked for.
        self.replaced: Replaced | None = None
        if self.plan.replacing:
            try:
                self.replaced = Replaced(self, self.plan.replacing, capabilities)
            except BaseException:
                self.close()
                raise

    @property
    def privacies(self) -> Mapping[str, Privacy]:
        """What becomes of fields of each resource."""
        return {resource.name: resource.privacy for resource in self._session.plan.resources}

    @property
    def waits(self) -> bool:
        """Whether another run must be handed over before this one."""
        return self.turn.before is not None and not self.turn.before.loaded

    def convert_late(self) -> None:
        """Convert what waited for another run to settle the table's columns."""
        if self.turn.before is not None:
            self.tables.follow(self.turn.before.tables)
        for batch in self._shelf or ():
            self.spool.append(self._converter.convert(batch))

    @property
    def by_content(self) -> bool:
        """Whether rows are told apart by their content, all or some of them."""
        return self.id_source == "content" or (self.id_source == "key" and self.report.keyless > 0)

    async def fetch(self, combinations: Callable[[], Awaitable[Iterable[Origins]]], calls_of: CallsOf) -> Fetched:
        """Fetch the resource completely, `calls_of` making calls of the rows of its parents.

        Raises `HeadraceError`; then nothing of it is loaded.
        """
        try:
            calls = calls_of(await combinations())
            calls = self.roll.taken(calls) if self.roll else calls
            line = (self._shelf or Line(self._converter, self.spool)) if self.stores else None
            step = self._step if self.stores and self.id_source == "key" else None
            counts = self.report.counts()
            self.exported = await self._session.fetch(self.plan, calls, line, step)
            self._end(counts)
            self._session.publish(self.plan.name, self.exported)
        except BaseException:
            self.close()
            raise
        finally:
            self.ended = True
            self._session.tell_an_end()
        return Fetched(self)

    def _end(self, counts: Mapping[str, Any]) -> None:
        """All that is to come in this package has come; `counts` are those of the report before."""
        self.broke_off = not self.report.done or (self._above is not None and self._above.broke_off)
        if self.broke_off:
            self.hold()
        if not self.stores:
            return
        if self.broke_off and (self.by_content or self.id_source != "key"):
            # which of equal rows is which is known of all of them only: the next package has this part too
            self.is_void = True
            self.report.count_again(counts)
        self._session.end_of(self.plan, self._load_id, is_whole=not self.broke_off, is_void=self.is_void)

    def hold(self) -> None:
        """Have the state as it was when the run began, for it and for those above, which the next step begins with."""
        if self.ledger is not None:
            self.ledger.hold()
        if self._step is not None:
            self._state.clear()
            self._state.update(copy.deepcopy(self._began))
        if self._above is not None:
            self._above.hold()

    @property
    def rows(self) -> int:
        """Rows that came for this package."""
        return self.report.rows - self._rows_before

    @property
    def destination(self) -> Any:
        """The destination's client, not connected; None without merge. Asked for in dlt's main thread.

        Raises what dlt raises where it cannot be made.
        """
        asked = self.id_source in ("key", "content") or self.appends_keyless
        return self._session.once.destination if asked else None

    @property
    def appends_keyless(self) -> bool:
        """Whether rows without a key that would be replaced may be appended first: a job that was killed comes twice.

        A merge that comes again deletes what it wrote; of what is appended that has to be taken back.
        """
        return self.replaced is not None and self._takes_back

    @property
    def stored(self) -> Stored:
        """What stands in the destination. Asked for in dlt's main thread. Raises what dlt raises."""
        return self._session.once.stored

    @property
    def lets_append(self) -> bool:
        """Whether what is declared lets the rows of a first load be appended."""
        declared = self.plan.hints.get("write_disposition")
        return self._is_parquet and may_append_first(declared, takes_back=self._takes_back)

    @property
    def _takes_back(self) -> bool:
        """Whether rows may be appended that are to come once, because what a killed load wrote is taken back."""
        return self._session.takes_back and self._is_parquet

    @property
    def _is_parquet(self) -> bool:
        asked = self.plan.hints.get("file_format")
        return self._session.once.loads_parquet and asked in (None, "preferred", "parquet")

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
        if self.stores:
            self.identities.close()
            if self.vanished:
                self.vanished.close()
            self.spool.remove()


def _is_declared(column: Any) -> bool:
    """Whether somebody declared the column with its type; those of versions (scd2) are dlt's own."""
    return is_complete_column(column) and not {"x-valid-from", "x-valid-to"} & set(column)


def _is_staged(root: Any, schema: Schema) -> bool:
    """Whether the rows go to a staging table, as far as can be said before they came."""
    stands = has_table_seen_data(schema.tables.get(root["name"], {}))
    return bool(stands and root.get("write_disposition") == "merge")


def _id_source(resource: ResourcePlan, tables: WorkingTables, caps: DestinationCapabilitiesContext) -> IdSource:
    """How rows of `resource` get their ids; see `headrace.engine.identity`."""
    table = tables.schema.tables[tables.root]
    if tables.dlt_makes_ids:
        return "dlt"
    # a destination that cannot merge appends: there each load has rows, and ids, of its own
    if not resource.primary_key or resolve_merge_strategy(tables.schema.tables, table, caps) is None:
        return "chance"
    return "content" if resource.key_collisions == "keep_all" else "key"
