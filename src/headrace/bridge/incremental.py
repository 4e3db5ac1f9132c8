"""dlt's `Incremental` at work on pages: it decides which rows are new and keeps the state, here as in dlt.

A bound `Incremental` is a filter over lists of rows. The engine calls it page by page, in order, where rows become
tables as columns; the pipe's own incremental step then sees an empty list and lets it pass. Where rows travel through
the pipe as dictionaries that step does the work, and this file only tells from where calls go on.

`per_parent` keeps one state for each call in place of one for the resource, beside dlt's own entries:
`resources.<name>.incremental_per_parent.<cursor>.<key of the call>`.
"""

from __future__ import annotations

import copy
from typing import Any

import dlt
from dlt.extract.incremental import Incremental

from headrace.plan import Beginning
from headrace.plan import Incremental as IncrementalPlan

_OF_DLT = ("initial_value", "start_value", "last_value", "end_value")


def make_incremental(plan: IncrementalPlan) -> Incremental[Any]:
    """A new `Incremental` as the configuration describes it."""
    # asked first: dlt's objects are mappings too, of a part of what they hold
    if isinstance(plan.settings, Incremental):
        return plan.settings.merge(plan.settings)
    return Incremental(**plan.settings)


class _Filter:
    """`Watermark` of one bound `Incremental`."""

    def __init__(self, bound: Incremental[Any]) -> None:
        self._bound = bound
        self._state: dict[str, Any] = bound.get_state()
        self._began = copy.deepcopy(self._state)
        self._holds = False
        # it would close the generator of the pipe, from the wrong thread; the engine asks `closed` instead
        self._closes = not bound._bound_pipe.has_parent  # noqa: SLF001
        bound._bound_pipe = _NoPipe(bound.resource_name or "", has_parent=True)  # noqa: SLF001

    @property
    def closed(self) -> bool:
        return bool(self._closes and self._bound.can_close())

    def keep(self, rows: list[Any]) -> list[Any]:
        kept = list(self._bound(rows) or ())
        if self._holds:
            self.hold()
        return kept

    def hold(self) -> None:
        self._holds = True
        self._state.clear()
        self._state.update(copy.deepcopy(self._began))


class SharedWatermark:
    """`Watermarks` with one state for all calls of a resource, as dlt has it.

    Every call begins at the value that the run began with, whatever other calls brought since: in dlt the rows of one
    parent move the beginning of the next one's calls, and what lies between is never asked for.
    """

    def __init__(self, plan: IncrementalPlan, bound: Incremental[Any], *, filters: bool) -> None:
        self._beginning = _beginning(plan, bound)
        self._filter = _Filter(bound) if filters else None

    def begin(self, _key: str) -> Beginning:
        """The same for all calls."""
        return self._beginning

    def of(self, _key: str) -> _Filter | None:
        """The one filter; None where the pipe filters."""
        return self._filter


class WatermarkPerCall:
    """`Watermarks` with a state of its own for each call."""

    def __init__(self, plan: IncrementalPlan, resource: str, primary_key: Any, state: dict[str, Any]) -> None:
        self._plan = plan
        self._resource = resource
        self._primary_key = primary_key
        self._state = state
        self._bound: dict[str, tuple[Beginning, _Filter]] = {}

    def begin(self, key: str) -> Beginning:
        """Where the call of this key ended in the last run."""
        return self._of(key)[0]

    def of(self, key: str) -> _Filter:
        """The filter of the call of this key."""
        return self._of(key)[1]

    def _of(self, key: str) -> tuple[Beginning, _Filter]:
        if key not in self._bound:
            incremental = make_incremental(self._plan)
            if self._primary_key:
                incremental.set_deduplication_key(self._primary_key, from_hints=True)
            states = self._state.setdefault(str(incremental.cursor_path), {})
            bound = _bind(incremental, states, key, self._resource)
            self._bound[key] = (_beginning(self._plan, bound), _Filter(bound))
        return self._bound[key]


def state_per_call() -> dict[str, Any]:
    """Where the states of `per_parent` stand in the state of the current resource."""
    state: dict[str, Any] = dlt.current.resource_state().setdefault("incremental_per_parent", {})
    return state


def _bind(incremental: Incremental[Any], states: dict[str, Any], key: str, resource: str) -> Incremental[Any]:
    def get_state() -> Any:
        empty = {
            "initial_value": incremental.initial_value,
            "last_value": incremental.initial_value,
            "unique_hashes": [],
            "start_value": incremental.initial_value,
        }
        return empty if incremental.end_value is not None else states.setdefault(key, empty)

    object.__setattr__(incremental, "get_state", get_state)
    return incremental.bind(_NoPipe(resource, has_parent=False))


def _beginning(plan: IncrementalPlan, bound: Incremental[Any]) -> Beginning:
    values = {name: getattr(bound, name) for name in _OF_DLT}
    convert = plan.convert
    if convert is not None:
        values = {name: None if value is None else convert(value) for name, value in values.items()}
    params = {}
    if plan.start_param:
        params[plan.start_param] = bound.last_value if convert is None else convert(bound.last_value)
    if plan.end_param:
        params[plan.end_param] = bound.end_value if convert is None else convert(bound.end_value)
    return Beginning({f"incremental.{name}": value for name, value in values.items()}, params)


class _NoPipe:
    """What an `Incremental` wants to know of its pipe."""

    def __init__(self, name: str, *, has_parent: bool) -> None:
        self.name = name
        self.has_parent = has_parent
