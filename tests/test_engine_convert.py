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

from headrace.engine import Converter, Identities, IdSource, ResourceReport, settled
from headrace.engine.records import Records
from headrace.errors import AnswerError
from headrace.jsonpath import compile_path
from headrace.normalise import arrow_schema, conform
from headrace.paginate import SinglePage
from headrace.plan import ResourcePlan
from loading import working_tables
from nasty_json import ALL, Nastiness, data_set, random_sets

MERGE = {"write_disposition": "merge"}


def plan(**changes: Any) -> ResourcePlan:
    values: dict[str, Any] = {
        "name": "rows", "table_name": "rows", "template": None, "pager": SinglePage(),
        "selector": compile_path("items"), "auth": None, "primary_key": (), "key_collisions": "keep_last",
        "key_collisions_declared": False, "allow_null_data": False, "allow_object_data": False, "hints": {},
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
    ahead: int = 0,
    **hints: Any,
) -> Result:
    """The tables that the batches give; each batch is one page.

    `ahead` is how many batches before its turn a batch is tried.
    """
    rules = working_tables(primary_key=list(primary_key) or None, **{**MERGE, **hints})
    assert rules.columnar or not columnar
    rules.columnar = columnar
    report = ResourceReport("rows")
    with tempfile.TemporaryDirectory() as folder:
        identities = Identities(Path(folder), rules)
        converter = Converter(plan(primary_key=primary_key), rules, identities, id_source, report)
        records = [Records([text.encode() for text in batch], [len(batch)]) for batch in batches if batch]
        attempts = [converter.attempt(batch) for batch in records[:ahead]]
        found = []
        for number, batch in enumerate(records):
            attempts.extend(map(converter.attempt, records[len(attempts) : number + ahead + 1]))
            found.append(converter.finish(converter.read(batch, attempts[number])))
        ids = [batch.tables["rows"].column("_dlt_id").to_pylist() if batch.tables else [] for batch in found]
        identities.settle(ids)
        found = [settled(batch, identities.fates(number), rules.tables(), rules) for number, batch in enumerate(found)]
        identities.close()
    tables = {}
    for name in rules.tables():
        # the id of the load comes when loading
        columns = {key: column for key, column in rules.columns(name).items() if key != rules.system.load_id}
        parts = [conform(batch.tables[name], arrow_schema(columns, rules)) for batch in found if name in batch.tables]
        if parts:
            tables[name] = pa.concat_tables(parts)
    assert {name for batch in found for name in batch.tables} == set(tables)
    return Result(tables, report.exact_rows)


def outcome(batches: Sequence[Sequence[str]], **options: Any) -> Result | str:
    """What the batches give, or what the error of ours says when dlt refuses a row."""
    try:
        return convert(batches, **options)
    except AnswerError as error:
        return error.message


def assert_same(one: Result | str, other: Result | str) -> None:
    """The same refusal, or equal table names, columns, their order and types, and rows.

    Root rows keep their order. Child rows have their place in `_dlt_list_idx`: a table may have rows under two parents.
    """
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        assert table.schema == other.tables[name].schema, name
        found, expected = readable(table), readable(other.tables[name])
        assert (found == expected) if name == "rows" else (sorted(found, key=str) == sorted(expected, key=str)), name


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


@random_sets(35)
def test_fast_path_in_any_split_equals_exact_path(dice: Random) -> None:
    records = data_set(dice, ALL)
    sizes = [dice.randint(1, 4) for _ in range(dice.randint(0, 6))]
    assert_same(outcome(split(records, sizes)), outcome([records], columnar=False))


@random_sets(25)
def test_what_is_read_does_not_depend_on_when_it_was_tried(dice: Random) -> None:
    records = data_set(dice, ALL)
    batches = split(records, [dice.randint(1, 4) for _ in range(dice.randint(1, 6))])
    early, alone = outcome(batches, ahead=dice.randint(1, 3)), outcome(batches)
    assert_same(early, alone)
    assert isinstance(early, str) or isinstance(alone, str) or early.exact_rows == alone.exact_rows


@random_sets(15)
def test_paths_agree_on_ids_by_key_too(dice: Random) -> None:
    """Repeated keys in any form (1, 1.0, "1", null, missing): the same rows get the same ids on both paths."""
    nasty = Nastiness(wide=False, surprise=0.01)
    keys = dice.choice((
        ("1", "2", "3"), ("1", "2.0", '"1"'), ('"a"', '"b"'), ('"2024-01-01T00:00:00Z"', '"2024-01-01"', "null"),
    ))  # fmt: skip
    records = [
        text.replace("{", f'{{"key":{dice.choice(keys)},', 1) for text in data_set(dice, nasty) if len(json.loads(text))
    ]
    # one record a page: what differs under one key is then an update
    options: dict[str, Any] = {"id_source": "key", "primary_key": ("key",)}
    fast = outcome([[text] for text in records], **options)
    assert_same(fast, outcome([[text] for text in records], columnar=False, **options))


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
        ['{"a":[1,"2024-01-01T00:00:00Z",9223372036854775808]}', '{"a":[9223372036854775809]}'],
        ['{"a":[1,9223372036854775808,"2024-01-01T00:00:00Z"]}'],
        ['{"a":{"b":[1]}}', '{"a":[{"b":[2,3]}]}', '{"a":{"b":[4]}}', '{"a":[{"b":[5]},{"b":[6]}]}'],
        ['{"a":[[1]]}', '{"a":{"list":[2]}}', '{"a":[[3],[4]]}'],
        ['{"a":1,"_dlt_id":"own","t":[1]}', '{"a":2,"t":[2]}'],
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


def test_epoch_beyond_all_calendars_is_kept_beside_the_moments() -> None:
    for batches in ([MOMENTS], [[record] for record in MOMENTS]):
        assert [row.get("a__v_bigint") for row in convert(batches).rows()] == [None, 2**63 - 1]


MOMENTS = ['{"a":"2024-01-01T00:00:00Z"}', '{"a":9223372036854775807}']


@pytest.mark.parametrize("shape", ['{"a":%s}', "[%s]", '{"a":[%s]}', '[{"a":%s}]'])
@pytest.mark.parametrize("levels", [100, 800, 3000])
def test_records_may_be_nested_thousands_of_levels_deep(levels: int, shape: str) -> None:
    """What lies below the 250th level is text, and so is a list whose table's name no file could have."""
    deep = "1"
    while deep.count("{") + deep.count("[") < levels:
        deep = shape % deep
    records = ['{"a":1}', f'{{"a":{deep}}}', f'{{"a":{deep}}}']
    results = [convert(split(records, sizes), id_source=by) for sizes in ([], [1, 1]) for by in ("content", "chance")]
    for result in results:
        assert len(result.rows()) == 3
        assert all(len(name) < 256 for name in result.tables)
        texts = [cell for table in result.tables.values() for row in table.to_pylist() for cell in row.values()]
        kept = sum(str(cell).count("{") + str(cell).count("[") for cell in texts)
        assert (kept > 0) == (levels > 250 or shape == "[%s]")
    assert_same(results[0], results[2])


def test_json_columns_are_cut_at_the_same_level_on_both_paths() -> None:
    deep = "[" * 400 + "1" + "]" * 400
    records = ['{"a":[1]}', f'{{"a":{deep}}}', f'{{"a":{{"b":{deep}}}}}', f'{{"a":{"[" + "[1]," * 300 + "2]"}}}']
    for hints in ({"max_table_nesting": 0}, {"columns": {"a": {"data_type": "json"}}}):
        assert_same(convert([[record] for record in records], **hints), convert([records], columnar=False, **hints))


def test_items_may_bring_ids_of_their_own() -> None:
    """dlt ties such items to no parent, and neither do we; of some of a row alone it would fail."""
    records = ['{"a":1,"t":[{"_dlt_id":"x","u":[1,2]},{"_dlt_id":"y"}]}', '{"a":2,"t":[{"_dlt_id":"z","b":1}]}']
    result = convert([records])
    assert_same(result, convert([[record] for record in records]))
    assert [row["_dlt_id"] for row in result.rows("rows__t")] == ["x", "y", "z"]
    assert [row["_dlt_parent_id"] for row in result.rows("rows__t__u")] == ["x", "x"]
    roots = [row["_dlt_id"] for row in result.rows()]
    assert [row["_dlt_root_id"] for row in result.rows("rows__t")] == [roots[0], roots[0], roots[1]]
    assert "_dlt_parent_id" not in result.tables["rows__t"].column_names
    with pytest.raises(AnswerError) as caught:
        convert([['{"t":[{"_dlt_id":"x"},{}]}']])
    assert "column `_dlt_parent_id`" in caught.value.message


@pytest.mark.parametrize("record", ['{"b":1}', '{"a":null}'])
def test_missing_value_of_a_column_that_must_have_one_is_refused(record: str) -> None:
    columns = {"a": {"data_type": "bigint", "nullable": False}}
    for batches in ([['{"a":1}', record]], [['{"a":1}'], ['{"a":2}'], [record]]):
        with pytest.raises(AnswerError):
            convert(batches, columns=columns)


def test_integer_beyond_64_bits_is_kept_as_text() -> None:
    wide = 2**64 + 1
    for records, table in (
        (['{"a":1}', f'{{"a":{wide}}}'], "rows"),
        (['{"t":[{"a":1}]}', f'{{"t":[{{"a":{wide}}}]}}'], "rows__t"),
    ):
        rows = convert([[record] for record in records]).rows(table)
        assert [(row["a"], row["a__v_text"]) for row in rows] == [(1, None), (None, str(wide))]


@pytest.mark.parametrize("sizes", [[4], [1, 1, 1], [2, 1]])
def test_json_column_is_exact_on_both_paths(sizes: list[int]) -> None:
    """A declared JSON column keeps integers of any size and replaces lone surrogates, whichever path reads it."""
    texts = ['{"a":{"x": 1}}', '{"a":{"é": 123456789012345678901}}', '{"a":{"x":"\\ud800"}}', '{"a":"text"}']
    hints = {"columns": {"a": {"data_type": "json"}}}
    fast = convert(split(texts, sizes), **hints)
    assert [row["a"] for row in fast.rows()] == ['{"x":1}', '{"é":123456789012345678901}', '{"x":"\ufffd"}', None]
    assert fast.rows()[3]["a__v_text"] == "text"
    assert_same(fast, convert([texts], columnar=False, **hints))


def test_declared_decimals_are_rounded_as_by_dlt() -> None:
    rows = convert(
        [['{"a":0.1}', '{"a":"0.1234567891234"}', '{"a":3}', '{"a":"0.0000000005"}', '{"a":"-0.0000000015"}']],
        columns={"a": {"data_type": "decimal"}},
    ).rows()
    texts = [f"{row['a']:f}" for row in rows]
    assert texts == ["0.100000000", "0.123456789", "3.000000000", "0.000000001", "-0.000000002"]


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


@random_sets(20)
def test_seconds_since_1970_are_moments_on_both_paths(dice: Random) -> None:
    """Fractions of any length, whole numbers, before 1970, halves of a microsecond, nulls."""
    numbers = [
        *(dice.uniform(0, 2e9) for _ in range(40)),
        *(dice.uniform(-6e10, 2e11) for _ in range(20)),
        *(dice.randint(-(10**9), 10**10) for _ in range(10)),
        *(dice.randint(0, 10**9) + dice.randrange(1, 2**17, 2) / 2**17 for _ in range(40)),
    ]
    records = [json.dumps({"id": place, "at": number}) for place, number in enumerate([*numbers, None])]
    # the reader learns from the first ones
    batches = split([json.dumps({"id": -1, "at": 1.5}), *records], [1, 30])
    options: dict[str, Any] = {"columns": {"at": {"data_type": "timestamp"}}}
    fast = convert(batches, **options)
    assert fast.exact_rows == 1
    assert_same(fast, convert(batches, columnar=False, **options))


@pytest.mark.parametrize("odd", ["1e12", "-1e12", "253402300799.9999999", '"2024-01-01T00:00:00Z"', "true", "[1]"])
def test_what_is_no_moment_goes_the_exact_way(odd: str) -> None:
    records = [f'{{"id":1,"at":{1.5}}}', f'{{"id":2,"at":{odd}}}']
    options: dict[str, Any] = {"columns": {"at": {"data_type": "timestamp"}}}
    assert_same(outcome([[text] for text in records], **options), outcome([records], columnar=False, **options))
