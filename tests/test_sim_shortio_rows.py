"""The generated account has every odd row that is known of, and is the same for the same seed."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from headrace.sim.shortio import Rates, Shortio, Size, World, fill, iso
from shortio_calls import DAY, Calls

SIZE = Size(links=60, clicks=4500, days=30, ahead_s=3600)


@pytest.fixture(scope="module")
def filled() -> Calls:
    calls = Calls(retention_days=20)
    del calls.world.domains[calls.id]
    fill(calls.world, SIZE)
    calls.domain = calls.world.domains[calls.id]
    return calls


def test_links_are_as_odd_as_they_come(filled: Calls) -> None:
    rows = filled.truth.links(filled.id)
    assert len(rows) == 60
    assert max(Counter(row["createdAt"] for row in rows).values()) >= 4
    assert any(row["createdAt"] < iso(filled.world.now_ms - 30 * DAY) for row in rows)  # backdated
    assert {row["idString"].split("_")[0] for row in rows} == {"lnk", "link"}
    assert {row["archived"] for row in rows} == {True, False}
    assert {"tags" in row for row in rows} == {"title" in row for row in rows} == {True, False}
    assert {"FolderId" in row for row in rows} == {"newAndUnknown" in row for row in rows} == {True, False}
    assert {type(row.get("expiresAt")) for row in rows} == {str, int, type(None)}
    assert {row["User"]["name"] for row in rows} == {None, "Å. Owner"}
    assert all(row["passwordContact"] is None for row in rows)
    assert any(row["originalURL"].startswith("shortsecure://") for row in rows)
    assert any("password" in row for row in rows)
    ever = Counter(row["path"] for row in filled.truth.links(filled.id, ever=True))
    assert max(ever.values()) == 2  # a reused path
    assert filled.truth.tags(filled.id)
    assert filled.truth.country_rules(filled.id)
    assert filled.truth.region_rules(filled.id)
    assert filled.truth.permissions(filled.id)
    assert filled.truth.opengraph(filled.id)


def test_clicks_are_as_odd_as_they_come(filled: Calls) -> None:
    rows = filled.truth.clicks(filled.id)
    ever = filled.truth.clicks(filled.id, ever=True)
    assert 0 < len(rows) < len(ever) < 4500  # the retention cuts, and some are still to come
    instants = Counter(row["dt"] for row in rows)
    assert max(instants.values()) > 30
    assert max(Counter(json.dumps(row) for row in rows).values()) > 1
    assert {row["human"] for row in rows} == {True, False}
    assert {row["st"] for row in rows} == {302, 404}
    assert {row.get("ip", "absent") for row in rows} >= {None, "absent", "203.0.0.0"}
    assert {"ua" in row for row in rows} == {"city" in row for row in rows} == {True, False}
    assert not any("id" in row for row in rows)


def test_goals_and_late_clicks_come_with_time() -> None:
    calls = Calls()
    fill(calls.world, SIZE)
    domain_id = max(calls.world.domains)

    def goals() -> int:
        return sum(row["goal_completed"] is not None for row in calls.truth.clicks(domain_id))

    before, count = goals(), len(calls.truth.clicks(domain_id))
    calls.world.advance(3 * 3600)
    assert goals() > before
    assert len(calls.truth.clicks(domain_id)) == 4500 > count
    late = [click for click in calls.world.domains[domain_id].clicks if click.arrives_ms > click.dt_ms]
    assert len(late) > 100


def test_equal_seeds_give_equal_accounts() -> None:
    def account(seed: int) -> tuple[object, object]:
        world = World(seed=seed)
        fill(world, Size(domains=2, links=10, clicks=100), seed=seed)
        truth = Shortio(world, rates=Rates(None, None)).truth
        domain_ids = [row["id"] for row in truth.domains()]
        return [truth.links(one) for one in domain_ids], [truth.clicks(one) for one in domain_ids]

    assert account(1) == account(1)
    links, clicks = zip(account(1), account(2), strict=True)
    assert links[0] != links[1]
    assert clicks[0] != clicks[1]


def test_an_account_may_be_empty() -> None:
    world = World()
    fill(world, Size(domains=1, links=0, clicks=0))
    truth = Shortio(world).truth
    assert (truth.links(555001), truth.clicks(555001)) == ([], [])
