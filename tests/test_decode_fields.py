"""Fields in one shape: every spelling of the services that are known, at any depth, and nothing else touched."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from headrace.decode import Odd, Shaper, load_exact
from headrace.decode.fields import shape_fields
from headrace.plan.shaping import Shaping
from nasty_json import ALL, data_set, random_sets


def shaped(record: Any, **fields: Shaping) -> Any:
    text = record if isinstance(record, str) else json.dumps(record)
    shapes = {name.replace("_", "-"): shaping for name, shaping in fields.items()}
    (plain,) = shape_fields([text.encode()], shapes)
    (found,) = Shaper(shapes).shape([text.encode()])
    assert json.loads(found) == json.loads(plain)
    return json.loads(found)


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("Mon, 24 Feb 2025 22:44:03 GMT", "2025-02-24T22:44:03+00:00"),
        ("Thu, 26 Mar 2026 12:59:24 UTC", "2026-03-26T12:59:24+00:00"),
        ("Sun, 26 Jan 2025 07:29:27 -0000", "2025-01-26T07:29:27+00:00"),
        ("Wed, 27 Nov 2024 12:00:00 +0000", "2024-11-27T12:00:00+00:00"),
        ("Wed, 27 Nov 2024 12:00:00 -0530", "2024-11-27T12:00:00-05:30"),
        ("27 Nov 2024 12:00:00 GMT", "2024-11-27T12:00:00+00:00"),
        ("2023-01-02 02:14:27 +0000 UTC", "2023-01-02T02:14:27+0000"),
        ("2023-01-02 02:14:27.0000015 +0200 CEST", "2023-01-02T02:14:27.0000015+0200"),
        ("2026-01-23T10:16:00", "2026-01-23T10:16:00Z"),
        ("2026-01-23 10:16:00.123456", "2026-01-23 10:16:00.123456Z"),
        # these the tables read as they are
        ("2025-06-25T17:19:51.166Z", "2025-06-25T17:19:51.166Z"),
        ("2025-06-25T17:19:51+02:00", "2025-06-25T17:19:51+02:00"),
        ("2025-06-25", "2025-06-25"),
        (1529692198.641821, 1529692198.641821),
        (1767225600123, "2026-01-01T00:00:00.123+00:00"),
        # no date: kept
        ("never", "never"),
        ("", ""),
        (None, None),
        ([1], [1]),
    ],
)
def test_a_date_is_a_moment_in_any_spelling(said: Any, stored: Any) -> None:
    assert shaped({"id": 1, "at": said}, at=Shaping("timestamp")) == {"id": 1, "at": stored}


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), (" [1, 2] ", [1, 2]), ("{}", {}),
        ("Could not load user-variables.", "Could not load user-variables."), ('say "x" é', 'say "x" é'), ("", ""),
        ("{broken", "{broken"), ('"x"', "x"), ("12", 12), ("true", True), (7, 7), (1.5, 1.5), (False, False),
    ],
)  # fmt: skip
def test_json_is_held_whether_it_came_open_or_as_text(said: Any, stored: Any) -> None:
    """dlt opens a text once, and takes a text that it then finds for JSON."""
    found = shaped({"v": said}, v=Shaping("json"))["v"]
    opened = json.loads(found) if isinstance(found, str) else found
    assert (json.loads(opened) if isinstance(opened, str) else opened) == stored


@pytest.mark.parametrize(
    ("said", "stored"), [(550, "550"), ("550", "550"), (1.50, "1.5"), (True, "true"), (None, None)]
)
def test_numbers_become_text_as_they_are_spelt(said: Any, stored: Any) -> None:
    assert shaped({"code": said}, code=Shaping("text")) == {"code": stored}


@pytest.mark.parametrize(("said", "stored"), [("u", ["u"]), (["u", "v"], ["u", "v"]), ([], []), (None, None)])
def test_a_lone_value_is_a_list_of_one(said: Any, stored: Any) -> None:
    record = {"storage": {"url": said, "key": "k"}}
    assert shaped(record, storage=Shaping(inner={"url": Shaping("list")})) == {"storage": {"url": stored, "key": "k"}}


def test_a_field_has_the_first_of_its_names_that_is_there() -> None:
    envelope = Shaping(names=("envelop", "enveloppe"))
    assert shaped({"envelop": {"a": 1}}, envelope=envelope) == {"envelope": {"a": 1}}
    assert shaped({"enveloppe": 2, "envelop": 1}, envelope=envelope) == {"envelope": 1, "enveloppe": 2}
    # nothing is overwritten, also not by a field whose own value is null
    assert shaped({"envelope": None, "envelop": 1}, envelope=envelope) == {"envelope": None, "envelop": 1}
    assert shaped({"other": 1}, envelope=envelope) == {"other": 1}


def test_a_copy_leaves_the_field_to_its_last_digit() -> None:
    text = '{"timestamp": 1666214138.4046676, "id": 1}'
    (found,) = shape_fields([text.encode()], {"at": Shaping("timestamp", copy_of="timestamp")})
    assert found == b'{"timestamp":1666214138.4046676,"id":1,"at":1666214138.4046676}'


def test_shapes_apply_in_objects_of_lists_too() -> None:
    record = {"rows": [{"at": "Mon, 24 Feb 2025 22:44:03 GMT"}, {"at": None}, 3]}
    rows = Shaping(inner={"at": Shaping("timestamp")})
    assert shaped(record, rows=rows) == {"rows": [{"at": "2025-02-24T22:44:03+00:00"}, {"at": None}, 3]}


@pytest.mark.parametrize(
    "text",
    [
        '{"at": "\\ud800"}',
        '{"\\ud800": 1, "at": "x"}',
        '{"at": NaN}',
        "[1]",
        "7",
        '"x"',
        '{"at":' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_what_cannot_be_opened_stays_as_it_came(text: str) -> None:
    fields = {"at": Shaping("timestamp", inner={"x": Shaping("text")})}
    assert shape_fields([text.encode()], fields) == Shaper(fields).shape([text.encode()]) == [text.encode()]


def test_a_record_without_the_field_stays_byte_by_byte() -> None:
    text = b'{ "id" : 1 ,"x":[ ] }'
    assert shape_fields([text], {"at": Shaping("timestamp")}) == [text]


def test_a_row_that_lacks_a_field_has_its_default_in_the_same_form() -> None:
    fields = {"who": Shaping("list", default=b'""', names=("whom",))}
    assert shaped({"a": 1}, **fields) == {"a": 1, "who": [""]}
    assert shaped({"whom": "x"}, **fields) == {"who": ["x"]}
    assert shaped({"who": None}, **fields) == {"who": None}


SHAPES: list[dict[str, Shaping]] = [
    {"a": Shaping("json"), "b": Shaping("text"), "c": Shaping("list"), "value": Shaping("timestamp")},
    {"copy": Shaping("timestamp", copy_of="a"), "b": Shaping(names=("x.y", "A")), "c": Shaping("text", default=b"1")},
    {
        "a": Shaping(inner={"b": Shaping("text"), "c": Shaping(inner={"a": Shaping("list")})}),
        "copy": Shaping(copy_of="b"),
    },
    {
        "a": Shaping("list", inner={"b": Shaping("json"), "z": Shaping(default=b'"d"', copy_of="c")}),
        "id": Shaping("text"),
    },
    {"a": Shaping(inner={"z": Shaping("list", default=b"{}", names=("b",))}), "twin": Shaping("list", copy_of="a")},
    {"été": Shaping("text"), "@timestamp": Shaping("timestamp"), 'a"b': Shaping("text"), "": Shaping("json")},
]


@random_sets(300)
def test_values_put_where_they_stood_are_those_of_the_plain_way(dice: Random) -> None:
    """Whatever comes: gaps, spaces, escapes in keys, keys that come twice, other kinds, what no parser takes."""
    fields = dice.choice(SHAPES)
    records = [text.encode("utf-8", "surrogatepass") for text in data_set(dice, ALL)]
    plain = [load_exact(record) for record in shape_fields(records, fields)]
    assert [repr(load_exact(record)) for record in Shaper(fields).shape(records)] == list(map(repr, plain))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": 1}, "b": 2, "a": {"b": 3, "b": 4}}',
        '{ "\\u0061" : {"\\u0062":1 } , "b" : 2 }\n',
        '{"a": [{"b": 1}, {"b": {"x": 1}}, {}], "b": 0}',
        '{"a": [[{"b": 1}]], "b": 0}',
        '{"a": [{"b": 1}, null, 3], "b": 0}',
        '{"a": "text", "b": 0}',
        '{"a": null, "b": null}',
        "{ }",
        '{"z": "a\\\\\\"}", "b": 1 }  ',
        '{"z": "\\ud83d\\ude00", "a": {"b": 1}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("fields", SHAPES)
def test_odd_records_are_shaped_the_same_in_both_ways(text: str, fields: dict[str, Shaping]) -> None:
    (plain,) = shape_fields([text.encode()], fields)
    (found,) = Shaper(fields).shape([text.encode()])
    assert repr(load_exact(found)) == repr(load_exact(plain))


def test_what_stays_is_not_written_anew() -> None:
    fields = {"a": Shaping(inner={"b": Shaping("text")}), "at": Shaping("timestamp", copy_of="ts")}
    record = b'{"x" : [ 1.10 ], "a":{ "c": "\\u003c", "b":25 }, "ts":1.50 }'
    expected = b'{"x" : [ 1.10 ], "a":{ "c": "\\u003c", "b":"25" }, "ts":1.50,"at":1.50}'
    assert Shaper(fields).shape([record]) == [expected]


@pytest.mark.parametrize("made", ["quickly", "plainly"])
@pytest.mark.parametrize(("beside", "count"), [(b"", 0), (b', "b": 2', 0), (b',"v":1', 1), (b', "in":{}, "v": 2', 2)])
def test_keys_named_again_are_counted_where_a_record_is_written_anew(beside: bytes, count: int, made: str) -> None:
    fields = {"w": Shaping(names=("u",))}
    record = b'{"v": 0, "in": {"x": 1}, "u": 3%b}' % beside
    odd = Odd()
    shaped = Shaper(fields).shape([record], odd) if made == "quickly" else shape_fields([record], fields, odd)
    load_exact(shaped[0], odd=odd)
    assert odd.repeated == count
