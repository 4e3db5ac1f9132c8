"""A plan as plain data, without any secret: for `headrace plan`, golden tests and bug reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from headrace.message import Request
from headrace.moment import moment_words
from headrace.plan.keeping import why_whole
from headrace.plan.model import Call, Plan, ResourcePlan
from headrace.secrets import mask


def describe(plan: Plan) -> dict[str, Any]:
    """What would be asked for, and what becomes of the answers."""
    return {
        "base_url": plan.base_url,
        "retry": {
            "max_retries": plan.retry.max_retries,
            "budget_s": plan.retry.budget_s,
            "backoff_factor": plan.retry.backoff_factor,
            "statuses": list(_statuses(plan.retry.statuses)),
        },
        "in_flight": plan.limits.in_flight,
        "rate": None if plan.limits.rate is None else [plan.limits.rate.requests, plan.limits.rate.per_s],
        "learn_rate": plan.limits.learn_rate,
        "resources": [{**_resource(resource), "whole": why_whole(resource, plan)} for resource in plan.resources],
        "ready": list(plan.ready),
    }


def _statuses(statuses: frozenset[int]) -> Iterator[int | str]:
    """Statuses in order, a whole class of them by its name, as a configuration may say it."""
    whole = {first for first in range(1, 6) if statuses.issuperset(range(100 * first, 100 * first + 100))}
    yield from sorted(status for status in statuses if status // 100 not in whole)
    yield from (f"{first}xx" for first in sorted(whole))


def _resource(resource: ResourcePlan) -> dict[str, Any]:
    return {
        "name": resource.name,
        "table": resource.table_name if isinstance(resource.table_name, str) else "named by its rows",
        "auth": resource.auth.kind if resource.auth else None,
        "parents": [parent.resource for parent in resource.parents],
        "requests": [_call(call) for call in resource.template.shown()],
        "paging": resource.pager.describe(),
        "rows_at": str(resource.selector) if resource.selector else "found on the first page",
        "incremental": _incremental(resource),
        "windows": _windows(resource),
        "deletions": _deletions(resource),
        "write": resource.hints.get("write_disposition", "append"),
        "primary_key": list(resource.primary_key),
        "key_collisions": resource.key_collisions,
        "dropped": list(resource.privacy.dropped),
        "hashed": list(resource.privacy.hashed),
        "as_objects": resource.as_objects,
        **({"rows_of_parents_a_call": resource.batch} if resource.joined else {}),
    }


def _incremental(resource: ResourcePlan) -> dict[str, Any] | None:
    plan = resource.incremental
    if plan is None:
        return None
    said = plan.settings if isinstance(plan.settings, dict) else {"cursor_path": plan.settings.cursor_path}
    return {"cursor_path": said["cursor_path"], "start_param": plan.start_param, "per_parent": plan.per_parent}


def _windows(resource: ResourcePlan) -> dict[str, Any] | None:
    windows = resource.windows
    if windows is None:
        return None
    start = windows.start if windows.since is None else windows.since
    end = windows.end if windows.until is None else windows.until
    return {
        "params": [windows.param_start or windows.body_path_start, windows.param_end or windows.body_path_end],
        "start": moment_words(start),
        "end": None if end is None else moment_words(end),
        "size_s": None if windows.size is None else windows.size.total_seconds(),
        "overlap_s": windows.overlap.total_seconds(),
        "settle_s": windows.settle.total_seconds(),
        "retention_s": None if windows.retention is None else windows.retention.total_seconds(),
        "replace_s": None if windows.replace is None else windows.replace.total_seconds(),
        "reread_every_s": None if windows.reread_every is None else windows.reread_every.total_seconds(),
    }


def _deletions(resource: ResourcePlan) -> dict[str, Any] | None:
    plan = resource.deletions
    return None if plan is None else {"mark": plan.mark, "after": plan.after, "most": plan.most}


def _call(call: Call) -> dict[str, Any]:
    request = call.request
    described: dict[str, Any] = {
        "method": request.method,
        "url": _readable(mask(request.url)),
        "params": _params(request),
    }
    if request.json is not None:
        described["json"] = mask(json.dumps(request.json, default=str))
    if request.data is not None:
        described["data"] = mask(request.data.decode(errors="replace"))
    if call.fallback is not None:
        statuses = sorted(call.fallback.statuses)
        described["fallback"] = {"url": _readable(mask(call.fallback.url)), "statuses": statuses}
    return described | ({"kept": dict(call.values)} if call.values else {})


def _readable(url: str) -> str:
    """Placeholders in an address with their braces."""
    return url.replace("%7B", "{").replace("%7D", "}")


def _params(request: Request) -> dict[str, str | list[str]]:
    """Query parameters, secrets masked; a name that is sent several times has a list."""
    described: dict[str, list[str]] = {}
    for name, value in request.params:
        described.setdefault(name, []).append(mask(value))
    return {name: values[0] if len(values) == 1 else values for name, values in described.items()}
