"""D: shapes and values of data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from catalogue.row import Row
from catalogue.scene import Scene, once, passing
from catalogue.things import Things

_ODD = 37


def _with(odd: str, usual: str | None = '"usual"') -> Callable[[], Things]:
    """Things with a field `v`: `usual` everywhere (absent for None), `odd`, JSON text, in one row."""

    def row(number: int) -> str:
        value = odd if number == _ODD else usual
        return f'{{"id": {number}' + ("}" if value is None else f', "v": {value}}}')

    return lambda: Things(row=row)


def _value(name: str, odd: str, check: str, usual: str | None = '"usual"', **more: Any) -> Scene:
    """One odd value: `check` is SQL that must be true of its row, every other row must be there."""
    query = f"SELECT ({check}) AND (SELECT count(*) FROM data.things) = 100 FROM data.things WHERE id = {_ODD}"  # noqa: S608
    return Scene(name, things=_with(odd, usual), values=query, **more)


def _alone(number: int) -> str:
    """SQL: exactly `number` stands in `v` or a variant of it, and nothing in the others."""
    return f"concat_ws(' ', *COLUMNS('^v')) = '{number}'"


def _row_text(text: Callable[[int], str]) -> Callable[[], Things]:
    return lambda: Things(row=text)


NOT_JSON = "expected JSON, got"

ROWS = (
    Row(
        "D01",
        "malformed JSON",
        (
            *passing("cut", "json_cut", NOT_JSON, times=1),
            *passing("trailing comma", "body", NOT_JSON, times=1, data=b'{"items": [{"id": 1},], "next": null}'),
            *passing("two documents", "body", NOT_JSON, times=1, data=b'{"items": []}{"items": []}'),
        ),
        tests=("test_decode_page.py",),
    ),
    Row(
        "D02",
        "NaN, Infinity",
        (_value("NaN", "NaN", "v IS NULL", "1.5"), _value("Infinity", "-Infinity", "v IS NULL", "1.5")),
    ),
    Row(
        "D03",
        "1e400, -0, many digits",
        (
            _value("1e400", "1e400", "v IS NULL", "1.5"),
            _value("2e308", "2e308", "v IS NULL", "1.5"),
            _value("-0.0", "-0.0", "v = 0", "1.5"),
            _value("many digits", "0.1000000000000000055511151231257827", "v = 0.1", "1.5"),
        ),
    ),
    Row("D04", "integer over 64 bits", (_value("2**100", str(2**100), f"v__v_text = '{2**100}'", "1"),)),
    Row("D05", "2**64 - 1", (_value("2**64-1", str(2**64 - 1), f"v__v_text = '{2**64 - 1}'", "1"),)),
    Row(
        "D06",
        "2**53 + 1 beside floats",
        (
            _value("beside floats", str(2**53 + 1), _alone(2**53 + 1), "1.5"),
            _value("negative", str(-(2**53) - 1), _alone(-(2**53) - 1), "1.5"),
            _value("2**64 + 1", str(2**64 + 1), _alone(2**64 + 1), "1.5"),
            _value("400 digits", "7" * 400, _alone(int("7" * 400)), "1.5"),
            _value("what a double holds", str(2**53 + 2), f"v = {2**53 + 2}", "1.5"),
        ),
        tests=("test_engine_digits.py",),
    ),
    Row(
        "D07",
        "duplicate keys",
        (_value("v twice", '"first", "v": "last"', "v = 'last'"),),
        tests=("test_bridge_odd.py",),
    ),
    Row(
        "D08",
        "lone surrogate",
        (_value("high", '"a\\ud800b"', "v = 'a' || chr(65533) || 'b'"),),
        tests=("test_bridge_odd.py",),
    ),
    Row(
        "D09",
        "NUL in text",
        (_value("NUL", '"a\\u0000b"', "v LIKE 'a%b'"),),
        tests=("test_parity_places.py::test_nasty_data_sets",),
    ),
    Row(
        "D10",
        "invalid UTF-8",
        (_value("three bytes", '"a\udcffb"', "v LIKE 'a' || chr(65533) || '%b'"),),
        tests=("test_bridge_odd.py",),
    ),
    Row(
        "D11",
        "byte-order mark",
        (Scene("UTF-8", once("charset", None, times=None, encoding="utf-8-sig", content_type="application/json")),),
    ),
    Row(
        "D12",
        "UTF-16 and Latin-1",
        (
            Scene("UTF-16 declared", once("charset", None, times=None)),
            Scene(
                "Latin-1 declared",
                once(
                    "charset", None, times=None, encoding="latin-1", content_type="application/json; charset=iso-8859-1"
                ),
            ),
            Scene("UTF-16 not declared", once("charset", times=None, content_type="application/json"), error=NOT_JSON),
        ),
    ),
    Row("D13", "a scalar changes its type", (_value("int to text", '"text"', "v__v_text = 'text'", "1"),)),
    Row(
        "D14",
        "object, list, scalar in one field",
        (
            _value("list among objects", "[1, 2]", "true", '{"a": 1}'),
            _value("object among numbers", '{"a": 1}', "v__a = 1", "1"),
        ),
    ),
    Row(
        "D15",
        "a new column on the last row",
        (
            Scene(
                "last row",
                things=_row_text(lambda n: json.dumps({"id": n} | ({"late": 1} if n == 99 else {}))),
                values="SELECT count(late) = 1 FROM data.things",
            ),
        ),
    ),
    Row(
        "D16",
        "100 and 3,000 levels deep",
        (
            _value("100", '{"a":' * 100 + "1" + "}" * 100, "true", None, stock=True),
            _value("3,000", '{"a":' * 3000 + "1" + "}" * 3000, "true", None, resource={"max_table_nesting": 1}),
            _value("3,000 lists", "[" * 3000 + "]" * 3000, "true", None),
        ),
        tests=(
            "test_decode_page.py::test_depth_ends_in_text_or_in_an_error",
            "test_engine_convert.py::test_records_may_be_nested_thousands_of_levels_deep",
        ),
    ),
    Row(
        "D17",
        "4,000 distinct keys",
        (
            Scene(
                "dynamic keys in one column",
                things=_row_text(lambda n: json.dumps({"id": n, "vars": {f"k{n}_{i}": i for i in range(40)}})),
                resource={"columns": {"vars": {"data_type": "json"}}},
                values="SELECT count(*) < 10 FROM information_schema.columns WHERE table_name = 'things'",
            ),
        ),
        standing="not promised",
        reason="a column for each key, as in dlt; `columns: {vars: {data_type: json}}` or `max_table_nesting` keeps "
        "them in one",
    ),
    Row(
        "D18",
        "keys that become one column",
        (
            Scene(
                "three",
                things=_row_text(lambda n: json.dumps({"id": n, "User Id": "a", "user_id": "b", "userId": "c"})),
                values="SELECT user_id = 'c' FROM data.things",
            ),
        ),
        tests=("test_engine_odd_values.py::test_values_of_keys_with_one_name_are_all_kept",),
    ),
    Row(
        "D19",
        "100 MB in one field",
        (
            Scene(
                "beyond the bound",
                once("flood", times=None, mib=100, begin=b'{"items":[{"id":1,"v":"', piece=b"x", end=b'"}]}'),
                client={"limits": {"max_page_bytes": 1 << 26}},
                error=r"got more than the 67108864 bytes .*max_page_bytes",
                stock=False,
                memory_mib=512,
            ),
        ),
    ),
    Row(
        "D20",
        "odd names",
        (
            Scene(
                "keys",
                things=_row_text(
                    lambda n: json.dumps(
                        {
                            "id": n,
                            "": 1,
                            "n" * 300: 2,
                            "select": 3,
                            'a"b': 4,
                            "x; DROP TABLE things": 5,
                            "🌷": 6,
                            "../../etc": 7,
                        }
                    )
                ),
                values='SELECT "select" = 3 FROM data.things',
            ),
        ),
    ),
    Row(
        "D21",
        "times in odd forms",
        tuple(
            _value(name, value, "true", usual)
            for name, value, usual in (
                ("microseconds", "1700000000.123456", "1700000000.5"),
                ("nanoseconds", "1700000000123456789", "1700000000000000000"),
                ("RFC 2822", '"Tue, 14 Nov 2023 22:13:20 +0000"', '"2023-11-14T22:13:20Z"'),
                ("no zone", '"2023-11-14T22:13:20"', '"2023-11-14T22:13:20Z"'),
                ("year 0", '"0000-01-01T00:00:00Z"', '"2023-11-14T22:13:20Z"'),
                ("year 10000", '"10000-01-01T00:00:00Z"', '"2023-11-14T22:13:20Z"'),
                ("leap second", '"2016-12-31T23:59:60Z"', '"2023-11-14T22:13:20Z"'),
            )
        ),
        tests=(
            "test_engine_convert.py::test_epoch_beyond_all_calendars_is_kept_beside_the_moments",
            "test_engine_convert.py::test_seconds_since_1970_are_moments_on_both_paths",
        ),
    ),
    Row(
        "D22",
        "a column vanishes and comes back as another type",
        (
            Scene(
                "half way",
                things=_row_text(
                    lambda n: json.dumps({"id": n} | ({"v": n} if n < 30 else {"v": f"t{n}"} if n > 60 else {}))
                ),
                values="SELECT count(v) = 30 AND count(v__v_text) = 39 FROM data.things",
            ),
        ),
    ),
    Row(
        "D23",
        "addresses with tags, IDN, upper case",
        (_value("as sent", '"Kim+tag@ÉXAMPLE.com"', "v = 'Kim+tag@ÉXAMPLE.com'"),),
    ),
    Row(
        "D24",
        "terminal escapes, HTML, formulas",
        (
            _value("escape", '"\\u001b[2J=cmd|x<script>"', "v = chr(27) || '[2J=cmd|x<script>'"),
            Scene(
                "in an error",
                once("status", times=None, status=400, content="\x1b[2Jboom"),
                error="^error: expected 200, got 400 Bad Request \\(\ufffd\\[2Jboom\\)",
                exit_code=3,
            ),
        ),
        tests=("test_cli_texts.py::test_a_cell_cannot_steer_the_terminal",),
    ),
)
