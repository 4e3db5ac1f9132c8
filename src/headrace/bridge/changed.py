"""What a configuration declares otherwise than when its rows were loaded: keys, and types of columns.

Rows that stand keep the key under which they came, so under another one they would stand beside themselves; values of
another type go to a column of their own. Both may be meant. Neither should happen because a line was edited.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlt.common.schema.utils import has_table_seen_data, normalize_table_identifiers

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource


def changes(pipeline: dlt.Pipeline, source: DltSource) -> list[str]:
    """Each change in words, for the resources of `source` that are selected; none where nothing is loaded yet.

    The destination is asked where the pipeline has not run on this machine. Raises what dlt raises.
    """
    if pipeline.first_run:
        pipeline.sync_destination()
    if source.schema.name not in pipeline.schemas:
        return []
    stored = pipeline.schemas[source.schema.name]
    found: list[str] = []
    for resource in source.resources.selected.values():
        if callable(resource.table_name) or any(map(callable, (resource._hints or {}).values())):  # noqa: SLF001
            continue  # known of each row only
        declared = normalize_table_identifiers(resource.compute_table_schema(), stored.naming)
        table = stored.tables.get(declared["name"], {})
        if has_table_seen_data(table):
            changed = _changes(declared["columns"], table["columns"])
            found += (f"resource `{resource.name}`: {text}" for text in changed)
    return found


def _changes(declared: dict[str, Any], stored: dict[str, Any]) -> Iterator[str]:
    now, before = _key(declared), _key(stored)
    if set(now) != set(before):
        yield f"its key was {_named(before)}, and is {_named(now)}"
    for name, of in declared.items():
        kind, known = of.get("data_type"), stored.get(name, {}).get("data_type")
        if kind and known and kind != known:
            yield f"the type of its column `{name}` was {known}, and is {kind}"


def _key(columns: dict[str, Any]) -> list[str]:
    return [name for name, of in columns.items() if of.get("primary_key")]


def _named(key: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in key) or "none"
