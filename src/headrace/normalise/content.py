"""What the tables hold of a row, children and all: what tells two rows apart that only the API spells differently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.part import Part


def row_contents(parts: Sequence[Part], rows: Iterable[int]) -> dict[int, Any]:
    """The contents of root rows of `parts` by their number: values by column, nulls left out, and lists by table."""
    return _contents(parts, 0, list(rows)) if parts else {}


def _contents(parts: Sequence[Part], number: int, rows: list[int]) -> dict[int, Any]:
    part = parts[number]
    chosen = pa.array(rows, pa.int64())
    columns = {name: pc.take(column, chosen).to_pylist() for name, column in sorted(part.columns.items())}
    contents: dict[int, Any] = {
        row: {name: values[place] for name, values in columns.items() if values[place] is not None}
        for place, row in enumerate(rows)
    }
    for child, own in enumerate(parts):
        if child == 0 or own.parent != number:
            continue
        owners = own.owners.to_pylist()
        mine = [row for row, owner in enumerate(owners) if owner in contents]
        items = _contents(parts, child, mine) if mine else {}
        for row in mine:
            contents[owners[row]].setdefault((own.name,), []).append(items[row])
    return contents
