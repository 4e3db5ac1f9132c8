"""A database for what a run compares: in memory, and on the disk beyond that; nothing of it outlasts the run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

_MEMORY: Final = "128MB"


def scratch(folder: Path) -> duckdb.DuckDBPyConnection:
    """An empty one, which leaves its memory for `folder`; there is no file with a log. It takes 20 ms or more."""
    config = {
        "memory_limit": _MEMORY,
        "temp_directory": str(folder),
        "threads": "1",
        "autoinstall_known_extensions": "false",
    }
    return duckdb.connect(":memory:", config=config)
