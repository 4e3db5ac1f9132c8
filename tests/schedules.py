"""Random schedules of faults: which answers go wrong, how, and how often; drawn, played and judged.

A schedule is met by `headrace run`, again and again until a run is through. Each fault fires a limited number of times:
some pass while a request is tried again, some outlast the run. No run may claim to be through when rows lack, show
text that nobody wrote, ask the foreign server that some answers lead to, or leave the key in a file.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crashing import TOKEN, Complaint, Forks, Trial, World
from headrace.sim.faults import Fault
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

#: Name of a fault and its parameters.
KINDS: Final[Sequence[tuple[str, Mapping[str, Any]]]] = (
    *((name, {}) for name in ("429", "500", "502", "503", "504", "204", "html", "empty_body", "json_cut")),
    *(("status", {"status": status}) for status in (400, 401, 403, 404, 408, 410, 421, 425, 999)),
    *((name, {}) for name in ("error_object", "missing_key", "null_key", "wrong_selector", "redirect")),
    *((name, {}) for name in ("reset", "reset_body", "cut_body", "cut_chunked", "short_length", "long_length")),
    *((name, {}) for name in ("cut_unknown", "gzip_cut", "gzip_corrupt", "coding", "smuggled", "idle_end", "raw")),
    ("cut_chunked", {"mid_chunk": False}),
    ("coding", {"coding": "br"}),
    ("head_lines", {}),
    ("head_lines", {"count": 1, "size": 70_000}),
    ("interim", {"count": 50}),
    ("slow", {"delay_s": 0.05}),
    ("throttled", {"delay_s": 0.05}),
    ("charset", {}),
    ("body", {"data": b"[]"}),
    ("body", {"data": b'{"items": [{"id": 1}'}),
    ("error_object", {"success": False}),
    ("429", {"retry_after": 999_999_999}),
    ("429", {"retry_after": "soon"}),
)
#: Nothing comes, or not all of it, until the client has waited long enough.
WAITS: Final[Sequence[tuple[str, Mapping[str, Any]]]] = (("stall", {}), ("silent", {}), ("trickle", {"delay_s": 0.2}))
TIMEOUT_S: Final = 1.0
#: What is loaded together, and how often it is drawn.
MIXES: Final = {("appended",): 4, ("merged",): 3, ("merged", "parts"): 2, ("appended", "merged"): 2}
_MOST_RUNS: Final = 40


@dataclass(frozen=True)
class Schedule:
    """What is loaded, and what goes wrong meanwhile."""

    resources: Sequence[str]
    linked: bool
    rows: int
    max_retries: int
    in_flight: int
    faults: Sequence[Fault]

    def __str__(self) -> str:
        faults = [
            f"{each.name} {each.resource} page {each.at} x{each.times} {each.params or ''}" for each in self.faults
        ]
        return f"{'+'.join(self.resources)} of {self.rows} rows, {self.max_retries} retries: {', '.join(faults)}"


def drawn(draw: random.Random, foreign: str) -> Schedule:
    """A schedule; `foreign` is the origin that nobody may ask."""
    resources = draw.choices(list(MIXES), list(MIXES.values()))[0]
    rows, linked = draw.randint(1, 16), draw.random() < 0.5
    faults = []
    for _ in range(draw.randint(1, 4)):
        name = draw.choice(resources)
        label, pages = (f"parts/{draw.randrange(rows)}", 1) if name == "parts" else (name, 1 + (rows - 1) // 5)
        kind, params = draw.choice(WAITS) if draw.random() < 0.05 else draw.choice(KINDS)
        if draw.random() < 0.1:
            kind, params = "redirect", {"url": f"{foreign}/{name}"}
        elif draw.random() < 0.1:
            kind, params = "beside", {"key": "link", "value": f"{foreign}/{name}?at=5"}
        times = draw.choice([1, 1, 1, 2, 2, 3, 5])
        page = None if draw.random() < 0.1 else draw.randrange(pages)
        faults.append(Fault(kind, page, times=times, resource=label, **params))
    return Schedule(resources, linked, rows, draw.randint(0, 3), draw.randint(1, 4), faults)


def what_is_wrong_after_schedule(folder: Path, forks: Forks, draw: random.Random) -> list[Complaint]:
    """Draw a schedule, run until a run is through; what is wrong then."""
    with Server(_foreign) as foreign:
        schedule = drawn(draw, foreign.url)
        world = World(merged=schedule.rows, appended=schedule.rows)
        client = {
            "retry": {"max_retries": schedule.max_retries, "backoff_factor": 0},
            "limits": {"in_flight": schedule.in_flight, "timeout_s": TIMEOUT_S},
        }
        with Server(world, faults=schedule.faults, secrets=[TOKEN]) as server:
            made = Trial(folder, server.url, forks, resources=schedule.resources, linked=schedule.linked, client=client)
            wrong = [*_played(made), *made.judge(world)]
        asked = len(foreign.ledger.requests)
    if asked:
        wrong.append(Complaint(f"{asked} requests at a foreign server", foreign=asked))
    wrong += [Complaint(f"the key stands in {path}") for path in _leaks(folder)]
    return [*wrong, Complaint(f"with {schedule}")] if wrong else []


def _played(made: Trial) -> Iterator[Complaint]:
    for _ in range(_MOST_RUNS):
        code = made.run()
        said = made.err.read_text()
        if code == 0:
            return
        told = "\nerror: " in f"\n{said}" or (code == 1 and "\nskipped: " in said)
        if code not in (1, 3, 75) or not told or "should not happen" in said:
            yield Complaint(f"exit code {code}: {said}")
        if TOKEN in said:
            yield Complaint(f"the key is shown: {said}")
    yield Complaint(f"not through after {_MOST_RUNS} runs: {made.err.read_text()}")


def _foreign(request: Request) -> Reply:
    del request
    return Reply(body=b'{"items": [{"id": -1, "name": "foreign"}], "next": null, "link": null}')


def _leaks(folder: Path) -> Iterator[str]:
    """Files that hold the key, the one of the configuration excepted."""
    key = TOKEN.encode()
    needles = (key, base64.b64encode(key).rstrip(b"="), key.hex().encode())
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "api.yaml":
            data = path.read_bytes()
            if any(needle in data for needle in needles):
                yield str(path.relative_to(folder))
