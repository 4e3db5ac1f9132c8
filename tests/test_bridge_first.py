"""What a first load does with a merge that is declared: appended where that leaves the same rows, whoever is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.bridge.keep import Keep
from headrace.bridge.plan import plan_source
from headrace.bridge.source import source_of
from headrace.engine import Report
from headrace.sim.server import Server
from loading import configuration, cursor_service, pipeline, read_database
from places import postgres_place
from postgres import Postgres

FIRST = {"events": [['{"id":1,"v":1,"t":[1,2]}', '{"id":2,"v":2,"t":[3]}']]}
SECOND = {"events": [['{"id":2,"v":20,"t":[4]}', '{"id":3,"v":3,"t":[]}']]}
DELETE_INSERT = {"disposition": "merge", "strategy": "delete-insert"}


@pytest.mark.parametrize(
    ("declared", "takes_back", "appends"),
    [
        ("merge", False, True),
        ("merge", True, True),
        # who names the strategy gets it, unless nothing can tell that it was not taken
        (DELETE_INSERT, False, False),
        (DELETE_INSERT, True, True),
        ({**DELETE_INSERT, "strategy": "upsert"}, True, False),
        ({**DELETE_INSERT, "deduplicated": False}, True, False),
    ],
)
def test_a_first_load_appends_where_it_leaves_the_same_rows(
    declared: Any, takes_back: bool, appends: bool, tmp_path: Path
) -> None:
    target = pipeline(tmp_path, "first")
    for number, rows in enumerate((FIRST, SECOND)):
        report = Report()
        with Server(cursor_service(rows)) as server:
            config = configuration(server.url, ["events"], primary_key="id", write_disposition=declared)
            plan, name = plan_source(config, name="rows")
            target.run(source_of(plan, name=name, report=report, keep=Keep() if takes_back else None))
        assert report.of("events").appended == (appends and not number)
    database = read_database(target)
    assert sorted((row["id"], row["v"]) for row in database.rows("events")) == [(1, 1), (2, 20), (3, 3)]
    assert sorted(row["value"] for row in database.rows("events__t")) == [1, 2, 4]


@pytest.mark.parametrize("write", ["merge", DELETE_INSERT], ids=str)
def test_what_is_loaded_by_statements_is_merged(write: Any, postgres: Postgres, tmp_path: Path) -> None:
    """Only Parquet is appended at first."""
    target, report = postgres_place(postgres).pipeline(tmp_path, "first"), Report()
    with Server(cursor_service(FIRST)) as server:
        config = configuration(server.url, ["events"], primary_key="id", write_disposition=write)
        plan, name = plan_source(config, name="rows")
        target.run(source_of(plan, name=name, report=report, keep=Keep()))
    assert not report.of("events").appended
    with target.sql_client() as client:
        assert client.execute_sql("SELECT id, v FROM events ORDER BY 1") == [(1, 1), (2, 2)]
