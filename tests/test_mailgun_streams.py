"""Every stream of the connector through dlt into DuckDB, beside the truth of the simulator, whichever way doubts go."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.connectors import mailgun, mailgun_config
from headrace.connectors.mailgun import STREAMS
from headrace.engine import Report
from headrace.errors import UsageError
from headrace.sim.mailgun import SIZES, Clock, Doubts, Mailgun, MailgunSim, World, demo_world
from loading import pipeline, read_database

PRIVACY_KEY = "0123456789" * 4
PAGE = Path(__file__).parent.parent / "docs" / "mailgun.md"
#: Stream -> what the truth calls it, the columns of its key behind region and account, and the parents' columns.
TRUTH: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "domains": ("domains", ("id",), ()),
    "events": ("events", ("id",), ("domain_name",)),
    "logs": ("logs", ("id",), ("domain__name",)),
    "bounces": ("bounces", ("address",), ("domain_name",)),
    "complaints": ("complaints", ("address",), ("domain_name",)),
    "unsubscribes": ("unsubscribes", ("address",), ("domain_name",)),
    "allowlist": ("allowlist", ("value",), ("domain_name",)),
    "tags": ("tags", ("tag",), ("domain_name",)),
    "account_tags": ("account_tags", ("tag",), ()),
    "templates": ("templates", ("name",), ("domain_name",)),
    "template_versions": ("template_versions", ("tag",), ("domain_name", "template_name")),
    "template_contents": ("template_versions", ("tag",), ("domain_name", "template_name")),
    "mailing_lists": ("mailing_lists", ("address",), ()),
    "mailing_list_members": ("members", ("address",), ("list_address",)),
    "dkim_keys": ("dkim_keys", ("selector",), ("domain_name",)),
    "routes": ("routes", ("id",), ()),
    "account_webhooks": ("account_webhooks", ("webhook_id",), ()),
    "ips": ("ips", ("ip",), ()),
    "ip_pools": ("ip_pools", ("pool_id",), ()),
    "subaccounts": ("subaccounts", ("id",), ()),
    "keys": ("keys", ("id",), ()),
}
OTHERS = (
    *("domain_details", "domain_tracking", "webhooks", "stored_events", "stored_messages"),
    *("metrics_daily", "metrics_hourly", "usage_daily", "bounce_classification"),
)
#: One doubt read otherwise at a time is the simulator's test; here all others that loading may notice, together.
READINGS = [
    {},
    {
        "events_begin": "exclusive",
        "events_end": "inclusive",
        "events_precision": "s",
        "events_beyond_retention": "refuse",
        "events_empty_next": "new",
        "logs_start": "exclusive",
        "logs_end": "inclusive",
        "logs_precision": "s",
        "logs_beyond_retention": "cut",
        "logs_next": "exact",
        "logs_change": True,
        "limit_above": "refuse",
        "pivot_behind_last": "itself",
        "ampersand": "escaped",
        "empty_items": "list",
        "tag_dates": "go",
        "webhook_urls": "url",
        "empty_webhooks": "null",
        "unverified_domain": 403,
        "sandbox_domain": 401,
        "disabled_domain": 404,
        "limit_headers": "none",
    },
    {
        "events_precision": "exact",
        "logs_precision": "exact",
        "logs_next": "always",
        "logs_ids": "own",
        "pivot_behind_last": "missing",
        "disabled_domain": 401,
        "limit_headers": "X-RateLimit",
    },
]


def world_of() -> World:
    """The small demonstration at a moment that stands; an hour on, nothing more arrives."""
    world = demo_world(SIZES["small"], clock=Clock())
    world.clock.advance(3600)
    return world


def load(target: dlt.Pipeline, sim: MailgunSim, **options: Any) -> Report:
    """One run at the world's moment; calls that are skipped are in the report."""
    report = Report()
    clock = TurnedClock(wall=sim.world.clock.now)
    given = {"api_key": sim.key, "base_url": sim.url, "retention": "5d", **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeadraceWarning)
        target.run(mailgun(**given, report=report, clock=clock))
    return report


def refused_domains(sim: MailgunSim) -> set[str]:
    doubts = sim.mailgun.doubts
    states = {"disabled": doubts.disabled_domain, "unverified": doubts.unverified_domain}
    return {
        domain.name
        for domain in sim.world.us.every_domain
        if states.get(domain.row["state"], 200) != 200
        or (domain.row["type"] == "sandbox" and doubts.sandbox_domain != 200)
    }


@pytest.mark.parametrize("reading", READINGS, ids=["likely", "other", "third"])
def test_every_stream_has_the_rows_of_the_truth(reading: dict[str, Any], tmp_path: Path) -> None:
    target = pipeline(tmp_path, "mail")
    with Mailgun(world_of(), Doubts(**reading)).serve() as sim:
        report = load(target, sim, streams=list(STREAMS))
        database = read_database(target)
        denied = refused_domains(sim)
        for stream, (name, key, parents) in TRUTH.items():
            expected = set()
            for fact in sim.truth(name):
                if stream == "logs" or not set(fact.parent) & denied:
                    row = {column.replace("-", "_"): value for column, value in fact.row.items()}
                    expected.add((*fact.parent[: len(parents)], *(str(row[column]) for column in key)))
            found = [tuple(str(row[column]) for column in (*parents, *key)) for row in database.rows(stream)]
            assert len(found) == len(set(found)), stream
            assert set(found) == expected, stream
            assert {(row["region"], row["account_label"]) for row in database.rows(stream)} == {("us", "main")}
        for stream in OTHERS:
            assert database.rows(stream), stream
        assert {skip.params["resources.domains.name"] for skip in report.of("bounces").skipped} == denied
        assert "smtp_password" not in str(database.tables)
        assert not [each for each in report.resources.values() if each.doubts]


def test_what_is_derived_and_nested_is_that_of_the_truth(tmp_path: Path) -> None:
    """Records, webhooks and settings of each domain, stored mails, and counts by time: those of the events."""
    target = pipeline(tmp_path, "mail")
    with Mailgun(world_of()).serve() as sim:
        load(target, sim, streams=list(OTHERS))
        database = read_database(target)
        denied = refused_domains(sim)
        names = {fact.row["name"] for fact in sim.truth("domains")}
        events = [(fact.parent[0], fact.row) for fact in sim.truth("events")]
        hooks, records = sim.truth("webhooks"), sim.truth("dns_records")

    def named(table: str, child: str, *columns: str) -> Counter[tuple[str, ...]]:
        parents = {row["_dlt_id"]: row["domain_name"] for row in database.rows(table)}
        rows = database.rows(f"{table}__{child}")
        return Counter((parents[row["_dlt_parent_id"]], *(row[column] for column in columns)) for row in rows)

    assert {row["domain_name"] for row in database.rows("domain_details")} == names
    assert {row["domain_name"] for row in database.rows("domain_tracking")} == names - denied
    for way in ("sending", "receiving"):
        expected = Counter((fact.parent[0], fact.row["value"]) for fact in records if fact.parent[1] == way)
        assert named("domain_details", f"{way}_dns_records", "value") == expected
    urls = [(fact.parent[0], fact.row["type"], url) for fact in hooks for url in fact.row["urls"]]
    assert named("webhooks", "hooks", "event", "url") == Counter(each for each in urls if each[0] not in denied)
    stored = {(domain, row["id"]) for domain, row in events if row["event"] == "stored" and domain not in denied}
    assert {(row["domain_name"], row["id"]) for row in database.rows("stored_events")} == stored
    keys = {(row["domain_name"], row["storage_key"]) for row in database.rows("stored_events")}
    found = [(row["domain_name"], row["storage_key"]) for row in database.rows("stored_messages")]
    assert len(found) == len(set(found))
    assert set(found) <= keys
    for stream, step_s in (("metrics_daily", 86_400), ("metrics_hourly", 3600)):
        counted = Counter((domain, row["timestamp"] // step_s * step_s, row["event"]) for domain, row in events)
        for row in database.rows(stream):
            for kind in ("accepted", "delivered", "opened", "clicked"):
                place = (row["domain"], row["time"].timestamp(), kind)
                assert row[f"{kind}_count"] == counted[place], (stream, place)


def test_an_order_that_the_service_does_not_keep_need_not_be_expected() -> None:
    for said, expected in (("asc", "asc"), ("unknown", None)):
        config = mailgun_config(streams=["events", "logs"], row_order=said)
        windows = [each["endpoint"]["windows"] for each in config["resources"] if "windows" in each["endpoint"]]
        assert [each.get("row_order") for each in windows] == [expected, expected]
    with pytest.raises(UsageError, match="row_order"):
        mailgun_config(row_order="desc")


def test_nothing_that_is_a_stream_is_left_out() -> None:
    assert {*TRUTH, *OTHERS} == set(STREAMS)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_page_names_each_stream_with_its_key(stream: str) -> None:
    config = mailgun_config(streams=[stream])
    (key,) = (each["primary_key"][2:] for each in config["resources"] if each["name"] == stream)
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith(f"| `{stream}`")]
    (row,) = (cells for cells in rows if len(cells) == 7)
    assert row[3].strip() == ", ".join(f"`{name}`" for name in key)


def test_forms_of_fields_are_one(tmp_path: Path) -> None:
    """User variables are JSON, storage addresses a list, routes a list, times exact and timestamps."""
    target = pipeline(tmp_path, "mail")
    with Mailgun(world_of()).serve() as sim:
        load(target, sim, streams=["events", "logs"])
        database = read_database(target)
        truth = {fact.row["id"]: fact.row for fact in sim.truth("events")}
        for row in database.rows("events"):
            event = truth[row["id"]]
            assert row["timestamp"] == event["timestamp"]
            assert abs(row["occurred_at"].timestamp() - event["timestamp"]) <= 1e-6
            if "user-variables" in event:
                assert json.loads(row["user_variables"]) == event["user-variables"]
        for row in database.rows("logs"):
            assert isinstance(json.loads(row["user_variables"]), dict | str) if "user_variables" in row else True
            assert row["timestamp"].tzinfo is not None
        for stream in ("events", "logs"):
            assert {column for column in database.columns(f"{stream}__storage__url") if column[0] != "_"} == {"value"}
            assert database.rows(f"{stream}__routes")
            assert not any(column.startswith(("envelop__", "v_")) for column in database.columns(stream))


@pytest.mark.parametrize("privacy", ["hash", "drop"])
def test_no_person_is_in_the_database(privacy: str, tmp_path: Path) -> None:
    """Of all that the simulator has, no address of a recipient reaches a file, whatever the stream."""
    target = pipeline(tmp_path, "mail")
    streams = [name for name, one in STREAMS.items() if privacy == "hash" or not one.keyed_by_person]
    with Mailgun(world_of()).serve() as sim:
        load(target, sim, streams=streams, privacy=privacy, privacy_key=PRIVACY_KEY)
        persons = {fact.row["recipient"] for fact in sim.truth("events") if "recipient" in fact.row}
        persons |= {fact.row["address"] for name in ("bounces", "members") for fact in sim.truth(name)}
        persons |= {fact.row["ip"] for fact in sim.truth("events") if "ip" in fact.row}
    text = str(read_database(target).tables)
    assert persons
    assert [person for person in persons if person in text] == []


def test_what_vanished_is_marked_and_what_is_refused_is_not(tmp_path: Path) -> None:
    world = world_of()
    target = pipeline(tmp_path, "mail")
    streams = ["domains", "bounces", "mailing_list_members", "templates"]
    with Mailgun(world).serve() as sim:
        load(target, sim, streams=streams)
        first, second = world.us.every_domain[:2]
        gone = first.bounces.keys[0]
        first.bounces.delete(gone)
        second.denial = 403
        load(target, sim, streams=streams)
        rows = read_database(target).rows("bounces")
        assert [row["address"] for row in rows if "_deleted_at" in row] == [gone]
        second.denial = None
        first.bounces.put({"address": gone, "code": "550", "error": "", "created_at": ""})
        load(target, sim, streams=streams)
        assert not any("_deleted_at" in row for row in read_database(target).rows("bounces"))


def test_accounts_and_regions_stand_side_by_side(tmp_path: Path) -> None:
    """The same domain name in two regions, a subaccount by its header, and one under another label: no key clashes."""
    world = world_of()
    target = pipeline(tmp_path, "mail")
    brand = next(row["id"] for row in world.subaccounts.rows() if row["status"] == "open")
    with Mailgun(world).serve() as sim:
        load(target, sim, streams=["events"])
        load(target, sim, streams=["events"], region="eu", base_url=sim.eu_url)
        load(target, sim, streams=["events"], subaccounts=brand)
        found: dict[tuple[str, str], set[str]] = {}
        for row in read_database(target).rows("events"):
            found.setdefault((row["region"], row["account_label"]), set()).add(row["id"])
        assert found == {
            ("us", "main"): {fact.row["id"] for fact in sim.truth("events")},
            ("eu", "main"): {fact.row["id"] for fact in sim.truth("events", region="eu")},
            ("us", brand): {fact.row["id"] for fact in sim.truth("events", account_id=brand)},
        }


@pytest.mark.parametrize("named", ["eu", "us"])
def test_links_of_the_european_host_may_name_either_host(named: Any, tmp_path: Path) -> None:
    """The host that was asked is asked on, and no other one sees the key."""
    world = world_of()
    world.eu.every_domain[0].fill([world.clock.now - 1000 - second for second in range(700)])
    target = pipeline(tmp_path, "mail")
    streams = ("events", "bounces", "templates", "mailing_list_members")
    with Mailgun(world, Doubts(eu_links=named)).serve() as sim:
        load(target, sim, streams=streams, region="eu", base_url=sim.eu_url)
        rows = read_database(target).rows("events")
        assert {row["id"] for row in rows} == {fact.row["id"] for fact in sim.truth("events", region="eu")}
        assert len(rows) > 700
        assert sim.ledger.requests == ()
        assert {entry.status for entry in sim.eu_ledger.requests} == {200}


def test_domains_are_read_by_the_older_version_where_there_is_no_newer_one(tmp_path: Path) -> None:
    """The same rows and records either way, no secrets of the older answers; and where neither is, the refusal."""
    streams = ("domains", "domain_details", "bounces")
    shown = []
    for v4 in (True, False):
        target = pipeline(tmp_path / str(v4), "mail")
        with Mailgun(world_of(), Doubts(v4_domains=v4)).serve() as sim:
            report = load(target, sim, streams=streams)
            database = read_database(target)
            asked = {entry.path for entry in sim.ledger.requests if entry.path.endswith("/domains")}
            assert asked == ({"/v4/domains"} if v4 else {"/v4/domains", "/v3/domains"})
        assert not report.of("domain_details").skipped
        assert {row["name"] for row in database.rows("domains")} == {fact.row["name"] for fact in sim.truth("domains")}
        assert "smtp_password" not in str(database.tables)
        columns = ("domain_details__sending_dns_records", "domain_details__receiving_dns_records")
        records = Counter(row["value"] for table in columns for row in database.rows(table))
        shown.append((records, len(database.rows("bounces")), len(database.rows("domain_details"))))
    assert shown[0] == shown[1]
    with (
        Mailgun(world_of(), Doubts(v4_domains=False, v3_domains=False)).serve() as sim,
        pytest.raises(Exception, match="v3/domains"),
    ):
        load(pipeline(tmp_path / "neither", "mail"), sim, streams=streams)


def test_all_subaccounts_are_read_with_the_account(tmp_path: Path) -> None:
    world = world_of()
    target = pipeline(tmp_path, "mail")
    brand = next(row["id"] for row in world.subaccounts.rows() if row["status"] == "open")
    streams = ["events", "bounces", "template_versions", "logs"]
    with Mailgun(world).serve() as sim:
        load(target, sim, streams=streams, subaccounts="all")
        database = read_database(target)
        for stream, name in (("events", "events"), ("bounces", "bounces"), ("logs", "logs")):
            both = [*sim.truth(name), *sim.truth(name, account_id=brand)]
            assert len(database.rows(stream)) == len({str(sorted(fact.row.items(), key=str)) for fact in both})
        assert {row["domain_name"] for row in database.rows("template_versions")} >= {"brand-b.test"}


def test_a_run_with_nothing_new_asks_twice_a_domain(tmp_path: Path) -> None:
    world = World()
    for number in range(5):
        world.us.add_domain(f"d{number}.test").fill([world.clock.now - 600 * each for each in range(100)])
    target = pipeline(tmp_path, "mail")
    with Mailgun(world).serve() as sim:
        load(target, sim, streams=["events"])
        world.clock.advance(600)
        assert load(target, sim, streams=["events"]).of("events").requests <= 2 * 5


def test_what_cannot_be_asked_is_said() -> None:
    for options, words in (
        ({"region": "uk"}, "expected `us` or `eu` as `region`"),
        ({"retention": "soon"}, "expected a length of time"),
        ({"streams": ["event"]}, "did you mean `events`"),
        ({"streams": []}, "the name of a stream at least"),
        ({"privacy": "drop"}, "told apart by an address"),
        ({"metrics": ["a"] * 11}, "expected a list of 10 at most as `metrics`"),
    ):
        with pytest.raises(UsageError, match=words):
            mailgun_config(**options)  # type: ignore[arg-type]
