"""Fields taken out of records or hashed in them: nothing stays behind, nothing else changes, one hash a value."""

from __future__ import annotations

import json
from hashlib import blake2b
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.decode import KeyedHash, Odd, conceal, load_exact
from nasty_json import ALL, data_set, random_sets

KEY = "0123456789abcdef" * 4
SECRET = "smtp-secret"


def text_hash(text: str) -> str:
    """The hash of a text as the documentation gives it."""
    return blake2b(text.encode(), key=KEY.encode(), digest_size=16).hexdigest()


def concealed(record: bytes, fates: Any) -> bytes:
    (made,) = conceal([record], fates, KeyedHash(KEY))
    return made


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (b'{"id":1,"password":"smtp-secret"}', {"id": 1}),
        (b'{"password":"smtp-secret"}', {}),
        (b'{"pass\\u0077ord":"smtp-secret","id":1}', {"id": 1}),
        (b'{"password":1,"id":1,"password":"smtp-secret"}', {"id": 1}),
        (b'{"password":"smtp-secret","id":1,"password":1}', {"id": 1}),
        (b'{"id":1,"deep":{"password":"stays"}}', {"id": 1, "deep": {"password": "stays"}}),
        (b'{"password":"smtp-secret","\\ud800":1}', {"\ufffd": 1}),
        (b'{"password":"smtp-secret","n":NaN}', {"n": None}),
        (b'{"Password":"stays","n":123456789012345678901234567890}',
         {"Password": "stays", "n": 123456789012345678901234567890}),
        (b'{"in":{"key":"smtp-secret","key":"smtp-secret"},"in":{"id":1}}', {"in": {"id": 1}}),
        (b'{"in":{"key":"smtp-secret"},"in":{"id":1,"k\\u0065y":"smtp-secret"}}', {"in": {"id": 1}}),
        (b'{"in":[{"key":"smtp-secret","id":1},[{"key":"smtp-secret"}],"text",null]}',
         {"in": [{"id": 1}, [{}], "text", None]}),
        (b'[{"password":"smtp-secret","id":1}]', [{"id": 1}]),
        (b"[1]", [1]),
        (b"null", None),
    ],
)  # fmt: skip
def test_dropped_fields_leave_no_trace(record: bytes, kept: Any) -> None:
    changed = concealed(record, {"password": "drop", "in": {"key": "drop"}})
    assert load_exact(changed) == kept
    assert SECRET.encode() not in changed


def test_record_without_the_field_stays_as_it_is() -> None:
    record = b'{ "id" : 1.50, "x":"\\u00e9" }'
    assert conceal([record], {"password": "drop"}, KeyedHash(None)) == [record]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b'"kim@example.com"', text_hash("kim@example.com")),
        (b'"Kim@example.com "', text_hash("Kim@example.com ")),
        (b'""', text_hash("")),
        (b'"zo\xc3\xab"', text_hash("zoë")),
        (b'"zo\\u00eb"', text_hash("zoë")),
        (b'"say \\"yes\\""', text_hash('say "yes"')),
        (b'"\\ud83c\\udf89"', text_hash("🎉")),
        (b'"\\ud800"', text_hash("\ufffd")),
        (b'"a\xff"', text_hash("a\ufffd")),
        (b"null", None),
        (b"12", text_hash("12")),
        (b"-12", text_hash("-12")),
        (b"12.0", text_hash("12")),
        (b"1.2e1", text_hash("12")),
        (b"0.50", text_hash("0.5")),
        (b"123456789012345678901234567890", text_hash("123456789012345678901234567890")),
        (b"true", text_hash("true")),
        (b"NaN", None),
        (b"[]", []),
        (b'["a", null, [1, {"x": 1}]]', [text_hash("a"), None, [text_hash("1"), text_hash('{"x":1}')]]),
        (b"{}", text_hash("{}")),
        (b'{"b": [1.0, "\\u00e9"], "a": null}', text_hash('{"a":null,"b":[1,"é"]}')),
        (b'"{\\"a\\":null,\\"b\\":[1,\\"\\u00e9\\"]}"', text_hash('{"a":null,"b":[1,"é"]}')),
    ],
)
def test_hash_is_of_the_value_however_it_was_written(value: bytes, kept: Any) -> None:
    """By bytes, from memory the second time, and by value where the record must be read exactly (a key U+D800)."""
    keyed = KeyedHash(KEY)
    for before in (b"", b"", b'"\\ud800":0,'):
        (made,) = conceal([b'{%b"v":%b}' % (before, value)], {"v": "hash"}, keyed)
        assert load_exact(made)["v"] == kept


def test_other_keys_give_other_hashes() -> None:
    hashes = {KeyedHash(key).value("kim") for key in (KEY, KEY[:32], KEY[1:], None, None)}
    assert len(hashes) == 5
    assert {len(each) for each in hashes} == {32}


def test_any_key_and_the_named_ones_beside_it() -> None:
    fates = {"vars": {"*": "hash", "code": "drop"}, "*": {"ip": "drop"}}
    record = b'{"vars":{"a":"x","code":1,"b":null},"one":{"ip":"1.2.3.4","n":1},"ip":"stays","list":[{"ip":1}]}'
    assert load_exact(concealed(record, fates)) == {
        "vars": {"a": text_hash("x"), "b": None},
        "one": {"n": 1},
        "ip": "stays",
        "list": [{}],
    }


def test_memory_of_hashes_is_bounded() -> None:
    keyed = KeyedHash(KEY)
    for number in range(40_000):
        assert keyed.raw(b'"%d"' % number) == text_hash(f"{number}")
    assert len(keyed._known) < 20_000


def expected(value: Any, fates: Any) -> Any:
    """What must come of a decoded value: the rule once more, without a word of bytes."""
    if fates == "hash":
        if value is None or isinstance(value, list):
            return value and [expected(item, "hash") for item in value]
        return text_hash(value if isinstance(value, str) else canonical(value))
    if isinstance(value, list):
        return [expected(item, fates) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: expected(item, fates[key]) if key in fates else item
        for key, item in value.items()
        if fates.get(key) != "drop"
    }


def canonical(value: Any) -> str:
    return json.dumps(whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def drawn_fates(dice: Random, values: list[Any], depth: int = 0) -> Any:
    """Fates for some keys that the objects have."""
    keys = sorted({key for value in values if isinstance(value, dict) for key in value})
    fates: dict[str, Any] = {}
    for key in keys:
        inner = [value[key] for value in values if isinstance(value, dict) and key in value]
        inner += [item for value in inner if isinstance(value, list) for item in value]
        kind = dice.choice(["hash", "drop", "none", "none", "inner"])
        if kind in ("hash", "drop"):
            fates[key] = kind
        elif kind == "inner" and depth < 3 and (found := drawn_fates(dice, inner, depth + 1)):
            fates[key] = found
    return fates


@random_sets(300)
def test_drawn_records_keep_every_other_value(dice: Random) -> None:
    records = [text.encode() for text in data_set(dice, ALL)]
    rows = [load_exact(record) for record in records]
    fates = drawn_fates(dice, rows)
    made = conceal(records, fates, KeyedHash(KEY))
    assert [repr(load_exact(record)) for record in made] == [repr(expected(row, fates)) for row in rows]


@given(
    st.recursive(
        st.integers(0, 9) | st.text('ab\u00e9 \\"', max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2) | st.lists(st.tuples(st.sampled_from(["a", "b", "\u00e9", "d:"]), inner))
        ),
        max_leaves=12,
    ),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")]),
    st.booleans(),
)
def test_keys_named_again_in_what_is_written_anew_are_counted(
    value: Any, separators: tuple[str, str], escaped: bool
) -> None:
    between, behind = separators

    def text(value: Any) -> str:
        if not isinstance(value, list):
            return json.dumps(value, ensure_ascii=escaped)
        if value and all(isinstance(item, tuple) for item in value):
            pairs = (f"{json.dumps(name, ensure_ascii=escaped)}{behind}{text(item)}" for name, item in value)
            return "{" + between.join(pairs) + "}"
        return "[" + between.join(map(text, value)) + "]"

    record = ("{" + between.join([f'"gone"{behind}1', f'"in"{behind}{text(value)}']) + "}").encode()
    odd = Odd()
    (made,) = conceal([record], {"gone": "drop", "in": {"a": "drop"}}, KeyedHash(KEY), odd)
    assert load_exact(made) == without(load_exact(record))
    assert odd.repeated == repeated_at(value)


def repeated_at(value: Any) -> int:
    """How many keys are named again in objects, also those of a list, that have an `a`."""
    if not isinstance(value, list) or not value:
        return 0
    if not isinstance(value[0], tuple):
        return sum(map(repeated_at, value))
    names = [name for name, _ in value]
    return len(names) - len(set(names)) if "a" in names else 0


def without(row: Any) -> Any:
    """The row without `gone`, and without the `a` of the objects of `in`."""

    def lose(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: each for name, each in value.items() if name != "a"}
        return list(map(lose, value)) if isinstance(value, list) else value

    return {"in": lose(row["in"])}
