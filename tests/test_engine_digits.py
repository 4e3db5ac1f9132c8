"""Numbers keep all their digits: what a column of doubles does not hold exactly goes to a variant of it, on both paths.

The reader of columns makes the nearest double of any number. That it is noticed is tested with long runs of plain
doubles, which take the fast path, and with numbers around every bound that there is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.decode import were_rounded
from headrace.errors import AnswerError
from headrace.sim.server import Server
from loading import configuration, cursor_service, load_dlt, load_ours, pipeline, read_database
from nasty_json import examples
from rounding import as_rounded, variants_of, without_variants
from test_engine_convert import Result, assert_same, convert, outcome, split
from test_parity import comparable, stored_schema

PLAIN = [f'{{"id":{number},"a":{number / 7}}}' for number in range(1, 200)]
EDGE = 2**53

wholes = st.one_of(
    st.builds(lambda bound, step, sign: sign * (bound + step), st.sampled_from([EDGE, 2**54, 2**63, 2**64, 10**22]),
              st.integers(-3, 3), st.sampled_from([1, -1])),
    st.integers(-10, 10),
    st.integers(-(2**66), 2**66),
    st.sampled_from([int("9" * 400), -int("1" * 309), 10**308, 2**1023, 2**1024, 10**4299]),
)  # fmt: skip
fractions = st.one_of(
    st.sampled_from(
        ["1.5", "-0.25", "0.1", "9007199254740993.0", "9007199254740993e0", "-9007199254740994.0", "1e16", "1e22",
         "1.7976931348623157e308", "2e308", "-2e308", "1e400", "9007199254740992.0", "18446744073709551616.0"]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)  # fmt: skip
numbers = st.one_of(wholes.map(str), fractions)
#: Lists of numbers, most of them with a fraction first, so that the column is one of doubles.
columns = st.builds(lambda first, rest: [*first, *rest], st.sampled_from([["1.5"], ["0.5"] * 30, []]),
                    st.lists(numbers, min_size=1, max_size=12))  # fmt: skip
sizes = st.lists(st.integers(1, 6), max_size=5)


def kept(row: Mapping[str, Any], column: str) -> Any:
    """The number that a row holds in `column` or in one of its variants: in one of them alone; None where in none."""
    cells = [cell for name, cell in row.items() if name.split("__v_")[0] == column and cell is not None]
    assert len(cells) <= 1
    return int(cells[0]) if cells and isinstance(cells[0], str) else cells[0] if cells else None


def expected(text: str) -> Any:
    """What is to be kept of a number in JSON: whole ones exactly, others as the double that Python makes of them."""
    if text.lstrip("-").isdigit():
        return int(text)
    return float(text) if math.isfinite(float(text)) else None


def equal(found: Any, text: str) -> bool:
    """Exactly: Python compares an integer with a double without rounding."""
    return bool(found == expected(text))


def nested(texts: Sequence[str]) -> list[str]:
    """Records with the numbers in a field, in a list of numbers, and in a list of objects."""
    return [f'{{"id":{place},"a":{text},"l":[0.5,{text}],"t":[{{"b":{text}}}]}}' for place, text in enumerate(texts)]


def assert_kept(result: Result, texts: Sequence[str]) -> None:
    assert all(map(equal, (kept(row, "a") for row in result.rows()), texts))
    for table, column in (("rows__l", "value"), ("rows__t", "b")):
        by_root: dict[str, list[Any]] = {}
        for row in sorted(result.rows(table), key=lambda row: row["_dlt_list_idx"]):
            by_root.setdefault(row["_dlt_root_id"], []).append(kept(row, column))
        lists = [by_root[row["_dlt_id"]] for row in result.rows()]
        assert all(equal(cells[-1], text) for cells, text in zip(lists, texts, strict=True))


@settings(max_examples=examples(60), deadline=None)
@given(columns, sizes, st.booleans())
def test_every_number_is_kept_in_any_split(texts: list[str], cuts: list[int], widens: bool) -> None:
    records = nested(texts)
    fast = convert(split(records, cuts), widens=widens)
    assert_kept(fast, texts)
    assert_same(fast, convert([records], columnar=False, widens=widens))


@settings(max_examples=examples(40), deadline=None)
@given(columns, sizes)
def test_every_number_is_kept_in_a_column_that_is_declared(texts: list[str], cuts: list[int]) -> None:
    """A declared type says what the column is; what does not fit has its variant, as with any other type."""
    records = [f'{{"a":{text}}}' for text in texts]
    columns = {"a": {"data_type": "double"}}
    fast = convert(split(records, cuts), columns=columns)
    assert str(fast.tables["rows"].schema.field("a").type) == "double"
    assert all(map(equal, (kept(row, "a") for row in fast.rows()), texts))
    assert_same(fast, convert([records], columnar=False, columns=columns))


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 150), numbers), min_size=1, max_size=3))
def test_every_number_is_noticed_among_many_plain_ones(odd: list[tuple[int, str]]) -> None:
    texts = [str(number / 7) for number in range(1, 200)]
    for place, text in odd:
        texts[place + 30] = text
    records = nested(texts)
    result = convert(split(records, [30, 100]))
    assert_kept(result, texts)
    assert_same(result, convert([records], columnar=False))


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        (str(EDGE + 1), "a__v_bigint", EDGE + 1),
        (str(-EDGE - 1), "a__v_bigint", -EDGE - 1),
        (str(2**63 - 1), "a__v_bigint", 2**63 - 1),
        (str(-(2**63) + 1), "a__v_bigint", -(2**63) + 1),
        (str(2**63 + 1), "a__v_text", str(2**63 + 1)),
        (str(2**64 + 1), "a__v_text", str(2**64 + 1)),
        ("7" * 400, "a__v_text", "7" * 400),
        ("-" + "7" * 5000, "a__v_text", "-" + "7" * 5000),
        (f'"{EDGE + 1}"', "a__v_text", str(EDGE + 1)),
        (str(EDGE), "a", float(EDGE)),
        (str(-EDGE), "a", -float(EDGE)),
        (str(EDGE + 2), "a", float(EDGE + 2)),
        (str(2**63), "a", 2.0**63),
        (str(2**64), "a", 2.0**64),
        ("9007199254740993.0", "a", float(EDGE)),
        ("1e300", "a", 1e300),
        (f'"{EDGE}"', "a", float(EDGE)),
    ],
)
def test_where_a_number_stands_beside_doubles(text: str, column: str, value: Any) -> None:
    odd = f'{{"id":0,"a":{text}}}'
    for batches in ([PLAIN[:30], [*PLAIN[30:], odd]], [[*PLAIN, odd]], [[PLAIN[0]], [odd]]):
        row = convert(batches).rows()[-1]
        assert {name: cell for name, cell in row.items() if name.startswith("a") and cell is not None} == {
            column: value
        }


@pytest.mark.parametrize("text", ["2e308", "-2e308", "1e309", "1e400", "1" * 400 + ".5", "-1e99999"])
@pytest.mark.parametrize("shape", ['"a":{}', '"a":1.5,"t":[{{"b":0.5}},{{"b":{}}}]', '"a":1.5,"l":[0.5,{}]'])
def test_a_number_beyond_all_doubles_is_null_on_both_paths(text: str, shape: str) -> None:
    odd = "{" + shape.format(text) + "}"
    plain = "{" + shape.format("0.5") + "}"
    records = [plain] * 40 + [odd] + [plain] * 100
    result = convert([records[:30], records[30:]])
    assert not any("inf" in str(table.to_pylist()) for table in result.tables.values())
    assert not any("__v_" in name for table in result.tables.values() for name in table.column_names)
    assert_same(result, convert([records], columnar=False))


def test_what_a_double_holds_stays_on_the_fast_path() -> None:
    """Large doubles, and beside them whole numbers of many digits in columns of integers and in texts."""
    large = ["1e16", "1e300", "9007199254740993.0", str(EDGE), str(2**63), str(10**22), "-1e18"]
    records = [
        f'{{"id":{EDGE + 1 + number},"note":"id, {2**60 + 1}, of [{EDGE + 3}]","a":{large[number % 7]}}}'
        for number in range(200)
    ]
    assert convert([records[:30], records[30:]]).exact_rows == 24


def test_one_number_takes_few_rows_the_exact_way() -> None:
    records = [*PLAIN[:150], f'{{"id":0,"a":{EDGE + 1}}}', *PLAIN[150:]]
    result = convert([records[:30], records[30:]])
    assert result.exact_rows <= 24 + 24


def test_a_text_with_the_same_digits_costs_no_more_than_time() -> None:
    odd = f'{{"id":0,"a":{EDGE}.0,"s":"x, {EDGE + 1}, y"}}'
    plain = [text.replace("}", ',"s":"x"}') for text in PLAIN]
    result = convert([plain[:30], [*plain[30:], odd]])
    assert result.rows()[-1]["a"] == float(EDGE)
    assert "a__v_bigint" not in result.tables["rows"].column_names


@pytest.mark.parametrize(
    ("record", "double", "found"),
    [
        (b'{"a":9007199254740993}', 2.0**53, True),
        (b'{"a": -9007199254740993 }', -(2.0**53), True),
        (b'{"a":[1,9007199254740993,2]}', 2.0**53, True),
        (b'{"a":[9007199254740992,9007199254740993]}', 2.0**53, True),
        (b'{"a":9007199254740992}', 2.0**53, False),
        (b'{"a":9007199254740993}', 2.0**54, False),
        (b'{"a":9007199254740993.0}', 2.0**53, False),
        (b'{"a":9007199254740993e0}', 2.0**53, False),
        (b'{"a":1.9007199254740993}', 2.0**53, False),
        (b'{"a":2e308}', math.inf, True),
        (b'{"a":1}', -math.inf, True),
    ],
)
def test_records_are_searched_for_numbers_that_were_rounded(record: bytes, double: float, found: bool) -> None:
    records = [b'{"a":1}', record, b'{"a":9007199254740993}']
    assert were_rounded(records, pa.array([1]), pa.array([double])) is found


# -- where no variant may be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["freeze", "discard_value", "discard_row"])
def test_contract_on_types_rounds_as_dlt_does(mode: str) -> None:
    """A column more is what it forbids; dlt would load the number, rounded."""
    hints = {"columns": {"a": {"data_type": "double"}}, "schema_contract": {"data_type": mode}}
    records = [*PLAIN, f'{{"id":0,"a":{EDGE + 1}}}', f'{{"id":1,"a":{2**64 + 1}}}']
    result = convert([records[:30], records[30:]], **hints)
    assert [row["a"] for row in result.rows()[-2:]] == [float(EDGE), 2.0**64]
    assert_same(result, convert([records], columnar=False, **hints))
    beyond = [*PLAIN, f'{{"id":0,"a":{"9" * 400}}}']
    found = outcome([beyond[:30], beyond[30:]], **hints)
    assert isinstance(found, str) is (mode == "freeze")
    assert_same(found, outcome([beyond], columnar=False, **hints))


def test_column_that_must_have_a_value_has_the_nearest_double() -> None:
    hints = {"columns": {"a": {"data_type": "double", "nullable": False}}}
    records = [*PLAIN, f'{{"id":0,"a":{EDGE + 1}}}', f'{{"id":0,"a":"{EDGE + 3}"}}']
    result = convert([records[:30], records[30:]], **hints)
    assert [row["a"] for row in result.rows()[-2:]] == [float(EDGE), float(EDGE + 3)]
    assert_same(result, convert([records], columnar=False, **hints))
    with pytest.raises(AnswerError):
        convert([[*PLAIN, f'{{"id":0,"a":{"9" * 400}}}']], **hints)


# -- `mixed_numbers: widen` --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [[], [1], [2], [1, 1], [1, 1, 1]])
def test_column_with_a_number_that_no_double_holds_does_not_widen(cuts: list[int]) -> None:
    records = [f'{{"a":{EDGE + 1},"t":[{{"b":-{EDGE + 1}}}]}}', '{"a":7,"t":[{"b":1}]}', '{"a":1.5,"t":[{"b":2.5}]}']
    result = convert(split(records, cuts), widens=True)
    assert [(row["a"], row["a__v_double"]) for row in result.rows()] == [(EDGE + 1, None), (7, None), (None, 1.5)]
    assert [row["b"] for row in result.rows("rows__t")] == [-EDGE - 1, 1, None]
    assert_same(result, convert([records], columnar=False, widens=True))


@pytest.mark.parametrize("whole", [EDGE, EDGE + 2, 2**60, -(2**63)])
def test_column_of_large_numbers_that_doubles_hold_widens(whole: int) -> None:
    records = [f'{{"a":{whole}}}', '{"a":1.5}', f'{{"a":{whole}}}']
    for cuts in ([], [1], [2], [1, 1]):
        rows = convert(split(records, cuts), widens=True).rows()
        assert [row["a"] for row in rows] == [float(whole), 1.5, float(whole)]


def test_fast_path_tells_that_a_column_does_not_widen() -> None:
    plain = [f'{{"a":{number}}}' for number in range(100)]
    records = [*plain, f'{{"a":{EDGE + 1}}}', *plain, '{"a":1.5}']
    for cuts in ([30], [30, 100], [30, 172]):
        result = convert(split(records, cuts), widens=True)
        assert result.rows()[-1]["a__v_double"] == 1.5
        assert_same(result, convert([records], columnar=False, widens=True))


# -- whole loads -------------------------------------------------------------------------------------------------------

PAGES = [
    [f'{{"id":{number},"mail":"m{number}@x.org","a":{number / 7},"t":[{{"b":{number}.5,"tel":"1"}}]}}'
     for number in range(100)],
    [f'{{"id":{100 + place},"mail":"x@x.org","a":{text},"t":[{{"b":{text},"tel":"2"}}]}}' for place, text in enumerate(
        [str(EDGE), str(EDGE + 1), str(-EDGE - 1), str(2**63 - 1), "1.5", str(2**63)])],
    ['{"id":7,"mail":"x@x.org","a":9007199254740995,"t":[{"b":0.5}]}'],
]  # fmt: skip


@pytest.mark.parametrize("privacy", ["keep", "hash", "drop"])
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_digits_are_loaded_whatever_is_hidden(privacy: str, disposition: str, tmp_path: Path) -> None:
    """The row with the key 7 comes twice."""
    target = pipeline(tmp_path, "ours")
    hints = {"primary_key": "id", "write_disposition": disposition, "personal": ["mail", "t.tel"]}
    with Server(cursor_service({"things": PAGES})) as server:
        config = configuration(server.url, ["things"], {"things": hints})
        config |= {"privacy": privacy, "privacy_key": "fedcba9876543210" * 2}
        for _ in range(2):
            target.run(rest_api_source(config, name="rows", clock=TurnedClock()))
    found = read_database(target)
    rows = found.rows("things")
    texts = {json.loads(text)["id"]: json.loads(text)["a"] for page in PAGES for text in page}
    for row in rows:
        assert kept(row, "a") in ((texts[row["id"]],) if row["id"] != 7 else (1.0, texts[7]))
    assert len(rows) == (106 if disposition == "merge" else 214)
    assert {kept(row, "b") for row in found.rows("things__t")} > {EDGE + 1, -EDGE - 1, 2**63 - 1, EDGE, 2**63}
    assert ("x@x.org" in str(found.tables)) is (privacy == "keep")


def test_but_for_these_digits_tables_are_those_of_dlt(tmp_path: Path) -> None:
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for run in (PAGES, [['{"id":1,"a":9007199254740993,"n":9007199254740993}', '{"id":2,"n":0.5}'], PAGES[1]]):
        load_ours(ours, {"things": run})
        load_dlt(theirs, {"things": run})
        assert variants_of(ours) == {"things": {"a__v_bigint": "a"}, "things__t": {"b__v_bigint": "b"}}
        assert comparable(as_rounded(ours)) == comparable(read_database(theirs))
        assert without_variants(stored_schema(ours), variants_of(ours)) == stored_schema(theirs)


def test_key_in_a_column_of_doubles_tells_large_numbers_apart(tmp_path: Path) -> None:
    """dlt takes both for one row, and loses one of them."""
    target = pipeline(tmp_path, "ours")
    hints = {"primary_key": "id", "write_disposition": "merge", "columns": {"id": {"data_type": "double"}}}
    pages = [[f'{{"id":{EDGE},"v":1}}', f'{{"id":{EDGE + 1},"v":2}}', '{"id":0.5,"v":3}']]
    for _ in range(2):
        with pytest.warns(HeadraceWarning, match="1 of 3 rows lack the declared key"):
            load_ours(target, {"things": pages}, hints={"things": hints})
    rows = read_database(target).rows("things")
    assert sorted((row["v"], kept(row, "id")) for row in rows) == [(1, EDGE), (2, EDGE + 1), (3, 0.5)]


def test_decimals_are_not_concerned() -> None:
    rows = convert([[f'{{"a":{EDGE + 1}}}', '{"a":0.5}']], columns={"a": {"data_type": "decimal"}}).rows()
    assert [row["a"] for row in rows] == [Decimal(EDGE + 1), Decimal("0.5")]
