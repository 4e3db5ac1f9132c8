"""Whole runs of `headrace run mailgun` whose process is killed, the next one, and the one that ends with every row."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import duckdb
import pytest

from crashing import Forks, forks
from headrace.sim.mailgun import Clock, Mailgun, World

ARGUMENTS = ("run", "mailgun", "--quiet", "--param", "streams=events,bounces")


def stored(folder: Path, table: str, key: str) -> list[tuple[str, str]]:
    with duckdb.connect(str(folder / "mailgun.duckdb")) as database:
        return database.sql(f"SELECT domain_name, {key} FROM mailgun_dataset.{table}").fetchall()  # noqa: S608


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


@pytest.mark.parametrize("number", range(10))
def test_a_killed_run_loses_and_doubles_nothing(number: int, forked: Forks, tmp_path: Path) -> None:
    """Killed at some request, or a while behind it, when rows are written or loaded; late events come in between."""
    dice = Random(number)
    world = World(clock=Clock(None))
    domains = [world.us.add_domain(name) for name in ("a.test", "b.test")]
    now = world.clock.now
    for domain in domains:
        domain.fill([now - 3600 * 20 * dice.random() - 5 for _ in range(400)])
        for row in range(20):
            domain.bounces.put({"address": f"ann{row}@x.test", "code": "550", "error": "", "created_at": ""})
    asked = iter(range(1 << 20))
    kill_at, later_s = dice.randrange(2, 12), dice.choice((0.0, 0.1, 0.4, 0.8, 1.2))
    pid = tmp_path / "pid"

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGKILL)

    killers: list[threading.Timer] = []

    def before(_: object) -> None:
        if next(asked) == kill_at:
            killers.append(threading.Timer(later_s, kill))
            killers[0].start()

    with Mailgun(world, before=before).serve() as sim:
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
            "SOURCES__MAILGUN__API_KEY": sim.key,
        }
        case = {
            "arguments": [*ARGUMENTS, "--param", f"base_url={sim.url}"], "cwd": str(tmp_path), "environ": environ,
            "out": str(tmp_path / "out"), "err": str(tmp_path / "err"),
        }  # fmt: skip
        code = forked.run({**case, "pid": str(pid)})
        for killer in killers:
            # a run that was through before is killed by nobody, and no other process in its stead
            killer.cancel()
            killer.join()
        assert code in (0, -signal.SIGKILL), (tmp_path / "err").read_text(encoding="utf-8")
        before_the_kill = {
            table: {(fact.parent[0], fact.row[key]) for fact in sim.truth(table)}
            for table, key in (("events", "id"), ("bounces", "address"))
        }
        for domain in domains:
            domain.add_event(now - 5000, arrives_s=world.clock.now)
        domains[0].bounces.put({"address": "bob@x.test", "code": "550", "error": "", "created_at": ""})
        for is_second in (False, True):
            assert forked.run(case) == 0, (tmp_path / "err").read_text(encoding="utf-8")
            for table, key in (("events", "id"), ("bounces", "address")):
                rows = stored(tmp_path, table, key)
                facts = {(fact.parent[0], fact.row[key]) for fact in sim.truth(table)}
                # what was kept of the killed run is as of then: rows that came since are for the next one
                early = facts if is_second else facts & before_the_kill[table]
                assert len(rows) == len(set(rows))
                assert early <= set(rows) <= facts
