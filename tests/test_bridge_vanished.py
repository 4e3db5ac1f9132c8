"""Rows that vanished at the API through dlt: the simulated Mailgun's lists, and what must never be marked."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.command.outcome import Outcome
from headrace.command.summary import summary
from headrace.command.target import DuckDbFile
from headrace.config import HeadraceWarning
from headrace.engine import Report
from headrace.errors import AnswerError
from headrace.sim.mailgun import Domain, Mailgun, MailgunSim, World
from headrace.sim.message import Request
from loading import pipeline, read_database, refused

DOMAINS = ("acme.test", "beta.test")
#: Links by key never end: what says the end is an empty page.
LINKS = {"type": "json_link", "next_url_path": "paging.next", "stop_after_empty_page": True}


@pytest.fixture
def world() -> World:
    world = World()
    for name in DOMAINS:
        domain = world.us.add_domain(name)
        for person in ("ann", "bob", "cat", "dan"):
            bounce(domain, f"{person}@x.test")
    return world


def bounce(domain: Domain, address: str, error: str = "no such user") -> None:
    made = "Mon, 02 Mar 2026 10:00:00 UTC"
    domain.bounces.put({"address": address, "code": "550", "error": error, "created_at": made})


def of(world: World, name: str = "acme.test") -> Domain:
    found = world.us.domain(name)
    assert found is not None
    return found


def bounces(sim: MailgunSim, *, domains: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Domains and the bounces of each; `domains` and `options` are further options of the two."""
    auth = {"type": "http_basic", "username": "api", "password": sim.key}
    offsets = {"type": "offset", "limit": 100, "offset_param": "skip", "total_path": None}
    return {
        "client": {"base_url": sim.url, "auth": auth},
        "resource_defaults": {"write_disposition": "merge"},
        "resources": [
            {
                "name": "domains",
                "primary_key": "name",
                "endpoint": {
                    "path": "v4/domains",
                    "data_selector": "items",
                    "paginator": offsets,
                    "allow_null_data": True,
                },
                "private": ["smtp_password"],
                **(domains or {}),
            },
            {
                "name": "bounces",
                "primary_key": ["_domains_name", "address"],
                "include_from_parent": ["name"],
                "deletions": {"after": 1},
                "endpoint": {
                    "path": "v3/{resources.domains.name}/bounces",
                    "params": {"limit": 2},
                    "data_selector": "items",
                    "paginator": LINKS,
                    **options.pop("endpoint", {}),
                },
                **options,
            },
        ],
    }


def load(target: dlt.Pipeline, config: dict[str, Any]) -> Report:
    report = Report()
    target.run(rest_api_source(config, name="mail", report=report, clock=TurnedClock()))
    return report


def standing(target: dlt.Pipeline, table: str = "bounces", key: str = "address") -> dict[tuple[str, str], bool]:
    """(domain, address) -> whether it is marked."""
    rows = read_database(target).rows(table)
    return {(row["_domains_name"], row[key]): "_deleted_at" in row for row in rows}


def marked(target: dlt.Pipeline) -> set[str]:
    """Addresses that are marked, with their domain's first word."""
    found = standing(target).items()
    return {f"{domain.split('.')[0]}/{address.split('@')[0]}" for (domain, address), is_marked in found if is_marked}


def test_a_bounce_that_was_deleted_is_marked_and_loses_the_mark_when_it_is_back(world: World, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        report = load(target, bounces(sim))
        assert (marked(target), report.of("bounces").marked) == (set(), 0)
        of(world).bounces.delete("bob@x.test")
        report = load(target, bounces(sim))
        assert (marked(target), report.of("bounces").marked) == ({"acme/bob"}, 1)
        (moment,) = {row["_deleted_at"] for row in read_database(target).rows("bounces") if "_deleted_at" in row}
        assert moment.astimezone(timezone.utc) == datetime.fromtimestamp(TurnedClock().wall(), timezone.utc)
        report = load(target, bounces(sim))
        assert (marked(target), report.of("bounces").marked) == ({"acme/bob"}, 0)
        bounce(of(world), "bob@x.test", "again")
        load(target, bounces(sim))
    assert marked(target) == set()
    (row,) = [row for row in read_database(target).rows("bounces") if row["error"] == "again"]
    assert row["address"] == "bob@x.test"
    assert len(standing(target)) == 8


def test_an_empty_listing_says_that_all_rows_are_gone(world: World, tmp_path: Path) -> None:
    """It ends on a page whose list is there and empty, and only the domain that it is of counts."""
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim))
        for address in list(of(world).bounces.keys):
            of(world).bounces.delete(address)
        load(target, bounces(sim))
    assert marked(target) == {"acme/ann", "acme/bob", "acme/cat", "acme/dan"}


@pytest.mark.parametrize("action", ["ignore", "skip"])
def test_rows_of_a_call_that_was_not_listed_stay_as_they_are(world: World, action: str, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "mail")
    actions = {"endpoint": {"response_actions": [{"status_code": 404, "action": action}]}}
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim, **actions))
        of(world).denial = 404
        of(world, "beta.test").bounces.delete("cat@x.test")
        if action == "skip":
            with pytest.warns(HeadraceWarning, match="skipped"):
                report = load(target, bounces(sim, **actions))
        else:
            report = load(target, bounces(sim, **actions))
    assert marked(target) == {"beta/cat"}
    assert report.of("bounces").unmarked == ["1 of 2 calls did not end completely"]
    said = summary(outcome(target, report)).splitlines()
    assert "not marked  bounces: 1 of 2 calls did not end completely" in said


@pytest.mark.parametrize("declared", [True, False])
def test_rows_of_a_parent_that_is_gone(world: World, declared: bool, tmp_path: Path) -> None:
    """They are marked where the parent's listing is declared complete, and stay otherwise."""
    target = pipeline(tmp_path, "mail")
    parent = {"deletions": {"after": 1}} if declared else {}
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim, domains=parent))
        world.us.delete_domain("acme.test")
        load(target, bounces(sim, domains=parent))
    assert marked(target) == ({"acme/ann", "acme/bob", "acme/cat", "acme/dan"} if declared else set())
    if declared:
        gone = [row["name"] for row in read_database(target).rows("domains") if "_deleted_at" in row]
        assert gone == ["acme.test"]


def lists(sim: MailgunSim) -> dict[str, Any]:
    """Mailing lists and their members, and templates of a domain whose empty list is null."""
    keyed = {"data_selector": "items", "allow_null_data": True, "paginator": LINKS}
    return {
        "client": {"base_url": sim.url, "auth": {"type": "http_basic", "username": "api", "password": sim.key}},
        "resource_defaults": {"write_disposition": "merge", "deletions": {"after": 1}},
        "resources": [
            {"name": "lists", "primary_key": "address", "endpoint": {"path": "v3/lists/pages", **keyed}},
            {
                "name": "members",
                "primary_key": ["list", "address"],
                "include_from_parent": {"address": "list"},
                "endpoint": {"path": "v3/lists/{resources.lists.address}/members/pages", **keyed},
            },
            {"name": "templates", "primary_key": "name", "endpoint": {"path": "v3/acme.test/templates", **keyed}},
        ],
    }


def test_lists_members_and_templates(world: World, tmp_path: Path) -> None:
    """A list that is deleted takes its members along; a member may be in another list; a null list is an empty one."""
    for name in ("news@x.test", "jobs@x.test"):
        world.us.lists.put({"address": name, "name": "", "created_at": ""})
        for person in ("ann@x.test", "bob@x.test"):
            world.us.members(name).put({"address": person, "name": "", "vars": {}, "subscribed": True})
    of(world).templates.put({"name": "api test", "description": "", "createdAt": "", "createdBy": "", "id": "1"})
    target = pipeline(tmp_path, "lists")
    with Mailgun(world).serve() as sim:
        load(target, lists(sim))
        world.us.lists.delete("news@x.test")
        world.us.members("jobs@x.test").delete("ann@x.test")
        of(world).templates.delete("api test")
        report = load(target, lists(sim))
    found = read_database(target)
    gone = {
        table: sorted("/".join(row[name] for name in names) for row in found.rows(table) if "_deleted_at" in row)
        for table, names in (("lists", ["address"]), ("members", ["list", "address"]), ("templates", ["name"]))
    }
    assert gone == {
        "lists": ["news@x.test"],
        "members": ["jobs@x.test/ann@x.test", "news@x.test/ann@x.test", "news@x.test/bob@x.test"],
        "templates": ["api test"],
    }
    assert [report.of(name).marked for name in gone] == [1, 3, 1]
    assert "marked      members: 3 rows that the API has no more" in summary(outcome(target, report)).splitlines()


def outcome(target: dlt.Pipeline, report: Report) -> Outcome:
    return Outcome(target.pipeline_name, DuckDbFile("x.duckdb"), "data", {}, rows_now=False, report=report, seconds=0.0)


def test_rows_are_given_as_many_listings_as_are_declared(world: World, tmp_path: Path) -> None:
    """A listing that shifts while it is read may lack a row that is there; the next one has it again."""
    target = pipeline(tmp_path, "mail")
    twice = {"deletions": {"after": 2}}
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim, **twice))
        of(world).bounces.delete("bob@x.test")
        of(world).bounces.delete("cat@x.test")
        load(target, bounces(sim, **twice))
        assert marked(target) == set()
        bounce(of(world), "cat@x.test")
        load(target, bounces(sim, **twice))
        assert marked(target) == {"acme/bob"}
        of(world).bounces.delete("cat@x.test")
        load(target, bounces(sim, **twice))
        assert marked(target) == {"acme/bob"}
        load(target, bounces(sim, **twice))
    assert marked(target) == {"acme/bob", "acme/cat"}


def test_a_list_that_changes_while_it_is_paged(world: World, tmp_path: Path) -> None:
    """Pages by key lack no row that stays: one deleted before it was read is marked, one read before is not yet."""
    target = pipeline(tmp_path, "mail")
    asked: list[str] = []

    def change(request: Request) -> None:
        if request.path.endswith("acme.test/bounces"):
            asked.append(request.path)
            if len(asked) == 2:
                of(world).bounces.delete("ann@x.test")
                of(world).bounces.delete("cat@x.test")
                bounce(of(world), "abe@x.test")

    with Mailgun(world).serve() as sim:
        load(target, bounces(sim))
    with Mailgun(world, before=change).serve() as sim:
        load(target, bounces(sim))
        assert marked(target) == {"acme/cat"}
        load(target, bounces(sim))
    assert marked(target) == {"acme/ann", "acme/cat"}
    assert ("acme.test", "abe@x.test") in standing(target)


def test_more_than_the_declared_share_is_an_error_until_somebody_allows_it(world: World, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "mail")
    for number in range(30):
        bounce(of(world), f"p{number}@x.test")
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim))
        before = standing(target)
        for address in list(of(world).bounces.keys):
            of(world).bounces.delete(address)
        with refused(AnswerError) as errors:
            load(target, bounces(sim))
        assert str(errors[0]).startswith("expected at most 50% of 38 rows to vanish at once, got 34")
        assert standing(target) == before
        load(target, bounces(sim, deletions={"after": 1, "most": 1}))
    assert len(marked(target)) == 34


def test_a_listing_that_is_limited_marks_nothing_and_says_so(world: World, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "limited")
    with Mailgun(world).serve() as sim:
        load(target, bounces(sim))
        of(world).bounces.delete("bob@x.test")
        source = rest_api_source(bounces(sim), name="mail", clock=TurnedClock())
        source.resources["domains"].add_limit(1)
        with pytest.warns(HeadraceWarning, match="no row is marked, a step or a limit that was added"):
            target.run(source)
    assert marked(target) == set()


def test_rows_with_values_of_their_own_for_what_tells_calls_apart(world: World, tmp_path: Path) -> None:
    target = pipeline(tmp_path, "stray")
    with Mailgun(world).serve() as sim:
        own = {"constants": {"code": "1"}, "primary_key": ["_domains_name", "address"]}
        load(target, bounces(sim, **own))
        with refused(AnswerError) as errors:
            load(target, bounces(sim, **own))
    assert str(errors[0]).startswith("expected in `code` and `_domains_name` of each row the values of the call")
