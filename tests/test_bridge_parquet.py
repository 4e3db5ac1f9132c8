"""Row groups: of DuckDB's own size only where DuckDB has its own memory limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from headrace.bridge.parquet import group_rows


def limited(settings: dict[str, Any]) -> DuckDbCredentials:
    credentials = DuckDbCredentials("x.duckdb")
    credentials.global_config = settings
    return credentials


@pytest.mark.parametrize(
    ("destination", "rows"),
    [
        (dlt.destinations.duckdb(), 122_880),
        (dlt.destinations.duckdb("duckdb:///x.duckdb"), 122_880),
        (dlt.destinations.duckdb(limited({"threads": 1})), 122_880),
        (dlt.destinations.duckdb(limited({"memory_limit": "512MB"})), 0),
        (dlt.destinations.filesystem(Path("/x").as_uri()), 0),
        (None, 0),
    ],
    ids=["bare", "by address", "with other settings", "with little memory", "files", "none"],
)
def test_groups_are_gathered_for_duckdb_with_its_own_memory(destination: Any, rows: int) -> None:
    assert group_rows(destination) == rows
