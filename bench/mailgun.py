"""A first sync of the Mailgun connector from its simulator, within an enforced limit of requests and without one.

    python bench/mailgun.py                                    30 domains, 1,000,000 events, 100 ms, 3,000 a minute
    python bench/mailgun.py --domains 5 --events 30000 --requests 60 --per-s 5
    python bench/mailgun.py --requests 0                       without a limit
    python bench/mailgun.py --requests 0 --slots 1             the same, one window after the other: minutes

Bodies are rendered before anything is measured; the simulator has a process of its own, and the rows of DuckDB are
counted against what it holds. Needed are the pages of each domain, an empty one that ends them, and two for the list of
domains. Said is how long the extract took in terms of what the limit allows for the requests needed (whole periods for
all but the last of them, and the rest at the speed of the slots), and in terms of the needed ones one after the other;
one window after the other takes longer. The machine serves and loads at the same time: read the figures of a quiet one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

SPAN_S = 2.5 * 86_400
#: Events of a page, and requests for a short list of domains.
PAGE, OTHERS = 300, 2
SLOTS = 16
#: What most events are; the odd ones of the simulator are for tests.
KINDS = ("accepted", "delivered", "opened", "clicked")


def serve(options: argparse.Namespace) -> None:
    """Say address and key on a line, and serve until standard input ends."""
    from headrace.sim.mailgun import Clock, Event, Mailgun, World
    from headrace.sim.mailgun.rows import EventRows
    from headrace.sim.rate import Rate

    world = World(clock=Clock(None))
    now, each = world.clock.now - 7200, options.events // options.domains
    for number in range(options.domains):
        domain = world.us.add_domain(f"d{number}.test")
        rows = EventRows(number, domain.name)
        events = []
        for row in range(each):
            at_s = now - SPAN_S * row / each
            body = rows.render(row, at_s, KINDS[row % len(KINDS)])
            events.append(Event(at_s, rows.identity(row)[0], domain.name, body, at_s))
        domain.add_events(events)
    rate = Rate(options.requests, options.per_s) if options.requests else None
    with Mailgun(world, rates=rate, latency_s=options.latency_ms / 1000).serve() as sim:
        sys.stdout.write(json.dumps({"url": sim.url, "key": sim.key}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


def measure(options: argparse.Namespace, place: dict[str, str], folder: Path) -> dict[str, Any]:
    """One first load; seconds and counts."""
    import dlt

    from headrace import rest_api_source
    from headrace.connectors.mailgun import mailgun_config
    from headrace.engine import Report

    report = Report()
    pipeline = dlt.pipeline(
        "mailgun",
        destination=dlt.destinations.duckdb(str(folder / "x.duckdb")),
        dataset_name="loaded",
        pipelines_dir=str(folder / "pipelines"),
    )
    config = mailgun_config(api_key=place["key"], base_url=place["url"], streams=["domains", "events"])
    config["client"]["limits"] = {"in_flight": options.slots}
    source = rest_api_source(config, name="mailgun", report=report)
    begin = time.perf_counter()
    pipeline.extract(source)
    extracted = time.perf_counter()
    before_load_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipeline.normalize()
    pipeline.load()
    end = time.perf_counter()
    with pipeline.sql_client() as client:
        rows = (client.execute_sql("SELECT count(*) FROM events") or [[0]])[0][0]
    resources = report.resources.values()
    requests = sum(each.requests for each in resources)
    needed = options.domains * (math.ceil(options.events // options.domains / PAGE) + 1) + OTHERS
    alone_s = needed * options.latency_ms / 1000
    told = {
        "rows": rows,
        "expected_rows": options.events // options.domains * options.domains,
        "requests_needed": needed,
        "requests": requests,
        "of_needed": round(requests / needed, 3),
        "refused": sum(sum(each.retries.values()) for each in resources),
        "extract_s": round(extracted - begin, 2),
        "load_s": round(end - extracted, 2),
        "mb_before_load": round(before_load_kb / 1024),
        "times_faster_than_alone": round(alone_s / (extracted - begin), 2),
    }
    if options.requests:
        periods = math.ceil(needed / options.requests) - 1
        rest_s = (needed - periods * options.requests) * options.latency_ms / 1000 / options.slots
        told["of_what_the_limit_allows"] = round((extracted - begin) / (periods * options.per_s + rest_s), 3)
    return told


def main() -> int:
    """Serve in another process, load once, and say what came out; 1 where rows lack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, default=30)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--latency-ms", type=int, default=100)
    parser.add_argument("--requests", type=int, default=3000, help="that the limit allows; 0 for no limit")
    parser.add_argument("--per-s", type=float, default=60.0)
    parser.add_argument("--slots", type=int, default=SLOTS, help="requests at once; with 1 one window after the other")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
        return 0
    command = [sys.executable, __file__, *sys.argv[1:], "--serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        try:
            told = measure(options, json.loads(server.stdout.readline() if server.stdout else ""), Path(folder))
        finally:
            server.terminate()
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0 if told["rows"] == told["expected_rows"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
