"""A DuckDB file that is kept open while a run is busy with it.

A run opens its file about ten times, and DuckDB takes 24 ms to make a database of a file. All connections of a process
share one for as long as any of them is open. So one is, while a run begins and while it loads; in between, when rows
are fetched, the file is open to others.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

#: Seconds in which a run with little to fetch is through.
_BEGIN_S: Final = 5.0


class Held:
    """The file at `path`, not open yet. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._timer: threading.Timer | None = None

    def open(self) -> None:
        """Keep it open for some seconds from now on. Raises `duckdb.Error`."""
        import duckdb

        with self._lock:
            self._stop()
            if self._connection is None:
                self._connection = duckdb.connect(str(self._path))
            self._timer = threading.Timer(_BEGIN_S, self.free)
            self._timer.daemon = True
            self._timer.start()

    def keep(self) -> None:
        """Keep it open until it is freed, where it is there and nobody else has it: who needs it says what is wrong."""
        import duckdb

        if self._path.exists():
            with suppress(duckdb.Error):
                self.open()
                with self._lock:
                    self._stop()

    def free(self) -> None:
        """Let others have it."""
        with self._lock:
            self._stop()
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
