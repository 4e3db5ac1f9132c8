"""A DuckDB file that a process began and did not finish, because it was killed: made whole, as it never held anything.

DuckDB makes a database by writing three blocks of 4,096 bytes, one after the other, and refuses a file that has fewer,
an empty one too (DuckDB 2.0). Then every later run would end with that error, though nothing is lost. Such a file gets
the bytes of an empty database: in its place, under DuckDB's own lock, so that one who is making it at this moment
neither loses the file nor is disturbed.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Bytes of a database without tables: a header, and the two that take turns.
_WHOLE: Final = 3 * 4096
#: What stands in the first block, behind a checksum of 8 bytes.
_MAGIC: Final = (8, b"DUCK")


def finish_begun(path: Path) -> bool:
    """Make an empty database of a file that is the beginning of one; whether that was done. Any other file stays."""
    with suppress(ImportError, OSError):  # not on Windows; or held, or not to be written: DuckDB says so itself
        import fcntl

        if path.stat().st_size >= _WHOLE:
            return False
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_begun(file.read(_WHOLE)):
                return False
            file.seek(0)
            file.write(_empty_database())
            file.flush()
            os.fsync(file.fileno())
            return True
    return False


def _is_begun(data: bytes) -> bool:
    place, magic = _MAGIC
    return len(data) < _WHOLE and (not data or data[place : place + len(magic)] == magic)


def _empty_database() -> bytes:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        path = Path(folder) / "empty.duckdb"
        duckdb.connect(str(path)).close()
        return path.read_bytes()
