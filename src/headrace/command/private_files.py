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
from headrace.errors import UsageError

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def private_files() -> Iterator[None]:
    """Make files with mode 0600 and folders with 0700 meanwhile; those that are there stay as they are."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def expect_closed_secrets() -> None:
    """Look at the files of secrets where dlt looks for them: here, and at home.

    Raises `UsageError` where everybody can read one; warns where the group can.
    """
    for path in (Path(".dlt", "secrets.toml"), Path.home() / ".dlt" / "secrets.toml"):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if os.name != "posix":
            continue
        if mode & stat.S_IROTH:
            raise UsageError(
                f"expected secrets that their owner alone can read, got {path} with mode {stat.S_IMODE(mode):o}",
                hint=f"`chmod 600 {path}`; where a mode cannot be changed, environment variables hold secrets as well",
            )
        if mode & _OTHERS:
            warnings.warn(
                f"{path} can be read by others (mode {stat.S_IMODE(mode):o}): `chmod 600 {path}`",
                HeadraceWarning,
                stacklevel=2,
            )
