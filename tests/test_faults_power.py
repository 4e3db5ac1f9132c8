"""A run that ends because the power is lost: the same command goes on, with nothing lost and nothing doubled.

What was written and not synced is then dropped, torn, or there in another order (`lost_writes.py`); what DuckDB
committed stays. Here a part of the steps, drawn by a seed; all of them, in each way, by `scripts/trials --all-steps`.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from crash_power import STEPS, STEPS_IN_STEPS, End, drawn_ends, places, what_is_wrong_after_losses
from crashing import IN_STEPS, Forks, forks, trial
from lost_writes import KINDS, Watched, lose

SEED = 2026
PARTS = 4
DRAWN = 2


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


def drawn(part: int, steps: int) -> int:
    """A step of this part of a run."""
    return random.Random(SEED + part).randrange(part * steps // PARTS, (part + 1) * steps // PARTS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", range(PARTS))
def test_lost_at_a_step(part: int, kind: str, forked: Forks, tmp_path: Path) -> None:
    end = End(drawn(part, STEPS), kind, SEED + part)
    assert what_is_wrong_after_losses(tmp_path, forked, [end]) == [], end


@pytest.mark.parametrize("kind", KINDS)
def test_lost_behind_the_end_of_a_run(kind: str, forked: Forks, tmp_path: Path) -> None:
    """The files of a run that said that all is loaded are not on the disk yet."""
    assert what_is_wrong_after_losses(tmp_path, forked, [End(None, kind, SEED)]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_loads_in_steps(kind: str, forked: Forks, tmp_path: Path) -> None:
    """Between and in its packages."""
    end = End(drawn(1 + KINDS.index(kind), STEPS_IN_STEPS), kind, SEED)
    assert what_is_wrong_after_losses(tmp_path, forked, [end], **IN_STEPS) == [], end


@pytest.mark.parametrize("number", range(DRAWN))
def test_lost_again_and_again(number: int, forked: Forks, tmp_path: Path) -> None:
    """In the run that mends, too, and in one behind a run that was killed."""
    ends = drawn_ends(random.Random(f"{SEED}/{number}"), in_steps=False)
    assert what_is_wrong_after_losses(tmp_path, forked, ends) == [], ends


def test_what_was_fetched_is_not_asked_for_again_where_it_was_to_be_loaded(forked: Forks, tmp_path: Path) -> None:
    """The package is whole, though the database is further than dlt's files."""
    with trial(tmp_path, forked) as (made, world):
        behind = ['INSERT INTO "api_dataset"."appended"', "/.pending_transitions/appended."]
        assert made.run(crash_behind=behind, lose="dropped", seed=0, boot="first", **places(made)) == 137
        world.fails = True
        assert made.run(boot="second") == 1
        assert "loaded 1 package of an earlier run" in made.err.read_text()
        assert made.judge(world) == []


def test_a_machine_that_was_started_again_in_peace_changes_nothing(forked: Forks, tmp_path: Path) -> None:
    """What is loaded is known, and what is remembered is."""
    with trial(tmp_path, forked) as (made, world):
        assert made.run(boot="first") == 0
        work = made.folder / "home" / "dlt" / "pipelines" / "api"
        before = {path.relative_to(work) for path in work.glob("load/loaded/**/*")}
        state = json.loads((work / "state.json").read_text())
        world.fails = True
        assert made.run(boot="second") == 1
        assert {path.relative_to(work) for path in work.glob("load/loaded/**/*")} == before
        assert json.loads((work / "state.json").read_text())["_version_hash"] == state["_version_hash"]
        world.fails = False
        assert made.run(boot="second") == 0
        assert len(set(made.rows("_dlt_loads", "load_id"))) == 2
        assert made.judge(world) == []


def folder_of_a_test(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "kept").write_text("as before")
    (folder / "gone").write_text("not for long")
    return folder


def write(path: Path, text: str, watched: Watched, *, named: bool) -> None:
    """Write and sync a file, and its name too where it is to be `named`."""
    path.write_text(text)
    for each in (path, path.parent)[: 1 + named]:
        file = os.open(each, os.O_RDONLY)
        watched.synced(file)
        os.close(file)


def test_of_a_disk_that_drops_what_is_not_synced_the_rest_stays(tmp_path: Path) -> None:
    folder, note = folder_of_a_test(tmp_path), tmp_path / "note"
    watched = Watched(folder, note)
    write(folder / "sure", "synced", watched, named=True)
    write(folder / "old" / "nameless", "synced", watched, named=False)
    (folder / "sure").write_text("synced, and more")
    (folder / "late").write_text("written")
    (folder / "gone").unlink()
    (folder / "old").rename(folder / "moved")
    watched.end()
    lose(folder, note, "dropped", 0)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*")} == {"old", "old/kept", "gone", "sure"}
    assert (folder / "sure").read_text() == "synced"
    assert (folder / "gone").read_text() == "not for long"


@pytest.mark.parametrize("kind", ["torn", "reordered"])
def test_a_disk_keeps_what_is_synced_and_may_keep_the_rest(kind: str, tmp_path: Path) -> None:
    found = set()
    for seed in range(40):
        folder, note = folder_of_a_test(tmp_path / str(seed)), tmp_path / str(seed) / "note"
        watched = Watched(folder, note)
        write(folder / "sure", "synced", watched, named=True)
        (folder / "late").write_text("written")
        (folder / "old").rename(folder / "moved")
        watched.end()
        lose(folder, note, kind, seed)
        assert (folder / "sure").read_text() == "synced"
        # what was moved is in one place
        assert [(folder / name / "kept").exists() for name in ("old", "moved")].count(True) == 1
        found.add((folder / "late").read_text() if (folder / "late").exists() else None)
    whole = {"", "wri", "wri" + "\0" * 4, "\0" * 7, "written"}
    assert found == whole | ({None} if kind == "reordered" else set())
