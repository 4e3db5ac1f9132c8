"""Several resources, sources or packages that write one table: as with dlt, in the order of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.server import Server
from loading import Hints, Pages, configuration, cursor_service, load_dlt, load_ours, pipeline, read_database
from test_parity import comparable, stored_schema
from test_parity_switch import assert_linked

MERGE: dict[str, Any] = {"primary_key": "id", "write_disposition": "merge"}
#: Name -> hints of all resources, and the pages of each resource in a first and in a second run.
CASES: dict[str, tuple[dict[str, Any], list[Pages]]] = {
    "other types in the second": (
        {}, [{"a": [['{"id":1,"x":1}']], "b": [['{"id":2,"x":"text"}', '{"id":3,"x":"7"}']]}, {"b": [['{"id":4}']]}],
    ),
    "lists and objects": (
        {}, [{"a": [['{"x":1.5,"l":[1]}']], "b": [['{"x":1,"l":["a"],"y":{"z":1}}']], "c": [['{"l":[{"n":1}]}']]}],
    ),
    "replace": (
        {"write_disposition": "replace"},
        [{"a": [['{"id":1}']], "b": [['{"id":2,"l":[1]}']]}, {"a": [['{"id":3}']], "b": [['{"id":4}']]}],
    ),
    "replace by nothing from one": (
        {"write_disposition": "replace"},
        [{"a": [['{"id":1}']], "b": [['{"id":2}']]}, {"a": [[]], "b": [['{"id":4}']]}],
    ),
    "merge": (
        MERGE,
        [
            {"a": [['{"id":1,"l":[1]}']], "b": [['{"id":2,"l":["x"]}']]},
            {"a": [['{"id":2,"l":[3]}']], "b": [['{"id":1,"l":[4]}', '{"id":5}']]},
        ],
    ),
    "one row of both": (MERGE, [{"a": [['{"id":1,"l":[1,2]}']], "b": [['{"id":1,"l":[1,2]}', '{"id":2}']]}]),
    "merge into nothing from one": (MERGE, [{"a": [[]], "b": [['{"id":1,"l":[1]}']]}]),
    "declared JSON": (
        {"columns": {"o": {"data_type": "json"}}}, [{"a": [['{"o":{"x":1}}']], "b": [['{"o":{"y":[1]}}', '{"o":3}']]}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_resources_that_write_one_table(case: str, tmp_path: Path) -> None:
    shared, runs = CASES[case]
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    for pages in runs:
        hints: Hints = {name: {"table_name": "things", **shared} for name in pages}
        load_ours(ours, pages, hints=hints)
        load_dlt(theirs, pages, hints=hints)
        found, expected = read_database(ours), read_database(theirs)
        assert comparable(found) == comparable(expected)
        assert stored_schema(ours) == stored_schema(theirs)
        assert_linked(found)


def test_one_resource_is_told_of_the_columns_of_the_other_though_it_answers_first(tmp_path: Path) -> None:
    """The first of the configuration has many pages, the second one: the type is still that of the first."""
    pages: Pages = {"slow": [[f'{{"id":{number}}}'] for number in range(20)], "quick": [['{"id":"text"}']]}
    target = pipeline(tmp_path, "ours")
    load_ours(target, pages, hints={name: {"table_name": "things"} for name in pages})
    found = read_database(target)
    assert found.tables["things"][0][0][:2] == ("id", "BIGINT")
    assert [row.get("id__v_text") for row in found.rows("things")].count("text") == 1


def test_rows_of_one_key_from_two_resources_are_one_row(tmp_path: Path) -> None:
    """Which of them, dlt leaves open; no row is doubled, whatever its strategy, now and in the next run."""
    target = pipeline(tmp_path, "ours")
    for value in (1, 3):
        pages = {"a": [[f'{{"id":1,"v":{value},"l":[1]}}']], "b": [[f'{{"id":1,"v":{value + 1},"l":[1,2]}}']]}
        report = Report()
        load_ours(target, pages, hints={name: {"table_name": "things", **MERGE} for name in pages}, report=report)
        found = read_database(target)
        assert_linked(found)
        (row,) = found.rows("things")
        assert row["v"] in {value, value + 1}
        assert len(found.rows("things__l")) == (1 if row["v"] == value else 2)
        assert not any(of.appended for of in report.resources.values())


@pytest.mark.parametrize("names", [("rows", "rows"), ("rows", "others")])
def test_two_sources_of_one_run_merge_into_one_table(names: tuple[str, str], tmp_path: Path) -> None:
    """The first load of a table is appended, but not when another source loads it too."""
    target = pipeline(tmp_path, "ours")
    pages = [{"things": [[f'{{"id":{number},"v":{run},"l":[{run}]}}' for number in range(3)]]} for run in range(2)]
    with Server(cursor_service(pages[0])) as one, Server(cursor_service(pages[1])) as other:
        sources = [
            rest_api_source(configuration(server.url, ["things"], **MERGE), name=name, clock=TurnedClock())
            for server, name in zip((one, other), names, strict=True)
        ]
        target.run(sources)
    found = read_database(target)
    assert_linked(found)
    assert sorted(row["id"] for row in found.rows("things")) == [0, 1, 2]
    assert len(found.rows("things__l")) == 3


def test_two_extracts_before_one_load_merge(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    for run in range(2):
        pages = {"things": [[f'{{"id":{number},"v":{run},"l":[{run}]}}' for number in range(3)]]}
        with Server(cursor_service(pages)) as server:
            config = configuration(server.url, ["things"], **MERGE)
            target.extract(rest_api_source(config, name="rows", clock=TurnedClock()))
    target.normalize()
    target.load()
    found = read_database(target)
    assert_linked(found)
    assert sorted((row["id"], row["v"]) for row in found.rows("things")) == [(0, 1), (1, 1), (2, 1)]
    assert [row["value"] for row in found.rows("things__l")] == [1, 1, 1]
