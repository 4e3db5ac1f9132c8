"""Batches that wait as they came, on disk: another resource that writes the same table settles its columns first."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path

from headrace.engine.convert import Attempt
from headrace.engine.records import Records


class Shelf:
    """A line (see `headrace.engine.fetch`) that converts nothing; `folder` takes the batches, and may be deleted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._batches = 0

    async def put(self, batch: Records, attempt: Attempt | None = None) -> None:  # noqa: ARG002 - nothing is tried
        """Keep one batch."""
        await asyncio.to_thread(self._write, batch)

    async def drain(self) -> None:
        """Nothing is under way."""

    async def stop(self) -> None:
        """Nothing is under way."""

    def __iter__(self) -> Iterator[Records]:
        """The batches in order."""
        for number in range(self._batches):
            yield pickle.loads(self._file(number).read_bytes())  # noqa: S301 - our own file, which only we can read

    def _write(self, batch: Records) -> None:
        self._file(self._batches).write_bytes(pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL))
        self._batches += 1

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:06}.records"
