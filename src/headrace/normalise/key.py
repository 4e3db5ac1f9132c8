"""The values of a declared key, from columns and from decoded rows: the same values, so the same ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from headrace.normalise.layout import Layout
from headrace.normalise.rules import Rules

#: One key a row as the API sent its values, by column name; None where a part of it is missing or null.
Key = Mapping[str, Any] | None


def key_columns(nested: pa.Table, layout: Layout, names: Sequence[str]) -> list[Key]:
    """The key of each row of a columnar batch."""
    steps = {column.name: column.steps for column in layout.root.columns}
    if not all(name in steps for name in names):
        return [None] * nested.num_rows
    values = [_values(nested, steps[name]) for name in names]
    return [
        None if any(part is None for part in parts) else dict(zip(names, parts, strict=True))
        for parts in zip(*values, strict=True)
    ]


def _values(nested: pa.Table, steps: tuple[str, ...]) -> list[Any]:
    """The values at one path."""
    values: list[Any] = nested.column(nested.schema.get_field_index(steps[0])).to_pylist()
    for step in steps[1:]:
        values = [None if value is None else value.get(step) for value in values]
    return values


def key_values(row: Any, names: Sequence[str], rules: Rules) -> Key:
    """The key of one decoded row, found by the names that its paths get in the table."""
    found: dict[str, Any] = {}
    waiting: list[tuple[Any, tuple[str, ...]]] = [(row, ())]
    while waiting:
        current, path = waiting.pop()
        if not isinstance(current, dict):
            continue
        for key, value in current.items():
            steps = (*path, rules.identifier(key))
            name = rules.shorten(*steps)
            if isinstance(value, dict):
                if any(wanted.startswith(name) for wanted in names):
                    waiting.append((value, steps))
            elif name in names:
                found[name] = value
    return {name: found[name] for name in names} if all(found.get(name) is not None for name in names) else None
