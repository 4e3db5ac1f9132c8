"""Clicks in a real PostgreSQL: hours that are replaced in one transaction, and the view of clicks and links."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import dlt
import pytest

from headrace.connectors.shortio import create_view
from headrace.errors import AnswerError
from headrace.sim.shortio import Shortio, World, iso
from loading import refused
from places import postgres_place
from postgres import Postgres
from test_shortio import FREE, NOW, clicks, load, served

HOUR_MS = 3_600_000


def test_hours_are_replaced_and_clicks_find_their_links(postgres: Postgres, tmp_path: Path) -> None:
    """Equal, late, changed and vanished clicks; an hour that became empty; links with two case rules."""
    place = postgres_place(postgres)
    world = World(iso(NOW))
    free, strict = world.add_domain().id, world.add_domain(caseSensitive=True).id
    links = {domain: world.add_link(domain, "Spring", NOW - 100 * HOUR_MS) for domain in (free, strict)}
    for domain in links:
        for hour in range(1, 30):
            for path in ("/spring", "/Spring", "/Spring"):
                world.add_click(domain, NOW - hour * HOUR_MS, path)
    lonely = world.add_click(free, NOW - HOUR_MS // 2, "/spring")
    changed = world.add_click(strict, NOW - HOUR_MS // 3, "/Spring", human=True)
    target = place.pipeline(tmp_path, "clicks")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim, streams=["clicks", "links"])
        assert clicks(place.read(target)) == served(sim)
        assert create_view(target)
        world.advance(3600)
        world.delete_click(lonely)
        world.change_click(changed, goal_completed="bought", human=False)
        world.add_click(free, NOW - 3 * HOUR_MS, "/Spring")
        for _ in range(2):
            load(target, sim, streams=["clicks", "links"], page_size=30)
            assert clicks(place.read(target)) == served(sim)
            assert create_view(target)
        with target.sql_client() as client:
            joined = client.execute_sql("SELECT domain_id, path, link_id FROM clicks_with_links")
        assert Counter(tuple(row) for row in joined or ()) == Counter(
            (domain, row["path"], None if (domain, row["path"]) == (strict, "/spring") else links[domain].id)
            for domain in links
            for row in sim.truth.clicks(domain, None, world.now_ms - 300_000)
        )
        before = clicks(place.read(target))
        for click in world.domains[free].clicks:
            world.delete_click(click)
        for click in world.domains[strict].clicks:
            world.delete_click(click)
        with refused(AnswerError):
            load(target, sim, streams=["clicks", "links"])
        assert clicks(place.read(target)) == before


def test_a_server_that_refuses_is_no_missing_sql(postgres: Postgres, tmp_path: Path) -> None:
    """Where the view cannot be made because nobody lets us in, that is said."""
    from psycopg2 import OperationalError  # absent where there is no PostgreSQL

    world = World(iso(NOW))
    domain = world.add_domain().id
    world.add_link(domain, "a")
    world.add_click(domain, NOW - HOUR_MS, "/a")
    target = postgres_place(postgres).pipeline(tmp_path, "refusing")
    with Shortio(world, rates=FREE).serve() as sim:
        load(target, sim, streams=["clicks", "links"])
    address = postgres.new_database().replace("loader:", "nobody_else:")
    wrong = dlt.pipeline("refusing", pipelines_dir=target.pipelines_dir, destination=dlt.destinations.postgres(address))
    with pytest.raises(OperationalError, match="nobody_else"):
        create_view(wrong)
