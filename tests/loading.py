"""Loading rows through headrace and through stock dlt, and reading back what stands in DuckDB."""

from __future__ import annotations

import gc
import json
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")

import dlt
import pytest
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.pipeline.exceptions import PipelineStepFailed

from headrace import rest_api_source
from headrace.bridge.tables import WorkingTables
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.errors import HeadraceError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

#: Resource -> its pages -> the records of a page as JSON text.
Pages = Mapping[str, Sequence[Sequence[str]]]
#: Resource -> hints of its own.
Hints = Mapping[str, Mapping[str, Any]]
#: Columns as (name, type, nullable), rows as tuples.
Table = tuple[list[tuple[str, str, str]], list[tuple[Any, ...]]]


def working_tables(name: str = "rows", *, keeps_lost: bool = True, widens: bool = False, **hints: Any) -> WorkingTables:
    """dlt's rules for one resource on DuckDB, as the bridge makes them."""
    resource = dlt.resource([], name=name, **hints)
    schema = Schema("loading")
    tables = [resource.compute_table_schema()]
    return WorkingTables(schema, tables, duckdb_capabilities(), keeps_lost=keeps_lost, widens=widens)


@cache
def duckdb_capabilities() -> DestinationCapabilitiesContext:
    return dlt.destinations.duckdb().capabilities()


def cursor_service(pages: Pages) -> Callable[[Request], Reply]:
    """A service with `/<resource>?page=<n>`: rows under `items`, the next page's number under `next`."""

    def answer(request: Request) -> Reply:
        name = request.path.strip("/")
        if name not in pages:
            return Reply(404, b"{}")
        number = int(request.param("page") or 0)
        records = pages[name][number]
        following = f',"next":"{number + 1}"' if number + 1 < len(pages[name]) else ""
        body = f'{{"items":[{",".join(records)}]{following}}}'
        return Reply(
            body=body.encode("utf-8", "surrogatepass"), resource=name, page=number, rows=range(len(records)),
            key="items",
        )  # fmt: skip

    return answer


def configuration(url: str, names: Sequence[str], hints: Hints | None = None, **defaults: Any) -> dict[str, Any]:
    """The configuration for `cursor_service`; `defaults` are options of all resources."""
    endpoint = {
        "data_selector": "items",
        "paginator": {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
    }
    return {
        "client": {"base_url": url},
        "resource_defaults": defaults,
        "resources": [
            {"name": name, "endpoint": {"path": name, **endpoint}, **(hints or {}).get(name, {})} for name in names
        ],
    }


def pipeline(folder: Path, name: str, **capabilities: Any) -> dlt.Pipeline:
    """A pipeline of its own into its own DuckDB file, both below `folder`."""
    return dlt.pipeline(
        name,
        destination=dlt.destinations.duckdb(str(folder / f"{name}.duckdb"), **capabilities),
        dataset_name="data",
        pipelines_dir=str(folder / name),
    )


def load_ours(
    target: dlt.Pipeline,
    pages: Pages,
    *,
    report: Report | None = None,
    hints: Hints | None = None,
    source: Mapping[str, Any] | None = None,
    **defaults: Any,
) -> None:
    """Serve `pages` and load them through the real bridge; `source` are arguments of `rest_api_source`."""
    with Server(cursor_service(pages)) as server:
        config = configuration(server.url, list(pages), hints, **defaults)
        target.run(rest_api_source(config, name="rows", report=report, clock=TurnedClock(), **(source or {})))


def load_dlt(
    target: dlt.Pipeline,
    pages: Pages,
    *,
    hints: Hints | None = None,
    source: Mapping[str, Any] | None = None,
    **defaults: Any,
) -> None:
    """Load the same pages, decoded, as plain resources of stock dlt; `source` are arguments of `dlt.source`."""

    def resource(name: str) -> Any:
        def rows() -> Iterator[list[Any]]:
            for page in pages[name]:
                yield [json.loads(text) for text in page]

        return dlt.resource(rows, name=name, **{**defaults, **(hints or {}).get(name, {})})

    @dlt.source(name="rows", **(source or {}))
    def rows_source() -> list[Any]:
        return [resource(name) for name in pages]

    target.run(rows_source())


@contextmanager
def refused(kind: type[BaseException]) -> Iterator[list[BaseException]]:
    """Loading must fail, with a `kind` at its root: the first error of ours, or the very first if none is.

    The error stands in the list afterwards. What dlt leaves open when it fails is let go here, not in a later test.
    """
    found: list[BaseException] = []
    with pytest.raises(PipelineStepFailed) as caught:
        yield found
    chain: list[BaseException] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    found.append(next((link for link in chain if isinstance(link, HeadraceError)), chain[-1]))
    for link in chain:
        traceback.clear_frames(link.__traceback__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert type(found[0]) is kind, caught.value


@dataclass(frozen=True)
class Database:
    """What a pipeline's DuckDB holds: dlt's own tables left out."""

    tables: dict[str, Table]

    def rows(self, table: str, *, without: Sequence[str] = ("_dlt_load_id",)) -> list[dict[str, Any]]:
        """The rows of a table as dictionaries, nulls left out, in no order."""
        columns, rows = self.tables[table]
        names = [name for name, _, _ in columns]
        return [
            {name: cell for name, cell in zip(names, row, strict=True) if name not in without and cell is not None}
            for row in rows
        ]

    def columns(self, table: str) -> list[str]:
        return [name for name, _, _ in self.tables[table][0]]


def read_database(target: dlt.Pipeline) -> Database:
    """All tables of the pipeline's dataset."""
    with target.sql_client() as client:
        run = client.native_connection.execute
        columns: dict[str, list[tuple[str, str, str]]] = {}
        for name, *column in run(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'data' AND NOT starts_with(table_name, '_dlt_') ORDER BY 1, ordinal_position"
        ).fetchall():
            columns.setdefault(name, []).append(tuple(column))
        return Database(
            {name: (columns[name], run(f'SELECT * FROM data."{name}"').fetchall()) for name in columns}  # noqa: S608
        )
