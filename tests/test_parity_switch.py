"""headrace and stock dlt in turn on one dataset: the rows and the stored schema of stock dlt alone.

Every kind of load is a resource of its own; later runs bring new columns, other types, and keys that come twice. Where
stock dlt loads, the two rows of such a key differ: a hint left behind that they need not be looked for would show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest

from loading import Database, Hints, Pages, load_dlt, load_ours, pipeline, read_database
from test_parity import comparable, stored_schema


def strategy(name: str) -> dict[str, Any]:
    return {"primary_key": "id", "write_disposition": {"disposition": "merge", "strategy": name}}


HINTS: Hints = {
    "append": {},
    "replace": {"write_disposition": "replace"},
    "merge": {"primary_key": "id", "write_disposition": "merge"},
    "delete_insert": strategy("delete-insert"),
    "upsert": strategy("upsert"),
    "insert_only": strategy("insert-only"),
    "scd2": strategy("scd2"),
    "declared": {
        "primary_key": "id", "write_disposition": "merge",
        "columns": {"price": {"data_type": "decimal"}, "meta": {"data_type": "json"}, "at": {"data_type": "timestamp"}},
    },
    "shallow": {"primary_key": "id", "write_disposition": "merge", "max_table_nesting": 1},
    "evolving_once": {"schema_contract": {"columns": "discard_value", "data_type": "discard_value"}},
}  # fmt: skip

#: The records of each run: as they come first; with new columns, types and lists; with old ones again.
RUNS = [
    [
        '{"id":1,"v":1,"t":[1,{"x":1}],"o":{"p":[1,2]},"price":0.1,"meta":{"a":[1.0,"é"]}}',
        '{"id":2,"v":2,"t":[],"at":"2024-01-01T00:00:00Z"}',
        '{"id":3,"v":3,"t":[{"x":3}],"meta":[]}',
    ],
    [
        '{"id":1,"v":"text","t":[{"x":1,"y":"new","z":[{"deep":1}]}],"new":1.5,"price":"2.25"}',
        '{"id":4,"v":1.5,"t":["x"],"o":{"p":["y"],"q":true},"at":1700000000}',
    ],
    ['{"id":2,"v":7,"t":[9]}', '{"id":5,"v":true,"t":[[1]],"latest":{"a":1},"meta":{"b":{}}}'],
]
#: A key that comes twice, in the runs after the first; the second row is another one where stock dlt loads.
TWICE = ('{"id":6,"v":1,"t":[1]}', '{"id":6,"v":2,"t":[2]}')
#: With these strategies dlt wants keys that come once.
ONCE = ("upsert", "insert_only", "scd2")
#: The ids of root rows are made of the rows.
SAME_IDS = ONCE

LOADS: dict[str, Callable[..., None]] = {"ours": load_ours, "theirs": load_dlt}


def pages_of(run: int, who: str) -> Pages:
    twice = [TWICE[0], TWICE[1] if who == "theirs" else TWICE[0]] if run else []
    records = RUNS[run]
    return {name: [records, *([[one] for one in twice] if name not in ONCE else [])] for name in HINTS}


@pytest.mark.parametrize(
    "turns",
    [("ours", "theirs"), ("theirs", "ours"), ("ours", "theirs", "ours"), ("theirs", "ours", "theirs")],
    ids="-".join,
)
def test_engines_take_turns(turns: tuple[str, ...], tmp_path: Path) -> None:
    mixed, stock = pipeline(tmp_path, "mixed"), pipeline(tmp_path, "stock")
    for run, who in enumerate(turns):
        pages = pages_of(run, who)
        LOADS[who](mixed, pages, hints=HINTS)
        load_dlt(stock, pages, hints=HINTS)
        found, expected = read_database(mixed), read_database(stock)
        for name in HINTS:
            ids = name in SAME_IDS
            assert comparable(found, name, with_ids=ids) == comparable(expected, name, with_ids=ids), (name, run)
        assert_linked(found)
        if run:
            # after a first load of ours it says that a merge was an append
            assert stored_schema(mixed) == stored_schema(stock), run


def assert_linked(found: Database) -> None:
    """Every child row has its parent, and no id comes twice."""
    for name, (columns, rows) in found.tables.items():
        names = [column for column, *_ in columns]
        ids = [row[names.index("_dlt_id")] for row in rows]
        assert len(set(ids)) == len(ids), name
        if "_dlt_parent_id" not in names:
            continue
        parents = {
            row["_dlt_id"] for other in found.tables if name.startswith(f"{other}__") for row in found.rows(other)
        }
        assert {row[names.index("_dlt_parent_id")] for row in rows} <= parents, name


def test_other_machine_takes_over_from_what_the_destination_holds(tmp_path: Path) -> None:
    """Stock dlt elsewhere knows only the schema that was stored with the rows."""
    first, second = pages_of(0, "ours"), pages_of(1, "theirs")
    load_ours(pipeline(tmp_path, "mixed"), first, hints=HINTS)
    stock = pipeline(tmp_path, "stock")
    load_dlt(stock, first, hints=HINTS)
    load_dlt(stock, second, hints=HINTS)
    elsewhere = dlt.pipeline(
        "mixed", destination=dlt.destinations.duckdb(str(tmp_path / "mixed.duckdb")), dataset_name="data",
        pipelines_dir=str(tmp_path / "elsewhere"),
    )  # fmt: skip
    load_dlt(elsewhere, second, hints=HINTS)
    assert comparable(read_database(elsewhere)) == comparable(read_database(stock))
    assert stored_schema(elsewhere) == stored_schema(stock)
