"""Rows without a key that are replaced by their time: what must be declared, and the hints that make dlt do it.

Each row gets the step of time in which it lies (`_window`), and dlt's merge deletes by it, and by the columns that tell
calls apart, what it inserts anew: in one transaction where the destination has one, on every destination that merges. A
step of which no row is left is written as a row of its own (`_window_empty`), which deletes and is not inserted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace.config import ResourceOptions
from headrace.errors import Problem
from headrace.jsonpath import JsonPath, compile_path
from headrace.plan.deletion import Parents, wrong_scope
from headrace.plan.endpoint import EndpointTemplate
from headrace.plan.model import EMPTY, STEP, Parent, Replacing

_COLUMNS: Final[Mapping[str, Mapping[str, Any]]] = {
    STEP: {"data_type": "timestamp"},
    EMPTY: {"data_type": "bool", "hard_delete": True},
}
_STRATEGIES: Final = (None, "delete-insert")


def wrong_replacing(
    resources: Sequence[tuple[ResourceOptions, str]], parents: Parents, ready: Mapping[str, Any]
) -> Iterator[Problem]:
    """What stands against replacing, for each resource that declares it, at its place."""
    for resource, place in resources:
        windows = resource.endpoint.windows if resource.endpoint else None
        if windows is None or windows.replace is None:
            continue
        for wrong in (
            _wrong_merge(resource),
            _wrong_listing(resource),
            wrong_scope(resource, parents[resource.name], ready),
        ):
            if wrong is not None:
                wanted, got = wrong
                yield Problem(f"expected {wanted} beside `replace`, got {got}", f"{place}.endpoint.windows")


def _wrong_merge(resource: ResourceOptions) -> tuple[str, str] | None:
    said = resource.write_disposition
    options: Mapping[str, Any] = said if isinstance(said, Mapping) else {"disposition": said}
    if options.get("disposition") != "merge" or options.get("strategy") not in _STRATEGIES:
        return "`write_disposition: merge` that deletes and inserts", "another one"
    if resource.primary_key or resource.merge_key:
        return "no key", "one, by which rows are told apart already"
    if not isinstance(resource.columns, Mapping | Sequence | None):
        return "`columns` as a mapping or a list", "something else"
    return None


def _wrong_listing(resource: ResourceOptions) -> tuple[str, str] | None:
    """Why a window may lack rows that the API has."""
    actions = resource.endpoint.response_actions if resource.endpoint else None
    for said in actions or ():
        if said.action in ("ignore", "skip"):
            return "listings that are complete", f"the action `{said.action}`"
    return None


def replacing_of(resource: ResourceOptions, endpoint: EndpointTemplate, parents: Sequence[Parent]) -> Replacing | None:
    """How rows of `resource` are replaced, None where they are not."""
    windows = resource.endpoint.windows if resource.endpoint else None
    if windows is None or windows.replace is None:
        return None
    kept = (column for parent in parents for column, _ in parent.kept)
    return Replacing((*resource.constants, *endpoint.parameters, *kept), windows.most)


def replacing_hints(replacing: Replacing | None, hints: Mapping[str, Any]) -> dict[str, Any]:
    """`hints` with the columns and the merge key by which dlt replaces."""
    if replacing is None:
        return dict(hints)
    columns = hints.get("columns") or {}
    ours = {name: {"name": name, **column} for name, column in _COLUMNS.items()}
    added = {**columns, **ours} if isinstance(columns, Mapping) else [*columns, *ours.values()]
    return {**hints, "columns": added, "merge_key": [*replacing.scope, STEP]}


def time_path_of(resource: ResourceOptions, paginator: Any, problems: list[Problem], place: str) -> JsonPath | None:
    """Where rows have their time, as the pager or the windows want it; `paginator` are the options in force."""
    windows = resource.endpoint.windows if resource.endpoint else None
    said = [getattr(paginator, "key_path", None), windows.time_path if windows else None]
    paths = list(dict.fromkeys(path for path in said if path is not None))
    if len(paths) > 1:
        problems.append(
            Problem(f"expected one time of rows, got `key_path: {paths[0]}` and `time_path: {paths[1]}`", place)
        )
    return compile_path(paths[0]) if paths else None
