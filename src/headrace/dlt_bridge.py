"""Plan -> dlt source: `rest_api_source` with dlt's signature, resources whose rows are fetched by the engine.

A resource yields one awaitable; dlt runs the awaitables of all resources side by side in its event loop, and hands each
result to the resource's last step (`LoadTables`) in its main thread. Where a pipe has steps of its own (a user's map,
a transformer), or nobody loads (plain iteration), the resource yields its rows as dictionaries instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dlt
from dlt.common.configuration.container import Container
from dlt.common.schema import Schema
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.extract import DltResource, DltSource

from headrace.clock import Clock
from headrace.config import load_file, validate
from headrace.decode import to_rows
from headrace.dlt_load import LoadTables
from headrace.dlt_run import ResourceRun, Session
from headrace.dlt_secrets import resolve_secret, setting
from headrace.engine import Report, batches, use_system_memory
from headrace.plan import Plan, ResourcePlan, build_plan

Scalar = str | int | float | bool
Params = Mapping[str, Scalar | Sequence[Scalar]]

#: Seconds after which dlt looks for signals while resources are fetched.
_LOOK_S: Final = 0.25
_SECTION: Final = "rest_api"


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
        privacy: `drop` (default) or `keep` the fields that the configuration declares `private`.
        report: Filled with counts while the source runs.
        clock: Time for waits; for tests.

    Raises:
        ConfigError: everything that is wrong with the configuration, at once.
    """
    plan, name = plan_source(config, name=name, section=section, params=params, privacy=privacy)
    return source_of(
        plan,
        name=name,
        section=section,
        max_table_nesting=max_table_nesting,
        root_key=root_key,
        schema=schema,
        schema_contract=schema_contract,
        report=report,
        clock=clock,
    )


def plan_source(
    config: Mapping[str, Any] | str | Path,
    *,
    name: str | None = None,
    section: str | None = None,
    params: Params | None = None,
    privacy: str | None = None,
) -> tuple[Plan, str]:
    """The frozen plan of a configuration and the name of its source. Raises `ConfigError`."""
    is_file = isinstance(config, str | Path)
    raw = load_file(Path(config)) if isinstance(config, str | Path) else config
    checked = validate(raw, resolve_secret=resolve_secret, source=str(config) if is_file else None)
    name = name or checked.name or _SECTION

    def configured(parameter: str) -> Any:
        return setting(f"params.{parameter}", ("sources", section or _SECTION, name or _SECTION))

    return build_plan(checked, params=params, privacy=privacy, configured=configured), name


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
) -> DltSource:
    """The dlt source of a plan."""
    use_system_memory()
    session = Session(report, clock)

    def resources() -> list[DltResource]:
        return [_resource(plan, resource, session) for resource in plan.resources]

    make: Callable[[], DltSource] = dlt.source(
        resources,
        name=name,
        section=section or _SECTION,
        max_table_nesting=max_table_nesting,
        root_key=root_key,
        schema=schema,
        schema_contract=schema_contract,
    )
    return make()


def _resource(plan: Plan, resource: ResourcePlan, session: Session) -> DltResource:
    def pages() -> Iterator[Any]:
        current = dlt.current.resource()
        if _loads_tables(current):
            run = ResourceRun(plan, resource, current, session)
            yield run.fetch()
            # dlt comes back here while the fetch runs: time to make what takes a while
            _ = run.destination
            ends = 0
            while not run.ended:
                # waiting here, woken by the end of any resource, dlt need not look a hundred times a second
                ends = session.wait_for_an_end(ends, _LOOK_S)
                yield None
        else:
            yield _rows(plan, resource, session)

    hints = {**resource.hints}
    made: DltResource = dlt.resource(pages, name=resource.name, table_name=resource.table_name, **hints)
    made.add_step(LoadTables())
    return made


def _loads_tables(resource: DltResource) -> bool:
    """Whether this run loads, and nothing but our own step takes the rows."""
    if LoadPackageStateInjectableContext not in Container():
        return False
    steps = resource._pipe.steps  # noqa: SLF001 - dlt has no public view of a pipe's steps
    return len(steps) == 2 and isinstance(steps[1], LoadTables)


async def _rows(plan: Plan, resource: ResourcePlan, session: Session) -> AsyncIterator[list[Any]]:
    """The rows of a resource as Python objects, a batch at a time."""
    report = session.report.of(resource.name)
    async with session.transport(plan, report) as transport:
        async for batch in batches(resource, plan.limits, transport, report):
            report.rows += len(batch.raw)
            yield to_rows(batch.prepared())
    report.done = True
