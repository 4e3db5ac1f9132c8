"""What is put aside comes back when the machine was started anew, and only then."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from headrace.keep import Checkpoint, Disk, Layout
from headrace.keep.boot import boot, is_same

BIG = b"x" * 100_000


def checkpoint(tmp_path: Path, name: str = "first", disk: Disk | None = None) -> Checkpoint:
    """The checkpoint of `tmp_path/work`, asked in the time of that name."""
    kept = tmp_path / "kept"
    kept.mkdir(exist_ok=True)
    layout = Layout(("state", "schemas"), waiting="waiting", done="done")
    return Checkpoint(kept, tmp_path / "work", layout, disk=disk, boot=lambda: name)


def work(tmp_path: Path) -> Path:
    """A folder where one package waits and one is done."""
    folder = tmp_path / "work"
    for name in ("schemas", "waiting/2/jobs", "waiting/2/empty", "done/1", "passing"):
        (folder / name).mkdir(parents=True)
    for name, data in {
        "state": b"{}", "schemas/a": b"a", "waiting/2/jobs/rows": BIG, "waiting/2/about": b"2", "passing/x": b"",
    }.items():  # fmt: skip
        (folder / name).write_bytes(data)
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


ASIDE = {"state", "schemas", "schemas/a", "done", "done/1"}
WAITING = {"waiting", "waiting/2", "waiting/2/jobs", "waiting/2/empty", "waiting/2/jobs/rows", "waiting/2/about"}


def test_nothing_is_of_now_before_the_first_one(tmp_path: Path) -> None:
    found = checkpoint(tmp_path)
    assert not found.is_of_now
    assert not found.is_lost


def test_it_counts_until_the_machine_is_started_anew(tmp_path: Path) -> None:
    work(tmp_path)
    checkpoint(tmp_path).save()
    same, other = checkpoint(tmp_path), checkpoint(tmp_path, "second")
    assert (same.is_of_now, same.is_lost) == (True, False)
    assert (other.is_of_now, other.is_lost) == (False, True)


@pytest.mark.parametrize("harm", ["emptied", "gone"])
def test_what_was_put_aside_comes_back_and_the_rest_goes(harm: str, tmp_path: Path) -> None:
    folder = work(tmp_path)
    checkpoint(tmp_path).save()
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if harm == "gone":
            path.unlink()
        else:  # as dlt writes: another file under the name
            path.rename(path.with_name("before"))
            path.write_bytes(b"")
    for _ in range(2):  # the first one may be cut short
        checkpoint(tmp_path, "second").restore()
        assert names(folder) == ASIDE | WAITING
    assert (folder / "waiting/2/jobs/rows").read_bytes() == BIG
    assert (folder / "waiting/2/about").read_bytes() == b"2"
    assert (folder / "state").read_bytes() == b"{}"
    assert checkpoint(tmp_path, "second").is_lost


def test_what_was_let_go_is_done(tmp_path: Path) -> None:
    folder = work(tmp_path)
    found = checkpoint(tmp_path)
    found.save()
    found.let_go()
    assert list((tmp_path / "kept" / "checkpoint.files").iterdir()) == []
    checkpoint(tmp_path, "second").restore()
    assert names(folder) == ASIDE | {"done/2"}


@pytest.mark.parametrize("number", [0, 1])
def test_what_was_let_go_in_part_is_done(number: int, tmp_path: Path) -> None:
    """The disk has seen one of two removals."""
    folder = work(tmp_path)
    checkpoint(tmp_path).save()
    sorted((tmp_path / "kept" / "checkpoint.files").iterdir())[number].unlink()
    checkpoint(tmp_path, "second").restore()
    assert names(folder) == ASIDE | {"done/2"}


def test_of_a_folder_that_was_not_there_nothing_comes_back(tmp_path: Path) -> None:
    checkpoint(tmp_path).save()
    folder = work(tmp_path)
    checkpoint(tmp_path, "second").restore()
    assert names(folder) == set()


def test_whether_something_waits(tmp_path: Path) -> None:
    assert not checkpoint(tmp_path).has_waiting
    work(tmp_path)
    assert checkpoint(tmp_path).has_waiting


def test_larger_files_are_synced_ahead_and_once_more_at_no_cost(tmp_path: Path) -> None:
    folder = work(tmp_path)
    (folder / "extracted" / "2").mkdir(parents=True)
    (folder / "waiting/2/jobs/rows").rename(folder / "extracted/2/rows")
    disk = Order()
    found = checkpoint(tmp_path, disk=disk)
    found.sync_ahead("extracted")
    (folder / "extracted/2/rows").rename(folder / "waiting/2/jobs/rows")
    found.save()
    assert disk.said[0] == "rows"
    checkpoint(tmp_path, "second").restore()
    assert names(folder) == ASIDE | WAITING


class Failing(Disk):
    """One that cannot sync what it holds, and says so once."""

    has_said = False

    def sync(self, file: int) -> None:
        if not self.has_said:
            self.has_said = True
            raise OSError(errno.EIO, f"input/output error of {file}")


def test_what_could_not_be_synced_ahead_is_said(tmp_path: Path) -> None:
    """A second sync of a file that failed once says that all is well."""
    folder = work(tmp_path)
    found = checkpoint(tmp_path, disk=Failing())
    found.sync_ahead("waiting")
    with pytest.raises(OSError, match="input/output"):
        found.save()
    assert names(folder) >= WAITING


def test_one_of_another_version_counts_as_none(tmp_path: Path) -> None:
    work(tmp_path)
    checkpoint(tmp_path).save()
    (tmp_path / "kept" / "checkpoint").write_bytes(b"\xc1")
    found = checkpoint(tmp_path, "second")
    assert not found.is_lost
    found.save()
    assert found.is_of_now


class Refusing(Disk):
    """A disk on which no file has a second name."""

    def link(self, path: Path, second: Path) -> None:
        second.write_bytes(path.read_bytes())


class Order(Disk):
    """Notes what is synced."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def sync(self, file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").resolve()
        self.said.append(path.name if len(path.name) < 32 else "a file")
        super().sync(file)


def test_the_name_of_a_checkpoint_is_the_last_thing_that_is_synced(tmp_path: Path) -> None:
    work(tmp_path)
    disk = Order()
    checkpoint(tmp_path, disk=disk).save()
    assert disk.said == ["kept", "a file", "a file", "checkpoint.files", "checkpoint.new", "kept"]


def test_a_small_one_costs_few_syncs(tmp_path: Path) -> None:
    folder = work(tmp_path)
    (folder / "waiting/2/jobs/rows").write_bytes(b"small")
    disk = Order()
    for _ in range(2):
        disk.said = []
        checkpoint(tmp_path, disk=disk).save()
    assert len(disk.said) == 4


def test_without_second_names_there_are_copies(tmp_path: Path) -> None:
    folder = work(tmp_path)
    checkpoint(tmp_path, disk=Refusing()).save()
    checkpoint(tmp_path, "second", Refusing()).restore()
    assert names(folder) == ASIDE | WAITING


def test_the_time_since_the_machine_began_has_one_name() -> None:
    assert is_same(boot(), boot())
    assert is_same("at 1700000000", "at 1700000020")
    assert not is_same("at 1700000000", "at 1700000400")
    assert not is_same("at 1700000000", "5a1e")
    assert not is_same("5a1e", "5a1f")
