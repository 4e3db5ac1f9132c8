"""headrace beside stock dlt and beside the floor: the same rows from the same server into DuckDB, in turn, in one run.

    python bench/run.py                                            every case, with the goals
    python bench/run.py --cases events clicks --rows 60000 --runs 1
    python bench/run.py --cases again --contenders headrace floor
    python bench/run.py --write                                    and write it down: bench/results, docs/performance.md

Each load runs in a fresh process, the first one of a case into a fresh database. Before a figure is shown, the tables
of all contenders were compared with each other and counted against what the API had; figures of a case whose tables
differ are not shown, and the exit code is 1. Reasons to distrust the rest: docs/performance.md.

This process imports nothing heavy: Linux counts the memory of who starts a process into that process's peak.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final
from urllib.request import urlopen

import page
import report
from cases import CASES, FIRST, FLOOR, HEADRACE, NOTHING, Case

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "performance.md"
_HELP: Final = Case("help", "`headrace --help`", (), contenders=(HEADRACE,))

Measured = dict[tuple[str, str, str, str], list[float]]


def main() -> int:
    """Measure case by case, and say what came out; 1 if tables differ or a load failed."""
    options = _options()
    text, failures = report.head(options.runs, options.memory_limit), 0
    sys.stdout.write(text + "\n")
    figures: Measured = defaultdict(list)
    for name in options.cases:
        case = _HELP if name == _HELP.name else CASES[name].sized(options.rows)
        try:
            _measure(case, options, figures)
            loads = [load for load in case.loads if any(key[:2] == (name, load) for key in figures)]
            part = "\n".join(report.table(case, load, figures) for load in loads)
        except (ValueError, subprocess.CalledProcessError) as error:
            failures += 1
            part = f"## {name}\n\nno figures: {error}\n"
            for key in [key for key in figures if key[0] == name]:
                del figures[key]
        sys.stdout.write(part + "\n")
        sys.stdout.flush()
        text += "\n" + part
    sys.stdout.write(report.verdict(figures))
    if options.write:
        _write(options, figures, text + "\n" + report.verdict(figures))
    return 1 if failures else 0


def _write(options: argparse.Namespace, figures: Measured, text: str) -> None:
    """The report below bench/results; and what was measured in full, in docs/performance.md."""
    today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    stem = "all" if options.cases == _every() else "-".join(options.cases)
    (HERE / "results" / f"{today}-{stem}.md").write_text(text)
    if options.rows is None and options.contenders is None:
        PAGE.write_text(page.updated(PAGE.read_text(), figures, today))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = _every()
    parser.add_argument("--cases", nargs="+", choices=every, default=every, metavar="CASE", help=", ".join(every))
    parser.add_argument("--rows", type=int, help="rows instead of a case's own number")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contenders", nargs="+", help="only these, of those that a case has")
    parser.add_argument("--memory-limit", help="DuckDB's, for everyone; default: the case's, or DuckDB's own")
    parser.add_argument("--write", action="store_true", help="write the report below bench/results and into the docs")
    return parser.parse_args()


def _every() -> list[str]:
    return [*CASES, _HELP.name]


def _measure(case: Case, options: argparse.Namespace, figures: Measured) -> None:
    """All loads of a case, contender by contender, run by run; the tables are compared after each run."""
    if case is _HELP:
        for _ in range(10 * options.runs):
            _add(figures, (case.name, FIRST, HEADRACE), _timed([sys.executable, "-m", "headrace", "--help"])[1])
        return
    names = [name for name in case.contenders if not options.contenders or name in options.contenders]
    with _served(case, options.rows) as url:
        for run in range(min(options.runs, case.most_runs)):
            with tempfile.TemporaryDirectory() as folder:
                databases = {name: Path(folder) / name / "bench.duckdb" for name in names}
                for name, database in databases.items():
                    database.parent.mkdir()
                    for load in case.loads[:1] if name == FLOOR else case.loads:
                        sys.stderr.write(f"{case.name}, run {run + 1}: {name}, {load}\n")
                        found = _load(case, name, url, database, options.memory_limit or case.memory_limit)
                        _add(figures, (case.name, load, name), _derived(case, load, found))
                _compare(case, databases)


def _load(case: Case, name: str, url: str, database: Path, memory_limit: str) -> dict[str, float]:
    """One load in a process of its own: what it says of itself, what it cost, what the server counted."""
    floor = name == FLOOR
    job = {
        "contender": name,
        "database": str(database),
        "duckdb": {"memory_limit": memory_limit} if memory_limit else {},
        "whole": case.whole,
        "url": url,
        "configuration": case.configuration(url, ours=name == HEADRACE),
        "listings": [
            {"name": one.name, "rows": one.rows, "page": one.page, "position": one.position} for one in case.listings
        ],
    }
    _counts(url)
    script = HERE / ("floor.py" if floor else "contender.py")
    said, cost = _timed([sys.executable, str(script), json.dumps(job)], cwd=database.parent)
    return {**json.loads(said.splitlines()[-1]), **cost, **_counts(url)}


def _timed(command: list[str], cwd: Path | None = None) -> tuple[str, dict[str, float]]:
    """What a process wrote, its seconds, its CPU seconds and its peak memory."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=PIPE, cwd=cwd, text=True)
    assert process.stdout is not None  # noqa: S101 - it was asked for
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[:2])
    seconds = time.perf_counter() - begin
    return said, {
        "process_s": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def _derived(case: Case, load: str, found: dict[str, float]) -> dict[str, float]:
    """The figures of a load with those that follow from them."""
    if load != NOTHING:
        found["rows_per_s"] = case.rows / found["wall_s"]
    extract_s = found.get("extract_s", found["wall_s"])
    refused = found.pop("refused") / found["requests"] if found["requests"] else 0.0
    more = {"refused_share": refused, "server_share": 100 * found["server_cpu_s"] / extract_s}
    if case.ideal_s:
        more["of_ideal"] = extract_s / case.ideal_s
    return {**found, **more}


def _add(figures: Measured, key: tuple[str, str, str], found: dict[str, float]) -> None:
    for figure, value in found.items():
        place = (*key, figure)
        figures[place].append(value)


def _compare(case: Case, databases: dict[str, Path]) -> None:
    """Raises `ValueError` unless all tables are equal, and hold what the API had."""
    job = {
        "databases": {name: str(database) for name, database in databases.items()},
        "keys": {listing.name: listing.key for listing in case.listings},
        "counts": {listing.name: listing.rows for listing in case.listings},
        "nested": FLOOR,
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "tables.py"), json.dumps(job)], stdout=PIPE, text=True, check=True
    )
    if done.stdout:
        raise ValueError(done.stdout)


@contextmanager
def _served(case: Case, rows: int | None) -> Iterator[str]:
    """The address of the case's server, which runs as long as the block does."""
    job = json.dumps({"case": case.name, "rows": rows})
    server = subprocess.Popen([sys.executable, str(HERE / "server.py"), job], stdout=PIPE)
    try:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
    finally:
        server.terminate()
        server.wait()


def _counts(url: str) -> dict[str, float]:
    """What the server counted since the last time."""
    with urlopen(f"{url}/-/counts") as answer:  # noqa: S310 - our own server
        found: dict[str, Any] = json.load(answer)
    return {
        "requests": found["requests"],
        "refused": found["refused"],
        "most_in_flight": found["most_in_flight"],
        "server_cpu_s": found["cpu_s"],
    }


if __name__ == "__main__":
    sys.exit(main())
