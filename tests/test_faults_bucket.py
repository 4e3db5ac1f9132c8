"""Files as destination: a run that is killed while it copies them is done again, and each row is there once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crashing import Forks, Trial, World, forks
from headrace.sim.server import Server

TO = ("--to", "filesystem", "--dataset", "data")


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


def ids(folder: Path) -> list[int]:
    """The column `id` of all files of a table."""
    found: list[int] = []
    for path in folder.glob("*"):
        if path.suffix == ".parquet":
            found += pq.read_table(path).column("id").to_pylist()
        else:
            text = path.read_bytes()
            lines = (gzip.decompress(text) if path.suffix == ".gz" else text).splitlines()
            found += [json.loads(line)["id"] for line in lines]
    return sorted(found)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("behind", [("/started_jobs/appended.",), ("/started_jobs/appended.", "/appended.")], ids=str)
def test_a_killed_run_is_gone_on_with(behind: tuple[str, ...], file_format: str, forked: Forks, tmp_path: Path) -> None:
    """Before the file is copied, and behind it."""
    world, bucket = World(), tmp_path / "bucket"
    with Server(world) as server:
        made = Trial(tmp_path / "trial", server.url, forked)
        (made.work / ".dlt").mkdir()
        (made.work / ".dlt" / "config.toml").write_text(f'[destination.filesystem]\nbucket_url = "file://{bucket}"\n')
        api = json.loads((made.work / "api.yaml").read_text())
        for resource in api["resources"]:
            resource["file_format"] = file_format
        (made.work / "api.yaml").write_text(json.dumps(api))
        assert made.run(*TO, crash_behind=list(behind)) == 137
        runs = made.finish(*TO)
        assert runs == 1
    loads = len(list((bucket / "data" / "_dlt_loads").glob("*.jsonl*")))
    assert loads == 2  # what was killed is loaded, and the run of now
    assert {path.name.removesuffix(".gz").rpartition(".")[2] for path in (bucket / "data" / "appended").iterdir()} == {
        file_format
    }
    assert ids(bucket / "data" / "appended") == sorted(list(range(world.appended)) * loads)
