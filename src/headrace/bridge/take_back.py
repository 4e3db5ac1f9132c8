"""Files that a load may have written before it was killed are taken back before they are written again.

A load job runs its statement, which the destination commits, and then dlt moves the file of the job to where finished
ones lie. Between the two nothing says that the rows are there: killed then, the next run executes the job again; so
does the same one where the connection broke before the destination said that it has committed. A merge finds its rows
by their keys; rows that are appended (those of a first load among them) would stand there twice, or be refused for
their ids for ever. So before a package that was begun is loaded, what its open jobs may have written is deleted, by the
ids of the rows in their files: an id stands in one file of one package alone. A merge, and a replacement, may write to
the staging dataset first; the statement that goes on from there may be written already, and count on rows that come
once. Where files are copied and no statement is run, a job that is done again writes the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.job_client_impl import SqlJobClientBase

from headrace.bridge.first import destination_client
from headrace.bridge.job_ids import ids_of

if TYPE_CHECKING:
    from dlt.pipeline.pipeline import Pipeline

#: Dispositions whose jobs may put rows into the table itself, and into that of the staging dataset.
_IN_PLACE: Final = frozenset({"append", "replace"})
_STAGED: Final = frozenset({"merge", "replace"})


def take_back(pipeline: Pipeline, *, all_begun: bool = False) -> None:
    """Delete what open jobs of packages that were begun may have written; `all_begun`: any job may have been.

    Raises what the destination raises.
    """
    for load_id in pipeline.list_normalized_load_packages():
        package = pipeline.get_load_package_info(load_id)
        begun = [job for job in package.jobs["started_jobs"] if not _is_done(job.file_path)]
        begun += [job for job in package.jobs["new_jobs"] if all_begun or job.job_file_info.retry_count > 0]
        if not begun or not isinstance(destination_client(pipeline, package.schema), SqlJobClientBase):
            continue
        column = package.schema.naming.normalize_identifier("_dlt_id")
        with pipeline.sql_client(package.schema_name) as client:
            for job in begun:
                disposition = _disposition(package.schema.tables, job.job_file_info.table_name)
                if disposition in _IN_PLACE:
                    _delete(client, column, job)
                if disposition in _STAGED:
                    with client.with_staging_dataset():
                        _delete(client, column, job)


def _is_done(file_path: str) -> bool:
    """Whether dlt has noted that the job has ended, and moves the file now."""
    path = Path(file_path)
    return (path.parent.parent / ".pending_transitions" / path.name).exists()


def _disposition(tables: Any, name: str) -> str:
    """The write disposition of a table, which a child table has from its root."""
    table = tables.get(name, {})
    if "write_disposition" not in table and table.get("parent"):
        return _disposition(tables, table["parent"])
    return str(table.get("write_disposition"))


def _delete(client: Any, column: str, job: Any) -> None:
    table = client.make_qualified_table_name(job.job_file_info.table_name)
    named = client.escape_column_name(column)
    for ids in ids_of(Path(job.file_path), column, client.capabilities.escape_identifier):
        places = ", ".join(["%s"] * len(ids))
        try:
            client.execute_sql(f"DELETE FROM {table} WHERE {named} IN ({places})", *ids)  # noqa: S608
        except DatabaseUndefinedRelation:
            return
