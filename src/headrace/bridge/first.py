"""Whether this is the first load of a table: then its rows, whose keys are distinct, need no merge.

A merge copies every row twice: into a staging table, and from there over the rows that have the same key. Where the
destination holds no row of the table there is nothing to merge with, and the rows may be appended. The destination
itself is asked; where it cannot be asked (no SQL, no connection) the answer is no, because merging is always right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.destination.exceptions import SqlClientNotAvailable
from dlt.common.pipeline import PipelineContext
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import WithSqlClient
from dlt.pipeline.exceptions import PipelineConfigMissing
from dlt.pipeline.pipeline import Pipeline


def current_pipeline() -> Pipeline:
    """The pipeline that runs. dlt's own `current.pipeline()` resolves its configuration each time, 13 ms."""
    return Container()[PipelineContext].pipeline()


def destination_client(pipeline: Pipeline, schema: Schema) -> Any:
    """Dlt's client of the destination, not yet connected; None where none is configured.

    Raises what dlt raises where it cannot be made: credentials are missing or make no sense, say.
    """
    try:
        # the public `Pipeline.sql_client` knows a new schema only after the extract
        return pipeline._get_destination_clients(schema)[0]  # noqa: SLF001
    except PipelineConfigMissing:
        return None


def sql_client(pipeline: Pipeline) -> Any:
    """Dlt's SQL client of the destination, not yet connected; None where it has no SQL. Raises what dlt raises."""
    try:
        return pipeline.sql_client()
    except SqlClientNotAvailable:
        return None


class Stored:
    """What stands in the destination behind `client` when a package is made; None is no client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        #: Seen once, it holds for the package: 20 resources would connect 20 times, 27 ms each to a DuckDB file.
        self._has_nothing = False

    def has_none_of(self, tables: Iterable[str]) -> bool:
        """Whether surely no row stands in any of `tables`."""
        if not isinstance(self._client, WithSqlClient):
            return False
        if self._has_nothing or _is_absent_file(self._client):
            return True
        try:
            with self._client.sql_client as sql:
                self._has_nothing = not sql.has_dataset()
                return self._has_nothing or all(_is_empty(sql, name) for name in tables)
        except Exception:  # noqa: BLE001 - each client fails in its own way, and no failure here may stop the run
            return False


def is_first_load(stored: Stored, schema: Schema, tables: Iterable[str]) -> bool:
    """Whether surely no row of any of `tables` stands in the destination, or is on its way there."""
    names = list(tables)
    # a table that has columns was loaded before, or another resource or package brings rows for it
    if any(schema.get_table_columns(name) for name in names if name in schema.tables):
        return False
    return stored.has_none_of(names)


def _is_absent_file(client: Any) -> bool:
    """Whether the destination is a database file that is not there yet; asking it would make it."""
    place = getattr(getattr(client.config, "credentials", None), "database", None)
    if not isinstance(place, str) or not Path(place).is_absolute():
        return False
    return Path(place).suffix == ".duckdb" and not Path(place).exists()


def _is_empty(sql: Any, table: str) -> bool:
    try:
        return not sql.execute_sql(f"SELECT 1 FROM {sql.make_qualified_table_name(table)} LIMIT 1")  # noqa: S608
    except DatabaseUndefinedRelation:
        return True
