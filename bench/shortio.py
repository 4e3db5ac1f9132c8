"""A first sync of Short.io's clicks against the simulator, whose statistics host enforces its limit scaled up.

    python bench/shortio.py                        12 months, 1,000,000 clicks, 100 ms a request, 600 requests a minute
    python bench/shortio.py --clicks 20000 --page-size 100

Ten requests a minute are the real limit; 60 times as many make the run short and change nothing of its shape. Shown are
the seconds of the extract and of the whole beside the least that the limit and the latency allow for the requests that
are needed, a full page each, and the peak of memory before the load step, DuckDB having what `headrace
run` gives it. The simulator runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_YEAR_MS = 364 * 86_400_000
_LATENCY_S = 0.1
_SLOTS = 8


def main() -> int:
    """Load, and say what it took; 1 if a click is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--per-minute", type=int, default=600)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return _serve(options.clicks, options.per_minute)
    command = [sys.executable, __file__, "--serve", f"--clicks={options.clicks}", f"--per-minute={options.per_minute}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        try:
            return _load(options, *server.stdout.readline().split())
        finally:
            server.terminate()


def _serve(clicks: int, per_minute: int) -> int:
    from headrace.sim.rate import Rate
    from headrace.sim.shortio import Click, Rates, Shortio, World

    world = World(wall=time.time)
    domain = world.add_domain()
    dice = random.Random(0)  # noqa: S311 - moments of clicks
    bodies = [world.body(domain, f"/{number}") for number in range(500)]
    last = world.now_ms - 600_000
    moments = (last - int(dice.random() * _YEAR_MS) for _ in range(clicks))
    world.add_clicks(domain.id, (Click(moment, bodies[moment % len(bodies)]) for moment in moments))
    service = Shortio(world, rates=Rates(None, Rate(per_minute, 60.0)), latency_s=_LATENCY_S)
    with service.serve() as sim:
        sys.stdout.write(f"{sim.api_url} {sim.statistics_url} {sim.key}\n")
        sys.stdout.flush()
        sim.wait()
    return 0


def _load(options: argparse.Namespace, api: str, statistics: str, key: str) -> int:
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    import dlt
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    from headrace.command.pipeline import DUCKDB_MEMORY
    from headrace.connectors import shortio
    from headrace.engine import Report

    with tempfile.TemporaryDirectory() as folder:
        report = Report()
        source = shortio(
            key,
            base_url=api,
            statistics_url=statistics,
            streams=["clicks"],
            page_size=options.page_size,
            requests_per_minute=options.per_minute,
            report=report,
        )
        credentials = DuckDbCredentials(str(Path(folder) / "bench.duckdb"))
        credentials.global_config = {"memory_limit": DUCKDB_MEMORY}
        database = dlt.destinations.duckdb(credentials)
        pipeline = dlt.pipeline("bench", destination=database, dataset_name="data", pipelines_dir=folder)
        begin = time.perf_counter()
        pipeline.extract(source)
        seconds = time.perf_counter() - begin
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pipeline.normalize()
        pipeline.load()
        whole_s = time.perf_counter() - begin
        with pipeline.sql_client() as client:
            ((rows,),) = client.execute_sql("SELECT count(*) FROM clicks") or [(0,)]
        requests = report.of("clicks").requests
        # a minute's worth may go out at once, and whole minutes are waited for after it
        needed = -(-options.clicks // options.page_size) + 1
        minutes, rest = divmod(needed - 1, options.per_minute)
        ideal_s = 60 * minutes + rest * _LATENCY_S / _SLOTS
        sys.stdout.write(
            f"{rows:,} of {options.clicks:,} clicks, {requests:,} requests of which {needed:,} are needed, "
            f"extract {seconds:.1f} s, {seconds / ideal_s:.2f} times the least of {ideal_s:.1f} s; with the load "
            f"{whole_s:.1f} s, {whole_s / ideal_s:.2f} times; peak before the load {peak_mb:.0f} MB\n"
        )
    return 0 if rows == options.clicks else 1


if __name__ == "__main__":
    sys.exit(main())
