"""How many runs in a row ended without a word while they used kept pages: a byte for each, in a file.

A page that ends the process (a crash of a library, memory that does not suffice) would end every later run that takes
it from the disk. So after some of them it is better asked for again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.keep.disk import Disk

#: Runs that may end so before pages are not used any more; one may have been killed for another reason.
_MOST: Final = 2


class Attempts:
    """The attempts in one folder; `begin` and `end` tell of the one of this process. Methods may raise `OSError`."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.path = folder / "attempts"
        self._disk = disk or Disk()
        self._has_begun = False

    @property
    def are_too_many(self) -> bool:
        """Whether so many ended without a word that the next one is to begin anew."""
        return self.path.exists() and self.path.stat().st_size >= _MOST

    def begin(self) -> None:
        """This process uses kept pages."""
        if self._has_begun:
            return
        self._has_begun = True
        file = self._disk.open(self.path)
        try:
            self._disk.append(file, b".")
        finally:
            self._disk.close(file)

    def end(self) -> None:
        """It ended by itself, or came further than those before."""
        if self._has_begun:
            self.forget()

    def forget(self) -> None:
        """None counts any more."""
        self._disk.remove(self.path)
