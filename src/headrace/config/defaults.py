"""`resource_defaults` merged into a resource, exactly as dlt does (config_setup.py, `_merge_resource_endpoints`).

Shallow: what the resource says wins. Of `endpoint` too, but `params` and `json` are merged one level; `columns` are
merged by name, hint by hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_defaults(defaults: Mapping[str, Any] | None, resource: Mapping[str, Any]) -> dict[str, Any]:
    """`resource` over `defaults`, both plain trees; a path that neither names is the resource's name."""
    defaults = defaults or {}
    default_endpoint = defaults.get("endpoint") or {}
    own_endpoint = resource.get("endpoint") or {}
    endpoint = {**default_endpoint, **own_endpoint}
    if own_endpoint.get("path") is None:
        # a path among the defaults never counts: dlt sets the name before it merges
        endpoint["path"] = resource["name"]
    for key in ("params", "json"):
        if own_endpoint.get(key) is not None:
            endpoint[key] = {**(default_endpoint.get(key) or {}), **own_endpoint[key]}
    merged = {**defaults, **resource, "endpoint": endpoint}
    if _are_plain(defaults.get("columns"), resource.get("columns")):
        merged["columns"] = _merge_columns(defaults["columns"], resource["columns"])
    return merged


def _are_plain(*columns: Any) -> bool:
    """Whether both have columns that can be merged; models and functions take each other's place, as in dlt."""
    return all(said and isinstance(said, Mapping | list) for said in columns)


def _merge_columns(defaults: Any, own: Any) -> dict[str, dict[str, Any]]:
    """Own hints over default hints; a column that becomes complete moves to the end (dlt's `merge_columns`)."""
    merged = _by_name(defaults)
    for name, hints in _by_name(own).items():
        before = merged.get(name, {})
        if _is_complete(hints) and before and not _is_complete(before):
            del merged[name]
        merged[name] = {**before, **hints}
    return merged


def _by_name(columns: Any) -> dict[str, dict[str, Any]]:
    if isinstance(columns, Mapping):
        return {name: {**hints, "name": name} for name, hints in columns.items()}
    return {column["name"]: dict(column) for column in columns}


def _is_complete(hints: Mapping[str, Any]) -> bool:
    return bool(hints.get("name")) and bool(hints.get("data_type"))
