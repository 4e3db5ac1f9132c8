"""In which file format rows go to a destination that does not read Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.data_writers.writers import resolve_best_writer_spec
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.exceptions import DltException


def better_format(table: Mapping[str, Any], caps: DestinationCapabilitiesContext) -> str | None:
    """`insert_values` where dlt would write Arrow tables of `table` as CSV, None where its own choice is right.

    Read as CSV, empty text is null, and bytes or a NUL end the load (dlt's PostgreSQL without an ADBC driver).
    """
    preferred, supported = caps.preferred_loader_file_format, list(caps.supported_loader_file_formats or ())
    if table.get("file_format") or "insert_values" not in supported:
        return None
    if caps.loader_file_format_selector is not None:
        preferred, supported = caps.loader_file_format_selector(preferred, supported, table_schema=table)
    try:
        chosen = resolve_best_writer_spec("arrow", supported, preferred).file_format
    except DltException:
        return None
    return "insert_values" if chosen == "csv" else None
