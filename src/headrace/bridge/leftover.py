"""What dlt leaves where it is killed while it clears up, and then stumbles over for ever (1.31).

A package that was extracted is deleted, file by file, after its normalised twin was put to where it is loaded from.
Killed in between, a part of it is left: without its schema, no later run gets past it; without some of its rows only, a
later run would make a second package of the same number with the rest of them. The twin is whole, so what is left goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlt.pipeline.pipeline import Pipeline


def clear_leftovers(pipeline: Pipeline) -> None:
    """Delete extracted packages that were normalised already."""
    extracted = pipeline.list_extracted_load_packages()
    if extracted:
        done = {*pipeline.list_normalized_load_packages(), *pipeline.list_completed_load_packages()}
        packages = pipeline._get_normalize_storage().extracted_packages  # noqa: SLF001 - nothing public deletes one
        for load_id in set(extracted) & done:
            packages.delete_package(load_id)
