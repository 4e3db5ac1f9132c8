"""Telling dlt's merge, for one load, that no two rows of a table have the same key.

dlt looks for such rows in every package that it merges, by a window over all columns of the staging table: half of the
load, and most of it where memory is short. Keys are distinct when headrace hands rows over. dlt has a hint that says so
(`deduplicated`), but hints are stored, at the destination too, and stock dlt that loads into the table later would
believe it. So it is told where dlt makes the merge: its client of the destination is asked for the jobs that follow
complete tables, with a copy of the tables that lives for this question alone.

Told is only what surely holds. dlt looks for itself where

* its own count of the rows in the package is not the number that one run handed over: somebody else has rows there;
* a job was resumed or tried again: then a file may stand in the staging table twice;
* another process, or another pipeline object, loads than the one that extracted: what is told is not stored;
* the resource declares `deduplicated: false`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from dlt.common.configuration.container import Container
from dlt.common.storages.load_package import LoadPackageStateInjectableContext

from headrace.bridge.counts import rows_by_table
from headrace.bridge.first import current_pipeline

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun

#: dlt's table hint for `write_disposition={"disposition": "merge", "deduplicated": True}`.
_HINT: Final = "x-stage-data-deduplicated"


@contextmanager
def distinct_keys(run: ResourceRun) -> Iterator[None]:
    """The block hands the rows of `run` over; afterwards dlt's merge is told that their keys are distinct."""
    root, counts = run.tables.root, run.report.tables
    before = counts.get(root, 0)
    yield
    destination = current_pipeline().destination
    if destination is None or run.id_source not in ("key", "content") or _is_denied(run):
        return
    if not isinstance(destination.client, _Clients):
        destination.client = _Clients(destination.client)
    destination.client.rows[_load_id(), root] = counts.get(root, 0) - before


def _is_denied(run: ResourceRun) -> bool:
    declared = run.plan.hints.get("write_disposition")
    return isinstance(declared, Mapping) and declared.get("deduplicated") is False


class _Clients:
    """What stands for `Destination.client`: makes the same clients, and tells each what is known of keys."""

    def __init__(self, make: Any) -> None:
        self._make = make
        #: (load id, root table) -> its rows, which have distinct keys.
        self.rows: dict[tuple[str, str], int] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        client = self._make(*args, **kwargs)
        load, follow = client.create_load_job, client.create_table_chain_completed_followup_jobs

        def create_load_job(table: Any, file_path: str, load_id: str, restore: bool = False) -> Any:  # noqa: FBT001, FBT002
            if restore:
                for known in [known for known in self.rows if known[0] == load_id]:
                    self.rows.pop(known, None)
            return load(table, file_path, load_id, restore)

        def create_followup_jobs(tables: Sequence[Any], jobs: Sequence[Any] | None = None) -> Any:
            if self._are_distinct(tables[0]["name"], jobs or ()):
                tables[0][_HINT] = True
            return follow(tables, jobs)

        client.create_load_job = create_load_job
        client.create_table_chain_completed_followup_jobs = create_followup_jobs
        return client

    def _are_distinct(self, table: str, jobs: Sequence[Any]) -> bool:
        """Whether all rows of `table` in the package that is being loaded have distinct keys. Answers once."""
        load_id = _load_id()
        rows = self.rows.pop((load_id, table), 0)
        was_tried_once = all(job.job_file_info.retry_count == 0 for job in jobs)
        return rows > 0 and was_tried_once and rows == _rows_normalized(load_id, table)


def _load_id() -> str:
    return str(Container()[LoadPackageStateInjectableContext].load_id)


def _rows_normalized(load_id: str, table: str) -> int | None:
    """How many rows of `table` dlt counted in the package; None where it kept no account (`enable_runtime_trace`)."""
    pipeline = current_pipeline()
    # of `run`, which is under way; or of the step before, when steps are called one by one
    for trace in (pipeline._trace, pipeline._last_trace):  # noqa: SLF001 - the public one may be that of the run before
        info = trace.last_normalize_info if trace else None
        if info and info.metrics.get(load_id):
            return rows_by_table(info, load_id)[table]
    return None
