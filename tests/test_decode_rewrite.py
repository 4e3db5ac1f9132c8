"""Changes to records before they are read: values added, JSON columns as text."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from headrace.decode import add_values, edit_values, load_exact
from nasty_json import ALL, data_set, random_sets


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        (b'{"id":1}', {"domain_id": 7, "id": 1}),
        (b"{}", {"domain_id": 7}),
        (b"{ \n }", {"domain_id": 7}),
        (b'{ "id":1}', {"domain_id": 7, "id": 1}),
        (b'{"domain_id":8}', {"domain_id": 8}),
        (b'{"domain_id":null}', {"domain_id": None}),
        (b"[1]", [1]),
        (b"3", 3),
    ],
)
def test_added_values_come_first_and_the_records_own_win(record: bytes, changed: Any) -> None:
    (found,) = add_values([record], {"domain_id": 7})
    assert load_exact(found) == changed
    if isinstance(changed, dict):
        assert next(iter(load_exact(found))) == "domain_id"


def test_no_values_change_nothing() -> None:
    assert add_values([b'{"a":1}'], {}) == [b'{"a":1}']


@random_sets(200)
def test_rewriting_keeps_every_other_value(dice: Random) -> None:
    for text in data_set(dice, ALL):
        record = text.encode()
        row = load_exact(record)
        (added,) = add_values([record], {"c": "é", "new": 1})
        assert load_exact(added) == {"c": "é", "new": 1} | row


def to_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_json_columns_become_text() -> None:
    records = [b'{"a":{"x": [1]},"b":2}', b'{"a":[ ]}', b'{"a":null}', b'{"b":3}']
    changed = edit_values(records, {"a": True}, to_text)
    assert changed is not None
    assert [load_exact(record) for record in changed] == [
        {"a": '{"x":[1]}', "b": 2},
        {"a": "[]"},
        {"a": None},
        {"b": 3},
    ]


@pytest.mark.parametrize("record", [b'{"a":"text"}', b'{"a":1}', b'{"a":true}', b'{"a":{},"\\ud800":1}'])
def test_other_kinds_in_a_json_column_are_left_to_the_exact_path(record: bytes) -> None:
    assert edit_values([b'{"a":{}}', record], {"a": True}, to_text) is None
