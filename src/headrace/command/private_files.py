"""Files of a run are for its owner alone: database, working folder, what waits on the disk; and so are secrets."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headrace.config import HeadraceWarning

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def private_files() -> Iterator[None]:
    """Make files with mode 0600 and folders with 0700 meanwhile; those that are there stay as they are."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def warn_of_open_secrets() -> None:
    """Warn of files of secrets that others can read, where dlt looks for them: here, and at home."""
    for path in (Path(".dlt", "secrets.toml"), Path.home() / ".dlt" / "secrets.toml"):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if os.name == "posix" and mode & _OTHERS:
            warnings.warn(
                f"{path} can be read by others (mode {stat.S_IMODE(mode):o}): `chmod 600 {path}`",
                HeadraceWarning,
                stacklevel=2,
            )
