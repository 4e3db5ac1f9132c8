"""A folder as a loss of power leaves it: what was synced is there, of the rest there is something or nothing.

`Watched` runs in the process that will end. It knows the folder as it stood when the process began, which counts as
synced, and learns what `os.fsync` puts to the disk: of a file its bytes, of a folder its names. Nothing else is sure;
that a file is synced says nothing of its name, as POSIX has it. `lose` runs when the process has ended, and makes of
the folder one of what the disk may hold:

    dropped     nothing but what is synced: names of before, files without what was added
    torn        all names of the end; files that were not synced are empty, cut, zeros, or as they were
    reordered   each name of the end or of before, by chance, and files as in `torn`

Who is moved is in one of the two places, not in both and not in none: file systems keep that.
"""

from __future__ import annotations

import os
import pickle
import random
import shutil
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

KINDS = ("dropped", "torn", "reordered")
#: The number of a file or a folder, which it keeps wherever it is moved to.
Number: TypeAlias = int
#: A folder, and a name in it.
Place: TypeAlias = tuple[Number, str]


@dataclass
class Disk:
    """What is on the disk: the names in folders, and the bytes of files."""

    root: Number
    names: dict[Number, dict[str, Number]] = field(default_factory=dict)
    data: dict[Number, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """The disk as it would be if all of `folder` were synced."""
        made = cls(folder.stat().st_ino)
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                made.names[path.stat().st_ino] = _names(path)
            else:
                made.data[path.stat().st_ino] = path.read_bytes()
        return made

    @property
    def places(self) -> dict[Place, Number]:
        """Where everything stands."""
        return {(folder, name): number for folder, names in self.names.items() for name, number in names.items()}


def _names(folder: Path | int) -> dict[str, Number]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


class Watched:
    """What is synced of `folder` by this process. `note` is where it is written for `lose`."""

    def __init__(self, folder: Path, note: Path) -> None:
        self._disk = Disk.of(folder)
        self._note = note
        # who is held keeps its number for itself
        self._held = [os.open(path, os.O_RDONLY) for path in (folder, *folder.rglob("*"))]

    def synced(self, file: int) -> None:
        """What is open as `file` is synced."""
        about = os.fstat(file)
        self._held.append(os.dup(file))
        if stat.S_ISDIR(about.st_mode):
            self._disk.names[about.st_ino] = _names(file)
        else:
            self._disk.data[about.st_ino] = os.pread(file, about.st_size, 0)

    def end(self) -> None:
        """Write it down: the process ends."""
        self._note.write_bytes(pickle.dumps(self._disk))


def lose(folder: Path, note: Path, kind: str, seed: int) -> None:
    """Have `folder` as it may be behind a loss of power."""
    before: Disk = pickle.loads(note.read_bytes())  # noqa: S301 - of our own child
    now, draw = Disk.of(folder), random.Random(f"{kind}/{seed}")
    places = before.places if kind == "dropped" else now.places
    if kind == "reordered":
        places = _by_chance(before.places, now.places, draw)
    numbers = before.names.keys() | now.names.keys()
    found = Disk(before.root, {number: {} for number in numbers})
    for (home, name), number in sorted(places.items(), key=lambda each: each[0]):
        found.names.setdefault(home, {})[name] = number
        if number not in numbers:
            synced = before.data.get(number)
            found.data[number] = _bytes(synced, now.data.get(number, synced or b""), draw, kind)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _write(found, found.root, folder)


def _by_chance(before: dict[Place, Number], now: dict[Place, Number], draw: random.Random) -> dict[Place, Number]:
    """Each place as it was or as it is; all places of one who was moved alike."""
    times_before, times_now = Counter(before.values()), Counter(now.values())
    moved = {number for place, number in now.items() if times_now[number] == times_before[number] == 1}
    of_moved = {number: draw.random() < 0.5 for number in sorted(moved)}
    found: dict[Place, Number] = {}
    for place in sorted(before.keys() | now.keys()):
        old, new = before.get(place), now.get(place)
        by_itself = draw.random() < 0.5
        is_new = of_moved.get(new if new is not None else old or 0, by_itself)
        number = new if is_new or old == new else old
        if number is not None and (number == new or not of_moved.get(number, False)):
            found[place] = number
    return found


def _bytes(before: bytes | None, now: bytes, draw: random.Random, kind: str) -> bytes:
    """What may be there of a file that was synced as `before`, or never, and was `now` at the end."""
    if kind == "dropped" or before == now:
        return before or b""
    sure = before if before is not None and now.startswith(before) else b""
    rest = now[len(sure) :]
    half = rest[: len(rest) // 2]
    ways = [sure, sure + half, sure + bytes(len(rest)), sure + half + bytes(len(rest) - len(half)), now]
    return draw.choice(ways if before is None else [*ways, before])


def _write(disk: Disk, number: Number, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, each in disk.names[number].items():
        if each in disk.names:
            _write(disk, each, folder / name)
        else:
            (folder / name).write_bytes(disk.data[each])
            (folder / name).chmod(0o600)
