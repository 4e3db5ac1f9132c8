"""Changes to records before they are read: fields dropped, values added, JSON columns as text."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from headrace.decode import add_values, drop_keys, edit_values, load_exact
from nasty_json import ALL, data_set, random_sets

SECRET = "smtp-secret"


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (b'{"id":1,"password":"smtp-secret"}', {"id": 1}),
        (b'{"password":"smtp-secret"}', {}),
        (b'{"pass\\u0077ord":"smtp-secret","id":1}', {"id": 1}),
        (b'{"password":1,"id":1,"password":"smtp-secret"}', {"id": 1}),
        (b'{"id":1,"deep":{"password":"stays"}}', {"id": 1, "deep": {"password": "stays"}}),
        (b'{"password":"smtp-secret","\\ud800":1}', {"\ufffd": 1}),
        (b'{"password":"smtp-secret","n":NaN}', {"n": None}),
        (b'{"Password":"stays","n":123456789012345678901234567890}',
         {"Password": "stays", "n": 123456789012345678901234567890}),
        (b"[1]", [1]),
        (b"null", None),
    ],
)  # fmt: skip
def test_dropped_fields_leave_no_trace(record: bytes, kept: Any) -> None:
    (changed,) = drop_keys([record], ["password"])
    assert load_exact(changed) == kept
    assert SECRET.encode() not in changed


def test_record_without_the_field_stays_as_it_is() -> None:
    record = b'{ "id" : 1.50, "x":"\\u00e9" }'
    assert drop_keys([record], ["password"]) == [record]


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
        (dropped,) = drop_keys([record], ["a", "b"])
        assert repr(load_exact(dropped)) == repr({key: item for key, item in row.items() if key not in ("a", "b")})
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
