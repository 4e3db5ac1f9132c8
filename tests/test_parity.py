"""The same rows through headrace and through stock dlt: the same tables, columns, types, rows and stored schema.

Differences that are meant (docs/compatibility.md) are kept out of the data (`DLT_LOADS`) or levelled in `comparable`:
ids of root rows, and -0.0, which dlt's SQL literals turn into 0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import dlt
import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from loading import Database, Pages, load_dlt, load_ours, pipeline, read_database
from nasty_json import DLT_LOADS, data_set

IDS = ("_dlt_id", "_dlt_parent_id", "_dlt_root_id", "_dlt_load_id")
MERGE: Mapping[str, Any] = {"primary_key": "id", "write_disposition": "merge"}
#: Hints that headrace adds to a stored table on purpose.
OURS = ("x-stage-data-deduplicated",)


def comparable(database: Database) -> dict[str, Any]:
    """Columns in order with type and nullability, and rows as sorted text without ids."""
    found = {}
    for name, (columns, rows) in database.tables.items():
        kept = [place for place, column in enumerate(columns) if column[0] not in IDS]
        found[name] = (columns, sorted(str([_level(row[place]) for place in kept]) for row in rows))
    return found


def _level(cell: Any) -> str:
    return repr(0.0 if isinstance(cell, float) and cell == 0 else cell)


def stored_schema(target: dlt.Pipeline) -> dict[str, Any]:
    """dlt's stored tables of the data: hints and columns, in order. `nullable: True` is what its absence means."""
    found = {}
    for name, table in target.default_schema.tables.items():
        if not name.startswith("_dlt_"):
            hints = {hint: value for hint, value in table.items() if hint not in ("columns", *OURS)}
            found[name] = (hints, [(column, {"nullable": True} | facts) for column, facts in table["columns"].items()])
    return found


def assert_parity(folder: Path, *runs: Pages, **hints: Any) -> Database:
    """Load each of `runs` one after the other with both; compare after each. Gives headrace's database."""
    ours, theirs = pipeline(folder, "ours"), pipeline(folder, "theirs")
    for pages in runs:
        load_ours(ours, pages, **hints)
        load_dlt(theirs, pages, **hints)
        assert comparable(read_database(ours)) == comparable(read_database(theirs))
        assert stored_schema(ours) == stored_schema(theirs)
    return read_database(ours)


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(dice=st.randoms(use_true_random=True))
def test_nasty_data_sets(dice: Random, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Eight data sets a load, each a resource of its own."""
    pages = {f"set{number}": [data_set(dice, DLT_LOADS)] for number in range(8)}
    note(repr(pages))
    assert_parity(tmp_path_factory.mktemp("parity"), pages)


def test_nasty_data_sets_long_enough_for_the_fast_path(tmp_path: Path) -> None:
    """The first 64 records teach the shape, the others mostly take the fast path."""
    dice = Random(20)
    pages = {f"set{number}": [regular(dice, 150)] for number in range(12)}
    assert_parity(tmp_path, pages)


def regular(dice: Random, count: int) -> list[str]:
    """A data set of one template with many records and few surprises."""
    while len(found := data_set(dice, replace(DLT_LOADS, surprise=0.002), records=count)) < count // 2:
        pass
    return found


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
    "upsert": (
        {"primary_key": "id", "write_disposition": {"disposition": "merge", "strategy": "upsert"}},
        [['{"id":1,"t":[1,2]}', '{"id":2}'], ['{"id":1,"t":[3]}']],
    ),
    "insert-only": (
        {"primary_key": "id", "write_disposition": {"disposition": "merge", "strategy": "insert-only"}},
        [['{"id":1,"t":[1]}', '{"id":2}'], ['{"id":2,"t":[7]}', '{"id":3,"t":[9]}']],
    ),
    "nesting 0": ({"max_table_nesting": 0}, [['{"id":1,"t":[1,{"b":2.0}],"o":{"p":[1]}}']]),
    "nesting 1": ({"max_table_nesting": 1}, [['{"id":1,"t":[1,{"b":[2]}],"o":{"p":{"q":[1]}}}']]),
    "declared": (
        {"columns": {
            "when": {"data_type": "timestamp"}, "price": {"data_type": "decimal"}, "day": {"data_type": "date"},
            "raw": {"data_type": "json"}, "never": {"data_type": "text"}, "must": {"data_type": "bigint", "nullable": False},
        }},
        [['{"must":1,"when":1700000000.25,"price":0.1,"day":"2024-01-01","raw":{"b":[1,2.0,"é"]}}', '{"must":2,"raw":3}']],
    ),
    "rows that are no objects": ({}, [["1", '"a"', "null", "[1]"]]),
    "equal keys in other words": (dict(MERGE), [['{"id":9,"v":1}', '{"id":"9","v":1}', '{"id":7,"v":1}']]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS_OF_LOAD)
def test_every_kind_of_load(kind: str, tmp_path: Path) -> None:
    hints, runs = KINDS_OF_LOAD[kind]
    assert_parity(tmp_path, *({"things": [records]} for records in runs), **hints)


def test_scd2_keeps_unchanged_rows(tmp_path: Path) -> None:
    """A second run over the same rows makes no new version, and ids are dlt's."""
    hints = {"primary_key": "id", "write_disposition": {"disposition": "merge", "strategy": "scd2"}}
    pages = {"things": [['{"id":1,"t":[1]}', '{"id":2}']]}
    found = []
    for name, load in (("ours", load_ours), ("theirs", load_dlt)):
        target = pipeline(tmp_path, name)
        for _ in range(2):
            load(target, pages, **hints)
        found.append(sorted((row["id"], row["_dlt_id"]) for row in read_database(target).rows("things")))
    assert found[0] == found[1]
    assert len(found[0]) == 2
