"""Windows over days of the simulated Mailgun, through dlt: what arrives late, what is refused, what is gone."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.engine import Report
from headrace.errors import RefusedError
from headrace.sim.mailgun import Domain, Doubts, Mailgun, MailgunSim, World
from loading import pipeline, read_database, refused

DAY_S = 86400
HOUR_S = 3600
NAMES = ("mail.acme.test", "news.acme.test")
LINKS = {"type": "json_link", "next_url_path": "paging.next", "stop_after_empty_page": True}
TOKENS = {
    "type": "cursor",
    "cursor_path": "pagination.next",
    "cursor_body_path": "pagination.token",
    "stop_after_empty_page": True,
}
LATE = {"start": "-4d", "overlap": "1h", "settle": "30m", "retention": "5d", "resolution": "1s"}
SKIP = [{"status_code": 403, "action": "skip"}]


def events(sim: MailgunSim, **windows: Any) -> dict[str, Any]:
    """A configuration of the events of both domains, a call for each."""
    endpoint = {
        "path": "v3/{domain}/events",
        "params": {"ascending": "yes", "limit": 20},
        "data_selector": "items",
        "paginator": LINKS,
        "response_actions": SKIP,
        "windows": {"param_start": "begin", "param_end": "end", "format": "decimal_seconds", **LATE, **windows},
    }
    keys = {"primary_key": ["domain", "id"], "write_disposition": "merge"}
    return {
        "client": {"base_url": sim.url, "auth": {"type": "http_basic", "username": "api", "password": sim.key}},
        "params": {"domain": list(NAMES)},
        "resources": [{"name": "events", **keys, "endpoint": endpoint}],
    }


def logs(sim: MailgunSim, **windows: Any) -> dict[str, Any]:
    """The logs of the account, their range in the body; the sort is what makes the first page the oldest."""
    endpoint = {
        "path": "v1/analytics/logs",
        "method": "POST",
        "json": {"pagination": {"limit": 20, "sort": "timestamp:asc"}},
        "data_selector": "items",
        "paginator": TOKENS,
        "windows": {"body_path_start": "start", "body_path_end": "end", "format": "rfc2822", **LATE, **windows},
    }
    merged = {"primary_key": "id", "write_disposition": "merge"}
    config = events(sim)
    return {"client": config["client"], "resources": [{"name": "logs", **merged, "endpoint": endpoint}]}


def load(target: dlt.Pipeline, sim: MailgunSim, config: dict[str, Any], **others: Any) -> Report:
    """One run at the world's moment."""
    report = Report()
    clock = TurnedClock(wall=sim.world.clock.now)
    target.run(rest_api_source(config, name="mail", report=report, clock=clock, **others))
    return report


def loaded(target: dlt.Pipeline, table: str) -> list[str]:
    database = read_database(target)
    return sorted(row["id"] for row in database.rows(table)) if table in database.tables else []


def remembered(target: dlt.Pipeline, resource: str = "events") -> dict[str, float]:
    """Domain -> the bound; `@` is the only call."""
    found = target.state["sources"]["mail"]["resources"].get(resource, {}).get("windows", {})
    return {json.loads(key).get("domain", "@"): until for key, until in found.items()}


def world_of(*, retention_s: float = 5 * DAY_S) -> tuple[World, list[Domain]]:
    world = World(retention_s=retention_s)
    return world, [world.us.add_domain(name) for name in NAMES]


def happen(domains: list[Domain], now: float, dice: Random, last_s: float) -> None:
    """Events of the time since the last run, up to an hour and a half late; some at whole seconds, some in pairs."""
    for domain in domains:
        for _ in range(25):
            at_s = now - dice.random() * last_s
            at_s = dice.choice((at_s, float(int(at_s)), int(at_s) + 0.999, int(now) - 1800.0))
            late_s = dice.choice((0, 0, dice.random() * 5400))
            domain.add_event(at_s, arrives_s=max(at_s + late_s, now if late_s == 0 else 0))


@pytest.mark.parametrize(
    ("stream", "begin", "end", "precision"),
    [
        ("events", "inclusive", "exclusive", "ms"),
        ("events", "exclusive", "exclusive", "s"),
        ("events", "inclusive", "inclusive", "exact"),
        ("logs", "exclusive", "inclusive", "ms"),
        ("logs", "exclusive", "exclusive", "s"),
    ],
)
def test_runs_over_days_end_with_every_row(stream: str, begin: str, end: str, precision: str, tmp_path: Path) -> None:
    """Late events are put into pages that were served; runs come when they come; nothing is lost or doubled."""
    world, domains = world_of()
    first = "begin" if stream == "events" else "start"
    bounds: Any = {f"{stream}_{first}": begin, f"{stream}_end": end, f"{stream}_precision": precision}
    dice = Random(begin + end + precision)
    target = pipeline(tmp_path, "mail")
    with Mailgun(world, Doubts(**bounds, events_beyond_retention="refuse")).serve() as sim:
        config = {"events": events, "logs": logs}[stream](sim)
        for last_s in (DAY_S, 30, 2 * HOUR_S, 9 * HOUR_S):
            world.clock.advance(last_s + dice.random())
            happen(domains, world.clock.now, dice, last_s)
            load(target, sim, config)
        world.clock.advance(2 * HOUR_S)
        load(target, sim, config)
        assert loaded(target, stream) == sorted(fact.row["id"] for fact in sim.truth(stream, ever=True))
    until = world.clock.now - 1800
    assert all(until - 1 <= found <= until for found in remembered(target, stream).values())


def test_a_skipped_domain_stays_where_it_was(tmp_path: Path) -> None:
    world, domains = world_of()
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        happen(domains, world.clock.now, Random(1), DAY_S)
        load(target, sim, events(sim))
        before = remembered(target)
        domains[0].denial = 403
        world.clock.advance(DAY_S)
        happen(domains, world.clock.now, Random(2), DAY_S)
        with pytest.warns(HeadraceWarning, match="skipped"):
            load(target, sim, events(sim))
        skipped = remembered(target)
        assert skipped[NAMES[0]] == before[NAMES[0]]
        assert skipped[NAMES[1]] == before[NAMES[1]] + DAY_S
        domains[0].denial = None
        world.clock.advance(DAY_S)
        load(target, sim, events(sim))
        assert loaded(target, "events") == sorted(fact.row["id"] for fact in sim.truth("events", ever=True))


def test_a_run_that_fails_or_is_limited_leaves_what_is_remembered(tmp_path: Path) -> None:
    world, domains = world_of()
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        happen(domains, world.clock.now, Random(1), DAY_S)
        limited = rest_api_source(events(sim), name="mail", clock=TurnedClock(wall=world.clock.now))
        target.run(limited.add_limit(1))
        assert remembered(target) == {}
        domains[1].denial = 401
        with refused(RefusedError):
            load(target, sim, events(sim))
        assert remembered(target) == {}
        domains[1].denial = None
        # all of it, but as dictionaries, through a step of somebody else
        whole = rest_api_source(events(sim), name="mail", clock=TurnedClock(wall=world.clock.now))
        whole.resources["events"].add_map(lambda row: row)
        target.run(whole)
        assert set(remembered(target)) == set(NAMES)
        world.clock.advance(2 * HOUR_S)
        load(target, sim, events(sim))
        assert loaded(target, "events") == sorted(fact.row["id"] for fact in sim.truth("events", ever=True))


def test_later_than_all_is_found_by_looking_far_back(tmp_path: Path) -> None:
    """A day late is beyond overlap and settling; each run but one in a day costs no more calls than before."""
    world, domains = world_of()
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        config = events(sim, reread_every="1d")
        now = world.clock.now
        late = domains[0].add_event(now - 3 * HOUR_S, arrives_s=now + 20 * HOUR_S)
        load(target, sim, config)
        world.clock.advance(21 * HOUR_S)
        load(target, sim, config)
        assert loaded(target, "events") == []
        world.clock.advance(2 * HOUR_S)
        load(target, sim, config)
        assert loaded(target, "events") == [late.id]
        before = remembered(target)
        world.clock.advance(HOUR_S)
        load(target, sim, config)
        assert set(remembered(target).values()) == {before[NAMES[0]] + HOUR_S}


def test_what_is_gone_is_said_and_told(tmp_path: Path) -> None:
    """A first run that looks back is complete; one that comes too late says for what, once, and goes on."""
    world, domains = world_of()
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        happen(domains, world.clock.now, Random(1), DAY_S)
        assert load(target, sim, events(sim)).of("events").gone == []
        world.clock.advance(6 * DAY_S)
        with pytest.warns(HeadraceWarning, match="older than 5 days: gone at the API"):
            report = load(target, sim, events(sim))
        first, second = report.of("events").gone
        assert first.startswith(f'call {{"domain": "{NAMES[0]}"}}: rows between 2026-03-03T23:30:00Z and ')
        assert second.startswith(f'call {{"domain": "{NAMES[1]}"}}')
        assert load(target, sim, events(sim)).of("events").gone == []


def test_a_backfill_lists_its_range_and_leaves_no_hole(tmp_path: Path) -> None:
    world, domains = world_of()
    target = pipeline(tmp_path, "mail")
    now = world.clock.now
    with Mailgun(world).serve() as sim:
        config = events(sim, start="-1h")
        old, new = (domains[0].add_event(now - days * DAY_S) for days in (3, 1))
        load(target, sim, config)
        assert loaded(target, "events") == []
        before = remembered(target)
        load(target, sim, config, since="-80h", until="-2d")
        assert loaded(target, "events") == [old.id]
        assert remembered(target) == before, "what is remembered never goes back"
        load(target, sim, config, since={"events": "-30h"})
        assert loaded(target, "events") == sorted([old.id, new.id])
        world.clock.advance(DAY_S)
        load(target, sim, config, since="-1h")
        assert remembered(target) == before, "and leaves no hole"
