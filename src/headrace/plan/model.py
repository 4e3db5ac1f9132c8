"""The plan: what will happen, frozen. Nothing after this room sees a configuration dictionary.

`describe` gives the same facts as plain data for `headrace plan`, golden tests and bug reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace.jsonpath import JsonPath
from headrace.message import Request
from headrace.paginate import Pager
from headrace.secrets import Secret, mask

KeyCollisions = Literal["keep_last", "keep_all", "fail"]


@dataclass(frozen=True)
class Auth:
    """Credentials of one client. `kind` is a row of `transport.auth.SIGNERS`; `fields` are its settings."""

    kind: str
    fields: Mapping[str, str | Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class RetryPolicy:
    """When the same request is sent again.

    The n-th retry waits `backoff_factor * 2 ** (n - 1)` seconds (2, 4, 8 by default), at most `max_wait_s`, unless the
    answer names a later moment in `Retry-After`. `statuses` are retried, and so are connection errors, time-outs and
    bodies that end early. The values are those of the two guides that the project began with.
    """

    max_retries: int = 3
    backoff_factor: float = 2.0
    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})
    max_wait_s: float = 300.0


@dataclass(frozen=True)
class Limits:
    """Bounds of one client: requests in flight, seconds an attempt may take, bytes a page may have decompressed."""

    in_flight: int = 8
    timeout_s: float = 60.0
    max_page_bytes: int = 256 * 1024 * 1024
    max_pages: int = 1_000_000


@dataclass(frozen=True)
class Call:
    """One walk through an endpoint: its first request, and the values of `params` that are kept as columns."""

    request: Request
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourcePlan:
    """One resource. `hints` are the arguments that dlt's `resource` takes as they are (write_disposition, columns ...).

    `selector` None means that the place of the rows is found on the first page. `private` lists top-level fields that
    hold secrets; they are dropped before anything is stored when `drop_private` is true.
    """

    name: str
    table_name: str
    calls: tuple[Call, ...]
    pager: Pager
    selector: JsonPath | None
    auth: Auth | None
    primary_key: tuple[str, ...]
    key_collisions: KeyCollisions
    key_collisions_declared: bool
    private: tuple[str, ...]
    drop_private: bool
    allow_null_data: bool
    hints: Mapping[str, Any]

    @property
    def dropped(self) -> tuple[str, ...]:
        """The fields that are not stored."""
        return self.private if self.drop_private else ()


@dataclass(frozen=True)
class Plan:
    """What one configuration asks for: resources in the order of the configuration, and the client they share.

    `origins` are the (scheme, host, port) that requests, redirects and next links may go to.
    """

    base_url: str
    resources: tuple[ResourcePlan, ...]
    origins: frozenset[tuple[str, str, int]]
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as plain data, without any secret."""
    return {
        "base_url": plan.base_url,
        "retry": {
            "max_retries": plan.retry.max_retries,
            "backoff_factor": plan.retry.backoff_factor,
            "statuses": sorted(plan.retry.statuses),
        },
        "in_flight": plan.limits.in_flight,
        "resources": [_describe_resource(resource) for resource in plan.resources],
    }


def _describe_resource(resource: ResourcePlan) -> dict[str, Any]:
    return {
        "name": resource.name,
        "table": resource.table_name,
        "auth": resource.auth.kind if resource.auth else None,
        "requests": [
            {"method": call.request.method, "url": mask(call.request.url), "params": _describe_params(call.request)}
            | ({"kept": dict(call.values)} if call.values else {})
            for call in resource.calls
        ],
        "paging": resource.pager.describe(),
        "rows_at": str(resource.selector) if resource.selector else "found on the first page",
        "write": resource.hints.get("write_disposition", "append"),
        "primary_key": list(resource.primary_key),
        "key_collisions": resource.key_collisions,
        "dropped": list(resource.dropped),
    }


def _describe_params(request: Request) -> dict[str, str | list[str]]:
    """Query parameters, secrets masked; a name that is sent several times has a list."""
    described: dict[str, list[str]] = {}
    for name, value in request.params:
        described.setdefault(name, []).append(mask(value))
    return {name: values[0] if len(values) == 1 else values for name, values in described.items()}
