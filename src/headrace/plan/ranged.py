"""The range of one run (`since`, `until`): a plan whose windows list it in place of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Final, TypeAlias

from headrace.errors import UsageError
from headrace.moment import Moment, moment_of
from headrace.plan.model import Plan

#: One moment for all resources with windows, or by the names of resources; `ALL` stands for those that are not named.
Range: TypeAlias = Moment | Mapping[str, Moment]
ALL: Final = "*"


def ranged(plan: Plan, since: Range | None, until: Range | None) -> Plan:
    """The plan of a run that lists from `since` to `until`; where one of them is None, windows begin or end as ever.

    Raises `UsageError` for what is no moment, for a resource that the plan lacks, and for one without windows.
    """
    bounds = {"since": _by_resource("since", since), "until": _by_resource("until", until)}
    if not any(bounds.values()):
        return plan
    windowed = [resource.name for resource in plan.resources if resource.windows is not None]
    for option, said in bounds.items():
        for name in said:
            _check(option, name, windowed, [resource.name for resource in plan.resources])
    resources = []
    for resource in plan.resources:
        if resource.windows is not None:
            begin, end = (said.get(resource.name, said.get(ALL)) for said in bounds.values())
            resource = replace(resource, windows=replace(resource.windows, since=begin, until=end))  # noqa: PLW2901
        resources.append(resource)
    return replace(plan, resources=tuple(resources))


def _by_resource(option: str, said: Range | None) -> dict[str, Moment]:
    if said is None:
        return {}
    named = said if isinstance(said, Mapping) else {ALL: said}
    return {name: _moment(option, value) for name, value in named.items()}


def _moment(option: str, value: object) -> Moment:
    found = moment_of(value) if isinstance(value, str) else value
    if isinstance(found, str | int | float | date | timedelta) and not isinstance(found, bool):
        return found
    raise UsageError(
        f"expected a moment as `{option}`, got {value!r}",
        hint="write a date or a time like `2026-03-01` or `2026-03-01T00:00:00Z`, seconds since 1970, or `-3d`",
    )


def _check(option: str, name: str, windowed: list[str], known: list[str]) -> None:
    if name in windowed or (name == ALL and windowed):
        return
    if name == ALL:
        raise UsageError(f"expected a resource with `windows`, whose range `{option}` could be, found none")
    if name in known:
        has = f"those that have some are {', '.join(windowed)}" if windowed else "no resource has some"
        raise UsageError(f"expected a resource with `windows` in `{option}`, got `{name}`, which has none", hint=has)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    raise UsageError(f"expected the name of a resource in `{option}`, got `{name}`", hint=hint)
