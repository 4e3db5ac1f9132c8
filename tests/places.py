"""Places that rows are loaded into, and how to read back what stands there: tables, columns, types, rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt

from loading import Database, read_database


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
