"""A first sync of the Mailgun connector from its simulator, within an enforced limit of requests and without one.

    python bench/mailgun.py                                    30 domains, 1,000,000 events, 100 ms, 3,000 a minute
    python bench/mailgun.py --domains 5 --events 30000 --requests 60 --per-s 5
    python bench/mailgun.py --requests 0                       without a limit
    python bench/mailgun.py --requests 0 --slots 1             the same, one window after the other: minutes
    python bench/mailgun.py --requests 0 --events 240000 --against-one   both, and how many times faster: minutes
    python bench/mailgun.py --requests 0 --events 9000 --again   `headrace run mailgun` twice, at last with nothing new
    python bench/mailgun.py ... --write                        and add it to bench/results/<date>-mailgun.md

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
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from mailgun_again import told_of, twice
from report import origin

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"

SPAN_S = 2.5 * 86_400
#: Events of a page, and requests for a short list of domains.
PAGE, OTHERS = 300, 2
SLOTS = 16
#: What most events are; the odd ones of the simulator are for tests.
KINDS = ("accepted", "delivered", "opened", "clicked")
#: What is to be reached: a figure, its bound, and whether that is the least.
GOALS: Final = (
    ("of_what_the_limit_allows", "first sync: times what the limit allows", 1.1, False),
    ("of_what_the_limit_allows_with_load", "first sync with its load: times the soonest it allows", 1.1, False),
    ("of_the_limit_spread_evenly_with_load", "first sync with its load: times requests by rate", 1.1, False),
    ("times_faster_than_one", "first sync: times faster than one window after the other", 8, True),
    ("again_s", "nothing new: seconds of the process", 3, False),
    ("most_of_events_of_a_domain", "nothing new: requests a domain for events", 2, False),
)
RESULTS = Path(__file__).parent / "results"


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
        begin = 0
        for _ in sys.stdin:
            sys.stdout.write(json.dumps(told_of(sim.ledger, begin)) + "\n")
            sys.stdout.flush()
            begin = len(sim.ledger.requests)


def measure(options: argparse.Namespace, place: dict[str, str], folder: Path) -> dict[str, Any]:
    """One first load; seconds and counts."""
    import dlt

    from headrace.bridge.keep import Keep
    from headrace.bridge.plan import plan_source
    from headrace.bridge.source import source_of
    from headrace.connectors.mailgun import mailgun_config
    from headrace.engine import Report

    # as `headrace run` does it, but in one step, so that memory can be read before the load
    report, keep = Report(), Keep()
    pipeline = dlt.pipeline(
        "mailgun",
        destination=dlt.destinations.duckdb(str(folder / "x.duckdb")),
        dataset_name="loaded",
        pipelines_dir=str(folder / "pipelines"),
    )
    config = mailgun_config(api_key=place["key"], base_url=place["url"], streams=["domains", "events"])
    config["client"]["limits"] = {"in_flight": options.slots}
    plan, name = plan_source(config, name="mailgun")
    source = source_of(plan, name=name, report=report, keep=keep)
    keep.open(folder)
    keep.begin_step(plan, source.resources.selected)
    if options.requests:
        # the simulator's periods begin at multiples of their length: from the first moment of one
        time.sleep(-time.time() % options.per_s)
    begin = time.perf_counter()
    pipeline.extract(source)
    extracted = time.perf_counter()
    before_load_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipeline.normalize()
    pipeline.load()
    end = time.perf_counter()
    keep.close()
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
        "cpu_s": round(time.process_time(), 2),
        "mb_before_load": round(before_load_kb / 1024),
        "times_faster_than_alone": round(alone_s / (extracted - begin), 2),
    }
    if options.requests:
        periods = math.ceil(needed / options.requests) - 1
        rest_s = (needed - periods * options.requests) * options.latency_ms / 1000 / options.slots
        least_s = periods * options.per_s + rest_s
        evenly_s = needed * options.per_s / options.requests
        told["of_what_the_limit_allows"] = round((extracted - begin) / least_s, 3)
        told["of_what_the_limit_allows_with_load"] = round((end - begin) / least_s, 3)
        told["of_the_limit_spread_evenly_with_load"] = round((end - begin) / evenly_s, 3)
    return told


def write(options: list[str], told: dict[str, Any]) -> None:
    """Add what was measured to the file of the day."""
    now = datetime.now(timezone.utc)
    path = RESULTS / f"{now:%Y-%m-%d}-mailgun.md"
    lines = [""] if path.exists() else [f"# Syncs of Mailgun, {now:%Y-%m-%d}", ""]
    lines += [f"## `{' '.join(['python bench/mailgun.py', *options])}`, {now:%H:%M} UTC", "", *origin(), ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {_words(value)} |" for name, value in told.items()), ""]
    if goals := list(verdicts(told)):
        lines += ["| goal | bound | measured | |", "|---|---|---|---|", *goals, ""]
    with path.open("a") as file:
        file.write("\n".join(lines))


def verdicts(told: dict[str, Any]) -> Iterator[str]:
    """Each goal that was measured, as a row: what, the bound, the figure, and whether it is reached."""
    for figure, words, bound, at_least in GOALS:
        if figure in told:
            reached = told[figure] >= bound if at_least else told[figure] <= bound
            limit = f"at {'least' if at_least else 'most'} {bound}"
            yield f"| {words} | {limit} | {told[figure]} | {'reached' if reached else 'missed'} |"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def main() -> int:
    """Serve in another process, load once, and say what came out; 1 where rows lack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, default=30)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--latency-ms", type=int, default=100)
    parser.add_argument("--requests", type=int, default=3000, help="that the limit allows; 0 for no limit")
    parser.add_argument("--per-s", type=float, default=60.0)
    parser.add_argument("--slots", type=int, default=SLOTS, help="requests at once; with 1 one window after the other")
    parser.add_argument("--against-one", action="store_true", help="with one slot too, and how the two compare")
    parser.add_argument("--again", action="store_true", help="`headrace run` twice, the second time with nothing new")
    parser.add_argument("--write", action="store_true", help="add the figures to a file below bench/results")
    parser.add_argument("--place", default="", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
        return 0
    if options.place:
        place = json.loads(options.place)
        sys.stdout.write(json.dumps(measure(options, place, Path(place["folder"]))))
        return 0
    told = against_one(options) if options.against_one else served(options)
    sys.stdout.write(json.dumps(told, indent=2) + "\n" + "".join(f"{line}\n" for line in verdicts(told)))
    if options.write:
        write([each for each in sys.argv[1:] if each != "--write"], told)
    return 0 if told.get("rows") == told.get("expected_rows") else 1


def against_one(options: argparse.Namespace) -> dict[str, Any]:
    """With the slots and with a single one, in turn: how many times faster the first is to extract."""
    fast = served(options)
    slow = served(argparse.Namespace(**{**vars(options), "slots": 1}))
    return {
        **fast,
        "one_extract_s": slow["extract_s"],
        "times_faster_than_one": round(slow["extract_s"] / fast["extract_s"], 2),
    }


def served(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what the options say, with a simulator in another process. It gets the options from here."""
    said = {name: value for name, value in vars(options).items() if not isinstance(value, bool) and name != "place"}
    words = [word for name, value in said.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, __file__, *words, "--serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        if server.stdin is None or server.stdout is None:
            raise SystemExit("expected pipes to the simulator")
        try:
            place = json.loads(server.stdout.readline())
            if options.again:
                return twice(place, Path(folder), server.stdin, server.stdout)
            # a process of its own: dlt remembers pipelines, and memory is counted from its beginning
            return measured(words, place, folder)
        finally:
            server.terminate()


def measured(words: list[str], place: dict[str, str], folder: str) -> dict[str, Any]:
    """`measure` in another process."""
    command = [sys.executable, __file__, *words, "--place", json.dumps({**place, "folder": folder})]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return told


if __name__ == "__main__":
    raise SystemExit(main())
