"""The Short.io connector through dlt, over sockets: what stands in DuckDB is what the service has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import dlt
import pytest
from dlt.common.configuration.exceptions import ConfigFieldMissingException

from headrace.clock import TurnedClock
from headrace.connectors import shortio, shortio_config
from headrace.connectors.shortio import DEFAULT_STREAMS, STREAMS, create_view
from headrace.engine import Report
from headrace.errors import RefusedError, UsageError
from headrace.sim import Fault
from headrace.sim.shortio import Doubts, Rates, Shortio, ShortioSim, Size, World, fill, iso, moment
from loading import Database, pipeline, read_database, refused

NOW = moment("2026-09-01T12:00:00.000Z")
LAG_MS = 300_000
FREE = Rates(None, None)


def load(target: dlt.Pipeline, sim: ShortioSim, **options: Any) -> Report:
    report = Report()
    said: dict[str, Any] = {"base_url": sim.api_url, "statistics_url": sim.statistics_url, **options}
    said.setdefault("requests_per_minute", 100_000)
    target.run(shortio(said.pop("api_key", sim.key), report=report, clock=TurnedClock(sim.world.now_ms / 1000), **said))
    return report


def instant(stored: Any) -> str:
    return iso(round(stored.timestamp() * 1000))


def clicks(database: Database) -> Counter[tuple[Any, ...]]:
    rows = database.rows("clicks") if "clicks" in database.tables else []
    names = ("path", "human", "goal_completed")
    return Counter((row["domain_id"], instant(row["dt"]), *(row.get(name) for name in names)) for row in rows)


def served(sim: ShortioSim) -> Counter[tuple[Any, ...]]:
    end = sim.world.now_ms - LAG_MS
    return Counter(
        (domain, row["dt"], row["path"], row["human"], row["goal_completed"])
        for domain in sim.world.domains
        for row in sim.truth.clicks(domain, None, end)
    )


def test_every_stream_is_what_the_service_has(tmp_path: Path) -> None:
    """Everything odd that the service is known to have, all streams, and a second run that doubles nothing."""
    world = World(iso(NOW))
    fill(world, Size(domains=2, links=30, clicks=1500, days=60))
    target = pipeline(tmp_path, "whole")
    with Shortio(world, rates=FREE).serve() as sim:
        for _ in range(2):
            report = load(target, sim, streams=list(STREAMS), overlap="2d")
            database = read_database(target)
            assert clicks(database) == served(sim)
            truth, ids = sim.truth, list(world.domains)
            links = [row for domain in ids for row in truth.links(domain)]
            stored = {row["id_string"]: row for row in database.rows("links")}
            assert stored.keys() == {row["idString"] for row in links}
            assert {row["path"] for row in stored.values()} == {row["path"] for row in links}
            assert not any("_deleted_at" in row for row in stored.values())
            assert len(database.rows("links__tags")) == sum(len(truth.tags(domain)) for domain in ids)
            assert {row["id"] for row in database.rows("domains")} == set(ids)
            assert len(database.rows("folders")) == sum(len(truth.folders(domain)) for domain in ids)
            for table, rules in (("country_rules", truth.country_rules), ("region_rules", truth.region_rules)):
                assert len(database.rows(table)) == sum(len(each) for domain in ids for each in rules(domain).values())
            assert len(database.rows("permissions")) == sum(len(truth.permissions(domain)) for domain in ids)
            days = {(row["domain_id"], instant(row["x"])): row["y"] for row in database.rows("domain_days")}
            found = {(domain, day): count for domain in ids for day, count in truth.days(domain).items()}
            past = {key: count for key, count in found.items() if key[1][:10] < iso(NOW)[:10]}
            assert {day: count for day, count in days.items() if count} == past
            assert len(database.rows("domain_statistics")) == len(ids)
            assert len(database.rows("link_statistics")) == len(links)
            clicked = {(row["domain_id"], row["link_id"]): row["clicks"] for row in database.rows("link_clicks")}
            assert clicked == {
                (domain, link): count for domain in ids for link, count in truth.link_clicks(domain).items()
            }
            assert {row["dimension"] for row in database.rows("tops")} > {"browser", "st"}
            world.advance(600)
    assert report.of("clicks").requests <= 2 * 4


@pytest.mark.parametrize("seed", range(10))
def test_clicks_of_any_traffic(seed: int, tmp_path: Path) -> None:
    """Ten accounts with ties, late and changed clicks, faults on the way, a run that is stopped, another server."""
    dice = Random(seed)
    page_size = dice.choice((12, 30, 100))
    rules = {name: dice.random() < 0.5 for name in ("before_inclusive", "end_inclusive", "start_inclusive")}
    world = World(iso(NOW), doubts=Doubts(**rules))
    domains = [world.add_domain().id for _ in range(2)]
    target = pipeline(tmp_path, f"traffic{seed}")
    held = []
    for run in range(2):
        for _ in range(60):
            at = world.now_ms + dice.randrange(60) * 200_000 + dice.choice((0, 1))
            for _ in range(dice.choice((1, 1, 2, 5))):
                late = dice.choice((0, 0, 600_000, 20_000_000))
                held.append(world.add_click(dice.choice(domains), at, dice.choice(("/a", "/b")), arrives_ms=at + late))
        world.advance(4 * 3600)
        world.change_click(dice.choice(held[-20:]), goal_completed="bought", human=False)
        refusal = Fault("status", 2, resource=f"last_clicks/{domains[0]}", by="hit", status=401)
        faults = [refusal] if run == 1 else []
        with Shortio(world, rates=FREE, faults=faults).serve() as sim:
            before = clicks(read_database(target)) if run else Counter()
            if faults:
                with refused(RefusedError):
                    load(target, sim, streams=["clicks"], page_size=page_size)
                assert clicks(read_database(target)) == before
            load(target, sim, streams=["clicks"], page_size=page_size)
            if run == 1:
                world.advance(12 * 3600)
                load(target, sim, streams=["clicks"], page_size=page_size)
                assert clicks(read_database(target)) == served(sim)


def test_links_change_while_they_are_paged(tmp_path: Path) -> None:
    """Links appear, vanish and change between pages; the listings after that have all, and mark what is gone."""
    world = World(iso(NOW), doubts=Doubts(token_kind="position"))
    domain = world.add_domain().id
    links = [world.add_link(domain, f"p{number}", NOW - 10_000 + number) for number in range(400)]
    target = pipeline(tmp_path, "links")
    asked = []

    def between(request: Any) -> None:
        if request.path != "/api/links" or len(asked) > 2:
            return
        asked.append(request)
        world.delete_link(links[len(asked)])
        world.update_link(links[300 + len(asked)], title="new")
        world.add_link(domain, f"new{len(asked)}", NOW - 20_000)

    with Shortio(world, rates=FREE).serve() as sim:
        world.before_each(between)
        for _ in range(3):
            load(target, sim, streams=["links"])
        stored = {row["id_string"]: row for row in read_database(target).rows("links")}
        truth = {row["idString"]: row for row in sim.truth.links(domain)}
    assert {name for name, row in stored.items() if "_deleted_at" not in row} == truth.keys()
    assert all(stored[name].get("title") == row.get("title") for name, row in truth.items())
    gone = {name for name, row in stored.items() if "_deleted_at" in row}
    assert gone <= {link.id for link in links[1:4]}


def test_domains_that_were_named_alone_are_asked(tmp_path: Path) -> None:
    world = World(iso(NOW))
    ids = [world.add_domain().id for _ in range(3)]
    for domain in ids:
        world.add_link(domain, "a")
        world.add_click(domain, NOW - 10 * LAG_MS, "/a")
    target = pipeline(tmp_path, "named")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim, domain_id=ids[:2])
        asked = {entry.path for entry in (*sim.api_ledger.requests, *sim.statistics_ledger.requests)}
    database = read_database(target)
    assert {row["id"] for row in database.rows("domains")} == set(ids[:2])
    assert {row["domain_id"] for row in database.rows("clicks")} == set(ids[:2])
    assert not any(str(ids[2]) in path for path in asked)


@pytest.mark.parametrize(("privacy", "kept"), [("keep", True), ("hash", True), ("drop", False)])
def test_what_is_personal(privacy: str, kept: bool, tmp_path: Path) -> None:
    world = World(iso(NOW))
    domain = world.add_domain().id
    world.add_link(domain, "a", password="a-secret-word")
    visitor = {"ip": "203.0.113.77", "ua": "Agent/7", "ref": "https://r.example.test/7", "ja4": "t7"}
    world.add_click(domain, NOW - 10 * LAG_MS, "/a", **visitor)
    target = pipeline(tmp_path, privacy)
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim, privacy=privacy, privacy_key="k" * 32)
    text = str(read_database(target).tables)
    (click,) = read_database(target).rows("clicks")
    assert "a-secret-word" not in text
    assert all((name in click) == kept for name in visitor)
    assert ("203.0.113.77" in text) == (privacy == "keep")


def test_clicks_are_joined_to_the_link_that_was_there(tmp_path: Path) -> None:
    """A path that was used again, the case rule of each domain, unknown paths, and rows that are equal."""
    world = World(iso(NOW))
    day = 86_400_000
    free, strict = world.add_domain().id, world.add_domain(caseSensitive=True).id
    first = world.add_link(free, "Spring", NOW - 9 * day)
    other = world.add_link(strict, "Spring", NOW - 9 * day)
    target = pipeline(tmp_path, "joined")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim)
        world.advance(86_400)
        world.delete_link(first)
        for _ in range(2):
            load(target, sim)
            world.advance(600)
        second = world.add_link(free, "spring")
        world.advance(60)
        for domain, at, path in (
            (free, NOW - 10 * day, "/spring"),
            (free, NOW - 5 * day, "/SPRING"),
            (free, NOW - 5 * day, "/SPRING"),
            (free, world.now_ms, "/Spring"),
            (free, world.now_ms, "/unknown"),
            (strict, NOW - 5 * day, "/Spring"),
            (strict, NOW - 5 * day, "/spring"),
        ):
            world.add_click(domain, at, path)
        world.advance(600)
        load(target, sim, since="2026-08-01")
    assert create_view(target)
    assert create_view(target)
    with target.sql_client() as client:
        rows = client.execute_sql("SELECT domain_id, path, link_id FROM clicks_with_links")
    assert Counter(tuple(row) for row in rows or ()) == Counter(
        {
            (free, "/spring", None): 1,
            (free, "/SPRING", first.id): 2,
            (free, "/Spring", second.id): 1,
            (free, "/unknown", None): 1,
            (strict, "/Spring", other.id): 1,
            (strict, "/spring", None): 1,
        }
    )


def test_no_view_without_links(tmp_path: Path) -> None:
    world = World(iso(NOW))
    world.add_click(world.add_domain().id, NOW - 10 * LAG_MS, "/a")
    target = pipeline(tmp_path, "viewless")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim, streams=["clicks"])
    assert not create_view(target)


def test_a_wrong_credential_is_no_missing_sql(tmp_path: Path) -> None:
    """The view says why the destination cannot be reached; where there is no SQL at all it is left out."""
    world = World(iso(NOW))
    domain = world.add_domain().id
    world.add_link(domain, "a")
    world.add_click(domain, NOW - 10 * LAG_MS, "/a")
    target = pipeline(tmp_path, "credentials")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim)
        wrong = dlt.pipeline("credentials", pipelines_dir=target.pipelines_dir, destination=dlt.destinations.postgres())
        with pytest.raises(ConfigFieldMissingException):
            create_view(wrong)
        with refused(ConfigFieldMissingException):
            load(wrong, sim, streams=["clicks"])
        mute = dlt.destinations.dummy(completed_prob=1.0)
        assert not create_view(dlt.pipeline("credentials", pipelines_dir=target.pipelines_dir, destination=mute))


def test_the_statistics_host_is_asked_as_often_as_it_allows(tmp_path: Path) -> None:
    """Ten a minute until its headers say otherwise; the other host goes on at its own pace."""
    world = World(iso(NOW))
    for _ in range(12):
        world.add_domain()
    with Shortio(world, rates=FREE).serve() as sim:
        clock = TurnedClock(NOW / 1000)
        target = pipeline(tmp_path, "paced")
        urls = {"base_url": sim.api_url, "statistics_url": sim.statistics_url}
        target.run(shortio(sim.key, clock=clock, streams=["clicks", "links"], overlap="1h", retention="40d", **urls))
        assert len(sim.statistics_ledger.requests) == 12
        # the list of domains ends with an empty page, and the page after it may have been asked for by then
        assert len(sim.api_ledger.requests) - 12 in (2, 3)
    assert 60 <= clock.now() < 70


def test_a_refused_read_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    """Clicks are read by POST, and that is tried again like a GET; a quarter of an hour is more than others wait."""
    world = World(iso(NOW))
    domain = world.add_domain().id
    for minute in range(30):
        world.add_click(domain, world.now_ms + 60_000 * minute, "/a")
    world.advance(4 * 3600)
    resource = f"last_clicks/{domain}"
    faults = (
        Fault("status", 0, resource=resource, by="hit", status=503),
        Fault("status", 1, resource=resource, by="hit", status=429, retry_after=840),
    )
    with Shortio(world, rates=FREE, faults=faults).serve() as sim:
        clock, target = TurnedClock(world.now_ms / 1000), pipeline(tmp_path, "told")
        urls = {"base_url": sim.api_url, "statistics_url": sim.statistics_url}
        target.run(shortio(sim.key, clock=clock, streams=["clicks"], requests_per_minute=100_000, **urls))
        assert clicks(read_database(target)) == served(sim)
        assert sum(served(sim).values()) == 30
    assert clock.now() >= 840


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"streams": ["klicks"]}, "expected a known name as `streams`, got 'klicks'\nhint: did you mean `clicks`?"),
        ({"streams": []}, f"expected the name of a stream at least\nhint: known are {', '.join(STREAMS)}"),
        ({"domain_id": "go.example"}, "expected a whole number from 1 on as `domain_id`, got 'go.example'"),
        ({"page_size": 0}, "expected a whole number from 1 on as `page_size`, got 0"),
        (
            {"lag": "soon"},
            "expected a length of time like `30m`, `12h` or `5d` as `lag`, got 'soon'",
        ),
        (
            {"privacy": "none"},
            "expected `keep` or `hash` or `drop` as `privacy`, got 'none'\nhint: known are keep, hash, drop",
        ),
    ],
)
def test_what_it_does_not_take_is_said(options: dict[str, Any], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        shortio_config(**options)
    assert str(caught.value) == error


def test_parents_come_with_their_dependents() -> None:
    config = shortio_config(streams=["permissions"])
    assert [each["name"] for each in config["resources"]] == ["domains", "links", "permissions"]
    assert set(DEFAULT_STREAMS) < set(STREAMS)
