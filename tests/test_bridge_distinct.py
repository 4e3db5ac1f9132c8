"""dlt's merge does not look for equal keys where none can be, and looks for them everywhere else.

A merge that looks numbers the rows of a key; the text of its SQL shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.storages.load_package import ParsedLoadJobFileName

from headrace import rest_api_source
from headrace.sim.server import Server
from loading import configuration, cursor_service, load_dlt, load_ours, pipeline, read_database
from places import DUCKDB, Place, postgres_place

LOOKS = "ROW_NUMBER()"
MERGED = {"primary_key": "id", "write_disposition": "merge"}
FIRST = {"events": [['{"id":1,"v":1,"t":[1,2]}', '{"id":2,"v":2,"t":[3]}']]}
SECOND = {"events": [['{"id":2,"v":20,"t":[4]}', '{"id":3,"v":3,"t":[]}'], ['{"id":3,"v":30,"t":[5,6]}']]}
#: What stands there after both.
ROWS = [(1, 1), (2, 20), (3, 30)]
TWICE = {"events": [['{"id":4,"v":4,"t":[7]}', '{"id":4,"v":4,"t":[7]}']]}


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    return DUCKDB if request.param == "duckdb" else postgres_place(request.getfixturevalue("postgres"))


def merge(target: dlt.Pipeline) -> str:
    """The SQL that merged the last package."""
    package = target.get_load_package_info(target.list_completed_load_packages()[-1])
    (job,) = [job for job in package.jobs["completed_jobs"] if job.job_file_info.file_format == "sql"]
    return Path(job.file_path).read_text()


def rows(target: dlt.Pipeline) -> list[Any]:
    with target.sql_client() as client:
        return client.execute_sql(f"SELECT id, v FROM {client.make_qualified_table_name('events')} ORDER BY 1")  # noqa: S608


def prepared(target: dlt.Pipeline) -> dlt.Pipeline:
    """`target` with the first rows, and a package with the second ones that waits to be loaded."""
    load_ours(target, FIRST, **MERGED)
    with Server(cursor_service(SECOND)) as server:
        target.extract(rest_api_source(configuration(server.url, ["events"], **MERGED), name="rows"))
    target.normalize()
    return target


def test_distinct_keys_are_not_looked_for(place: Place, tmp_path: Path) -> None:
    target = place.pipeline(tmp_path, "ours")
    load_ours(target, FIRST, **MERGED)
    load_ours(target, SECOND, **MERGED)
    assert LOOKS not in merge(target)
    assert rows(target) == ROWS
    assert sorted(row["value"] for row in place.read(target).rows("events__t")) == [1, 2, 4, 5, 6]


def test_a_source_that_runs_again_is_told_of_again(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load_ours(target, FIRST, **MERGED)
    with Server(cursor_service(SECOND)) as server:
        source = rest_api_source(configuration(server.url, ["events"], **MERGED), name="rows")
        for _ in range(2):
            target.run(source)
            assert LOOKS not in merge(target)


def test_stock_dlt_looks_afterwards(place: Place, tmp_path: Path) -> None:
    """Nothing of what was told is stored, here or at the destination."""
    target = place.pipeline(tmp_path, "ours")
    for pages in (FIRST, SECOND):
        load_ours(target, pages, **MERGED)
    assert "deduplicated" not in target.default_schema.to_pretty_json()
    with target.sql_client() as client:
        stored = client.execute_sql(f"SELECT schema FROM {client.make_qualified_table_name('_dlt_version')}")  # noqa: S608
    assert not any("deduplicated" in text for (text,) in stored)
    load_dlt(target, TWICE, **MERGED)
    assert LOOKS in merge(target)
    assert rows(target) == [*ROWS, (4, 4)]


def test_steps_may_be_called_one_by_one(tmp_path: Path) -> None:
    target = prepared(pipeline(tmp_path, "ours"))
    target.load()
    assert LOOKS not in merge(target)
    assert rows(target) == ROWS


def job_of(target: dlt.Pipeline) -> tuple[Any, str, Path]:
    """The storage of packages, the package that waits, and the file in it that brings the root rows."""
    (load_id,) = target.list_normalized_load_packages()
    packages = target._get_load_storage().normalized_packages
    job = next(job for job in packages.list_new_jobs(load_id) if Path(job).name.startswith("events."))
    return packages, load_id, Path(packages.storage.make_full_path(job))


def resumed(target: dlt.Pipeline) -> dlt.Pipeline:
    """As after a load that was stopped when the file stood in the staging table and dlt did not know it yet."""
    packages, load_id, job = job_of(target)
    packages.start_job(load_id, job.name)
    return target


def tried_again(target: dlt.Pipeline) -> dlt.Pipeline:
    """As after a connection that was lost when the file stood there."""
    _, _, job = job_of(target)
    job.rename(job.with_name(ParsedLoadJobFileName.parse(job.name).with_retry().file_name()))
    return target


def loaded_elsewhere(target: dlt.Pipeline) -> dlt.Pipeline:
    """As when another process loads what this one prepared."""
    return dlt.pipeline(
        target.pipeline_name, destination=dlt.destinations.duckdb(target.destination.config_params["credentials"]),
        dataset_name="data", pipelines_dir=target.pipelines_dir,
    )  # fmt: skip


@pytest.mark.parametrize("change", [resumed, tried_again, loaded_elsewhere])
def test_what_may_stand_twice_is_looked_for(change: Callable[[dlt.Pipeline], dlt.Pipeline], tmp_path: Path) -> None:
    target = change(prepared(pipeline(tmp_path, "ours")))
    target.load()
    assert LOOKS in merge(target)
    assert rows(target) == ROWS


def test_dlt_looks_where_it_is_asked_to(tmp_path: Path) -> None:
    asked = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": False}
    target = pipeline(tmp_path, "ours")
    for pages in (FIRST, SECOND):
        load_ours(target, pages, **{**MERGED, "write_disposition": asked})
    assert LOOKS in merge(target)


def test_rows_of_others_in_the_package_are_looked_for(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load_ours(target, FIRST, **MERGED)

    @dlt.source(name="rows")
    def others() -> Any:
        return dlt.resource([{"id": 4, "v": 4}, {"id": 3, "v": 30}], name="more", table_name="events", **MERGED)

    with Server(cursor_service(SECOND)) as server:
        ours = rest_api_source(configuration(server.url, ["events"], **MERGED), name="rows")
        target.run([ours, others()])
    assert LOOKS in merge(target)
    assert [key for key, _ in rows(target)] == [1, 2, 3, 4]


def test_resources_of_one_table_are_looked_through(tmp_path: Path) -> None:
    """Each has distinct keys, both together need not."""
    hints = {name: {"table_name": "events"} for name in ("a", "b")}
    target = pipeline(tmp_path, "ours")
    load_ours(target, dict.fromkeys(hints, FIRST["events"]), hints=hints, **MERGED)
    load_ours(target, dict.fromkeys(hints, SECOND["events"]), hints=hints, **MERGED)
    assert LOOKS in merge(target)
    assert rows(target) == ROWS
    assert len(read_database(target).rows("events")) == 3
