"""The converter: any split into batches, by the fast or the exact path, gives the same tables, ids included."""

from __future__ import annotations

import base64
import hashlib
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
from nasty_json import ALL, Nastiness, data_set

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


@settings(max_examples=120, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(dice=st.randoms(use_true_random=True))
def test_paths_agree_on_ids_by_key_too(dice: Random) -> None:
    """Repeated keys in any form (1, 1.0, "1", null, missing): the same rows get the same ids on both paths."""
    nasty = Nastiness(wide=False, surprise=0.01)
    keys = dice.choice((("1", "2", "3"), ("1", "2.0", "1.0"), ('"a"', '"b"'), ('"2024-01-01T00:00:00Z"', "null")))
    records = [
        text.replace("{", f'{{"key":{dice.choice(keys)},', 1) for text in data_set(dice, nasty) if len(json.loads(text))
    ]
    note(str(records))
    # one record a page: what differs under one key is then an update
    fast = convert([[text] for text in records], id_source="key", primary_key=("key",))
    exact = convert([[text] for text in records], columnar=False, id_source="key", primary_key=("key",))
    assert_same(fast, exact)


REGULAR = [
    json.dumps({
        "id": number, "name": f"n{number}" if number % 3 else None, "at": f"2024-01-01T00:00:{number % 60:02}Z",
        "ratio": number / 7, "ok": number % 2 == 0, "owner": {"id": number % 5, "tags": ["a", "b"][: number % 3]},
        "lines": [{"sku": f"s{place}", "parts": [{"n": place}]} for place in range(number % 4)],
    })
    for number in range(1000)
]  # fmt: skip


@pytest.mark.parametrize("size", [1000, 300, 100, 65])
def test_regular_records_are_read_fast(size: int) -> None:
    """At most one run of 64 records teaches the shape."""
    result = convert([REGULAR[start : start + size] for start in range(0, 1000, size)])
    assert result.exact_rows <= 64
    assert_same(result, convert([REGULAR], columnar=False))
    assert set(result.tables) == {"rows", "rows__owner__tags", "rows__lines", "rows__lines__parts"}
    assert len(result.rows("rows__lines")) == 1500


def test_new_key_on_the_last_page_costs_few_exact_records() -> None:
    late = [text[:-1] + ',"batch":{"id":1}}' for text in REGULAR[900:]]
    result = convert([REGULAR[:900] + late])
    assert result.exact_rows <= 64 * 4
    assert [row["batch__id"] for row in result.rows()] == [None] * 900 + [1] * 100


def test_pretty_printed_records_over_several_blocks() -> None:
    """Line ends inside of records, more than the strict reader takes at once (1 MiB)."""
    wide = [json.dumps(json.loads(text) | {"pad": "x" * 1500}, indent=1) for text in REGULAR]
    result = convert([wide])
    assert_same(result, convert([wide], columnar=False))


@pytest.mark.parametrize(
    "records",
    [
        ['{"ID":[]}', '{"ID":[null,null]}'],
        ['{"a":{"b":[]}}', '{"a":{"b":[null]}}'],
        ['{"a":[[]]}', '{"a":[[null]]}', '{"a":[null]}'],
        ["{}", "{}", '{"a":1}'],
        ['{"a":null}', '{"a":null}'],
        ['{"a":{}}', '{"a":{}}', '{"a":{"b":1}}'],
        ['{"a":1}', '{"a":9223372036854775808}', '{"a":2}'],
        ['{"a":[1]}', '{"a":[9223372036854775808]}', '{"a":[2]}'],
        ['{"a":[{"b":1}]}', '{"a":[{"b":9223372036854775808}]}'],
        ['{"a":1.5}', '{"a":9223372036854775808}'],
        ['{"a":"x"}', '{"a":9223372036854775808}'],
        ['{"a":"2024-01-01T00:00:00Z"}', '{"a":9223372036854775807}'],
        ['{"a":1}', '{"a":1e300}'],
        ['{"":[1]}', '{"":[2]}'],
        ['{" ":[[1]]}', '{" ":[[2]]}'],
        ['{"a":"x\\u0000y"}', '{"a":"\\u0000"}'],
        ['{"a":"\\ud800"}', '{"a":"ok"}', '{"a":"\\udfff"}'],
        ['{"a":1.5}', '{"a":"NaN"}', '{"a":2}'],
    ],
)
def test_no_value_stops_a_run(records: list[str]) -> None:
    """One record a batch, so all but the first are tried on the fast path."""
    result = convert([[record] for record in records])
    assert len(result.rows()) == len(records)
    assert_same(result, convert([records], columnar=False))


def test_integer_beyond_64_bits_is_kept_as_text() -> None:
    wide = 2**64 + 1
    for records, table in (
        (['{"a":1}', f'{{"a":{wide}}}'], "rows"),
        (['{"t":[{"a":1}]}', f'{{"t":[{{"a":{wide}}}]}}'], "rows__t"),
    ):
        rows = convert([[record] for record in records]).rows(table)
        assert [(row["a"], row["a__v_text"]) for row in rows] == [(1, None), (None, str(wide))]


@pytest.mark.parametrize("batches", [[["{}"] * 3], [["{}"]] * 3])
def test_json_column_is_exact_on_both_paths(batches: list[list[str]]) -> None:
    """A declared JSON column keeps integers of any size and replaces lone surrogates, whichever path reads it."""
    texts = ['{"a":{"x":1}}', '{"a":{"x":123456789012345678901}}', '{"a":{"x":"\\ud800"}}', '{"a":"text"}']
    hints = {"columns": {"a": {"data_type": "json"}}}
    sizes = [len(batch) for batch in batches]
    fast = convert(split(texts, sizes), **hints)
    assert [row["a"] for row in fast.rows()][1] == '{"x":123456789012345678901}'
    assert_same(fast, convert([texts], columnar=False, **hints))


def test_declared_decimals_are_rounded_as_by_dlt() -> None:
    rows = convert(
        [['{"a":0.1}', '{"a":"0.1234567891234"}', '{"a":3}']], columns={"a": {"data_type": "decimal"}}
    ).rows()
    assert [str(row["a"]) for row in rows] == ["0.100000000", "0.123456789", "3.000000000"]


def test_child_ids_follow_dlts_formula() -> None:
    result = convert([REGULAR], id_source="key", primary_key=("id",))
    roots = {row["_dlt_id"] for row in result.rows()}
    lines = result.rows("rows__lines")
    for row in lines:
        assert row["_dlt_id"] == nested_id(row["_dlt_parent_id"], "rows__lines", row["_dlt_list_idx"])
        assert row["_dlt_parent_id"] == row["_dlt_root_id"]
        assert row["_dlt_root_id"] in roots
    parents = {row["_dlt_id"]: row["_dlt_root_id"] for row in lines}
    for row in result.rows("rows__lines__parts"):
        assert row["_dlt_id"] == nested_id(row["_dlt_parent_id"], "rows__lines__parts", row["_dlt_list_idx"])
        assert row["_dlt_root_id"] == parents[row["_dlt_parent_id"]]


def nested_id(parent: str, table: str, place: int) -> str:
    """dlt's `get_nested_row_hash`, written again."""
    digest = hashlib.shake_128(f"{parent}_{table}_{place}".encode()).digest(10)
    return base64.b64encode(digest).decode()[:14]
