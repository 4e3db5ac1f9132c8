"""Parquet files as dlt writes them, and how a file that is there is handed to it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from dlt.common.data_writers.writers import ArrowToParquetWriter
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.metrics import DataWriterMetrics
from dlt.extract.extractors import ImportFileMeta
from dlt.extract.items import TableNameMeta

#: Rows of a row group in DuckDB's storage: a Parquet row group of exactly as many becomes one as it is.
_DUCKDB_ROWS: Final = 122_880


def group_rows(destination: Any) -> int:
    """The number of rows of a Parquet row group that a pipeline's `destination` takes best, 0 if any will do.

    Gathering a group takes memory: not where somebody gave DuckDB less of it than it would take.
    """
    if getattr(destination, "destination_type", "") != "dlt.destinations.duckdb":
        return 0
    settings = getattr(destination.config_params.get("credentials"), "global_config", None)
    return 0 if "memory_limit" in (settings or {}) else _DUCKDB_ROWS


class ParquetFiles:
    """Opens files with the settings that dlt has for them. Made in dlt's main thread, which knows its configuration."""

    def __init__(self, caps: DestinationCapabilitiesContext) -> None:
        self._writer: Any = ArrowToParquetWriter(None, caps)

    def open(self, path: Path, schema: pa.Schema) -> Any:
        """A file for rows of `schema`; threads may ask side by side."""
        writer = copy.copy(self._writer)
        writer._f = path  # noqa: SLF001 - what it would have got when it was made
        return writer._create_writer(schema)  # noqa: SLF001


class FileMark(TableNameMeta):  # type: ignore[misc]
    """The mark of an item that stands for all rows of a table, in a file.

    dlt asks of a mark whether it is one with a table's name, and whether it is one with a file; it has none that is
    both, and a class cannot inherit from both. So this one is the first and answers for the second.
    """

    __slots__ = ("file_format", "file_path", "hints", "metrics")

    def __init__(self, table: str, path: Path, rows: int) -> None:
        super().__init__(table)
        stat = path.stat()
        self.file_path = str(path)
        self.metrics = DataWriterMetrics(str(path), rows, stat.st_size, stat.st_ctime, stat.st_mtime)
        self.file_format = "parquet"
        self.hints = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return ImportFileMeta
