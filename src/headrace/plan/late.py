"""Parts of a plan that work on answers and rows: response actions, steps over rows, the watermark."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headrace.config import EndpointOptions, Foreign, IncrementalParam, ResourceOptions
from headrace.plan.model import Action, Incremental, Step

if TYPE_CHECKING:
    from headrace.plan.build import Adapters

#: Options of an incremental that are ours to use; all others are arguments of dlt's `Incremental`.
_NOT_DLTS: Final = frozenset({"type", "start_param", "end_param", "convert", "transform", "per_parent"})
#: Refusals that concern one row of a parent: what it leads to was deleted meanwhile, or is closed to this key.
_SKIPPED: Final = (400, 401, 403, 404, 410)


def actions_of(endpoint: EndpointOptions, adapters: Adapters | None, *, depends: bool) -> tuple[Action, ...]:
    """The response actions in their order; where the calls `depends` on rows, what is skipped without being named."""
    defaults = tuple(Action(status, None, "skip", by_default=True) for status in _SKIPPED) if depends else ()
    declared = tuple(
        Action(
            said.status_code,
            said.content,
            said.action
            if isinstance(said.action, str)
            else tuple(adapters.action(function) if adapters else function for function in said.action),
        )
        for said in endpoint.response_actions or ()
    )
    return declared + defaults


def steps_of(resource: ResourceOptions, adapters: Adapters | None) -> tuple[Step, ...]:
    """The processing steps; in one entry always filter, map, yield_map."""
    steps = []
    for said in resource.processing_steps or ():
        for kind in ("filter", "map", "yield_map"):
            function: Callable[..., Any] | None = getattr(said, kind)
            if function is not None:
                steps.append(Step(kind, adapters.step(kind, function) if adapters else function))
    return tuple(steps)


def incremental_of(endpoint: EndpointOptions) -> Incremental | None:
    """The watermark of either form; the parameter form comes first, as in dlt."""
    for name, value in (endpoint.params or {}).items():
        if isinstance(value, Foreign):
            return Incremental(value.value, start_param=name)
        if isinstance(value, IncrementalParam):
            return Incremental(
                _settings(value), name, None, value.transform or value.convert, per_parent=value.per_parent
            )
    said = endpoint.incremental
    if said is None:
        return None
    return Incremental(
        _settings(said), said.start_param, said.end_param, said.transform or said.convert, per_parent=said.per_parent
    )


def _settings(options: Any) -> dict[str, Any]:
    """The arguments of dlt's `Incremental` that were given."""
    return {
        name: getattr(options, name)
        for name in type(options).model_fields
        if name in options.model_fields_set and name not in _NOT_DLTS
    }
