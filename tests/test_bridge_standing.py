"""What stands at a destination and is compared, marked and written again: types, keys, other places, other sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.config import HeadraceWarning
from headrace.engine import Report
from headrace.errors import AnswerError, UsageError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import Database, configuration, cursor_service, load_dlt, load_ours, pipeline, read_database, refused
from places import DUCKDB, FILES, Place, postgres_place

MERGE = {"primary_key": "id", "write_disposition": "merge", "deletions": {"after": 1}}
#: Lists, objects, JSON, numbers and moments: what a row must still have when it is marked.
WHOLE = {
    "id": "a", "n": 1, "f": 0.1, "big": 2**62, "ok": True, "at": "2026-01-02T03:04:05.678901Z", "text": "é '\\ %s \x7f",
    "tags": ["x", "y"], "deep": {"rows": [{"k": [1, 2]}]}, "raw": {"b": [1, 2.5, None], "a": "'"}, "word": "w",
}  # fmt: skip
JSON = {"columns": {"raw": {"data_type": "json"}, "word": {"data_type": "json"}, "d": {"data_type": "date"}}}


PLACES = [
    pytest.param(lambda _: DUCKDB, id="duckdb"),
    pytest.param(lambda request: postgres_place(request.getfixturevalue("postgres")), id="postgres"),
]


@pytest.mark.parametrize("strategy", ["delete-insert", "upsert"])
@pytest.mark.parametrize("place_of", PLACES)
def test_a_marked_row_is_otherwise_untouched(
    place_of: Callable[[pytest.FixtureRequest], Place], strategy: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With all its columns and child rows, in other places too, and with rows that bring new columns meanwhile."""
    place = place_of(request)
    target = place.pipeline(tmp_path, "whole")
    hints = {**MERGE, **JSON, "write_disposition": {"disposition": "merge", "strategy": strategy}}
    other = {"id": "b", "tags": ["z"], "new": 5, "d": "2026-01-01"}
    load_ours(target, {"rows": [[json.dumps({**WHOLE, "d": "2026-02-03"}), json.dumps({"id": "b"})]]}, **hints)
    before = place.read(target)
    load_ours(target, {"rows": [[json.dumps(other)]]}, **hints)
    after = place.read(target)
    (was,), (now,) = ([row for row in database.rows("rows") if row["id"] == "a"] for database in (before, after))
    assert now.pop("_deleted_at") is not None
    assert now == was
    for table in ("rows__tags", "rows__deep__rows", "rows__deep__rows__k"):
        assert before.rows(table)
        assert all(row in after.rows(table) for row in before.rows(table))
    assert len(after.rows("rows__tags")) == 3
    assert len(after.rows("rows")) == 2


def test_a_first_load_marks_nothing_and_still_appends(tmp_path: Path) -> None:
    report = Report()
    load_ours(pipeline(tmp_path, "first"), {"rows": [['{"id": 1}']]}, report=report, **MERGE)
    assert (report.of("rows").appended, report.of("rows").marked) == (True, 0)


def run_rows(target: dlt.Pipeline, row: str, report: Report | None = None, **run_args: Any) -> None:
    """One row, with arguments of dlt's `run`."""
    with Server(cursor_service({"rows": [[row]]})) as server:
        source = rest_api_source(configuration(server.url, ["rows"], **MERGE), name="rows", report=report)
        target.run(source, **run_args)


def ids(target: dlt.Pipeline) -> dict[Any, bool]:
    return {row["id"]: "_deleted_at" in row for row in read_database(target).rows("rows")}


def test_a_listing_whose_total_promised_more_marks_nothing(tmp_path: Path) -> None:
    """The API may have capped the page: that is a doubt, and no row is gone for it."""
    target = pipeline(tmp_path, "doubted")
    offsets = {"path": "rows", "data_selector": "items", "paginator": {"type": "offset", "limit": 10}}
    for rows, total, gone in (([1, 2, 3], 3, []), ([1, 2], 3, []), ([1, 2], 2, [3])):
        items = [{"id": number} for number in rows]

        def answer(request: Request, items: list[Any] = items, total: int = total) -> Reply:
            page = items if request.param("offset") == "0" else []
            return Reply(body=json.dumps({"items": page, "total": total}).encode())

        with Server(answer) as server:
            config = {"client": {"base_url": server.url}, "resources": [{"name": "rows", "endpoint": offsets, **MERGE}]}
            target.run(rest_api_source(config, name="rows"))
        assert [number for number, is_marked in sorted(ids(target).items()) if is_marked] == gone


def test_rows_that_another_source_loaded_stay_as_they_are(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "two")
    load_dlt(target, {"rows": [['{"id": 1}', '{"id": 2}']]}, primary_key="id", write_disposition="merge")
    with target.sql_client() as sql:
        sql.execute_sql("UPDATE _dlt_loads SET schema_name = 'another'")
    load_ours(target, {"rows": [['{"id": 3}']]}, **MERGE)
    assert ids(target) == {1: False, 2: False, 3: False}
    load_ours(target, {"rows": [['{"id": 4}']]}, **MERGE)
    assert ids(target) == {1: False, 2: False, 3: True, 4: False}


def test_rows_that_were_loaded_with_another_key_are_never_compared(tmp_path: Path) -> None:
    """Not in the next run either, which finds the new key in the stored schema."""
    target, report = pipeline(tmp_path, "keys"), Report()
    named = {**MERGE, "primary_key": "name"}
    load_ours(target, {"rows": [['{"id": 1, "name": "a"}', '{"id": 2, "name": "b"}']]}, **MERGE)
    load_ours(target, {"rows": [['{"id": 3, "name": "b"}', '{"id": 4, "name": "c"}']]}, report=report, **named)
    assert report.of("rows").unmarked == ["the rows were loaded with the key (id)"]
    assert not any(ids(target).values())
    load_ours(target, {"rows": [['{"id": 3, "name": "b"}']]}, **named)
    assert ids(target) == {1: False, 3: False, 4: True}


def test_rows_whose_key_was_not_hashed_as_now_are_never_compared(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "hashed")
    rows = {"rows": [['{"id": "a"}', '{"id": "b"}']]}
    hints = {**MERGE, "personal": ["id"]}
    for privacy, key, unmarked, count in (
        ("keep", None, [], 2),
        ("hash", "one" * 12, ["the keys of the rows were made otherwise"], 4),
        ("hash", "one" * 12, [], 4),
        ("hash", "two" * 12, ["the keys of the rows were made otherwise"], 6),
        ("hash", "two" * 12, [], 6),
    ):
        report = Report()
        with Server(cursor_service(rows)) as server:
            config = {**configuration(server.url, ["rows"], **hints), "privacy": privacy, "privacy_key": key}
            target.run(rest_api_source(config, name="rows", report=report))
        assert report.of("rows").unmarked == unmarked
        assert len(ids(target)) == count
        assert not any(ids(target).values())


def test_rows_of_stock_dlt_with_the_same_key_are_compared(tmp_path: Path) -> None:
    """Their ids are by chance; keys are what a merge goes by."""
    target = pipeline(tmp_path, "stock")
    load_dlt(target, {"rows": [['{"id": 1}', '{"id": 2}']]}, primary_key="id", write_disposition="merge")
    load_ours(target, {"rows": [['{"id": 2}']]}, **MERGE)
    assert ids(target) == {1: True, 2: False}


def test_rows_without_the_key_leave_nothing_to_compare(tmp_path: Path) -> None:
    target, report = pipeline(tmp_path, "keyless"), Report()
    hints = {**MERGE, "columns": {"id": {"nullable": True}}}
    load_ours(target, {"rows": [['{"id": 1}', '{"id": 2}']]}, **hints)
    with pytest.warns(HeadraceWarning, match="lack the declared key"):
        load_ours(target, {"rows": [['{"id": 1}', '{"n": 2}']]}, report=report, **hints)
    assert report.of("rows").unmarked == ["rows came without the key"]
    assert not any("_deleted_at" in row for row in read_database(target).rows("rows"))


def test_a_table_that_this_load_empties_has_no_rows_to_look_for(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "emptied")
    load_ours(target, {"rows": [['{"id": 1}', '{"id": 2}']]}, **MERGE)
    run_rows(target, '{"id": 2}', refresh="drop_data")
    assert ids(target) == {2: False}


def test_a_field_with_the_name_of_the_mark_is_an_error(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "own")
    load_ours(target, {"rows": [['{"id": 1}']]}, **MERGE)
    with refused(AnswerError) as errors:
        load_ours(target, {"rows": [['{"id": 1, "_deleted_at": "2026-01-01T00:00:00Z"}']]}, **MERGE)
    assert str(errors[0]).startswith("expected no field `_deleted_at` in rows, whose column says which rows vanished")


def test_a_destination_that_appends_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    report = Report()
    with refused(UsageError) as errors:
        run_rows(FILES.pipeline(tmp_path, "files"), '{"id": 1}', report, **FILES.run_args)
    assert str(errors[0]).startswith("expected a destination that merges rows beside `deletions`, got one that appends")
    assert report.of("rows").requests == 0


def test_a_destination_that_cannot_be_read_is_found_before_anything_is_asked(tmp_path: Path) -> None:
    target, report = pipeline(tmp_path, "unreadable"), Report()
    load_ours(target, {"rows": [['{"id": 1}']]}, **MERGE)
    with target.sql_client() as sql:
        sql.execute_sql("DROP TABLE _dlt_loads")
    with refused(UsageError) as errors:
        load_ours(target, {"rows": [['{"id": 1}']]}, report=report, **MERGE)
    assert str(errors[0]).startswith("expected to read the rows of table `rows` at the destination, among which")
    assert report.of("rows").requests == 0


def test_a_key_of_fractions_is_refused(tmp_path: Path) -> None:
    """Two databases may write one number as two texts."""
    target = pipeline(tmp_path, "fractions")
    load_ours(target, {"rows": [['{"id": 1.5}']]}, **MERGE)
    with refused(UsageError) as errors:
        load_ours(target, {"rows": [['{"id": 1.5}']]}, **MERGE)
    assert "in `id`, by which `deletions` compares rows, got double" in str(errors[0])


def test_whole_numbers_that_are_read_as_dates_are_compared(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "dates")
    dated = {**MERGE, "columns": {"id": {"data_type": "date"}}}
    load_ours(target, {"rows": [['{"id": "2026-01-01"}', '{"id": "2026-01-02"}']]}, **dated)
    load_ours(target, {"rows": [['{"id": "2026-01-02"}']]}, **dated)
    assert sorted(ids(target).values()) == [False, True]


def test_databases_are_compared_as_they_were(tmp_path: Path) -> None:
    """A run in which nothing vanished changes nothing but what came."""
    target = pipeline(tmp_path, "same")
    found: list[Database] = []
    for _ in range(2):
        load_ours(target, {"rows": [['{"id": 1, "l": [1]}', '{"id": 2}']]}, **MERGE)
        found.append(read_database(target))
    assert sorted(map(str, found[0].rows("rows"))) == sorted(map(str, found[1].rows("rows")))
