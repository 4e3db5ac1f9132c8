"""`headrace run shortio` whose process is killed among its clicks: the next run goes on, and the table is exact."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from headrace.sim.shortio import Rates, Shortio, ShortioSim, World, iso

LAG_MS = 300_000
#: Clicks, equal ones too, on pages of 30: 20 pages a domain at the least.
CLICKS = 600


def stored(folder: Path) -> Counter[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "shortio.duckdb")) as database:
        rows = database.sql("SELECT domain_id, epoch_ms(dt), path, human FROM shortio_dataset.clicks").fetchall()
    return Counter((domain, iso(at), path, human) for domain, at, path, human in rows)


def served(sim: ShortioSim) -> Counter[tuple[Any, ...]]:
    return Counter(
        (domain, row["dt"], row["path"], row["human"])
        for domain in sim.world.domains
        for row in sim.truth.clicks(domain)
    )


@pytest.mark.parametrize("number", range(3))
def test_the_run_after_a_killed_one_is_exact(number: int, tmp_path: Path) -> None:
    """Killed at some page of clicks; the next run asks for the rest of that listing, and clicks come in meanwhile."""
    dice = Random(number)
    world = World(wall=time.time)
    domains = [world.add_domain().id for _ in range(2)]
    now = world.now_ms
    for domain in domains:
        for _ in range(CLICKS):
            at = now - 2 * LAG_MS - dice.randrange(20_000_000) // 1000 * 1000
            world.add_click(domain, at, dice.choice(("/a", "/a", "/b")))
    kill_at = dice.randrange(8, 30)
    killed: list[subprocess.Popen[bytes]] = []
    asked: list[object] = []

    def before(request: Any) -> None:
        if request.path.endswith("/last_clicks"):
            asked.append(request)
            if len(asked) == kill_at:
                killed[0].kill()

    world.before_each(before)
    with Shortio(world, rates=Rates(None, None)).serve() as sim:
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
            "SOURCES__SHORTIO__API_KEY": sim.key,
        }
        said = {"base_url": sim.api_url, "statistics_url": sim.statistics_url, "streams": "clicks", "page_size": 30,
                "requests_per_minute": 1_000_000, "retention": "2d"}  # fmt: skip
        options = [part for name, value in said.items() for part in ("--param", f"{name}={value}")]
        command = [sys.executable, "-m", "headrace", "run", "shortio", "--quiet", *options]
        with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE) as process:
            killed.append(process)
            process.communicate(timeout=200)
        early = served(sim)
        # in an hour that was listed, and late
        world.add_click(domains[0], now - 3 * LAG_MS, "/late", arrives_ms=world.now_ms)
        counts = []
        for is_second in (False, True):
            asked.clear()
            done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, timeout=200, check=False)
            assert done.returncode == 0, done.stderr
            counts.append(len(asked))
            if not is_second:
                # what was kept of the killed run is as of then: the late click is for the next one
                assert early <= stored(tmp_path) <= served(sim)
        assert stored(tmp_path) == served(sim)
        assert counts[0] < counts[1], "nothing that was kept was taken"
