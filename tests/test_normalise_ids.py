"""Ids and names: dlt's formulas, restated with dlt's own functions as the judge."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from dlt.common.normalizers.json.helpers import get_nested_row_hash, get_row_hash
from dlt.common.schema import Schema

from headrace.bridge.tables import WorkingTables
from headrace.normalise import (
    Key,
    Node,
    build_layout,
    child_ids,
    content_ids,
    gather,
    key_ids,
    key_values,
    observe,
    random_ids,
    read_keys,
    repeated_id,
)
from loading import duckdb_capabilities, working_tables


def keys_of(rows: list[Any], names: list[str]) -> list[Key]:
    """The keys `names` of `rows`, as the exact path types them."""
    rules = working_tables(primary_key=names, write_disposition="merge")
    return read_keys(gather(rules.exact(rows), rules)[0], names)


@pytest.mark.parametrize(
    "row",
    [{"id": one} for one in (1, -1, 2**63 - 1, 1.5, True, "", "x", "é\u2028😀\x7f", 'say "x"', "a\\b", "a\nb\x01\x00")],
)
def test_id_by_key_is_dlts_row_hash(row: dict[str, Any]) -> None:
    (key,) = keys_of([row | {"other": 1}], ["id"])
    assert key_ids([key], [b"{}"], working_tables()) == [get_row_hash(row, ["id"])]


def test_id_by_composite_key_is_dlts_row_hash() -> None:
    keys = keys_of([{"b": 1, "a": "x"}, {"a": "x", "b": 1, "c": 0}], ["a", "b"])
    expected = get_row_hash({"a": "x", "b": 1}, ["a", "b"])
    assert keys == keys_of([{"a": "x", "b": 1}] * 2, ["b", "a"])
    assert key_ids(keys, [b"{}"] * 2, working_tables()) == [expected, expected]


def test_row_without_key_has_the_id_of_its_content() -> None:
    rules = working_tables()
    assert key_ids([None, b'{"id":1}'], [b'{"a":1}', b"{}"], rules)[0] == content_ids([b'{ "a": 1 }'], rules)[0]


@pytest.mark.parametrize(
    ("rows", "names", "keys"),
    [
        ([{"itemId": 1}], ["item_id"], [(1,)]),
        ([{"a": {"id": 1}}], ["a__id"], [(1,)]),
        ([{"ID": 1, "id": 2}], ["id"], [(2,)]),
        ([{"id": 1}, {"id": None}, {}], ["id"], [(1,), None, None]),
        ([{"id": None}, {}], ["id"], [None, None]),
        ([{"id": {"x": 1}}, {"id": [1]}], ["id"], [None, None]),
        ([{"a": 1}, {"a": 1, "b": 2}], ["a", "b"], [None, (1, 2)]),
        ([[1], None], ["id"], [None, None]),
        # as typed: what the destination compares
        ([{"id": 9}, {"id": "9"}, {"id": 9.0}], ["id"], [(9,)] * 3),
        ([{"id": "9"}, {"id": 9}], ["id"], [("9",)] * 2),
        ([{"id": 1}, {"id": "x"}, {"id": 2**63}, {"id": 1.5}], ["id"], [(1,), None, None, None]),
    ],
)
def test_key_is_read_off_the_typed_columns(
    rows: list[Any], names: list[str], keys: list[tuple[Any, ...] | None]
) -> None:
    expected = [None if key is None else dict(zip(names, key, strict=True)) for key in keys]
    assert [None if key is None else key_values(key) for key in keys_of(rows, names)] == expected


@pytest.mark.parametrize("other", ["2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00.000Z", "2024-01-01 00:00:00"])
def test_spellings_of_one_instant_are_one_key(other: str) -> None:
    one, same, next_one = keys_of([{"at": "2024-01-01T00:00:00Z"}, {"at": other}, {"at": 1704067200.5}], ["at"])
    assert one == same != next_one


def test_lists_that_share_a_table_keep_their_parents() -> None:
    """An object in one row, a list of objects in another: rows of `rows__a__b` lie under `rows` and under `rows__a`."""
    rules = working_tables()
    parts = gather(rules.exact([{"a": {"b": [1]}}, {"a": [{"b": [2, 3]}]}, {"a": {"b": [4]}}]), rules)
    found = [(part.name, parts[part.parent].name, part.owners.to_pylist()) for part in parts]
    assert found == [
        ("rows", "rows", [0, 1, 2]),
        ("rows__a__b", "rows", [0, 2]),
        ("rows__a", "rows", [1]),
        ("rows__a__b", "rows__a", [0, 0]),
    ]


def test_child_ids_are_dlts_nested_row_hash() -> None:
    rules = working_tables()
    parents = random_ids(50, rules)
    expected = [get_nested_row_hash(parent, "rows__t", place) for place, parent in enumerate(parents)]
    places = pa.array(range(50), pa.int64())
    assert child_ids(pa.array(parents), "rows__t", places, rules).to_pylist() == expected


def test_ids_of_many_are_those_of_each() -> None:
    rules = working_tables()
    records = [f'{{"a":{number}}}'.encode() for number in range(50)]
    assert content_ids(records, rules) == [content_ids([record], rules)[0] for record in records]
    assert content_ids([], rules) == []


def test_all_ids_look_like_dlts() -> None:
    rules = working_tables()
    first = random_ids(1, rules)[0]
    ids = [first, repeated_id(first, 1, rules), repeated_id(first, 2, rules), *content_ids([b"{}"], rules)]
    assert {len(made) for made in ids} == {14}
    assert len(set(ids)) == 4


def shape(*rows: Any) -> Node:
    node = Node()
    for row in rows:
        observe(node, row)
    return node


def settled(*rows: Any) -> Any:
    """Rules in which the exact path has seen `rows`."""
    rules = working_tables()
    rules.exact(rows)
    return rules


def test_layout_reads_settled_paths_and_refuses_others() -> None:
    rows = ({"a": 1, "b": "x", "n": None, "e": [], "t": [{"c": 1.5}], "m": 1}, {"m": "text"})
    layout = build_layout(shape(*rows), settled(*rows))
    assert layout is not None
    types = {field.name: field.type for field in layout.schema}
    assert types["a"] == pa.int64()
    assert types["b"] == pa.string()
    assert types["n"] == pa.null()
    assert types["t"] == pa.list_(pa.struct([("c", pa.float64())]))
    # read as what its column is: a record with a text there is refused
    assert types["m"] == pa.int64()
    assert [child.name for child in layout.root.children] == ["rows__t"]


@pytest.mark.parametrize(
    "row",
    [
        {"a": {"b": 1}, "a__b": 2},
        {"userId": 1, "user_id": 2},
        {"_dlt_id": "x"},
        {"t": [{"_dlt_parent_id": 1}]},
        {"userId": [1], "user_id": [2]},
    ],
)
def test_no_layout_where_two_paths_meet(row: dict[str, Any]) -> None:
    """Order decides there, and only the exact path knows it."""
    assert build_layout(shape(row), settled(row)) is None


def test_no_layout_where_dlt_must_decide_each_row() -> None:
    schema = Schema("loading")
    schema.update_table({"name": "rows", "columns": {}, "filters": {"excludes": ["a"]}})
    rules = WorkingTables(schema, [{"name": "rows", "columns": {}}], duckdb_capabilities())
    assert not rules.columnar
    assert build_layout(shape({"a": 1}), rules) is None


def test_what_lies_below_the_nesting_limit_is_read_as_text() -> None:
    row = {"a": {"b": {"c": 1}, "d": 2}, "t": [{"x": [1], "y": 3}], "o": {"p": [1]}}
    rules = working_tables(max_table_nesting=1)
    rules.exact([row])
    layout = build_layout(shape(row), rules)
    assert layout is not None
    assert layout.edits == {"a": {"b": True}, "t": {"x": True}, "o": {"p": True}}
    assert [column.name for column in layout.root.columns] == ["a__b", "a__d", "o__p"]
    assert [column.name for column in layout.root.children[0].columns] == ["x", "y"]


def test_what_a_contract_discards_is_not_read() -> None:
    contract = {"tables": "discard_row", "columns": "discard_value"}
    schema = Schema("loading")
    schema.update_table({"name": "rows", "columns": {"a": {"name": "a", "data_type": "bigint"}}})
    rules = WorkingTables(schema, [{"name": "rows", "columns": {}, "schema_contract": contract}], duckdb_capabilities())
    rows = [{"a": 1}, {"a": 2, "new": 3, "o": {"new": 4}, "t": [5]}]
    rules.exact(rows)
    layout = build_layout(shape(*rows), rules)
    assert layout is not None
    assert layout.edits == {"new": False, "o": {"new": False}, "t": False}
    assert [field.name for field in layout.schema] == ["a", "o"]
