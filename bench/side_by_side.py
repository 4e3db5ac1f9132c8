"""headrace beside stock dlt: the same events from the same simulator into DuckDB, in turn, in one run.

    python bench/side_by_side.py --events 60000 --runs 3
    python bench/side_by_side.py --events 1000000 --runs 1 --contenders headrace

The simulator renders all pages beforehand and runs in a process of its own; each load runs in a fresh process and a
fresh database. Before a figure is printed the tables of all contenders are compared, ids aside. Reasons to distrust the
result: simulator and loader share the cores; loopback has no latency; one shape of data.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

HERE = Path(__file__).parent
TODAY = datetime.now(timezone.utc).date().isoformat()


def main() -> None:
    """Serve, load in turn, compare, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contenders", nargs="+", default=["headrace", "dlt-parquet"])
    parser.add_argument("--lazy", action="store_true", help="render pages when asked for (millions of events)")
    parser.add_argument("--write", action="store_true", help="write bench/results/DATE-events-N.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results, databases = measure(options, Path(folder))
        compare(databases)
        text = report(options, results)
    sys.stdout.write(text)
    if options.write:
        (HERE / "results" / f"{TODAY}-events-{options.events}.md").write_text(text)


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, list[dict[str, float]]], list[Path]]:
    """Runs of all contenders in turn; the database of each one's last run."""
    command = [sys.executable, "-m", "headrace.sim", "guides", "--port", "0", "--events", str(options.events)]
    simulator = subprocess.Popen([*command, *([] if options.lazy else ["--prerender"])], stdout=subprocess.PIPE)
    try:
        assert simulator.stdout is not None  # noqa: S101 - it was asked for
        served = json.loads(simulator.stdout.readline())
        results: dict[str, list[dict[str, float]]] = {name: [] for name in options.contenders}
        databases = {}
        for run in range(options.runs):
            for name in options.contenders:
                databases[name] = folder / f"{name}-{run}" / "bench.duckdb"
                databases[name].parent.mkdir()
                results[name].append(load(name, served, databases[name]))
    finally:
        simulator.terminate()
        simulator.wait()
    return results, list(databases.values())


def load(name: str, served: dict[str, Any], database: Path) -> dict[str, float]:
    """One load in a process of its own: its seconds, CPU seconds and peak memory."""
    arguments = [name, served["url"], served["private_key"], str(database)]
    process = subprocess.Popen(
        [sys.executable, str(HERE / "load_events.py"), *arguments], stdout=subprocess.PIPE, cwd=database.parent
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name} failed with status {status}")
    return {**json.loads(said), "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}


def compare(databases: list[Path]) -> None:
    """Exit with a message when the tables of two contenders differ, generated ids and load ids aside."""
    first, *others = databases
    for other in others:
        with duckdb.connect() as connection:
            for alias, path in (("one", first), ("two", other)):
                connection.execute(f"ATTACH '{path}' AS {alias} (READ_ONLY)")
            tables = _tables(connection, "one")
            if tables != _tables(connection, "two"):
                sys.exit(f"tables differ: {tables} and {_tables(connection, 'two')}")
            for table, columns in tables.items():
                chosen = ", ".join(f'"{column}"' for column in columns if not column.startswith("_dlt"))
                one, two = (f"SELECT {chosen} FROM {alias}.loaded.{table}" for alias in ("one", "two"))
                for left, right in ((one, two), (two, one)):
                    extra = connection.execute(f"SELECT count(*) FROM ({left} EXCEPT ALL {right})").fetchone()
                    if extra != (0,):
                        sys.exit(f"table {table} differs in {extra} rows")


def _tables(connection: duckdb.DuckDBPyConnection, alias: str) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() WHERE database_name = ? "
        "AND schema_name = 'loaded' AND NOT starts_with(table_name, '_dlt') GROUP BY 1 ORDER BY 1",
        [alias],
    ).fetchall()
    return dict(rows)


def report(options: argparse.Namespace, results: dict[str, list[dict[str, float]]]) -> str:
    """The figures as Markdown."""
    names = ("python", "dlt", "duckdb", "pyarrow", "aiohttp")
    versions = [f"{name} {platform.python_version() if name == 'python' else version(name)}" for name in names]
    lines = [
        f"# {options.events:,} events, first load, merge on `id`, into DuckDB",
        "",
        f"{TODAY}; {os.cpu_count()} cores, {platform.machine()}; {', '.join(versions)};",
        f"{options.runs} runs in turn, median (min-max); the tables were compared and are equal.",
        "",
        "| | rows/s | seconds | extract | normalise | load | CPU s | MB before load | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, runs in results.items():
        rates = [{"rate": options.events / run["wall_s"]} for run in runs]
        keys = ("wall_s", "extract_s", "normalize_s", "load_s", "cpu_s", "mb_before_load", "peak_mb")
        cells = [_spread(rates, "rate", 0), *(_spread(runs, key, 0 if "mb" in key else 2) for key in keys)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    first, *others = results
    for other in others:
        pairs = zip(results[first], results[other], strict=True)
        ratios = [{"ratio": two["wall_s"] / one["wall_s"]} for one, two in pairs]
        lines += ["", f"{first} is {_spread(ratios, 'ratio', 1)} times as fast as {other}."]
    return "\n".join(lines) + "\n"


def _spread(runs: list[dict[str, float]], key: str, digits: int) -> str:
    values = [run[key] for run in runs]
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f}" + (f" ({low:,.{digits}f}-{high:,.{digits}f})" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
