"""Places that rows are loaded into, and how to read back what stands there: tables, columns, types, rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.destination.exceptions import DestinationUndefinedEntity

from loading import Database, Table, read_database
from postgres import Postgres


@dataclass(frozen=True)
class Place:
    """A destination for tests.

    `destination` makes dlt's destination for a folder and a pipeline's name; `read` gives all tables of a pipeline's
    dataset but dlt's own; `run_args` go with every `pipeline.run`.
    """

    name: str
    destination: Callable[[Path, str], Any]
    read: Callable[[dlt.Pipeline], Database]
    run_args: Mapping[str, Any] = field(default_factory=dict)

    def pipeline(self, folder: Path, name: str, **args: Any) -> dlt.Pipeline:
        """A pipeline of its own into a place of its own, both below `folder`; its dataset is called `data`."""
        made: dlt.Pipeline = dlt.pipeline(
            name,
            pipelines_dir=str(folder / name),
            **{"destination": self.destination(folder, name), "dataset_name": "data", **args},
        )
        return made

    def __str__(self) -> str:
        return self.name


DUCKDB = Place("duckdb", lambda folder, name: dlt.destinations.duckdb(str(folder / f"{name}.duckdb")), read_database)


def postgres_place(server: Postgres) -> Place:
    """A database of its own for each pipeline."""
    return Place("postgres", lambda *_: dlt.destinations.postgres(server.new_database()), _read_postgres)


def _read_postgres(target: dlt.Pipeline) -> Database:
    with target.sql_client() as client:
        columns = client.execute_sql(
            "SELECT table_name, column_name, data_type || coalesce('(' || coalesce(numeric_precision::text || ',' || "
            "numeric_scale, character_maximum_length::text, datetime_precision::text) || ')', ''), is_nullable "
            "FROM information_schema.columns WHERE table_schema = %s AND table_name NOT LIKE '\\_dlt\\_%%' "
            "ORDER BY table_name, ordinal_position",
            client.dataset_name,
        )
        names = dict.fromkeys(name for name, *_ in columns)
        return Database({
            name: (
                [tuple(column) for table, *column in columns if table == name],
                client.execute_sql(f"SELECT * FROM {client.make_qualified_table_name(name)}"),  # noqa: S608 - its name
            )
            for name in names
        })  # fmt: skip


def _read_files(target: dlt.Pipeline) -> Database:
    """Each table as the union of its files: types of all of them, and rows with nulls where a file lacks a column."""
    client = target.destination_client()
    found: dict[str, Table] = {}
    for name in target.default_schema.tables if target.default_schema_name else ():
        if not name.startswith("_dlt_") and (paths := _files_of(client, name)):
            found[name] = _union([pq.ParquetFile(path).read() for path in paths])
    return Database(found)


def _read_json_files(target: dlt.Pipeline) -> Database:
    """Each table as the lines of its files; types are those of JSON, as Python has them."""
    client = target.destination_client()
    found: dict[str, Table] = {}
    for name in target.default_schema.tables if target.default_schema_name else ():
        if not name.startswith("_dlt_") and (paths := _files_of(client, name)):
            assert {Path(path).suffixes[-2:][0] for path in paths} == {".jsonl"}
            lines = [line for path in paths for line in gzip.decompress(Path(path).read_bytes()).split(b"\n") if line]
            rows = list(map(json.loads, lines))
            columns: dict[str, set[str]] = {}
            for row in rows:
                for column, cell in row.items():
                    columns.setdefault(column, set()).add(type(cell).__name__)
            facts = [(column, " or ".join(sorted(types)), "YES") for column, types in columns.items()]
            found[name] = facts, [tuple(row.get(column) for column in columns) for row in rows]
    return Database(found)


def _files_of(client: Any, table: str) -> list[str]:
    try:
        return sorted(client.list_table_files(table))
    except DestinationUndefinedEntity:
        return []


def _union(parts: list[pa.Table]) -> Table:
    fields = {}
    for part in parts:
        for column in part.schema:
            types, nullable = fields.get(column.name, ("", False))
            if str(column.type) not in types.split(" or "):
                types = f"{types} or {column.type}" if types else str(column.type)
            fields[column.name] = (types, nullable or column.nullable)
    rows = [tuple(row.get(name) for name in fields) for part in parts for row in part.to_pylist()]
    return [(name, types, "YES" if nullable else "NO") for name, (types, nullable) in fields.items()], rows


def _folder(folder: Path, name: str) -> Any:
    return dlt.destinations.filesystem((folder / f"{name}-files").as_uri())


FILES = Place("files", _folder, _read_files, {"loader_file_format": "parquet"})
#: What dlt writes there when it is not asked for a format.
JSON_FILES = Place("json", _folder, _read_json_files)
