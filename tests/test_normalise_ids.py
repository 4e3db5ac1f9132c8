"""Ids and names: dlt's formulas, restated with dlt's own functions as the judge."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from dlt.common.normalizers.json.helpers import get_nested_row_hash, get_row_hash
from loading import working_tables

from headrace.normalise import Node, build_layout, content_ids, key_ids, key_values, observe, random_ids, repeated_id
from headrace.normalise.ids import child_ids


@pytest.mark.parametrize("row", [{"id": 1}, {"id": "x"}, {"id": "é"}, {"id": 2**63 - 1}, {"id": 1.5}, {"id": True}])
def test_id_by_key_is_dlts_row_hash(row: dict[str, Any]) -> None:
    rules = working_tables(primary_key="id", write_disposition="merge")
    key = key_values(row | {"other": 1}, ["id"], rules)
    assert key_ids([key], [b"{}"], rules) == [get_row_hash(row, ["id"])]


def test_id_by_composite_key_is_dlts_row_hash() -> None:
    rules = working_tables(primary_key=["a", "b"], write_disposition="merge")
    keys = [key_values(row, ["a", "b"], rules) for row in ({"b": 1, "a": "x"}, {"a": "x", "b": 1, "c": 0})]
    expected = get_row_hash({"a": "x", "b": 1}, ["a", "b"])
    assert key_ids(keys, [b"{}"] * 2, rules) == [expected, expected]


@pytest.mark.parametrize(
    ("row", "names", "key"),
    [
        ({"itemId": 1}, ["item_id"], {"item_id": 1}),
        ({"a": {"id": 1}}, ["a__id"], {"a__id": 1}),
        ({"ID": 1, "id": 2}, ["id"], {"id": 2}),
        ({"id": None}, ["id"], None),
        ({}, ["id"], None),
        ({"id": {"x": 1}}, ["id"], None),
        ({"a": 1}, ["a", "b"], None),
        ([1], ["id"], None),
        (None, ["id"], None),
    ],
)
def test_key_is_found_by_the_names_of_columns(row: Any, names: list[str], key: Any) -> None:
    assert key_values(row, names, working_tables()) == key


def test_child_ids_are_dlts_nested_row_hash() -> None:
    rules = working_tables()
    parents = random_ids(50, rules)
    expected = [get_nested_row_hash(parent, "rows__t", place) for place, parent in enumerate(parents)]
    assert child_ids(parents, "rows__t", range(50), rules) == expected


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
    assert types["m"] == pa.null()
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
    row = {"a": 1}
    for hints in ({"max_table_nesting": 1}, {"schema_contract": "freeze"}):
        rules = working_tables(**hints)
        assert not rules.columnar
        assert build_layout(shape(row), rules) is None
