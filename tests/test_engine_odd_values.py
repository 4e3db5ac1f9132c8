"""Where dlt loses a value or fails, and Python rows: what the tables hold then."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace.errors import AnswerError, KeyCollisionError
from loading import Hints, Pages, load_dlt, load_ours, pipeline, read_database, refused, working_tables
from test_engine_convert import assert_same, convert, split
from test_parity import LOST, comparable, stored_schema

# -- keys that get one name --------------------------------------------------------------------------------------------


def lost(row: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if LOST.search(name) and cell is not None}


def test_values_of_keys_with_one_name_are_all_kept() -> None:
    """The last one stands in the column, as in dlt; the others have columns of their own, the same in every row."""
    records = ['{"User Id":1,"user_id":2,"userId":3}', '{"userId":4,"User Id":5}', '{"user_id":6}']
    rows = convert([records]).rows()
    assert [row["user_id"] for row in rows] == [3, 5, 6]
    assert [sorted(lost(row).values()) for row in rows] == [[1, 2], [4], []]
    assert_same(convert([records]), convert([[record] for record in records]))
    (name_of_4,) = lost(rows[1])
    (other,) = lost(convert([['{"userId":"x","user_id":1}']]).rows()[0])
    assert name_of_4 == other


@pytest.mark.parametrize(
    "record",
    [
        '{"userId":1,"user_id":1}',
        '{"userId":null,"user_id":1}',
        '{"userId":[],"user_id":[1]}',
        '{"a":{"b":1},"a__b":1}',
    ],
)
def test_equal_or_null_values_need_no_column(record: str) -> None:
    assert not any(map(LOST.search, convert([[record]]).tables["rows"].column_names))


@pytest.mark.parametrize(
    ("record", "stays", "kept"),
    [
        ('{"userId":1,"user_id":null}', {}, 1),
        ('{"userId":1,"user_id":true}', {"user_id": True}, 1),
        ('{"a":{"b":1},"a__b":2}', {"a__b": 1}, 2),
        ('{"userId":[1,"x"],"user_id":[2]}', {}, '[1,"x"]'),
        ('{"A":{"x":1},"a":{"x":2}}', {"a__x": 1}, 2),
    ],
)
def test_lost_values_of_every_kind(record: str, stays: dict[str, Any], kept: Any) -> None:
    (row,) = convert([[record]]).rows()
    columns = {name: cell for name, cell in row.items() if not name.startswith("_dlt") and cell is not None}
    assert columns == stays | lost(row)
    assert list(lost(row).values()) == [kept]


def test_lost_values_in_lists_of_objects() -> None:
    (row,) = convert([['{"t":[{"B":1,"b":2}]}']]).rows("rows__t")
    assert row["b"] == 2
    assert list(lost(row).values()) == [1]


def test_lost_values_may_be_left_lost() -> None:
    rules = working_tables()
    keeping = rules.exact([{"B": 1, "b": 2}]).tables["rows"][0]
    assert len(keeping) == 4
    assert rules.schema.tables["rows"]["columns"][next(iter(lost(keeping)))]["description"] == "Values of the key `B`"
    rules = working_tables(keeps_lost=False)
    assert set(rules.exact([{"B": 1, "b": 2}]).tables["rows"][0]) == {"b", "_dlt_load_id", "_dlt_id"}


def test_lost_values_are_an_option_of_the_resource(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    pages: Pages = {name: [['{"B":1,"b":2}']] for name in ("keep", "last")}
    load_ours(target, pages, hints={name: {"name_collisions": name} for name in pages})
    found = read_database(target)
    assert [len(found.columns(name)) for name in pages] == [4, 3]


def test_contract_on_columns_keeps_nothing_lost() -> None:
    """A column more is what it forbids; dlt would load the row."""
    rules = working_tables(schema_contract={"columns": "freeze"})
    assert not lost(rules.exact([{"B": 1, "b": 2}]).tables["rows"][0])


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "column", "values"),
    [
        (['{"a":"2024-01-01T00:00:00Z"}', '{"a":123456789012345678901}'], "a__v_text", [None, "123456789012345678901"]),
        (['{"a":1}', '{"a":1e300}'], "a__v_double", [None, 1e300]),
        (['{"a":1}', '{"a":"99999999999999999999"}'], "a__v_text", [None, "99999999999999999999"]),
        (['{"a":1.5}', '{"a":123456789012345678901}'], "a__v_text", [None, "123456789012345678901"]),
        (['{"a":1.5}', '{"a":18446744073709551616}'], "a", [1.5, 2.0**64]),
        (['{"a":1}', '{"a":"2024-01-01T00:00:00Z"}', '{"a":"x"}'], "a__v_text__v_text", [None, None, "x"]),
        (['{"a":"2024-01-01T00:00:00Z"}', '{"a":"9999-12-31T23:59:59-12:00"}'], "a__v_text", [
            None, "9999-12-31T23:59:59-12:00"]),
    ],
)  # fmt: skip
def test_value_that_its_column_cannot_hold_has_a_variant(records: list[str], column: str, values: list[Any]) -> None:
    for batches in ([records], [[record] for record in records]):
        assert [row.get(column) for row in convert(batches).rows()] == values


def test_decimal_with_more_digits_than_its_column_has_a_variant() -> None:
    hints = {"columns": {"a": {"data_type": "decimal"}}}
    rows = convert([['{"a":0.5}', f'{{"a":{10**29}}}', '{"a":"NaN"}', f'{{"a":{10**28}}}']], **hints).rows()
    assert [row["a"] for row in rows] == [Decimal("0.5"), None, None, Decimal(10**28)]
    assert [row["a__v_text"] for row in rows] == [None, str(10**29), "NaN", None]


def test_variant_of_a_value_without_a_column_is_under_the_contract() -> None:
    kept = working_tables(columns={"a": {"data_type": "bigint"}}, schema_contract={"data_type": "discard_value"})
    assert "a__v_text" not in kept.exact([{"a": 2**70, "b": 1}]).tables["rows"][0]
    frozen = working_tables(columns={"a": {"data_type": "bigint"}}, schema_contract={"data_type": "freeze"})
    with pytest.raises(AnswerError):
        frozen.exact([{"a": 2**70}])


NUMBERS = ['{"a":1,"t":[{"b":1}]}', '{"a":1.5,"t":[{"b":2.5},{"b":3}]}', '{"a":2}', '{"a":4.0}', f'{{"a":{2**53 + 1}}}']


@pytest.mark.parametrize("sizes", [[], [1], [2, 1], [1, 1, 1, 1]])
def test_mixed_numbers_may_widen(sizes: list[int]) -> None:
    """Batches before the first fraction have integers; they end as doubles like the rest."""
    result = convert(split(NUMBERS, sizes), widens=True)
    assert [row["a"] for row in result.rows()] == [1.0, 1.5, 2.0, 4.0, None]
    assert [row["a__v_bigint"] for row in result.rows()] == [None, None, None, None, 2**53 + 1]
    assert [row["b"] for row in result.rows("rows__t")] == [1.0, 2.5, 3.0]
    names = [name for table in result.tables.values() for name in table.column_names]
    assert [name for name in names if "__v_" in name] == ["a__v_bigint"]


def test_mixed_numbers_widen_over_runs(tmp_path: Path) -> None:
    """What is widened once stays a double; what was stored as integers stays so, and fractions have their variant."""
    target = pipeline(tmp_path, "ours")
    hints: Hints = {"things": MERGE | {"mixed_numbers": "widen"}}
    long = [f'{{"id":{number},"a":{number},"b":{number}}}' for number in range(60)]
    load_ours(target, {"things": [long, ['{"id":60,"a":0.5}'], ['{"id":61,"a":2,"b":3}']]}, hints=hints)
    load_ours(target, {"things": [['{"id":62,"a":7,"b":1.5}']]}, hints=hints)
    kinds = {name: kind for name, kind, _ in read_database(target).tables["things"][0]}
    assert (kinds["a"], kinds["b"], kinds["b__v_double"]) == ("DOUBLE", "BIGINT", "DOUBLE")
    rows = {row["id"]: row for row in read_database(target).rows("things")}
    assert [rows[number]["a"] for number in (1, 59, 60, 61, 62)] == [1.0, 59.0, 0.5, 2.0, 7.0]
    assert rows[62]["b__v_double"] == 1.5


def test_mixed_numbers_are_dlts_variants_unless_asked_for() -> None:
    rows = convert([NUMBERS]).rows()
    assert [(row["a"], row["a__v_double"]) for row in rows[:4]] == [(1, None), (None, 1.5), (2, None), (4, None)]


def test_only_new_columns_that_are_no_key_widen() -> None:
    for hints in ({"columns": {"a": {"data_type": "bigint"}}}, {"primary_key": ("a",), "id_source": "key"}):
        rows = convert([['{"a":1}', '{"a":1.5}']], widens=True, **hints).rows()
        assert [row["a__v_double"] for row in rows] == [None, 1.5]


def test_list_that_can_name_no_table_stays_json(tmp_path: Path) -> None:
    """A naming convention may keep keys as they are; dlt fails when it names a file by the table."""
    target = pipeline(tmp_path, "ours", naming_convention="direct")
    load_ours(target, {"things": [['{"a.b":[1,{"c":2}],"d":[3]}'], ['{"a.b":[]}']]})
    rows = read_database(target).rows("things", without=("_dlt_load_id", "_dlt_id"))
    assert sorted(rows, key=str) == [{"a.b": '[1,{"c":2}]'}, {"a.b": "[]"}]
    assert len(read_database(target).tables) == 2


# -- one key, two spellings --------------------------------------------------------------------------------------------

MERGE: dict[str, Any] = {"primary_key": "id", "write_disposition": "merge"}


@pytest.mark.parametrize("key_collisions", ["keep_last", "fail"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"id":9,"v":"1","t":[{"n":1}]}', '{"id":"9","v":"1","t":[{"n":"1"}]}'),
        ('{"id":1,"at":"2024-01-01T00:00:00Z"}', '{"id":1,"at":"2024-01-01T01:00:00+01:00","n":null}'),
    ],
)
def test_rows_that_only_the_api_spells_differently_are_one(
    one: str, other: str, key_collisions: str, tmp_path: Path
) -> None:
    for pages in ([[one, other]], [[one], [other]]):
        target = pipeline(tmp_path, f"pages{len(pages)}")
        load_ours(target, {"things": pages}, key_collisions=key_collisions, **MERGE)
        assert len(read_database(target).rows("things")) == 1


def test_rows_that_differ_in_a_list_alone_differ(tmp_path: Path) -> None:
    pages = {"things": [['{"id":9,"t":[1]}', '{"id":"9","t":[2]}']]}
    with refused(KeyCollisionError):
        load_ours(pipeline(tmp_path, "ours"), pages, **MERGE)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_refusal_of_dlt_is_told_without_the_row(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load_ours(target, {"things": [['{"secret":"a"}']]})
    with refused(AnswerError) as found:
        load_ours(target, {"things": [['{"secret":"b","new":1}']]}, schema_contract="freeze")
    text = str(found[0])
    assert "Can't add table column `new` to table `things`" in text
    assert "Offending" not in text
    assert "_dlt_id" not in text


# -- items with ids of their own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_items_with_ids_of_their_own_load_as_with_dlt(disposition: str, tmp_path: Path) -> None:
    pages = {"things": [['{"id":1,"t":[{"_dlt_id":"x","u":[1,2]}]}', '{"id":2,"t":[{"_dlt_id":"y","v":1}]}']]}
    hints = {"primary_key": "id", "write_disposition": {"disposition": disposition}}
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    load_ours(ours, pages, **hints)
    load_dlt(theirs, pages, **hints)
    found, expected = read_database(ours), read_database(theirs)
    assert comparable(found) == comparable(expected)
    assert stored_schema(ours) == stored_schema(theirs)
    assert [row["_dlt_parent_id"] for row in found.rows("things__t__u")] == ["x", "x"]


# -- rows of Python objects --------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Owner:
    name: str
    since: date


def python_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "at": datetime(2024, 1, 1, 12, 0, number, 5, tzinfo=timezone.utc),
        "naive": datetime(2024, 1, 1, 12),  # noqa: DTZ001 - that is the case
        "day": date(2024, 2, 29),
        "hour": time(12, 30, 1),
        "price": Decimal("12.345"),
        "uid": uuid.UUID(int=number),
        "raw": b"\x00\x01",
        "colour": Colour.RED,
        "owner": Owner("x", date(2020, 1, 1)),
        "pair": (1, Decimal("2.5")),
        "nan": float("nan"),
        "items": [{"at": datetime(2024, 1, 1, tzinfo=timezone.utc), "n": number}],
        "meta": {"at": datetime(2024, 1, 1, tzinfo=timezone.utc), "d": Decimal(1)},
        7: "a number as key",
    }


@pytest.mark.parametrize("hints", [{}, {"max_table_nesting": 0}, {"columns": {"meta": {"data_type": "json"}}}])
def test_python_rows_are_typed_as_by_dlt(hints: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    pages = {"things": [['{"id":1}', '{"id":2}'], ['{"id":3}']]}
    steps = {"processing_steps": [{"map": lambda row: python_row(row["id"])}]}
    load_ours(ours, pages, hints={"things": {**steps, **hints}})

    @dlt.source(name="rows")
    def source() -> Any:
        def rows() -> Iterator[Any]:
            yield [python_row(1), python_row(2)]
            yield [python_row(3)]

        return dlt.resource(rows, name="things", **hints)

    theirs.run(source())
    assert comparable(read_database(ours)) == comparable(read_database(theirs))
    assert stored_schema(ours) == stored_schema(theirs)


def test_python_rows_of_equal_content_have_equal_ids(tmp_path: Path) -> None:
    """Once the order of keys, once a wide integer, which dlt's JSON does not take."""
    pages = {"things": [['{"id":1}', '{"id":2}']]}
    rows = {1: {"a": 2**70, "b": Decimal(1), "at": date(2024, 1, 1)}, 2: {"at": date(2024, 1, 1), "b": Decimal(1)}}
    steps = {"processing_steps": [{"map": lambda row: rows[row["id"]]}]}
    found = []
    for name in ("one", "two"):
        target = pipeline(tmp_path, name)
        load_ours(target, pages, hints={"things": {**steps, **MERGE, "key_collisions": "keep_all"}})
        found.append(sorted(row["_dlt_id"] for row in read_database(target).rows("things")))
        rows = {number: dict(reversed(row.items())) for number, row in rows.items()}
    assert found[0] == found[1]
    assert len(set(found[0])) == 2


def test_replaced_rows_go_with_lists_that_know_no_root(tmp_path: Path) -> None:
    """Without `root_key` a list item knows its parent alone."""
    target = pipeline(tmp_path, "ours")
    pages = {"things": [['{"id":1,"t":[{"u":[1,2]}]}'], ['{"id":1,"t":[{"u":[3]}]}', '{"id":2,"t":[{"u":[4]}]}']]}
    load_ours(target, pages, hints={"things": MERGE}, source={"root_key": False})
    found = read_database(target)
    assert sorted(row["value"] for row in found.rows("things__t__u")) == [3, 4]
    assert len(found.rows("things__t")) == 2
    assert "_dlt_root_id" not in found.columns("things__t")
