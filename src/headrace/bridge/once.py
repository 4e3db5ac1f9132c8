"""What dlt is asked once in a load, though every resource needs it: dlt resolves its configuration anew each time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.extract.exceptions import DataItemRequiredForDynamicTableHints

from headrace.bridge.first import Stored, current_pipeline, destination_client
from headrace.bridge.format import loads_parquet
from headrace.bridge.parquet import ParquetFiles, group_rows
from headrace.engine import Room

if TYPE_CHECKING:
    from dlt.extract import DltResource


class Once:
    """The load `load_id`, for all resources of a source; asked in dlt's main thread, while it extracts."""

    def __init__(self, load_id: str = "") -> None:
        self.load_id = load_id
        #: What the spools of all resources share.
        self.room = Room()
        self._tables: dict[str, Any] = {}

    def table_of(self, resource: DltResource) -> Any:
        """The table of a resource with its hints, to be read only; None where each row says its own. 5 ms."""
        if resource.name not in self._tables:
            try:
                self._tables[resource.name] = resource.compute_table_schema()
            except DataItemRequiredForDynamicTableHints:
                self._tables[resource.name] = None
        return self._tables[resource.name]

    @cached_property
    def destination(self) -> Any:
        """The client of the destination, see `bridge/first.py`. 7 ms. Raises what dlt raises."""
        return destination_client(current_pipeline(), dlt.current.source_schema())

    @cached_property
    def stored(self) -> Stored:
        """What stands in the destination. Raises what dlt raises."""
        return Stored(self.destination)

    @cached_property
    def files(self) -> ParquetFiles:
        """How Parquet files are opened. 4 ms."""
        return ParquetFiles(Container()[DestinationCapabilitiesContext])

    @cached_property
    def loads_parquet(self) -> bool:
        """Whether rows go to the destination as Parquet."""
        return loads_parquet(Container()[DestinationCapabilitiesContext])

    @cached_property
    def group_rows(self) -> int:
        """The number of rows of a row group that the destination takes best, 0 if any will do."""
        return group_rows(current_pipeline().destination)
