"""When rows that vanished can be marked: what is declared must make a listing complete, and each row one of a call.

Nothing here is a matter of taste. Each refusal is of an option under which a row that the API still has may be missing
from a listing that ended well, or under which a mark could not be written, or would not be lost again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace.config import EndpointOptions, Foreign, ResourceOptions
from headrace.config.kinds import AutoPaging
from headrace.errors import Problem
from headrace.plan.endpoint import EndpointTemplate
from headrace.plan.late import incremental_of
from headrace.plan.model import Deletions, Parent

Parents = Mapping[str, tuple[Parent, ...]]

#: Merge strategies that replace the row that has the key; None is dlt's choice, which is one of them.
_STRATEGIES: Final = (None, "delete-insert", "upsert")
#: What a merge may have beside them.
_HARMLESS: Final = {"disposition", "strategy", "deduplicated"}
_MAXIMA: Final = ("maximum_offset", "maximum_page")


def wrong_deletions(
    resources: Sequence[tuple[ResourceOptions, str]],
    parents: Parents,
    ready: Mapping[str, Any],
    paginator: Any,
) -> Iterator[Problem]:
    """What stands against marking, for each resource that declares it, at its place; `paginator` is the client's."""
    tables = [_table(resource) for resource, _ in resources]
    for resource, place in resources:
        if resource.deletions is None:
            continue
        shared = tables.count(_table(resource)) > 1
        above = parents[resource.name]
        for wrong in (
            _wrong_merge(resource),
            _wrong_listing(resource, paginator),
            wrong_scope(resource, above, ready),
            ("a table of its own", "one that several resources write") if shared else None,
        ):
            if wrong is not None:
                wanted, got = wrong
                yield Problem(f"expected {wanted} beside `deletions`, got {got}", f"{place}.deletions")


def _wrong_merge(resource: ResourceOptions) -> tuple[str, str] | None:
    """Why a mark could not be merged into the row that has it."""
    said = resource.write_disposition
    options: Mapping[str, Any] = said if isinstance(said, Mapping) else {"disposition": said}
    if options.get("disposition") != "merge" or options.get("strategy") not in _STRATEGIES:
        return "`write_disposition: merge` that replaces rows", "another one"
    if set(options) - _HARMLESS:
        return "a merge of all rows", f"`{min(set(options) - _HARMLESS)}`"
    if not resource.primary_key or callable(resource.primary_key):
        return "a `primary_key`", "none"
    if resource.merge_key:
        return "no `merge_key`", "one, whose rows would take marked ones away"
    if resource.key_collisions == "keep_all":
        return "one row for each key", "`key_collisions: keep_all`"
    return None


def _wrong_listing(resource: ResourceOptions, paginator: Any) -> tuple[str, str] | None:
    """Why a listing may lack rows that the API has."""
    endpoint = resource.endpoint or EndpointOptions()
    if incremental_of(endpoint) is not None or endpoint.windows is not None:
        return "a listing of everything", "`incremental`" if endpoint.windows is None else "`windows`"
    for step in resource.processing_steps or ():
        if step.filter is not None or step.yield_map is not None:
            return "steps that keep every row", "`filter`" if step.filter is not None else "`yield_map`"
    said = (each for each in (endpoint.paginator, paginator) if each is not None and not isinstance(each, AutoPaging))
    paging = next(said, None)
    paging = paging.value if isinstance(paging, Foreign) else paging
    maximum = next((name for name in _MAXIMA if getattr(paging, name, None) is not None), None)
    return ("a listing to its end", f"`{maximum}`") if maximum else None


def wrong_scope(
    resource: ResourceOptions, parents: tuple[Parent, ...], ready: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Why nobody could say which call a stored row is of."""
    if callable(resource.table_name):
        return "a table with one name", "a function"
    if not parents:
        return None
    if len(parents) > 1:
        return "one parent", "several"
    if parents[0].resource in ready:
        return "a parent that is written as a configuration", "a ready dlt resource"
    if not parents[0].kept:
        fields = ", ".join(path.text for _, path in parents[0].fields)
        return f"`include_from_parent: [{fields}]`, which says of a row which call it is of,", "none"
    return None


def _table(resource: ResourceOptions) -> Any:
    return resource.table_name or resource.name


def deletions_of(
    resource: ResourceOptions, endpoint: EndpointTemplate, parents: Parents, declared: Mapping[str, ResourceOptions]
) -> Deletions | None:
    """How rows of `resource` that vanished are marked; `declared` are all resources by name."""
    said = resource.deletions
    if said is None:
        return None
    return Deletions(
        said.mark,
        said.after,
        said.most,
        fixed=(*resource.constants, *endpoint.parameters),
        kept=tuple(column for parent in parents[resource.name] for column, _ in parent.kept),
        orphans_after=_orphans_after(resource, parents, declared),
    )


def _orphans_after(resource: ResourceOptions, parents: Parents, declared: Mapping[str, ResourceOptions]) -> int | None:
    """After how many listings rows of a parent that vanished are marked: not before the parent is."""
    after = 0
    waiting = [resource.name] if parents[resource.name] else []
    while waiting:
        name = waiting.pop()
        said = declared[name].deletions if name in declared else None
        if said is None:
            return None
        after = max(after, said.after)
        waiting.extend(parent.resource for parent in parents[name])
    return after or None
