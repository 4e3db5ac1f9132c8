"""The converter: any split into batches, by the fast or the exact path, gives the same tables, ids included."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st
from loading import working_tables
from nasty_json import ALL, data_set

from headrace.engine import Converter, Identities, IdSource, ResourceReport
from headrace.engine.records import Records
from headrace.jsonpath import compile_path
from headrace.normalise import conform
from headrace.paginate import SinglePage
from headrace.plan import ResourcePlan

MERGE = {"write_disposition": "merge"}


def plan(**changes: Any) -> ResourcePlan:
    values: dict[str, Any] = {
        "name": "rows", "table_name": "rows", "calls": (), "pager": SinglePage(), "selector": compile_path("items"),
        "auth": None, "primary_key": (), "key_collisions": "keep_last", "key_collisions_declared": False,
        "private": (), "drop_private": True, "allow_null_data": False, "hints": {},
    }  # fmt: skip
    return ResourcePlan(**(values | changes))


@dataclass(frozen=True)
class Result:
    """Final tables by name in dlt's order, and how many records took the exact path."""

    tables: dict[str, pa.Table]
    exact_rows: int

    def rows(self, table: str = "rows") -> list[dict[str, Any]]:
        return self.tables[table].to_pylist()


def convert(
    batches: Sequence[Sequence[str]],
    *,
    columnar: bool = True,
    id_source: IdSource = "content",
    primary_key: tuple[str, ...] = (),
    **hints: Any,
) -> Result:
    """The tables that the batches give; each batch is one page."""
    rules = working_tables(primary_key=list(primary_key) or None, **{**MERGE, **hints})
    assert rules.columnar or not columnar
    rules.columnar = columnar
    report = ResourceReport("rows")
    with tempfile.TemporaryDirectory() as folder:
        identities = Identities(Path(folder), rules)
        converter = Converter(plan(primary_key=primary_key), rules, identities, id_source, report)
        found = [
            converter.convert(Records([text.encode() for text in batch], [len(batch)], {}, ()))
            for batch in batches
            if batch
        ]
        identities.close()
    tables = {}
    for name in rules.tables():
        columns = rules.columns(name)
        parts = [conform(batch.tables[name], columns, rules) for batch in found if name in batch.tables]
        if parts:
            table = pa.concat_tables(parts)
            tables[name] = table.drop_columns(["_dlt_load_id"]) if name == "rows" else table  # set when loading
    assert {name for batch in found for name in batch.tables} == set(tables)
    return Result(tables, report.exact_rows)


def assert_same(one: Result, other: Result) -> None:
    """Equal table names, columns, their order and types, and rows."""
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        assert table.schema == other.tables[name].schema, name
        assert readable(table) == readable(other.tables[name]), name


def readable(table: pa.Table) -> list[dict[str, str]]:
    """Rows with values as text, so that a NaN (which the text "NaN" becomes in a double column) equals itself."""
    return [{name: repr(cell) for name, cell in row.items()} for row in table.to_pylist()]


def split(records: Sequence[str], sizes: Sequence[int]) -> list[list[str]]:
    """`records` in batches of `sizes`, the rest in the last one."""
    batches, start = [], 0
    for size in sizes:
        batches.append(list(records[start : start + size]))
        start += size
    return [*batches, list(records[start:])]


@settings(max_examples=250, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(dice=st.randoms(use_true_random=True))
def test_fast_path_in_any_split_equals_exact_path(dice: Random) -> None:
    records = data_set(dice, ALL)
    sizes = [dice.randint(1, 4) for _ in range(dice.randint(0, 6))]
    note(f"{sizes} of {records}")
    fast = convert(split(records, sizes))
    exact = convert([records], columnar=False)
    assert_same(fast, exact)
