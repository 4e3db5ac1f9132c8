"""What dlt leaves where it is killed while it deletes a package holds nobody up, and doubles nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import dlt
import pytest

from headrace.bridge.leftover import clear_leftovers
from loading import pipeline


@pytest.mark.parametrize("left", ["nothing", "new_jobs", "all"])
def test_a_package_that_was_half_deleted_goes(left: str, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "leftover")
    target.extract(dlt.resource([{"id": 1}], name="items"))
    (load_id,) = target.list_extracted_load_packages()
    (extracted,) = tmp_path.rglob(f"extracted/{load_id}")
    copy = shutil.copytree(extracted, tmp_path / "copy")
    target.normalize()
    extracted.mkdir(exist_ok=True)
    if left != "nothing":
        shutil.copytree(copy if left == "all" else copy / left, extracted, dirs_exist_ok=True)
    clear_leftovers(target)
    assert list(target.list_extracted_load_packages()) == []
    target.load()
    with target.sql_client() as client:
        assert client.execute_sql("SELECT count(*) FROM items") == [(1,)]


def test_a_package_without_rows_that_was_half_deleted_goes(tmp_path: Path) -> None:
    """It has no twin; dlt takes its schema away with the rest."""
    target = pipeline(tmp_path, "empty")
    target.run(dlt.resource([{"id": 1}], name="items"))
    target.extract(dlt.resource([], name="items"))
    (load_id,) = target.list_extracted_load_packages()
    (extracted,) = tmp_path.rglob(f"extracted/{load_id}")
    shutil.rmtree(extracted)
    extracted.mkdir()
    clear_leftovers(target)
    assert not target.has_pending_data


def test_a_schema_that_was_half_written_goes(tmp_path: Path) -> None:
    """The file stands where schemas do, and its name is none of a schema."""
    target = pipeline(tmp_path, "torn")
    target.run(dlt.resource([{"id": 1}], name="items"))
    schemas = Path(target.working_dir) / "schemas"
    before = sorted(schemas.iterdir())
    (schemas / "9c4d3deacca135f7").write_text("{")
    clear_leftovers(target)
    assert sorted(schemas.iterdir()) == before


def test_a_package_that_was_marked_as_loaded_is_not_loaded_again(tmp_path: Path) -> None:
    """Killed before it was moved to the loaded ones."""
    target = pipeline(tmp_path, "marked")
    target.run(dlt.resource([{"id": 1}], name="items"))
    (load_id,) = target.list_completed_load_packages()
    load = Path(target.working_dir) / "load"
    (load / "loaded" / load_id).rename(load / "normalized" / load_id)
    assert target.has_pending_data
    clear_leftovers(target)
    assert not target.has_pending_data
    assert list(target.list_completed_load_packages()) == [load_id]
    target.run(dlt.resource([{"id": 2}], name="items"))
    with target.sql_client() as client:
        assert client.execute_sql("SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def test_a_package_that_waits_stays(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "waiting")
    target.extract(dlt.resource([{"id": 1}], name="items"))
    clear_leftovers(target)
    assert len(target.list_extracted_load_packages()) == 1


@pytest.mark.parametrize("made", [(), ("new",), ("new", "normalized")], ids=str)
def test_folders_that_were_not_made_yet_hold_nobody_up(made: tuple[str, ...], tmp_path: Path) -> None:
    """A first run is killed while dlt makes them: its package is there, and what is loaded cannot be listed."""
    target = pipeline(tmp_path, "begun")
    target.extract(dlt.resource([{"id": 1}], name="items"))
    folder = Path(target.working_dir) / "load"
    shutil.rmtree(folder, ignore_errors=True)
    for name in made:
        (folder / name).mkdir(parents=True)
    clear_leftovers(target)
    assert target.has_pending_data
    target.normalize()
    target.load()
    with target.sql_client() as client:
        assert client.execute_sql("SELECT count(*) FROM items") == [(1,)]
