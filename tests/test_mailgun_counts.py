"""What Mailgun counts, through dlt into DuckDB, beside what is added up here from all events: each bucket, each count.

A bucket that is missing is noticed as much as one that is wrong; some hours and days have no events, and no row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import dlt
import pytest

from headrace.clock import TurnedClock
from headrace.connectors import mailgun
from headrace.connectors.mailgun.analytics import METRICS
from headrace.sim.mailgun import Clock, Mailgun, MailgunSim, World
from headrace.sim.mailgun.counts import USAGE, counted, firsts
from loading import Database, pipeline, read_database

HOUR_S, DAY_S = 3600, 86_400
NAMES = ("mail.acme.test", "news.acme.test")
PROVIDERS = ("Gmail", "Outlook", "Yahoo", "GMX", "Proton")
STREAMS = ("metrics_daily", "metrics_hourly", "usage_daily", "bounce_classification")
#: Bucket of whatever kind -> its counts, those that are zero left out.
Counts = Mapping[tuple[Any, ...], Mapping[str, int]]


def happen(world: World, dice: Random, first_s: float, last_s: float, count: int) -> None:
    """Events between two moments, in some hours alone; some at the bounds of days and hours."""
    for name in NAMES:
        domain = world.us.domain(name)
        assert domain is not None
        for _ in range(count):
            at_s = dice.uniform(first_s, last_s)
            hour_s = at_s // HOUR_S * HOUR_S
            if hour_s // HOUR_S % 3 and hour_s > first_s:
                at_s = dice.choice((hour_s, hour_s + HOUR_S - 0.001, hour_s // DAY_S * DAY_S, at_s))
                if not first_s <= at_s < last_s:
                    continue
            kind = dice.choice(("accepted", "delivered", "permanent", "temporary", "opened", "clicked", "stored", None))
            domain.add_event(at_s, kind=kind, **{"recipient-provider": dice.choice(PROVIDERS)})


def load(target: dlt.Pipeline, sim: MailgunSim) -> Database:
    clock = TurnedClock(wall=sim.world.clock.now)
    target.run(mailgun(sim.key, base_url=sim.url, streams=STREAMS, clock=clock))
    return read_database(target)


def happened(sim: MailgunSim) -> Iterator[tuple[str, float, Mapping[str, Any], list[str]]]:
    """(domain, time, event, what it counts for)."""
    facts = sorted(sim.truth("events", ever=True), key=lambda fact: fact.row["timestamp"])
    first = firsts(fact.row for fact in facts)
    for fact in facts:
        row = fact.row
        names = [*counted(row), *([f"unique_{row['event']}"] if row["id"] in first else [])]
        if names:
            yield fact.parent[0], row["timestamp"], row, names


def by_metric(sim: MailgunSim, step_s: int, since_s: float) -> Counts:
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for domain, at_s, _, names in happened(sim):
        if (bucket_s := at_s // step_s * step_s) >= since_s:
            found.setdefault((bucket_s, domain), Counter()).update(
                metric for metric in METRICS if metric.removesuffix("_count") in names
            )
    return found


def by_use(sim: MailgunSim, _: int, since_s: float) -> Counts:
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for _, at_s, _, names in happened(sim):
        if (day_s := at_s // DAY_S * DAY_S) >= since_s:
            found.setdefault((day_s,), Counter()).update(metric for metric, name in USAGE.items() if name in names)
    return found


def by_refusal(sim: MailgunSim, _: int, since_s: float) -> Counts:
    """Whole days before today's; nothing where all went well."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for domain, at_s, row, names in happened(sim):
        day_s = at_s // DAY_S * DAY_S
        if since_s <= day_s < sim.world.clock.now // DAY_S * DAY_S:
            counts = found.setdefault((day_s, domain, row.get("recipient-provider", "Other")), Counter())
            counts["metrics__delivered_smtp_count"] += "delivered_smtp" in names
            if row["event"] == "failed":
                is_final = row["severity"] == "permanent"
                counts["metrics__classified_failures_count"] += 1
                counts[f"metrics__{'critical_bounce' if is_final else 'non_critical_delay'}_count"] += 1
    return {key: counts for key, counts in found.items() if counts["metrics__classified_failures_count"]}


#: Stream -> columns of its key, seconds of a bucket and those that the first run looks back, what is true. A range of
#: metrics begins a bucket early.
JUDGES: Final[Mapping[str, tuple[tuple[str, ...], int, int, Callable[[MailgunSim, int, float], Counts]]]] = {
    "metrics_daily": (("time", "domain"), DAY_S, 31 * DAY_S, by_metric),
    "metrics_hourly": (("time", "domain"), HOUR_S, 3 * DAY_S + HOUR_S, by_metric),
    "usage_daily": (("time",), DAY_S, 31 * DAY_S, by_use),
    "bounce_classification": (("timestamp", "domain_name", "entity_name"), DAY_S, 7 * DAY_S, by_refusal),
}


def loaded(database: Database, stream: str, key: tuple[str, ...]) -> Counts:
    found: dict[tuple[Any, ...], Mapping[str, int]] = {}
    for row in database.rows(stream):
        bucket = (row[key[0]].timestamp(), *(row[name] for name in key[1:]))
        assert bucket not in found, (stream, bucket)
        found[bucket] = {name: value for name, value in row.items() if name.endswith("_count") and value}
    return found


def compare(sim: MailgunSim, database: Database, first_run_s: float) -> dict[str, Counts]:
    judged = {}
    for stream, (key, step_s, back_s, truth) in JUDGES.items():
        since_s = (first_run_s - back_s) // step_s * step_s
        expected = {
            bucket: {name: value for name, value in counts.items() if value}
            for bucket, counts in truth(sim, step_s, since_s).items()
        }
        assert loaded(database, stream, key) == expected, stream
        judged[stream] = expected
    return judged


@pytest.mark.parametrize("hour", [0.0, 13.4])
def test_every_bucket_is_there_and_counts_what_happened(hour: float, tmp_path: Path) -> None:
    """At midnight and in mid hour; a day later again, with events that came late into buckets of before."""
    dice = Random(7)
    world = World(clock=Clock(1_772_582_400.0 + hour * HOUR_S), retention_s=30 * DAY_S)
    for name in NAMES:
        world.us.add_domain(name)
    target = pipeline(tmp_path, "mail")
    began_s = world.clock.now
    happen(world, dice, began_s - 12 * DAY_S, began_s - 9 * DAY_S, 60)
    happen(world, dice, began_s - 7 * DAY_S, began_s, 400)
    with Mailgun(world).serve() as sim:
        first = compare(sim, load(target, sim), began_s)
        world.clock.advance(DAY_S + 1234.5)
        happen(world, dice, began_s - 1.2 * DAY_S, began_s, 60)
        happen(world, dice, began_s, world.clock.now, 90)
        second = compare(sim, load(target, sim), began_s)
    for stream, counts in first.items():
        assert set(counts) < set(second[stream]), stream
        assert any(second[stream][bucket] != before for bucket, before in counts.items()), stream
    # buckets without events lie between; failures fill more than one page of 50
    assert len(first["metrics_daily"]) == len({day for day, _ in first["metrics_daily"]}) * len(NAMES) < 13 * len(NAMES)
    assert len(first["metrics_hourly"]) < 73 * len(NAMES)
    assert len(first["bounce_classification"]) > 50
