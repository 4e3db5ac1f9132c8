"""Whole runs of `headrace run mailgun` whose process is killed, the next one, and the one that ends with every row."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import duckdb
import pytest

from headrace.sim.mailgun import Clock, Mailgun, World

ARGUMENTS = ("run", "mailgun", "--quiet", "--param", "streams=events,bounces")


def stored(folder: Path, table: str, key: str) -> list[tuple[str, str]]:
    with duckdb.connect(str(folder / "mailgun.duckdb")) as database:
        return database.sql(f"SELECT domain_name, {key} FROM mailgun_dataset.{table}").fetchall()  # noqa: S608


@pytest.mark.parametrize("number", range(10))
def test_a_killed_run_loses_and_doubles_nothing(number: int, tmp_path: Path) -> None:
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
    killed: list[subprocess.Popen[bytes]] = []

    def before(_: object) -> None:
        if next(asked) == kill_at:
            threading.Timer(later_s, killed[0].kill).start()

    with Mailgun(world, before=before).serve() as sim:
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
            "SOURCES__MAILGUN__API_KEY": sim.key,
        }
        command = [sys.executable, "-m", "headrace", *ARGUMENTS, "--param", f"base_url={sim.url}"]
        with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE) as process:
            killed.append(process)
            process.communicate(timeout=300)
        before_the_kill = {
            table: {(fact.parent[0], fact.row[key]) for fact in sim.truth(table)}
            for table, key in (("events", "id"), ("bounces", "address"))
        }
        for domain in domains:
            domain.add_event(now - 5000, arrives_s=world.clock.now)
        domains[0].bounces.put({"address": "bob@x.test", "code": "550", "error": "", "created_at": ""})
        for is_second in (False, True):
            done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, timeout=300, check=False)
            assert done.returncode == 0, done.stderr
            for table, key in (("events", "id"), ("bounces", "address")):
                rows = stored(tmp_path, table, key)
                facts = {(fact.parent[0], fact.row[key]) for fact in sim.truth(table)}
                # what was kept of the killed run is as of then: rows that came since are for the next one
                early = facts if is_second else facts & before_the_kill[table]
                assert len(rows) == len(set(rows))
                assert early <= set(rows) <= facts
