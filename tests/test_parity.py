"""The same rows through headrace and through stock dlt: the same tables, columns, types, rows and stored schema.

Differences that are meant (docs/compatibility.md) are kept out of the data (`DLT_LOADS`), levelled in `comparable` and
`stored_schema`, or asserted: ids of root rows that dlt makes by chance, -0.0, which dlt's SQL literals turn into 0.0,
columns for values that dlt loses (`LOST`) or rounds (`rounding`), that a first merge is stored as an append, and that a
table with declared columns exists before its first row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import dlt
import pytest
from dlt.common.schema.exceptions import DataValidationError
from dlt.pipeline.exceptions import PipelineStepFailed

from headrace.engine import Report
from headrace.errors import AnswerError
from loading import Database, Hints, Pages, load_dlt, load_ours, pipeline, read_database, refused
from nasty_json import DLT_LOADS, data_set, random_sets
from rounding import as_rounded, variants_of, without_variants

IDS = ("_dlt_id", "_dlt_parent_id", "_dlt_root_id")
MERGE: Mapping[str, Any] = {"primary_key": "id", "write_disposition": "merge"}
#: Columns for the values of keys that have the name of another key; dlt loses them.
LOST = re.compile(r"__k_[0-9a-f]{8}(__v_\w+)?$")
#: Columns whose values are of the load, not of the rows: compared by whether there is one.
OF_THE_LOAD = ("_dlt_load_id", "_dlt_valid_from", "_dlt_valid_to")


def belongs(table: str, root: str | None) -> bool:
    return root is None or table == root or table.startswith(f"{root}__")


def comparable(database: Database, root: str | None = None, *, with_ids: bool = False) -> dict[str, Any]:
    """Columns in order with type and nullability, and rows as sorted text; of the tables of `root`, or of all."""
    found = {}
    for name, (columns, rows) in database.tables.items():
        if belongs(name, root):
            kept = [
                (place, column[0])
                for place, column in enumerate(columns)
                if (with_ids or column[0] not in IDS) and not LOST.search(column[0])
            ]
            known = [column for column in columns if not LOST.search(column[0])]
            found[name] = (known, sorted(str([_level(row[place], column) for place, column in kept]) for row in rows))
    return found


def _level(cell: Any, column: str) -> str:
    if column in OF_THE_LOAD:
        return str(cell is None)
    return repr(0.0 if isinstance(cell, float) and cell == 0 else cell)


def stored_schema(target: dlt.Pipeline, root: str | None = None) -> dict[str, Any]:
    """dlt's stored tables of the data: hints and columns, in order."""
    found = {}
    for name, table in target.default_schema.tables.items():
        if not name.startswith("_dlt_") and belongs(name, root):
            hints = {hint: value for hint, value in table.items() if hint != "columns"}
            columns = [(column, facts) for column, facts in table["columns"].items() if not LOST.search(column)]
            found[name] = (hints, columns)
    return found


def assert_parity(folder: Path, pages: Pages) -> None:
    ours, theirs = pipeline(folder, "ours"), pipeline(folder, "theirs")
    load_ours(ours, pages)
    load_dlt(theirs, pages)
    assert not variants_of(theirs)
    assert comparable(as_rounded(ours)) == comparable(read_database(theirs))
    assert without_variants(stored_schema(ours), variants_of(ours)) == stored_schema(theirs)


@random_sets(1)
def test_nasty_data_sets(dice: Random, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Many data sets a load, each a resource of its own."""
    assert_parity(
        tmp_path_factory.mktemp("parity"), {f"set{number}": [data_set(dice, DLT_LOADS)] for number in range(12)}
    )


@random_sets(1)
def test_nasty_data_sets_long_enough_for_the_fast_path(dice: Random, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The first 64 records teach the shape, the others mostly take the fast path."""
    assert_parity(tmp_path_factory.mktemp("parity"), {f"set{number}": [regular(dice, 150)] for number in range(12)})


def regular(dice: Random, count: int) -> list[str]:
    """A data set of one template with many records and few surprises."""
    while len(found := data_set(dice, replace(DLT_LOADS, surprise=0.002), records=count)) < count // 2:
        pass
    return found


def strategy(name: str, key: str = "id") -> dict[str, Any]:
    return {"primary_key": key, "write_disposition": {"disposition": "merge", "strategy": name}}


#: Name -> hints, and the records of each run, one a page. All are loaded side by side, as resources of one source.
KINDS_OF_LOAD: dict[str, tuple[dict[str, Any], list[list[str]]]] = {
    "append": ({}, [['{"id":1,"t":[1,2]}', '{"id":2,"t":[5]}'], ['{"id":1,"t":[3],"new":"x"}']]),
    "replace": ({"write_disposition": "replace"}, [['{"id":1,"t":[1,2]}', '{"id":2}'], ['{"id":3}']]),
    "replace by nothing": ({"write_disposition": "replace"}, [['{"id":1,"t":[1,2]}'], []]),
    "merge": (dict(MERGE), [['{"id":1,"t":[1,2]}', '{"id":2,"t":[5]}'], ['{"id":1,"t":[3]}', '{"id":3}']]),
    "merge nothing": (dict(MERGE), [['{"id":1,"t":[1,2]}'], []]),
    "merge composite": (
        {"primary_key": ["a", "b"], "write_disposition": "merge"},
        [['{"a":1,"b":"x","v":1}', '{"a":1,"b":"y","v":2}'], ['{"a":1,"b":"x","v":3}']],
    ),
    "merge camel key": (
        {"primary_key": "itemId", "write_disposition": "merge"}, [['{"itemId":1,"v":1}'], ['{"itemId":1,"v":3}']]
    ),
    "merge_key": (
        {"merge_key": "day", "write_disposition": "merge"},
        [['{"day":1,"v":1}', '{"day":1,"v":2}', '{"day":2,"v":3}'], ['{"day":1,"v":4}']],
    ),
    "delete-insert": (strategy("delete-insert"), [['{"id":1,"t":[1,2]}', '{"id":2}'], ['{"id":1,"t":[3]}']]),
    "upsert": (strategy("upsert"), [['{"id":1,"t":[1,2]}', '{"id":2}'], ['{"id":1,"t":[3]}']]),
    "upsert text": (strategy("upsert", "a"), [['{"a":"é","t":[{"u":[1]}]}', '{"a":"\\"/"}'], ['{"a":"é","t":[3]}']]),
    "upsert composite": (
        strategy("upsert") | {"primary_key": ["b", "a"]},
        [['{"a":"x","b":1,"v":1}', '{"a":"x","b":2}'], ['{"a":"x","b":1}']],
    ),
    "insert-only": (
        strategy("insert-only"), [['{"id":1,"t":[1]}', '{"id":2}'], ['{"id":2,"t":[7]}', '{"id":3,"t":[9]}']]
    ),
    "insert-only text": (strategy("insert-only", "a"), [['{"a":"x","t":[1]}'], ['{"a":"x","t":[7]}', '{"a":"y"}']]),
    "scd2": (
        strategy("scd2"),
        [['{"id":1,"t":[1]}', '{"id":2,"v":1}', '{"id":3}'], ['{"t":[1],"id":1}', '{"id":2,"v":2}', '{"id":3}']],
    ),
    "nesting 2": ({"max_table_nesting": 2}, [['{"id":1,"t":[1,{"b":[{"c":[2]}]}],"o":{"p":{"q":{"r":[1]}}}}']]),
    "nesting 0": ({"max_table_nesting": 0}, [['{"id":1,"t":[1,{"b":2.0}],"o":{"p":[1]}}']]),
    "nesting 1": ({"max_table_nesting": 1}, [['{"id":1,"t":[1,{"b":[2]}],"o":{"p":{"q":[1]}}}']]),
    "declared": (
        {"columns": {
            "when": {"data_type": "timestamp"}, "price": {"data_type": "decimal"}, "day": {"data_type": "date"},
            "raw": {"data_type": "json"}, "never": {"data_type": "text"},
            "must": {"data_type": "bigint", "nullable": False},
        }},
        [
            [
                '{"must":1,"when":1700000000.25,"price":0.1,"day":"2024-01-01","raw":{"b":[1,2.0,"é"]}}',
                '{"must":2,"raw":3}',
            ],
            ['{"must":3,"price":"12.3456789015","day":null,"raw":[],"more":1}'],
        ],
    ),
    "discard value": (
        {"schema_contract": {"columns": "discard_value"}},
        [['{"id":1,"t":[{"x":1}]}'], ['{"id":2,"n":1,"t":[{"y":3}]}']],
    ),
    "discard row": ({"schema_contract": {"columns": "discard_row"}}, [['{"id":1}'], ['{"id":2,"n":1}', '{"id":3}']]),
    "types discarded": (
        {"schema_contract": {"data_type": "discard_value"}}, [['{"id":1}'], ['{"id":"x"}', '{"id":3}']]
    ),
    "tables discarded": ({"schema_contract": {"tables": "discard_row"}}, [['{"id":1}'], ['{"id":2,"t":[1]}']]),
    "one table under two": ({}, [['{"a":{"b":[1]}}', '{"a":[{"b":[2,3]}]}', '{"a":[{"b":[4]}]}']]),
    "rows that are no objects": ({}, [["1", '"a"', "null", "[1]"]]),
    "equal keys in other words": (dict(MERGE), [['{"id":9,"v":1}', '{"id":"9","v":1}', '{"id":7,"v":1}']]),
    "nested columns": (
        {"nested_hints": {"t": {"columns": {"x": {"name": "x", "data_type": "text"}}}}},
        [['{"t":[{"x":1,"u":[1]}]}'], ['{"t":[{"y":2}]}']],
    ),
    "nested key": (
        MERGE | {"nested_hints": {"t": {"primary_key": "x", "write_disposition": "merge"}}},
        [['{"id":1,"t":[{"x":1,"y":1,"u":[1]}]}'], ['{"id":2,"t":[{"x":1,"y":2}]}']],
    ),
    "nested contract": (
        {"nested_hints": {"t": {"schema_contract": {"columns": "discard_value"}}}},
        [['{"t":[{"x":1},{"x":2,"y":1}]}'], ['{"t":[{"z":2}],"new":1}']],
    ),
    "native format": ({"table_format": "native"}, [['{"id":1,"t":[1]}'], ['{"id":2}']]),
    "references": (
        {"references": [{"referenced_table": "append", "columns": ["id"], "referenced_columns": ["id"]}]},
        [['{"id":1,"t":[1]}'], ['{"id":2}']],
    ),
}  # fmt: skip


#: Loads of which dlt makes the root ids by a hash: ours are the same.
SAME_IDS = ("upsert", "upsert text", "upsert composite", "insert-only", "insert-only text", "scd2")
#: A merge with a key and without a declared strategy: the first load appends, and the schema says so until the next.
APPENDED_FIRST = ("merge", "merge nothing", "merge composite", "merge camel key", "equal keys in other words")


@dataclass(frozen=True)
class Loaded:
    """Databases and stored schemas after each run, ours and theirs, and what we counted."""

    databases: list[tuple[Database, Database]]
    schemas: list[tuple[dict[str, Any], dict[str, Any]]]
    reports: list[Report]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """All kinds of loads, twice, in one pipeline each."""
    folder = tmp_path_factory.mktemp("kinds")
    ours, theirs = pipeline(folder, "ours"), pipeline(folder, "theirs")
    found = Loaded([], [], [])
    for run in range(2):
        kinds = {name: kind for name, kind in KINDS_OF_LOAD.items() if run < len(kind[1])}
        pages: Pages = {table_of(name): [[text] for text in kind[1][run]] or [[]] for name, kind in kinds.items()}
        hints: Hints = {table_of(name): kind[0] for name, kind in kinds.items()}
        report = Report()
        load_ours(ours, pages, report=report, hints=hints)
        load_dlt(theirs, pages, hints=hints)
        found.databases.append((read_database(ours), read_database(theirs)))
        found.schemas.append((stored_schema(ours), stored_schema(theirs)))
        found.reports.append(report)
    return found


def table_of(kind: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in kind).replace("__", "_")


def of_root(tables: Mapping[str, Any], root: str) -> dict[str, Any]:
    return {name: found for name, found in tables.items() if belongs(name, root)}


@pytest.mark.parametrize("kind", KINDS_OF_LOAD)
def test_every_kind_of_load(kind: str, loaded: Loaded) -> None:
    root, runs = table_of(kind), len(KINDS_OF_LOAD[kind][1])
    for run in range(runs):
        ours, theirs = (comparable(one, root, with_ids=kind in SAME_IDS) for one in loaded.databases[run])
        assert ours == theirs
        our_schema, their_schema = (of_root(one, root) for one in loaded.schemas[run])
        if run == 0 and kind in APPENDED_FIRST:
            hints, _ = our_schema[root]
            assert hints["write_disposition"] == "append"
            hints["write_disposition"] = "merge"
        assert our_schema == their_schema


def long_rows(count: int, **more: Any) -> list[str]:
    """Records of one shape: all that dlt makes columns, tables, JSON and versions of."""
    rows = (
        {
            "id": number, "name": f"n{number}" if number % 3 else None, "at": f"2024-01-01T00:00:{number % 60:02}Z",
            "ratio": number / 7, "owner": {"id": number % 5, "tags": ["a", "é"][: number % 3], "deep": {"x": [number]}},
            "lines": [{"sku": f"s{place}", "parts": [{"n": 1.0}]} for place in range(number % 3)], **more,
        }
        for number in range(count)
    )  # fmt: skip
    return [json.dumps(row) for row in rows]


DISCARD = {"columns": "discard_value", "tables": "discard_row"}
#: Hints that leave columns to be read as columns, and what a second run has more.
LONG: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {"new": 1}),
    "nesting_0": ({"max_table_nesting": 0}, {"new": {"a": [1, 2.0]}}),
    "nesting_1": ({"max_table_nesting": 1}, {"new": {"a": {"b": "é"}}}),
    "nesting_2": ({"max_table_nesting": 2}, {}),
    "scd2": (strategy("scd2"), {"new": 1}),
    "upsert": (strategy("upsert"), {}),
    "frozen": ({"schema_contract": "freeze"}, {}),
    "discarding": ({"schema_contract": DISCARD}, {"new": 1, "some": [1], "other": {"new": {"x": 1}}}),
    "json": ({"columns": {"owner": {"data_type": "json"}, "lines": {"data_type": "json"}}}, {}),
}


def test_long_loads_of_every_kind_are_read_as_columns(tmp_path: Path) -> None:
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for run in range(2):
        pages = {name: [long_rows(300, **(more if run else {}))] for name, (_, more) in LONG.items()}
        # a contract comes into force when the table is there
        hints = {name: hint if run or "schema_contract" not in hint else {} for name, (hint, _) in LONG.items()}
        report = Report()
        load_ours(ours, pages, report=report, hints=hints)
        load_dlt(theirs, pages, hints=hints)
        found, expected = read_database(ours), read_database(theirs)
        for name in LONG:
            ids = name in SAME_IDS
            assert comparable(found, name, with_ids=ids) == comparable(expected, name, with_ids=ids), name
            assert report.of(name).exact_rows <= 4 * 24, name
        assert stored_schema(ours) == stored_schema(theirs)


def test_scd2_keeps_unchanged_rows(loaded: Loaded) -> None:
    """In the second run the keys of one row come in another order: it is the same version."""
    rows = loaded.databases[1][0].rows("scd2")
    assert sorted((row["id"], row.get("v"), "_dlt_valid_to" in row) for row in rows if row["id"] != 2) == [
        (1, None, False),
        (3, None, False),
    ]
    assert sorted((row["v"], "_dlt_valid_to" in row) for row in rows if row["id"] == 2) == [(1, True), (2, False)]


def test_table_with_declared_columns_exists_before_its_first_row(tmp_path: Path) -> None:
    """With dlt it does not. Its own columns then come before those of the first row; all else is the same."""
    hints: dict[str, Any] = {"columns": {"a": {"data_type": "text"}, "b": {"nullable": True}}}
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for load, target in ((load_ours, ours), (load_dlt, theirs)):
        load(target, {"things": [[]]}, **hints)
    assert [name for name, *_ in read_database(ours).tables["things"][0]] == ["a", "_dlt_load_id", "_dlt_id"]
    for load, target in ((load_ours, ours), (load_dlt, theirs)):
        load(target, {"things": [['{"b":1}']]}, **hints)
    found = [read_database(target) for target in (ours, theirs)]
    assert [one.rows("things", without=("_dlt_load_id", "_dlt_id")) for one in found] == [[{"b": 1}]] * 2
    assert len({frozenset(one.tables["things"][0]) for one in found}) == 1


def test_child_table_with_declared_columns_exists_before_its_first_row(tmp_path: Path) -> None:
    """With dlt's own columns, without which a merge would fail; the rows that come then are those of dlt."""
    hints = MERGE | {"nested_hints": {"t": {"columns": {"x": {"name": "x", "data_type": "text"}}}}}
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for records in (['{"id":1}'], ['{"id":2}'], ['{"id":1,"t":[{"x":1}]}']):
        for load, target in ((load_ours, ours), (load_dlt, theirs)):
            load(target, {"things": [records]}, hints={"things": hints})
        system = ["_dlt_root_id", "_dlt_parent_id", "_dlt_list_idx", "_dlt_id"]
        assert read_database(ours).columns("things__t") == ["x", *system]
    found = [read_database(target) for target in (ours, theirs)]
    assert [one.rows("things__t", without=IDS) for one in found] == [[{"x": "1", "_dlt_list_idx": 0}]] * 2
    assert len({frozenset(one.tables["things__t"][0]) for one in found}) == 1


@pytest.mark.parametrize("contract", ["freeze", {"columns": "freeze"}, {"data_type": "freeze"}, {"tables": "freeze"}])
def test_frozen_schema_refuses_what_is_new(contract: Any, tmp_path: Path) -> None:
    """As dlt does; its error is the cause of ours. The table stays as it was."""
    first = {"things": [['{"id":1,"t":[{"x":1}]}']]}
    then = {"things": [['{"id":"x","new":1,"t":[{"x":2,"y":3}],"u":[1]}']]}
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for load, target in ((load_ours, ours), (load_dlt, theirs)):
        load(target, first)
    before = comparable(read_database(theirs))
    with refused(AnswerError) as ours_found:
        load_ours(ours, then, schema_contract=contract)
    assert isinstance(ours_found[0].__cause__, DataValidationError)
    with refused(DataValidationError) as theirs_found:
        load_dlt(theirs, then, schema_contract=contract)
    assert str(theirs_found[0]).partition(" Offending data item")[0] in str(ours_found[0])
    assert comparable(read_database(ours)) == comparable(read_database(theirs)) == before


def test_missing_value_of_a_column_that_must_have_one_fails_as_with_dlt(tmp_path: Path) -> None:
    """Ours already when the rows are handed over, dlt's in the database."""
    pages = {"things": [['{"a":1}', '{"b":1}']]}
    hints = {"columns": {"a": {"data_type": "bigint", "nullable": False}}}
    with refused(AnswerError) as found:
        load_ours(pipeline(tmp_path, "ours"), pages, **hints)
    assert str(found[0]).startswith(
        "expected a value in every row in column `a`, which is declared `nullable: false`, got none in 1 of 2 rows"
    )
    with pytest.raises(PipelineStepFailed, match="NOT NULL constraint failed"):
        load_dlt(pipeline(tmp_path, "theirs"), pages, **hints)
