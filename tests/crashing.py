"""Runs of `headrace run` that are ended at any moment, started again until they are through, and judged.

The API has a merged stream behind offsets, one that is appended behind cursors, and parts of each row of the first. The
judge compares the warehouse with what the API has: rows lost, rows doubled; and counts pages that were asked for again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

import duckdb

from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

TOKEN = "key-of-the-crash-tests"
PAGE = 5
IN_FLIGHT = 2
RESOURCES = ("merged", "appended", "parts")
#: Each request has one attempt, so that what fails ends the run.
ALONE: Mapping[str, Any] = {"retry": {"max_retries": 0}, "limits": {"in_flight": IN_FLIGHT}}
#: Rows of a run that is loaded in steps of a few pages.
IN_STEPS = {"merged": 8, "appended": 8, "step_pages": 4}
HERE = Path(__file__).parent


class Complaint(NamedTuple):
    """Something that is wrong: rows lost or doubled after exit code 0, requests off-origin, or what `text` says."""

    text: str
    lost: int = 0
    doubled: int = 0
    foreign: int = 0


@dataclass
class World:
    """What the API has, and which pages were served how often."""

    merged: int = 23
    appended: int = 23
    step_pages: int = 0
    fails: bool = False
    served: dict[str, int] = field(default_factory=dict)

    def __call__(self, request: Request) -> Reply:
        name, *rest = request.path.strip("/").split("/")
        if self.fails:
            return Reply(503, b"{}")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, b'{"message": "unauthorized"}')
        count = 2 if rest else getattr(self, name)
        place = int(request.param("offset") or request.param("at") or 0)
        page = f"{request.path}?{place}"
        self.served[page] = self.served.get(page, 0) + 1
        more = {"of": int(rest[0])} if rest else {}
        found = [self.row(number, **more) for number in range(place, min(place + PAGE, count))]
        following = place + PAGE if place + PAGE < count else None
        beside = {"next": following, "link": None if following is None else f"{request.path}?at={following}"}
        return Reply(
            body=json.dumps({"items": found, **beside}).encode(), resource=f"parts/{rest[0]}" if rest else name,
            page=place // PAGE, rows=range(place, place + len(found)), key="items",
        )  # fmt: skip

    def row(self, number: int, **more: int) -> dict[str, Any]:
        return {"id": number, "name": f"row {number}", "tags": [number], **more}

    @property
    def client(self) -> dict[str, Any]:
        """What the file says of the client."""
        return {**ALONE, "limits": {**ALONE["limits"], "step_pages": self.step_pages}}

    @property
    def again(self) -> int:
        """Pages served more often than once, each time counted; empty ones too."""
        return sum(times - 1 for times in self.served.values())

    @property
    def pages(self) -> int:
        return len(self.served)


def configuration(
    url: str, *, resources: Sequence[str] = RESOURCES, linked: bool = False, client: Mapping[str, Any] = ALONE
) -> str:
    """The file, as JSON, which is YAML: some of the resources; `linked` by addresses instead of cursors."""
    offset = {"type": "offset", "limit": PAGE, "total_path": None}
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}
    if linked:
        cursor = {"type": "json_link", "next_url_path": "link"}
    of = {"data_selector": "items"}
    every = [
        {"name": "merged", "primary_key": "id", "write_disposition": "merge",
         "endpoint": {**of, "path": "merged", "paginator": offset}},
        {"name": "appended", "endpoint": {**of, "path": "appended", "paginator": cursor}},
        {"name": "parts", "primary_key": ["of", "id"], "write_disposition": "merge",
         "endpoint": {**of, "path": "merged/{resources.merged.id}/parts", "paginator": cursor}},
    ]  # fmt: skip
    return json.dumps(
        {
            "client": {"base_url": url, "auth": {"type": "bearer", "token": TOKEN}, **client},
            "resources": [each for each in every if each["name"] in resources],
        }
    )


class Forks:
    """The process that runs command lines; see `crash_forks.py`. One that ended takes its command line with it."""

    def __init__(self) -> None:
        self._process = self._started()
        self._lock = threading.Lock()
        #: The process that ran the last command line.
        self.last = 0

    def run(self, case: Mapping[str, Any]) -> int:
        """The exit code of one command line. Raises `OSError` if no answer came; the next one has a new process."""
        with self._lock:
            stdin, stdout = self._pipes
            try:
                stdin.write(json.dumps(case) + "\n")
                stdin.flush()
                ended = json.loads(stdout.readline())
            except (OSError, ValueError) as error:
                self.end()
                self.close()
                self._process = self._started()
                raise OSError("the process that forks ended") from error
            self.last = ended["process"]
            return int(ended["code"])

    def end(self) -> None:
        """End the process that forks, without a word."""
        self._process.kill()

    def close(self) -> None:
        stdin, stdout = self._pipes
        with suppress(OSError):  # it ended before, with something to read
            stdin.close()
        self._process.wait(timeout=300)
        stdout.close()

    @property
    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    @staticmethod
    def _started() -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "crash_forks.py")]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def forks() -> Iterator[Forks]:
    made = Forks()
    try:
        yield made
    finally:
        made.close()


class Trial:
    """One pipeline in a folder of its own, and its API."""

    def __init__(self, folder: Path, url: str, forks: Forks, **options: Any) -> None:
        self.folder = folder
        self.work = folder / "work"
        (folder / "home").mkdir(parents=True)
        self.work.mkdir()
        (self.work / "api.yaml").write_text(configuration(url, **options))
        self._resources = options.get("resources", RESOURCES)
        self._forks = forks
        self.out, self.err = folder / "out", folder / "err"

    @classmethod
    def beside(cls, first: Trial, forks: Forks, number: int) -> Trial:
        """Another one who runs the same pipeline in the same folders, with output of its own."""
        made = cls.__new__(cls)
        made.folder, made.work, made._forks, made._resources = first.folder, first.work, forks, first._resources
        made.out, made.err = first.folder / f"out{number}", first.folder / f"err{number}"
        return made

    def loads_into(self, address: str) -> None:
        """Put the credentials of a PostgreSQL database where the run finds them."""
        (self.work / ".dlt").mkdir()
        secrets = self.work / ".dlt" / "secrets.toml"
        secrets.write_text(f"[destination.postgres]\ncredentials = {json.dumps(address)}\n")
        secrets.chmod(0o600)

    def run(self, *arguments: str, **options: Any) -> int:
        """`headrace run`, ended as `options` say; its exit code."""
        home = self.folder / "home"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environ = {**kept, "HOME": str(home), "DLT_DATA_DIR": str(home / "dlt"), "TMPDIR": str(self.folder)}
        case = {
            "arguments": ["run", "api.yaml", "--quiet", *arguments], "cwd": str(self.work), "environ": environ,
            "out": str(self.out), "err": str(self.err), **options,
        }  # fmt: skip
        return self._forks.run(case)

    def steps(self) -> list[str]:
        """The names of the steps of a run that nobody ends."""
        names = self.folder / "steps"
        code = self.run(steps=str(names))
        assert code == 0, self.err.read_text()
        return names.read_text().splitlines()

    def finish(self, *arguments: str, most: int = 5) -> int:
        """Run it until it is through; how often that was."""
        for number in range(1, most + 1):
            if self.run(*arguments) == 0:
                return number
        raise AssertionError(f"not through after {most} runs: {self.err.read_text()}")

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.work / "api.duckdb"), read_only=True) as connection:
            return connection.execute(f"SELECT {columns} FROM api_dataset.{table} ORDER BY ALL").fetchall()  # noqa: S608

    def judge(self, world: World) -> list[Complaint]:
        """What is wrong with the warehouse, nothing if all is well.

        Each load appends all rows of `appended` once; of a run in steps only one of its loads does.
        """
        loads = len(set(self.rows("_dlt_loads", "load_id")))
        if world.step_pages:
            loads = len(set(self.rows("appended", "_dlt_load_id")))
        expected = {
            ("merged", "id, name"): [(number, f"row {number}") for number in range(world.merged)],
            ("merged__tags", "value"): [(number,) for number in range(world.merged)],
            ("parts", "of, id"): [(of, number) for of in range(world.merged) for number in range(2)],
            ("appended", "id"): [(number,) for number in range(world.appended)] * loads,
            ("appended__tags", "value"): [(number,) for number in range(world.appended)] * loads,
        }
        wrong = []
        for (table, columns), rows in expected.items():
            if table.partition("__")[0] not in self._resources:
                continue
            right, found = Counter(rows), Counter(self.rows(table, columns))
            lost, more = right - found, found - right
            if lost or more:
                strange = [row for row in more if row not in right]
                text = f"{table}: {lost.total()} lost, {more.total()} doubled, {len(strange)} of them strange"
                wrong.append(Complaint(text, lost.total(), more.total()))
        return wrong


@contextmanager
def trial(folder: Path, forks: Forks, **world: int) -> Iterator[tuple[Trial, World]]:
    made = World(**world)
    with Server(made) as server:
        yield Trial(folder, server.url, forks, client=made.client), made


def what_is_wrong_after_crash(
    folder: Path, forks: Forks, step: int, *, torn: bool = False, **world: int
) -> list[Complaint]:
    """End a run before a step, or in the middle of it, and run it to its end; what is wrong then."""
    with trial(folder, forks, **world) as (made, found):
        code = made.run(crash_at=step, torn=torn)
        wrong = _unless(code in (0, 137), f"exit code {code}") + _pages_again(made, found) + made.judge(found)
        if found.step_pages:
            # what is killed before its last package is loaded is gone on with, and appends nothing a second time
            runs = len(set(made.rows("appended", "_dlt_load_id")))
            wrong += _unless(runs <= 2, f"{runs} loads of what is appended")
        return wrong


def what_is_wrong_after_failure(folder: Path, forks: Forks, step: int, number: int) -> list[Complaint]:
    """Have one operation fail, and run it to its end; what is wrong then."""
    with trial(folder, forks) as (made, world):
        code = made.run(fail_at=step, errno=number)
        said = made.err.read_text()
        wrong = _unless(code in (0, 1, 2), f"exit code {code}: {said}") + _unless("Traceback" not in said, said)
        return wrong + _pages_again(made, world) + made.judge(world)


def what_is_wrong_after_kills(folder: Path, forks: Forks, kills: Sequence[Mapping[str, Any]]) -> list[Complaint]:
    """Kill a run at some moment or step, the next one too, and so on, and run it to its end; what is wrong then."""
    with trial(folder, forks) as (made, found):
        codes = [made.run(**kill) for kill in kills]
        wrong = _unless(set(codes) <= {0, -9, 137}, f"exit codes {codes}")
        made.finish()
        return wrong + made.judge(found)


def what_is_wrong_after_a_race(
    folder: Path, first: Forks, second: Forks, after_s: float, *, waits: bool
) -> list[Complaint]:
    """Begin a second run while the first one works; what is wrong when both have ended."""
    with trial(folder, first) as (made, world):
        other = Trial.beside(made, second, 2)
        with ThreadPoolExecutor(1) as pool:
            one = pool.submit(made.run)
            time.sleep(after_s)
            two = other.run(*(("--wait", "2m") if waits else ()))
            codes = (one.result(), two)
        said = other.err.read_text() + made.err.read_text()
        # on a busy machine the second may come before the first, which waits for nobody
        right = codes in ((0, 0), (75, 0)) or (codes == (0, 75) and not waits)
        winner = first.last if codes[1] == 75 else second.last
        names = 75 not in codes or re.search(rf"process {winner} on \S+ \(since \S+\) holds its lock", said) is not None
        return _unless(right, f"exit codes {codes}: {said}") + _unless(names, said) + made.judge(world)


def _pages_again(made: Trial, world: World) -> list[Complaint]:
    """Run it to its end; complain where pages were asked for again that were kept."""
    before = dict(world.served)
    made.finish()
    loads = len(set(made.rows("_dlt_loads", "load_id")))
    again = sum(world.served[page] > times for page, times in before.items())
    # the last page of each listing that broke off is asked for once more, and what was under way comes again
    most = (2 + IN_FLIGHT) + IN_FLIGHT
    if world.step_pages:
        # a step ends as a killed run does
        runs = len(set(made.rows("appended", "_dlt_load_id")))
        return _unless(runs > 1 or again <= most * loads, f"{again} of {len(before)} pages asked for again")
    return _unless(loads > 1 or again <= most, f"{again} of {len(before)} pages asked for again")


def _unless(holds: bool, text: str) -> list[Complaint]:
    return [] if holds else [Complaint(text)]
