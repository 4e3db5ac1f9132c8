"""Drawn schedules of runs over simulated days: late events, retention, limits, refusals, stops; nothing is lost.

What a loader must have: each event that could be read when a run was complete. It may have more, that of runs that
were limited to a range, and nothing that was never there.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from headrace.errors import TransportError
from headrace.sim.mailgun import Domain, Doubts, World
from headrace.sim.mailgun import truth as truth_of
from headrace.sim.rate import Rate
from mailgun_sink import Sink, StopError, plan_of

DAY_S = 86_400
HOUR_S = 3600
#: `overlap` and `settle` of the connector together: nothing that is later is promised.
LATEST_S = 5400
RETENTION_S = 3 * DAY_S
#: The connector asks for a little less than the plan keeps.
READABLE_S = RETENTION_S - HOUR_S
NAMES = ("a.test", "b.test")

doubts = st.builds(
    Doubts,
    events_begin=st.sampled_from(("inclusive", "exclusive")),
    events_end=st.sampled_from(("exclusive", "inclusive")),
    events_precision=st.sampled_from(("ms", "s", "exact")),
    events_beyond_retention=st.sampled_from(("cut", "refuse")),
    events_empty_next=st.sampled_from(("same", "new")),
    logs_start=st.sampled_from(("inclusive", "exclusive")),
    logs_end=st.sampled_from(("exclusive", "inclusive")),
    logs_precision=st.sampled_from(("ms", "s", "exact")),
    logs_beyond_retention=st.sampled_from(("cut", "refuse")),
    logs_next=st.sampled_from(("full_page", "exact", "always")),
    logs_ids=st.sampled_from(("same", "own")),
    limit_headers=st.sampled_from(("X-Request", "X-RateLimit", "none")),
    limit_body=st.sampled_from(("retry_seconds", "message", "text", "none")),
    limit_status=st.sampled_from((429, 420)),
    retry_after=st.sampled_from(("none", "seconds", "date")),
)


@dataclass
class Judge:
    """What must have been loaded by the runs so far; and from when on the next run of each domain goes on."""

    must: set[tuple[str, str]] = field(default_factory=set)
    first_s: dict[str, float] = field(default_factory=dict)

    def ran(self, domains: list[Domain], began_s: float, ended_s: float, *, kept: bool = True) -> None:
        """A run over these domains was complete; `kept`: so is its state."""
        for domain in domains:
            if kept:
                self.first_s.setdefault(domain.name, ended_s)
            for event in domain.events.known():
                if event.arrives_s <= began_s and ended_s - READABLE_S + 2 <= event.at_s < began_s - 1:
                    self.must.add((domain.name, event.id))


def happen(domains: list[Domain], now: float, last_s: float, dice: Random, *, coming: bool = False) -> None:
    """Events since the last run or a little ahead; some at whole seconds, in pairs, twice, or late."""
    moments = [now - dice.random() * last_s for _ in range(dice.randrange(12))]
    odd = [float(int(now - dice.random() * last_s)) + dice.choice((0.0, 0.999, 0.9999)) for _ in range(4)]
    for domain in domains:
        for at_s in [*moments, *odd, *odd[:2]]:
            at_s = at_s + (300 if coming else 0)  # noqa: PLW2901 - the same moment, a little ahead
            late_s = dice.choice((0.0, 0.0, dice.random() * LATEST_S))
            event = domain.add_event(at_s, arrives_s=max(at_s + late_s, at_s if coming else now - last_s))
            if dice.random() < 0.1:
                domain.add_events([event])


@pytest.mark.parametrize(("stream", "schedules"), [("events", 140), ("logs", 60)])
def test_schedules_of_runs_lose_nothing(stream: str, schedules: int) -> None:
    passed = 0

    @seed(0)
    # a schedule says its number, and smaller ones are rarely clearer: no time goes into looking for them
    @settings(
        max_examples=schedules,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(doubts=doubts, number=st.integers(0, 1 << 32), runs=st.integers(1, 11), page=st.sampled_from((10, 50, 100)))
    def schedule(doubts: Doubts, number: int, runs: int, page: int) -> None:
        nonlocal passed
        run_schedule(stream, doubts, Random(number), runs, page)
        passed += 1

    schedule()
    assert passed >= schedules


def run_schedule(stream: str, doubts: Doubts, dice: Random, runs: int, page: int) -> None:
    world = World(seed=dice.randrange(1000), retention_s=RETENTION_S)
    domains = [world.us.add_domain(name) for name in NAMES]
    rate = dice.choice((None, None, Rate(20, 10.0)))
    options: dict[str, Any] = {"reread_every": dice.choice(("1d", "3d"))}
    sink = Sink(world, doubts, plan_of(world, page, streams=[stream], **options), rate)
    judge, gone = Judge(), []
    last_s = 20 * HOUR_S
    for _ in range(runs):
        happen(domains, world.clock.now, last_s, dice)
        gone += one_run(sink, stream, domains, judge, dice)
        last_s = dice.choice((30.0, 1800.0, HOUR_S * 2, HOUR_S * 9, DAY_S, DAY_S * 2, DAY_S * 4)) + dice.random()
        world.clock.advance(last_s)
    world.clock.advance(2 * HOUR_S)
    for domain in domains:
        domain.denial = None
    began = world.clock.now
    sink.rate = None
    gone += sink.run().of(stream).gone
    judge.ran(domains, began, world.clock.now)
    compare(sink, stream, domains, judge, gone)


def one_run(sink: Sink, stream: str, domains: list[Domain], judge: Judge, dice: Random) -> list[str]:
    """One run of whatever kind, told to the judge where it was complete; what it said was gone."""
    world, began = sink.world, sink.world.clock.now
    for domain in domains:
        domain.denial = dice.choice((None, None, None, 401, 403, 404, 400)) if stream == "events" else None
    moves = dice.random() < 0.3

    def meanwhile() -> None:
        if moves and dice.random() < 0.3:
            world.clock.advance(dice.random() * 3)

    if moves:
        happen(domains, began, 600, dice, coming=True)
    kind = dice.choice(("whole", "whole", "whole", "stopped", "rows alone", "ranged"))
    given: dict[str, Any] = {"meanwhile": meanwhile}
    if kind == "stopped":
        given["stop_after"] = dice.randrange(12)
    if kind == "rows alone":
        given["rows_alone"] = True
    if kind == "ranged":
        given["since"] = dice.choice(("-1h", "-2d", "-3h", "-4d"))
        given["until"] = dice.choice((None, "-30m", "-45m"))
    told: list[str] = []
    with suppress(StopError, TransportError):
        report = sink.run(**given)
        told = report.of(stream).gone
        if kind != "ranged":
            # also where the state was not kept: the rows are there
            whole = [domain for domain in domains if domain.denial is None]
            judge.ran(whole, began, world.clock.now, kept=kind != "rows alone")
    return told


def compare(sink: Sink, stream: str, domains: list[Domain], judge: Judge, gone: list[str]) -> None:
    """What stands in the sink is what must, and nothing that never was; what is lost was said to be gone."""
    known = {(domain.name, event.id): event for domain in domains for event in domain.events.known()}
    rows = list(sink.rows.get(stream, {}).values())
    found = {(row["domain_name"] if stream == "events" else row["domain"]["name"], row["id"]) for row in rows}
    ever = {(domain.name, event.id) for domain in domains for event in domain.events.ever_readable()}
    if stream == "logs" and sink.doubts.logs_ids == "own":
        # ids of logs say nothing of events: as many rows of each second as there are events
        truth = truth_of(sink.world, sink.doubts, "logs", ever=True)
        own = {(fact.parent[0], fact.row["id"]): fact.row for fact in truth}
        assert found <= set(own)
        assert len(found) >= len(judge.must)
        return
    assert judge.must - found == set()
    assert found - ever == set()
    for row in rows if stream == "events" else ():
        event = known[row["domain_name"], row["id"]]
        assert row["timestamp"] == row["occurred_at"] == event.row["timestamp"]
        assert (row["region"], row["account_label"]) == ("us", "main")
    in_time = {
        each
        for each in ever - found
        if known[each].arrives_s == known[each].at_s > judge.first_s.get(each[0], math.inf)
    }
    assert gone or not in_time
