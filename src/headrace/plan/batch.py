"""Calls for several rows of a parent at once: which values are joined, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headrace.config import ResourceOptions
from headrace.errors import Problem
from headrace.plan.endpoint import EndpointTemplate
from headrace.plan.model import Parent


def joined(endpoint: EndpointTemplate) -> frozenset[str]:
    """The placeholders that get the values of all rows of a batch: fields of a parent that do not stand in the path."""
    named = {name for fields in endpoint.parent_fields.values() for name, _ in fields}
    return frozenset(named - set(endpoint.path.names))


def wrong_batches(
    resources: Sequence[tuple[ResourceOptions, str]],
    endpoints: Sequence[EndpointTemplate],
    parents: Mapping[str, tuple[Parent, ...]],
) -> Iterator[Problem]:
    """What stands against joining, for each resource that declares `batch`, at its place."""
    are_parents = {parent.resource for of in parents.values() for parent in of}
    for (resource, place), endpoint in zip(resources, endpoints, strict=True):
        options = resource.endpoint
        if options is None or options.batch is None:
            continue
        got = None
        if not joined(endpoint):
            got = "none", "a field of a parent outside of the path"
        elif options.windows is not None or options.incremental is not None:
            # what is remembered of a call is found again by its rows of the parent, which others may join
            got = "`windows` or `incremental`", "calls of which nothing is remembered"
        elif resource.name in are_parents:
            got = "some", "no dependents, of whose rows nobody knows by which row of the parent they came,"
        if got is not None:
            yield Problem(f"expected {got[1]} beside `batch`, got {got[0]}", f"{place}.endpoint.batch")
