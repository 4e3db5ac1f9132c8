"""A loss of power at any moment: dlt's working folder is as it was when rows began to land, and they are taken back.

dlt syncs none of its files. Behind a loss of power its state may be empty, which no later run gets past, and a package
whose rows are appended already may be gone, so that they would come again. `keep/checkpoint.py` puts aside what counts
of the folder, state, schemas and packages that are to be loaded, each time before a load begins, and says when it is
lost; then all of it comes back as it was then. What was extracted and not begun to be loaded is asked for again, where
its pages are not kept.

The destination may be further than a package that comes back: it is loaded, which its table of loads says, and then it
counts as that; or some of its jobs are, any of them, so what they may have written is taken back first
(`take_back.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.job_client_impl import SqlJobClientBase

from headrace.bridge.first import destination_client
from headrace.errors import UsageError
from headrace.keep import Checkpoint, Layout

if TYPE_CHECKING:
    from pathlib import Path

    from dlt.pipeline.pipeline import Pipeline

#: What counts of a working folder, and its packages.
_LAYOUT: Final = Layout(("state.json", "schemas", "load/.version"), waiting="load/normalized", done="load/loaded")
_EXTRACTED: Final = "normalize/extracted"


class Outlast:
    """The working folder of a pipeline, which outlasts a loss of power; without a checkpoint, one that does not.

    `sync` is for what else a load may not begin without.
    """

    def __init__(self, checkpoint: Checkpoint | None = None, sync: Callable[[], None] = lambda: None) -> None:
        self._checkpoint = checkpoint
        self._sync = sync
        #: Whether packages may have come back, of which any job may have landed.
        self.is_mended = False

    def begin(self) -> None:
        """Mend the folder, or have it be mended one day; before dlt looks at it. Raises `OSError`."""
        if self._checkpoint is None or self._checkpoint.is_of_now:
            return
        if self._checkpoint.is_lost:
            self._checkpoint.restore()
            self.is_mended = True
        else:
            self._checkpoint.save()

    def pass_loaded(self, pipeline: Pipeline) -> None:
        """Of packages that came back, pass over those that are loaded. Raises what the destination raises."""
        load = pipeline._get_load_storage()  # noqa: SLF001 - nothing public moves a package
        load.initialize_storage()  # folders come back where there is something in them
        done = set(pipeline.list_completed_load_packages())
        for load_id in pipeline.list_normalized_load_packages():
            if load_id in done:
                load.normalized_packages.delete_package(load_id)
            elif _is_loaded(pipeline, load_id):
                load.complete_load_package(load_id, aborted=False)

    def end_mending(self) -> None:
        """Nothing that came back waits any more. Raises `OSError`."""
        if self.is_mended and self._checkpoint is not None:
            self._checkpoint.save()
        self.is_mended = False

    def begin_normalize(self) -> None:
        """Rows are extracted, and will be loaded soon. Raises `OSError`."""
        if self._checkpoint is not None:
            self._checkpoint.sync_ahead(_EXTRACTED)

    def begin_load(self) -> None:
        """Put aside what is there: rows are about to land, if there are any. Raises `OSError`."""
        if self._checkpoint is not None and self._checkpoint.has_waiting:
            self._sync()
            self._checkpoint.save()
        self.is_mended = False

    def end_load(self) -> None:
        """All is loaded, and the destination says so. Raises `OSError`."""
        if self._checkpoint is not None:
            self._checkpoint.let_go()


def outlasting(kept: Path, working: Path, sync: Callable[[], None]) -> Outlast:
    """The folder where dlt works, mended, its checkpoint in the folder `kept`. Raises `UsageError`."""
    try:
        found = Outlast(Checkpoint(kept, working, _LAYOUT), sync)
        found.begin()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(
            f"expected a folder in which files can be written, got `{kept}`: {why}",
            hint="`DLT_DATA_DIR` names another place for what dlt and headrace keep",
        ) from None
    return found


def _is_loaded(pipeline: Pipeline, load_id: str) -> bool:
    """Whether the destination has the package among its loads."""
    schema = pipeline.get_load_package_info(load_id).schema
    client = destination_client(pipeline, schema)
    if not isinstance(client, SqlJobClientBase):
        return False
    column, status = (schema.naming.normalize_identifier(name) for name in ("load_id", "status"))
    with client.sql_client as sql:
        table = sql.make_qualified_table_name(schema.loads_table_name)
        named, state = sql.escape_column_name(column), sql.escape_column_name(status)
        try:
            return bool(sql.execute_sql(f"SELECT 1 FROM {table} WHERE {named} = %s AND {state} = 0", load_id))  # noqa: S608
        except DatabaseUndefinedRelation:
            return False
