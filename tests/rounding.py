"""Whole numbers that a double does not hold: what stock dlt would have where ours keeps them in a variant column.

dlt rounds them; ours puts them into `<column>__v_bigint` beside the column of doubles. `as_rounded` takes just this
away, and fails where such a variant has anything else: a number that a double holds, or one beside a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dlt

from loading import Database, Table, read_database

#: Table -> variant column -> the column of doubles beside it.
Variants = Mapping[str, Mapping[str, str]]


def variants_of(target: dlt.Pipeline) -> Variants:
    """The variants of doubles for whole numbers; stock dlt makes none."""
    schema = target.default_schema
    found: dict[str, dict[str, str]] = {}
    for name, table in schema.tables.items():
        columns = table["columns"]
        for column, facts in columns.items():
            variant = schema.naming.shorten_fragments(column, "v_bigint")
            if facts.get("data_type") == "double" and columns.get(variant, {}).get("variant"):
                found.setdefault(name, {})[variant] = column
    return found


def as_rounded(target: dlt.Pipeline) -> Database:
    """The pipeline's database as dlt's rounding would have left it."""
    variants = variants_of(target)
    tables = read_database(target).tables
    return Database({name: _rounded(table, variants.get(name, {})) for name, table in tables.items()})


def without_variants(stored: Mapping[str, Any], variants: Variants) -> dict[str, Any]:
    """A stored schema, as `test_parity.stored_schema` gives it, without the variants."""
    return {
        name: (hints, [column for column in columns if column[0] not in variants.get(name, {})])
        for name, (hints, columns) in stored.items()
    }


def _rounded(table: Table, variants: Mapping[str, str]) -> Table:
    columns, rows = table
    places = {name: place for place, (name, *_) in enumerate(columns)}
    made = []
    for row in rows:
        cells = list(row)
        for variant, column in variants.items():
            whole = cells[places[variant]]
            if whole is not None:
                assert cells[places[column]] is None
                assert float(whole) != whole, f"a double holds {whole}"
                cells[places[column]] = float(whole)
        made.append(tuple(cell for cell, (name, *_) in zip(cells, columns, strict=True) if name not in variants))
    return [column for column in columns if column[0] not in variants], made
