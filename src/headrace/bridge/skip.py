"""Where a call must not be skipped: where rows that do not come are taken for gone, or would come twice.

Asked of the hints that count in this run, whoever put them there, of the resource itself and of what depends on it: a
row of a parent that did not come leads to no call of a dependent, whose rows do not come either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.extract.incremental import IncrementalResourceWrapper

from headrace.engine import Unskippable
from headrace.plan.dependents import descent

if TYPE_CHECKING:
    from dlt.extract import DltResource
    from dlt.extract.pipe import Pipe

    from headrace.bridge.shared import Session
    from headrace.plan import Plan, ResourcePlan

_MERGE: Final = "declare `write_disposition: merge` with a `primary_key`"
_PER_PARENT: Final = "declare `per_parent: true`, so that the other calls go on"


def unskippable(resource: ResourcePlan, session: Session, pipe: Pipe, *, in_columns: bool) -> Unskippable:
    """Why calls of `resource` must not be skipped in this run; called in dlt's main thread, where hints can be had.

    `in_columns` says that the engine filters rows, and not a step of the evaluated `pipe`.
    """
    skips = any(action.act == "skip" for action in resource.actions)
    if not skips or LoadPackageStateInjectableContext not in Container():
        return Unskippable()  # where nobody loads nothing is lost
    selected, table_of = dlt.current.source().resources.selected, session.once.table_of
    own_name = dlt.current.resource().name  # not that of the plan where somebody has renamed it
    for name, dependent in _dependents(frozenset({resource.name, own_name}), session.plan, selected):
        planned = next((each for each in session.plan.resources if each.name == name), None)
        if found := _as_parent_of(name, dependent, planned, table_of(dependent)):
            return found
    own = selected.get(own_name)  # none where it runs for its dependents alone
    return Unskippable() if own is None else _by_itself(resource, own.name, pipe, table_of(own), in_columns=in_columns)


def _as_parent_of(name: str, dependent: DltResource, planned: ResourcePlan | None, table: Any) -> Unskippable | None:
    """Why a parent of `dependent` must be whole, None where nothing speaks against."""
    if reason := _counts_on_all_rows(name, table):
        return Unskippable(reason, hint=_MERGE)
    # a watermark of the configuration's own is bound when the pipe is evaluated, which is later
    own = planned.incremental if planned else None
    is_shared = own is not None and not own.per_parent
    if is_shared or _has_one_watermark(dependent._pipe):  # noqa: SLF001 - dlt has no public view of its steps
        return Unskippable(f"the one watermark of `{name}` would pass rows that were not asked for", hint=_PER_PARENT)
    return None


def _by_itself(resource: ResourcePlan, name: str, pipe: Pipe, table: Any, *, in_columns: bool) -> Unskippable:
    if reason := _counts_on_all_rows(name, table):
        return Unskippable(reason, hint=_MERGE)
    appends = _appends(table)
    if _has_one_watermark(pipe) and (appends or not in_columns):
        return Unskippable("the one watermark of all its calls would have to move and to stay", hint=_PER_PARENT)
    if appends and (resource.incremental is not None or resource.windows is not None):
        return Unskippable(None, "the next run would append its rows once more", _MERGE)
    return Unskippable()


def _dependents(
    names: frozenset[str], plan: Plan, selected: Mapping[str, DltResource]
) -> Iterator[tuple[str, DltResource]]:
    """What is loaded and comes of rows of a resource with one of these `names`, transformers of users among it."""
    parents = {each.name: each.parents for each in plan.resources}
    for name, other in selected.items():
        pipe, way = other._pipe, set[str]()  # noqa: SLF001
        while pipe is not None:
            way.add(pipe.name)
            pipe = pipe.parent
        ancestors = way.union(*(descent(each, parents) for each in way))
        if name not in names and names & ancestors:
            yield name, other


def _counts_on_all_rows(name: str, table: Any) -> str | None:
    """Why rows of `resource` that do not come are lost in the destination; None where they are not."""
    if table is None:
        return f"the tables of `{name}` are known by its rows only"
    disposition = table.get("write_disposition")
    if disposition == "replace":
        return f"`write_disposition: replace` of `{name}` takes rows that do not come for gone"
    if disposition != "merge":
        return None
    if table.get("x-merge-strategy") == "scd2":
        return f"`strategy: scd2` of `{name}` takes rows that do not come for gone"
    if any(column.get("merge_key") for column in table["columns"].values()):
        return f"the `merge_key` of `{name}` takes rows that do not come for gone"
    return None


def _appends(table: Any) -> bool:
    """Whether a row that is loaded again stands there twice."""
    if table is None or table.get("write_disposition") != "merge":
        return True
    capabilities = Container()[DestinationCapabilitiesContext]
    has_key = any(column.get("primary_key") for column in table["columns"].values())
    return not has_key or resolve_merge_strategy({table["name"]: table}, table, capabilities) is None


def _has_one_watermark(pipe: Pipe) -> bool:
    """Whether a step of dlt's moves one watermark for all calls."""
    return any(isinstance(step, IncrementalResourceWrapper) and step.incremental is not None for step in pipe.steps)
