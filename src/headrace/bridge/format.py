"""In which file format rows go to a destination, and whether columns end there as rows do.

A JSON column is text in Arrow and an object in a row. Statements and Parquet make the same of both; a file of JSON does
not, nor do destinations that load such files. There rows stay rows, unless another format is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from dlt.common.configuration import resolve_configuration
from dlt.common.data_writers.writers import resolve_best_writer_spec
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.exceptions import DltException
from dlt.normalize.configuration import ItemsNormalizerConfiguration

_STATEMENTS: Final = "insert_values"
_COLUMNAR: Final = (_STATEMENTS, "parquet", "csv")


def takes_columns(file_format: str | None, caps: DestinationCapabilitiesContext) -> bool:
    """Whether columns become what dlt's own rows become; `file_format` is the one that was asked for."""
    if file_format is None or file_format == "preferred":
        file_format = _chosen("object", {}, caps)
    if file_format == _STATEMENTS and caps.escape_literal is not None:
        # Redshift parses objects, and takes their text for text
        return bool(caps.escape_literal({"a": 1}) == caps.escape_literal('{"a":1}'))
    return file_format in _COLUMNAR


def loads_parquet(caps: DestinationCapabilitiesContext) -> bool:
    """Whether Arrow tables are loaded as Parquet, in whose files rows can be found again."""
    return _chosen("arrow", {}, caps) == "parquet"


def dlt_adds_columns() -> bool:
    """Whether dlt is configured to put ids of its own into Arrow tables; into those of lists, too, which then part."""
    sections = ("normalize", "parquet_normalizer")
    settings = resolve_configuration(ItemsNormalizerConfiguration(), sections=sections)
    return bool(settings.add_dlt_id or settings.add_dlt_load_id)


def better_format(table: Mapping[str, Any], caps: DestinationCapabilitiesContext) -> str | None:
    """`insert_values` where dlt would write Arrow tables of `table` as CSV, None where its own choice is right.

    Read as CSV, empty text is null, and bytes or a NUL end the load (dlt's PostgreSQL).
    """
    if table.get("file_format") or _STATEMENTS not in (caps.supported_loader_file_formats or ()):
        return None
    return _STATEMENTS if _chosen("arrow", table, caps) == "csv" else None


def _chosen(
    kind: Literal["arrow", "object"], table: Mapping[str, Any], caps: DestinationCapabilitiesContext
) -> str | None:
    """The format that dlt would write, None where it knows none (no destination yet)."""
    preferred, supported = caps.preferred_loader_file_format, list(caps.supported_loader_file_formats or ())
    if caps.loader_file_format_selector is not None:
        preferred, supported = caps.loader_file_format_selector(preferred, supported, table_schema=table)
    try:
        return str(resolve_best_writer_spec(kind, supported, preferred).file_format)
    except DltException:
        return None
