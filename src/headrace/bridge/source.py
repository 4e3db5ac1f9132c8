"""Plan -> dlt source: `rest_api_source` and its kin with dlt's signatures, resources whose rows the engine fetches.

Which way the rows of a resource take, as tables or as dictionaries, is said in `bridge/pipe.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Optional

import dlt
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource
from dlt.extract.incremental import Incremental
from dlt.extract.state import get_current_pipe

from headrace.bridge.incremental import (
    SharedWatermark,
    WatermarkPerCall,
    make_incremental,
    state_per_call,
)
from headrace.bridge.keep import Keep
from headrace.bridge.pipe import Fetched, LoadTables, load_step, loads_columns, stores
from headrace.bridge.plan import SECTION, Params, plan_resources, plan_source
from headrace.bridge.replaced import refuse_dictionaries
from headrace.bridge.rows import Take, kept, paged
from headrace.bridge.run import ResourceRun
from headrace.bridge.shared import Session, running_now
from headrace.bridge.skip import unskippable
from headrace.bridge.vanished import tell_unmarked
from headrace.bridge.window import WindowLedger, kept_after, kept_behind
from headrace.clock import Clock
from headrace.engine import Errand, Origins, ParentRow, Report, Watermarks, errands, parent_rows, use_returning_memory
from headrace.plan import Exports, Plan, Range, ResourcePlan, ranged

#: Seconds after which dlt looks for signals while resources are fetched.
_LOOK_S: Final = 0.25


def rest_api_source(
    config: Mapping[str, Any] | str | Path,
    name: str | None = None,
    section: str | None = None,
    max_table_nesting: int | None = None,
    root_key: bool | None = None,
    schema: Schema | None = None,
    schema_contract: Any = None,
    parallelized: bool = False,
    *,
    params: Params | None = None,
    privacy: str | None = None,
    since: Range | None = None,
    until: Range | None = None,
    report: Report | None = None,
    clock: Clock | None = None,
) -> DltSource:
    """A dlt source for a REST API configuration; the first eight arguments are those of dlt's `rest_api_source`.

    Args:
        config: The configuration as a dictionary, or the path of a YAML, TOML or JSON file.
        name: Name of the source and of its schema; `rest_api` when neither this nor the configuration says one.
        section: Section of dlt's configuration files.
        max_table_nesting: Levels of nested objects and lists that become columns and tables.
        root_key: Whether child rows carry the id of their root row also where no merge needs it.
        schema: A dlt schema to use.
        schema_contract: dlt's schema contract for all tables.
        parallelized: Taken for compatibility; resources are always fetched side by side.
        params: Values for `{placeholders}`; several values make one pass each. The value is kept as a column.
        privacy: `drop` (default), `hash` or `keep`: what becomes of `private` and `personal` fields.
        since: Where `windows` begin in this run alone, a moment for all or a mapping of resource to moment.
        until: Where they end.
        report: Filled with counts while the source runs.
        clock: Time for waits; for tests.

    Raises:
        ConfigError: everything that is wrong with the configuration, at once.
        UsageError: a `since` or `until` that is no moment, or for a resource that has no windows.
    """
    plan, name = plan_source(config, name=name, section=section, params=params, privacy=privacy)
    return source_of(
        ranged(plan, since, until),
        name=name,
        section=section,
        max_table_nesting=max_table_nesting,
        root_key=root_key,
        schema=schema,
        schema_contract=schema_contract,
        report=report,
        clock=clock,
    )


def rest_api_resources(
    config: Mapping[str, Any] | str | Path,
    *,
    params: Params | None = None,
    privacy: str | None = None,
    since: Range | None = None,
    until: Range | None = None,
    report: Report | None = None,
    clock: Clock | None = None,
) -> list[DltResource]:
    """The resources of a configuration, parents before their dependents, for a source of one's own.

    The first argument is that of dlt's `rest_api_resources`; for the others, and for errors, see `rest_api_source`.
    """
    plan = ranged(plan_resources(config, params=params, privacy=privacy), since, until)
    return _resources(plan, Session(plan, report, clock))


@dlt.source(name=SECTION, section=SECTION)  # type: ignore[untyped-decorator]  # dlt is untyped here
def rest_api(
    client: dict[str, Any] = dlt.config.value,
    resources: list[Any] = dlt.config.value,
    resource_defaults: Optional[dict[str, Any]] = None,  # noqa: UP045 - dlt reads this annotation
) -> list[DltResource]:
    """A dlt source whose configuration may stand in dlt's configuration files; the arguments are those of dlt's.

    Each of them that is not given is looked up as `sources.rest_api.rest_api.client` and so on.
    """
    config: dict[str, Any] = {"client": client, "resources": resources}
    return rest_api_resources(config | ({"resource_defaults": resource_defaults} if resource_defaults else {}))


def check_connection(source: DltSource, *resource_names: str) -> tuple[bool, str]:
    """Whether one page of each named resource (all without names) can be had, and what stood in the way."""
    try:
        list(source.with_resources(*resource_names).add_limit(1))
    except Exception as error:  # noqa: BLE001 - the answer says what it was
        return False, str(error)
    return True, ""


def source_of(
    plan: Plan,
    *,
    name: str,
    section: str | None = None,
    max_table_nesting: int | None = None,
    root_key: bool | None = None,
    schema: Schema | None = None,
    schema_contract: Any = None,
    report: Report | None = None,
    clock: Clock | None = None,
    keep: Keep | None = None,
) -> DltSource:
    """The dlt source of a plan; `keep` keeps its pages until they are loaded."""
    session = Session(plan, report, clock, keep)
    make: Callable[[], DltSource] = dlt.source(
        lambda: _resources(plan, session),
        name=name,
        section=section or SECTION,
        max_table_nesting=max_table_nesting,
        root_key=root_key,
        schema=schema,
        schema_contract=schema_contract,
    )
    return make()


def _resources(plan: Plan, session: Session) -> list[DltResource]:
    use_returning_memory()
    made: dict[str, DltResource] = dict(plan.ready)
    for resource in plan.resources:
        parent = made[resource.parents[0].resource] if resource.parents else None
        made[resource.name] = _resource(resource, parent, session)
    return [made[name] for name in plan.order]


def _resource(resource: ResourcePlan, parent: DltResource | None, session: Session) -> DltResource:
    """The dlt resource of one endpoint, a transformer of its parent where it has one."""
    filters = resource.incremental is not None and not resource.incremental.per_parent

    def pages(incremental: Any = None) -> Iterator[Any]:
        pipe, ledger = get_current_pipe(), _ledger(resource, session)
        if loads_columns(pipe, _hints()):
            run = ResourceRun(resource, session, stores=stores(pipe), ledger=ledger)
            calls_of = _calls_of(resource, incremental, session, ledger, filters=True)
            yield kept(kept_after(partial(run.fetch, _alone, calls_of), ledger))
            ends = 0
            while not run.ended:
                # waiting here, woken by the end of any resource, dlt need not look a hundred times a second
                ends = session.wait_for_an_end(ends, _LOOK_S)
                yield None
        else:
            refuse_dictionaries(resource)
            tell_unmarked(resource, session.report.of(resource.name))
            calls = _calls_of(resource, incremental, session, ledger, filters=False)([{}])
            yield from kept_behind(paged(lambda take: session.objects(resource, calls, take)), ledger)

    def dependent(items: Any, incremental: Any = None) -> Any:
        pipe, ledger = get_current_pipe(), _ledger(resource, session)
        fetched = isinstance(items, Fetched)
        rows = items.run.exported if fetched else _parent_rows(items, resource, session)
        running = running_now() if fetched else frozenset()
        combinations = partial(session.combinations, resource, rows, running)
        if fetched and loads_columns(pipe, _hints()):
            run = ResourceRun(resource, session, stores=stores(pipe), above=items.run, ledger=ledger)
            calls_of = _calls_of(resource, incremental, session, ledger, filters=True)
            return kept(kept_after(partial(run.fetch, combinations, calls_of), ledger))
        refuse_dictionaries(resource)
        tell_unmarked(resource, session.report.of(resource.name))
        calls_of = _calls_of(resource, incremental, session, ledger, filters=False)

        async def objects(take: Take) -> None:
            await session.objects(resource, calls_of(await combinations()), take)

        return load_step(pipe).in_turn(kept_behind(paged(objects), ledger))

    function: Any = dependent if parent is not None else pages
    if filters:
        # dlt binds the argument that is annotated so to the state of the resource, and adds its filter to the pipe
        function.__annotations__["incremental"] = Optional[Incremental[Any]]  # noqa: UP045 - dlt looks into it
    else:
        function.__annotations__.pop("incremental")
    hints = {**resource.hints, **({"data_from": parent} if parent is not None else {})}
    made: DltResource = dlt.resource(function, name=resource.name, table_name=resource.table_name, **hints)
    if filters and resource.incremental is not None:
        made = made(incremental=make_incremental(resource.incremental))
    made.add_step(LoadTables(filters=filters))
    _record_input(made, resource)
    return made


def _record_input(made: DltResource, resource: ResourcePlan) -> None:
    """Say in dlt's trace where the resource reads from, where this dlt has a place for it (from 1.30)."""
    if hasattr(made, "add_input"):
        place = {"location": resource.template.base_url, "endpoints": [resource.template.endpoint.said]}
        made.add_input({"kind": SECTION, "resource_name": resource.name, **place}, replace=True)


async def _alone() -> Iterable[Origins]:
    return ({},)


def _hints() -> Any:
    return dlt.current.resource()._hints  # noqa: SLF001 - what was applied, functions not yet called


def _calls_of(
    resource: ResourcePlan, bound: Any, session: Session, ledger: WindowLedger | None, *, filters: bool
) -> Callable[[Iterable[Origins]], Iterator[Errand]]:
    """What makes calls of the rows of parents; called in dlt's main thread, where the state can be had."""
    kept = session.kept_of(resource)
    return partial(
        errands,
        resource,
        cuts=kept.cuts if kept else None,
        watermarks=_watermarks(resource, bound, filters=filters),
        ledger=ledger,
        unskippable=unskippable(resource, session, get_current_pipe(), in_columns=filters),
    )


def _ledger(resource: ResourcePlan, session: Session) -> WindowLedger | None:
    """What is remembered of its windows; made in dlt's main thread, where the state can be had."""
    kept = session.kept_of(resource)
    if resource.windows is None:
        return None
    # a run that goes on asks for the ranges of the one before
    now_s = session.now_s if kept is None else partial(float, min(kept.began_s, session.now_s()))
    return WindowLedger(dlt.current.resource_state(), now_s, session.report.of(resource.name), session.ahead_s)


def _watermarks(resource: ResourcePlan, bound: Any, *, filters: bool) -> Watermarks | None:
    """Where calls go on; `filters` false where a step of the pipe filters the rows."""
    plan = resource.incremental
    if plan is None:
        return None
    if plan.per_parent:
        return WatermarkPerCall(plan, resource.name, resource.primary_key or None, state_per_call())
    return None if bound is None else SharedWatermark(plan, bound, filters=filters)


def _parent_rows(items: Any, resource: ResourcePlan, session: Session) -> list[ParentRow]:
    """A page of the first parent's rows as they came through its pipe."""
    parent = resource.parents[0]
    exports = Exports(tuple(path for _, path in parent.fields), tuple(key for _, key in parent.kept))
    rows = items if isinstance(items, list) else [items]
    return parent_rows(parent.resource, rows, exports, aliases=session.aliases)
