"""What dlt leaves where it is killed while it clears up, and then stumbles over for ever (1.31).

A package that was extracted is deleted, file by file, after its normalised twin was put to where it is loaded from.
Killed in between, a part of it is left: without its schema, no later run gets past it; without some of its rows only, a
later run would make a second package of the same number with the rest of them. The twin is whole, so what is left goes.
A package in which nothing is has no twin; nor has it a schema once its deletion has begun, and it goes too.

A schema is written beside its place, under a name by chance, and then put there. Killed in between, that file is left,
and dlt takes its name for that of a schema, which it cannot be.

A package that is loaded is marked as such where it is, and then moved to where the loaded ones are. Killed in between,
it would be loaded again, and dlt would say that it is loaded already. What is missing is the move.

The folders from which packages are loaded are made one by one. Killed before the last of them, dlt cannot list what is
in them, and says so in each run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dlt.pipeline.pipeline import Pipeline

#: dlt's names for files that are being written.
_BY_CHANCE: Final = re.compile(r"[0-9a-f]{8,32}")


def clear_leftovers(pipeline: Pipeline) -> None:
    """Delete extracted packages that were normalised already, and schemas that are half written; make folders.

    Move packages that are loaded.
    """
    for path in (Path(pipeline.working_dir) / "schemas").glob("*"):
        if _BY_CHANCE.fullmatch(path.name):
            path.unlink()
    extracted = pipeline.list_extracted_load_packages()
    if extracted:
        for name in ("new", "normalized", "loaded"):
            (Path(pipeline.working_dir) / "load" / name).mkdir(parents=True, exist_ok=True)
        done = {*pipeline.list_normalized_load_packages(), *pipeline.list_completed_load_packages()}
        packages = pipeline._get_normalize_storage().extracted_packages  # noqa: SLF001 - nothing public deletes one
        # a pipeline without a schema was killed before its first state was saved: it would pass such a package over now
        # and load it later, after the same rows; their pages are kept
        for load_id in extracted:
            has_schema = (Path(packages.storage.storage_path) / load_id / packages.SCHEMA_FILE_NAME).exists()
            if load_id in done or not (pipeline.default_schema_name and has_schema):
                packages.delete_package(load_id)
    for load_id in pipeline.list_normalized_load_packages():
        load = pipeline._get_load_storage()  # noqa: SLF001 - nothing public moves one
        if load.normalized_packages.is_package_completed(load_id):
            moved = load.get_normalized_package_path(load_id), load.get_loaded_package_path(load_id)
            load.storage.rename_tree(*moved)
