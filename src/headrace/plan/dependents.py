"""Who takes fields of whose rows, and in which order resources come.

A resource with several parents is called for every combination of their rows. Where one of them is an ancestor of
another it is no combination: the ancestor's row is the one that the other's row came from. So the first parent is the
one with the longest descent; among equals the one that the endpoint names first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

from headrace.config import ResourceOptions
from headrace.errors import Problem
from headrace.plan.endpoint import EndpointTemplate
from headrace.plan.model import Exports, Parent

Parents = Mapping[str, tuple[Parent, ...]]


def parents_of(
    resource: ResourceOptions,
    endpoint: EndpointTemplate,
    place: str,
    ready: Mapping[str, Any],
    problems: list[Problem],
) -> tuple[Parent, ...]:
    """What `resource` takes from each of its parents, in the order in which the endpoint names them."""
    parents = [Parent(name, tuple(fields)) for name, fields in endpoint.parent_fields.items()]
    if len(parents) > 1 and any(parent.resource in ready for parent in parents):
        problems.append(
            Problem(
                "expected one parent where a ready dlt resource is one, got several",
                f"{place}.endpoint",
                "write the ready resource as a configuration, or take the other fields into its rows",
            )
        )
    if parents and resource.include_from_parent:
        said = resource.include_from_parent
        columns = said if isinstance(said, Mapping) else {key: f"_{parents[0].resource}_{key}" for key in said}
        kept = tuple((column, key) for key, column in columns.items())
        parents[0] = replace(parents[0], kept=kept)
    return tuple(parents)


def deepest_first(parents: Parents) -> dict[str, tuple[Parent, ...]]:
    """`parents` with those of each resource sorted: the one with most ancestors first."""
    return {
        name: tuple(sorted(of, key=lambda parent: -len(descent(parent.resource, parents))))
        for name, of in parents.items()
    }


def ordered(names: Iterable[str], parents: Parents) -> tuple[str, ...]:
    """Parents before their dependents, as dlt sorts them; the configuration has no cycle."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in names:
        sorter.add(name, *(parent.resource for parent in parents.get(name, ())))
    return tuple(sorter.static_order())


def exports(name: str, parents: Parents) -> Exports:
    """What all dependents of resource `name` take from its rows, each path and key once."""
    wanted = [parent for of in parents.values() for parent in of if parent.resource == name]
    paths = {path.text: path for parent in wanted for _, path in parent.fields}
    keys = dict.fromkeys(key for parent in wanted for _, key in parent.kept)
    return Exports(tuple(paths.values()), tuple(keys))


def descent(name: str, parents: Parents) -> frozenset[str]:
    """All ancestors of resource `name`."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent.resource not in found:
                found.add(parent.resource)
                waiting.append(parent.resource)
    return frozenset(found)
