"""Two machines, one database: a lease in the destination lets one run of a pipeline at a time work."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dlt
import pytest

from crashing import Forks, Trial, World, forks
from headrace.bridge.first import destination_client
from headrace.bridge.lease import TABLE, Lease, can_lease, leased
from headrace.errors import LockedError
from headrace.sim.server import Server
from postgres import Postgres, query

DATASET = "machines"
ROWS = f"{DATASET}.{TABLE}"
SAID = r"process \d+ on \S+ \(since 20\d\d-\S+Z\)"


@pytest.fixture
def address(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def forked():
    with forks() as made:
        yield made


def opener(address: str, folder: Path) -> Callable[[], Any]:
    target = dlt.pipeline(
        "api", destination=dlt.destinations.postgres(address), dataset_name=DATASET,
        pipelines_dir=str(folder),
    )  # fmt: skip
    return lambda: destination_client(target, dlt.Schema("api"))


def test_the_second_is_told_who_holds_it_and_has_it_afterwards(address: str, tmp_path: Path) -> None:
    make = opener(address, tmp_path)
    first, second = (Lease(make, "api", holder) for holder in ("a", "b"))
    other = Lease(make, "another", "b")
    first.take()
    with pytest.raises(LockedError, match=f"of pipeline `api`, {SAID} holds its lease at the destination") as refused:
        second.take()
    assert str(os.getpid()) in str(refused.value)
    other.take()  # of another pipeline
    first.check()
    first.free()
    second.take()
    second.check()
    for each in (second, other):
        each.free()


def test_one_waits_for_the_other(address: str, tmp_path: Path) -> None:
    make = opener(address, tmp_path)
    first = Lease(make, "api", "a")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            first.free()

    second = Lease(make, "api", "b", sleep=sleep)
    told: list[str] = []
    first.take()
    second.take(10, told.append)
    assert len(slept) == 3
    assert len(told) == 1
    assert re.fullmatch(f"waiting for {SAID}", told[0])
    second.free()


def test_one_that_was_stalled_beyond_its_lease_loads_no_further_package(address: str, tmp_path: Path) -> None:
    """By the clock of the destination; what nobody took meanwhile is taken up again."""
    make = opener(address, tmp_path)
    first, second = (Lease(make, "api", holder) for holder in ("a", "b"))
    first.take()
    end = f"UPDATE {ROWS} SET expires = 0"  # noqa: S608
    query(address, end)
    first.check()
    with pytest.raises(LockedError):
        second.take()
    query(address, end)
    second.take()
    with pytest.raises(LockedError, match=f"{SAID} holds its lease") as refused:
        first.check()
    assert "this run was stopped for so long that its lease ended" in str(refused.value.hint)
    first.free()
    second.check()  # what the first one takes away is its own
    second.free()


def test_it_is_put_off_while_a_run_works(address: str, tmp_path: Path) -> None:
    make = opener(address, tmp_path)
    lease = Lease(make, "api", "a", length_s=0.4)
    lease.take()
    begin = query(address, f"SELECT expires FROM {ROWS}")[0][0]  # noqa: S608
    for _ in range(200):
        now = query(address, f"SELECT expires FROM {ROWS}")[0][0]  # noqa: S608
        if now > begin:
            break
        threading.Event().wait(0.05)
    assert now > begin
    lease.free()
    assert query(address, f"SELECT * FROM {ROWS}") == []  # noqa: S608


def test_one_that_was_killed_does_not_keep_the_next_one_out(address: str, tmp_path: Path) -> None:
    make = opener(address, tmp_path)
    killed, following = Lease(make, "api", "a"), Lease(make, "api", "a")
    killed.take()
    following.take()
    following.check()
    for each in (following, killed):
        each.free()


def test_of_many_that_come_together_one_at_a_time_holds_it(address: str, tmp_path: Path) -> None:
    make = opener(address, tmp_path)
    holding, most = [0], [0]
    guard = threading.Lock()
    leases = [Lease(make, "api", str(number)) for number in range(4)]

    def work(lease: Lease) -> None:
        lease.take(120)
        with guard:
            holding[0] += 1
            most[0] = max(most[0], holding[0])
        lease.check()
        with guard:
            holding[0] -= 1
        lease.free()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, leases))
    assert most == [1]


def test_where_none_is_had_it_is_said_why_and_the_run_goes_on(address: str, tmp_path: Path) -> None:
    """Somebody who may fill the tables of a dataset, and make none."""
    query(address, f"CREATE SCHEMA {DATASET}")
    query(address, "DROP ROLE IF EXISTS filler")
    query(address, "CREATE ROLE filler LOGIN PASSWORD 'none'")
    query(address, f"GRANT USAGE ON SCHEMA {DATASET} TO filler")
    user = address.partition("://")[2].partition(":")[0]
    target = dlt.pipeline(
        "api", destination=dlt.destinations.postgres(address.replace(user, "filler", 1)), dataset_name=DATASET,
        pipelines_dir=str(tmp_path),
    )  # fmt: skip
    said: list[str] = []
    with leased(target, dlt.Schema("api"), tmp_path, 0, said.append) as check:
        check()
    assert len(said) == 1
    assert re.match(
        r"warning: no lease at the destination, runs on other machines are not kept apart: .*permission denied for "
        rf"schema {DATASET}",
        said[0],
    )
    query(address, "DROP OWNED BY filler; DROP ROLE filler")


def test_files_have_none(tmp_path: Path) -> None:
    for destination in (
        dlt.destinations.duckdb(str(tmp_path / "x.duckdb")),
        dlt.destinations.filesystem(str(tmp_path)),
    ):
        target = dlt.pipeline("api", destination=destination, dataset_name="x", pipelines_dir=str(tmp_path))
        assert not can_lease(destination_client(target, dlt.Schema("api")))
    assert not can_lease(None)


def test_two_machines_and_one_database(address: str, forked: Forks, tmp_path: Path) -> None:
    """Each has folders of its own: the second is refused before its first request, and both load every row once."""
    world = World(merged=7)
    with Server(world) as server:
        machines = [Trial(tmp_path / name, server.url, forked, resources=["merged"]) for name in ("one", "two")]
        for machine in machines:
            machine.loads_into(address)
        to = ("--to", "postgres", "--dataset", "machines")
        assert machines[0].run(*to) == 0, machines[0].err.read_text()
        assert query(address, f"SELECT * FROM {ROWS}") == []  # noqa: S608
        said = json.dumps({"process": 7, "host": "far", "started": "2026-01-02T03:04:05Z"})
        query(address, f"INSERT INTO {ROWS} VALUES ('api', 'x', '{said}', 9e12)")  # noqa: S608
        before = dict(world.served)
        assert machines[1].run(*to) == 75
        assert machines[1].err.read_text().splitlines()[0] == (
            "error: expected to be the only run of pipeline `api`, process 7 on far (since 2026-01-02T03:04:05Z) holds "
            "its lease at the destination"
        )
        assert world.served == before
        query(address, f"DELETE FROM {ROWS}")  # noqa: S608
        assert machines[1].run(*to) == 0, machines[1].err.read_text()
    assert query(address, "SELECT id FROM machines.merged ORDER BY id") == [(number,) for number in range(7)]
