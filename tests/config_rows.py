"""Small configurations for tables of tests: what is said about one resource, and what must be told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HIDDEN = "hunter2-hunter2"

RESOURCE = "resources[0]"
ENDPOINT = "resources[0].endpoint"
PAGINATOR = "resources[0].endpoint.paginator"
GROWING = "resources[0].endpoint.incremental"


@dataclass(frozen=True)
class Row:
    """A configuration, and for each of its problems the place and words that must stand in it.

    `dlt` says why dlt takes the configuration all the same, empty where it refuses.
    """

    name: str
    raw: dict[str, Any]
    problems: tuple[tuple[str, ...], ...]
    dlt: str = field(default="", kw_only=True)


def config(client: dict[str, Any] | None = None, *resources: Any, **top: Any) -> dict[str, Any]:
    return {
        "client": {"base_url": "https://api.example.com", **(client or {})},
        "resources": list(resources) or ["items"],
        **top,
    }


def resource(**options: Any) -> dict[str, Any]:
    return config(None, {"name": "items", **options})


def endpoint(**options: Any) -> dict[str, Any]:
    return resource(endpoint=options)


def child(**options: Any) -> dict[str, Any]:
    """A resource after one that may be its parent."""
    return config(None, "users", {"name": "items", "endpoint": options})


def paged(kind: str, **options: Any) -> dict[str, Any]:
    return endpoint(paginator={"type": kind, **options})


def growing(**options: Any) -> dict[str, Any]:
    return endpoint(incremental={"cursor_path": "at", **options})


def fails(_: Any) -> Any:
    """A function that nobody should call while a configuration is read."""
    raise AssertionError
