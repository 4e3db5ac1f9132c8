"""A first sync of Short.io's clicks against the simulator, whose statistics host enforces its limit scaled up.

    python bench/shortio.py                        12 months, 1,000,000 clicks, 100 ms a request, 600 requests a minute
    python bench/shortio.py --clicks 20000 --page-size 100
    python bench/shortio.py --write                and write it down below bench/results

Ten requests a minute are the real limit; 60 times as many make the run short and change nothing of its shape. Shown are
the seconds of the extract and of the whole beside the least that the limit and the latency allow for the requests that
are needed, a full page each, and the peak of memory before the load step, DuckDB having what `headrace
run` gives it, and pages being kept as it keeps them. The simulator runs in a process of its own.
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
from datetime import datetime, timezone
from pathlib import Path

_YEAR_MS = 364 * 86_400_000
_LATENCY_S = 0.1
_SLOTS = 8
#: The goals: times the least with the load, and MB before it.
_MOST_TIMES = 1.1
_MOST_MB = 400


def main() -> int:
    """Load, and say what it took; 1 if a click is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--per-minute", type=int, default=600)
    parser.add_argument("--write", action="store_true", help="write it down below bench/results")
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
    os.environ["SOURCES__SHORTIO__API_KEY"] = key
    import dlt
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    from headrace.bridge.keep import Keep
    from headrace.bridge.plan import plan_source
    from headrace.bridge.source import source_of
    from headrace.command.pipeline import DUCKDB_MEMORY
    from headrace.connectors.shortio import shortio_config
    from headrace.engine import Report

    with tempfile.TemporaryDirectory() as folder:
        report, keep = Report(), Keep()
        config = shortio_config(
            base_url=api,
            statistics_url=statistics,
            streams=["clicks"],
            page_size=options.page_size,
            requests_per_minute=options.per_minute,
        )
        plan, name = plan_source(config, section="shortio")
        source = source_of(plan, name=name, section="shortio", report=report, keep=keep)
        credentials = DuckDbCredentials(str(Path(folder) / "bench.duckdb"))
        credentials.global_config = {"memory_limit": DUCKDB_MEMORY}
        database = dlt.destinations.duckdb(credentials)
        pipeline = dlt.pipeline("bench", destination=database, dataset_name="data", pipelines_dir=folder)
        keep.open(Path(folder))
        keep.begin_step(plan, source.resources.selected)
        begin = time.perf_counter()
        pipeline.extract(source)
        extract_s = time.perf_counter() - begin
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pipeline.normalize()
        pipeline.load()
        whole_s = time.perf_counter() - begin
        keep.close()
        with pipeline.sql_client() as client:
            ((rows,),) = client.execute_sql("SELECT count(*) FROM clicks") or [(0,)]
        requests = report.of("clicks").requests
        # a minute's worth may go out at once, and whole minutes are waited for after it
        needed = -(-options.clicks // options.page_size) + 1
        minutes, rest = divmod(needed - 1, options.per_minute)
        ideal_s = 60 * minutes + rest * _LATENCY_S / _SLOTS
        said = (
            f"{rows:,} of {options.clicks:,} clicks, {requests:,} requests of which {needed:,} are needed, "
            f"extract {extract_s:.1f} s, {extract_s / ideal_s:.2f} times the least of {ideal_s:.1f} s; with the load "
            f"{whole_s:.1f} s, {whole_s / ideal_s:.2f} times; peak before the load {peak_mb:.0f} MB\n"
        )
        sys.stdout.write(said)
    if options.write:
        _write(options, said, whole_s / ideal_s, peak_mb)
    return 0 if rows == options.clicks else 1


def _write(options: argparse.Namespace, said: str, times: float, peak_mb: float) -> None:
    """What was measured below bench/results; of the same day the last."""
    import report

    goals = (
        ("times the least, load included", _MOST_TIMES, f"{times:.3f}", times <= _MOST_TIMES),
        ("MB until the load step", _MOST_MB, f"{peak_mb:.0f}", peak_mb <= _MOST_MB),
    )
    rows = [f"| {name} | at most {most} | {got} | {'reached' if ok else 'missed'} |" for name, most, got, ok in goals]
    setting = (
        f"The simulator runs in a process of its own, on the same cores: {1000 * _LATENCY_S:.0f} ms a request, at most "
        f"{options.per_minute} a minute, {options.page_size:,} clicks a page. One run."
    )
    lines = [
        f"# A first sync of Short.io's clicks, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "",
        *report.origin(),
        setting,
        "",
        said,
        "| goal | bound | measured | |",
        "|---|---|---|---|",
        *rows,
        "",
    ]
    path = Path(__file__).parent / "results" / f"{datetime.now(timezone.utc):%Y-%m-%d}-shortio.md"
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
