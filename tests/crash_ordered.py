"""Runs over windows of rows that come oldest first, in steps of a page or two, that are killed again and again.

Two streams of the same rows are listed so: `merged` by a key, which is loaded in steps, and `appended`, which is loaded
when all of it is there. Windows are parted and halved while they are walked, so where they end hangs on what came when.
Whatever that was, and wherever runs were killed, each row must stand in each table once.
"""

from __future__ import annotations

import json
import os
import random
import signal
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crashing import PAGE, TOKEN, Complaint, Forks, Trial
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

RANGE_S = 40 * 86400
#: A run that nobody ends has about so many steps that outlast it, for each page.
_STEPS_PER_PAGE = 60


@dataclass
class Times:
    """Rows at these times, oldest first; the request of number `kill_at` kills the process whose number is in `pid`."""

    times: Sequence[float]
    in_flight: int
    step_pages: int
    pid: Path
    kill_at: int | None = None
    asked: int = 0
    served: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: Request) -> Reply:
        self.asked += 1
        if self.asked == self.kill_at:
            os.kill(int(self.pid.read_text()), signal.SIGKILL)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, b"{}")
        start, end = float(request.param("from") or 0), float(request.param("to") or 0)
        at = int(request.param("at") or 0)
        self.served[f"{request.path} {start} {end} {at}"] += 1
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        numbers = range(low, high)[at : at + PAGE]
        found = [{"id": number, "time": self.times[number]} for number in numbers]
        link = f"{request.path}?from={start}&to={end}&at={at + len(found)}"
        return Reply(body=json.dumps({"items": found, "link": link}).encode())

    def configuration(self, url: str) -> str:
        windows = {
            "param_start": "from", "param_end": "to", "start": 0, "end": RANGE_S, "format": "decimal_seconds",
            "time_path": "time", "row_order": "asc",
        }  # fmt: skip
        endpoint = {
            "data_selector": "items", "windows": windows,
            "paginator": {"type": "json_link", "next_url_path": "link", "stop_after_empty_page": True},
        }  # fmt: skip
        hints: Mapping[str, Mapping[str, str]] = {
            "merged": {"primary_key": "id", "write_disposition": "merge"},
            "appended": {"write_disposition": "append"},
        }
        limits = {"in_flight": self.in_flight, "step_pages": self.step_pages}
        return json.dumps(
            {
                "client": {
                    "base_url": url, "auth": {"type": "bearer", "token": TOKEN}, "limits": limits,
                    "retry": {"max_retries": 0},
                },
                "resources": [
                    {"name": name, **hints[name], "endpoint": {**endpoint, "path": name}} for name in hints
                ],
            }
        )  # fmt: skip


def drawn_times(draw: random.Random) -> list[float]:
    """Times of rows: even, in bursts, or ever denser."""
    count = draw.randint(8, 18) * PAGE
    shape = draw.choice(("even", "bursts", "denser"))
    if shape == "bursts":
        middles = [draw.random() * RANGE_S for _ in range(3)]
        found = [draw.choice(middles) + draw.random() * draw.choice((2, 3600, 86400)) for _ in range(count)]
    else:
        found = [RANGE_S * ((number + 0.5) / count) ** (0.3 if shape == "denser" else 1) for number in range(count)]
    return sorted(round(time, 3) for time in found if time < RANGE_S)


def what_is_wrong_after_ordered(folder: Path, forks: Forks, draw: random.Random) -> list[Complaint]:
    """Draw rows, limits and up to four kills, at requests and at steps; run it to its end; what is wrong then."""
    world = Times(drawn_times(draw), draw.randint(1, 5), draw.randint(1, 3), folder / "pid")
    pages = len(world.times) // PAGE
    with Server(world) as server:
        made = Trial(folder, server.url, forks)
        (made.work / "api.yaml").write_text(world.configuration(server.url))
        codes = []
        for _ in range(draw.randint(1, 4)):
            world.asked, world.kill_at, how = 0, None, {}
            if draw.random() < 0.5:
                world.kill_at = draw.randint(1, 2 * pages)
            else:
                how = {"crash_at": draw.randrange(_STEPS_PER_PAGE * pages), "torn": draw.random() < 0.5}
            codes.append(made.run(pid=str(world.pid), **how))
        world.kill_at = None
        wrong = [] if set(codes) <= {0, -9, 137} else [Complaint(f"exit codes {codes}: {made.err.read_text()}")]
        made.finish()
        wrong += _judged(made, world)
    said = f"with {len(world.times)} rows, {world.in_flight} slots, steps of {world.step_pages}, codes {codes}"
    return [*wrong, Complaint(said)] if wrong else []


def _judged(made: Trial, world: Times) -> list[Complaint]:
    right = Counter((number, time) for number, time in enumerate(world.times))
    wrong = []
    for table in ("merged", "appended"):
        found = Counter(made.rows(table, "id, time"))
        lost, more = right - found, found - right
        if lost or more:
            text = f"{table}: {lost.total()} lost, {more.total()} doubled"
            wrong.append(Complaint(text, lost.total(), more.total()))
    return wrong
