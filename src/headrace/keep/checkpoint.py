"""What counts of a folder outlasts a loss of power: put aside before it matters, and put back behind such a loss.

Theory. What a process writes is in the memory of the system at first, and on the disk half a minute later, in any
order: behind a loss of power a file may be whole, empty, cut or gone, and so may its name. Who writes the folder (dlt)
syncs nothing, and cannot be told to. So before the moment at which the folder must not be lost any more, because others
will know of it, what counts of it is put aside and synced. Whether the folder can be believed is asked once, when a run
begins: the checkpoint names the time since the machine began (`boot.py`). If that is another one by now, all of the
folder goes and what was put aside comes back, as often as it takes: until the next checkpoint that is done anew.

There are things that stay as they are (`parts`), and things that wait for something (in the folder `waiting`) and are
moved when it is done (to `done`, of which only the names count). The first are in the checkpoint itself. Of the second
it has the names: small files are in one file beside it, larger ones have a second name there (a hard link, so no copy).
When all of it is done these are let go, without waiting for the disk: where one is missing, all of it was done.

So a small checkpoint costs four syncs, of two files and the folders around them, and a large one what the disk takes
for data that it would have to take anyway. The disk may begin with that while the writer is still busy (`sync_ahead`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from headrace.keep.boot import boot, is_same
from headrace.keep.disk import Disk

#: Bytes up to which a file is put aside together with others.
_SMALL: Final = 64 << 10
#: Files that are open at once.
_MOST_AHEAD: Final = 64
#: Names of things that are done: the last ones.
_MOST_DONE: Final = 1000


class Layout(NamedTuple):
    """Where things are in the folder: `parts`, files or folders, that stay; what is `waiting`; what is `done`."""

    parts: Sequence[str]
    waiting: str
    done: str


class _Aside(msgspec.Struct, frozen=True):
    """What was put aside: files that stay; names of what is done; of what waits folders, and files by their links.

    `small` is the link of the file with small ones.
    """

    boot: str
    files: dict[str, bytes]
    done: list[str]
    folders: list[str]
    links: dict[str, str]
    small: str = ""


class Checkpoint:
    """The checkpoint of the folder `of`, in `folder`. Methods may raise `OSError`."""

    def __init__(
        self,
        folder: Path,
        of: Path,
        layout: Layout,
        *,
        disk: Disk | None = None,
        boot: Callable[[], str] = boot,
    ) -> None:
        self._path = folder / "checkpoint"
        self._linked = folder / "checkpoint.files"
        self._of = of
        self._parts, self._waiting, self._done = layout.parts, of / layout.waiting, of / layout.done
        self._disk = disk or Disk()
        self._boot = boot()
        self._aside = self._read()
        self._ahead: Future[None] | None = None

    @property
    def is_of_now(self) -> bool:
        """Whether it was made since the machine began: what was written to the folder since is there."""
        return self._aside is not None and is_same(self._aside.boot, self._boot)

    @property
    def is_lost(self) -> bool:
        """Whether the folder was written to before the machine began, and cannot be believed."""
        return self._aside is not None and not self.is_of_now

    @property
    def has_waiting(self) -> bool:
        """Whether something waits now."""
        return bool(_names(self._waiting))

    def restore(self) -> None:
        """Have the folder as it was put aside; what was let go is done."""
        if self._aside is None:
            return
        aside = self._aside
        _clear(self._of, self._done if aside.files else None)
        for name, data in aside.files.items():
            _write(self._of / name, data)
        done = list(aside.done)
        if self._is_let_go(aside):
            done += [path.name for path in map(self._of.joinpath, aside.folders) if path.parent == self._waiting]
        else:
            self._restore_waiting(aside)
        for name in done:
            (self._done / name).mkdir(parents=True, exist_ok=True)

    def _restore_waiting(self, aside: _Aside) -> None:
        for name in aside.folders:
            (self._of / name).mkdir(parents=True, exist_ok=True)
        if aside.small:
            small = msgspec.msgpack.decode((self._linked / aside.small).read_bytes(), type=dict[str, bytes])
            for name, data in small.items():
                _write(self._of / name, data)
        for name, link in aside.links.items():
            self._disk.link(self._linked / link, self._of / name)

    def sync_ahead(self, folder: str) -> None:
        """Begin to sync the larger files in a folder, which will wait under other names; `save` waits for that."""
        large = [path for path in _under(self._of / folder) if path.stat().st_size > _SMALL][:_MOST_AHEAD]
        if large:
            files = [self._disk.open(path) for path in large]
            thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-checkpoint")
            self._ahead = thread.submit(self._sync_all, files)
            thread.shutdown(wait=False)

    def _sync_all(self, files: Sequence[int]) -> None:
        try:
            for file in files:
                self._disk.sync(file)
        finally:
            for file in files:
                self._disk.close(file)

    def save(self) -> None:
        """Put aside what is there now; it outlasts a loss of power when this returns."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.result()  # what failed once may seem to succeed the second time
        files = {self._name(path): path.read_bytes() for part in self._parts for path in _under(self._of / part)}
        folders: list[str] = []
        small: dict[str, bytes] = {}
        links: dict[str, str] = {}
        for path in _under(self._waiting, folders=True):
            if path.is_dir():
                folders.append(self._name(path))
            elif path.stat().st_size <= _SMALL:
                small[self._name(path)] = path.read_bytes()
            else:
                links[self._name(path)] = self._link(path)
        together = self._together(small) if small else ""
        if together or links:
            self._disk.sync_folder(self._linked)
        names = sorted(_names(self._done))[-_MOST_DONE:]
        self._aside = _Aside(self._boot, files, names, folders, links, together)
        self._disk.replace(self._path, msgspec.msgpack.encode(self._aside))
        self._keep_links({together, *links.values()})

    def let_go(self) -> None:
        """What waited is done, and others know it."""
        self._keep_links(set())

    def _read(self) -> _Aside | None:
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=_Aside)
        except (FileNotFoundError, msgspec.DecodeError):  # of another version
            return None

    def _is_let_go(self, aside: _Aside) -> bool:
        wanted = {*aside.links.values(), *filter(None, [aside.small])}
        return bool(wanted) and not wanted <= _names(self._linked)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._of).as_posix()

    def _together(self, files: dict[str, bytes]) -> str:
        self._disk.make(self._linked)
        name = uuid.uuid4().hex
        file = self._disk.open(self._linked / name)
        try:
            self._disk.append(file, msgspec.msgpack.encode(files))
            self._disk.sync(file)
        finally:
            self._disk.close(file)
        return name

    def _link(self, path: Path) -> str:
        self._disk.make(self._linked)
        name = uuid.uuid4().hex
        self._disk.link(path, self._linked / name)
        self._disk.sync_file(self._linked / name)
        return name

    def _keep_links(self, wanted: set[str]) -> None:
        for name in _names(self._linked) - wanted:
            self._disk.remove(self._linked / name)


def _names(folder: Path) -> set[str]:
    """The names in a folder, if it is there."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _under(path: Path, *, folders: bool = False) -> Iterator[Path]:
    """The file, or the files below the folder, if it is there; its folders before what is in them."""
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (each for each in sorted(path.rglob("*")) if folders or each.is_file())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _clear(folder: Path, kept: Path | None) -> None:
    """Remove all that is in a folder, but not what is kept."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path == kept:
            continue
        if kept is not None and path in kept.parents:
            _clear(path, kept)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
