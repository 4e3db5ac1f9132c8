"""Domains that a key may not read, on the simulated Mailgun: each is named in its own words, the others are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.engine import Report
from headrace.errors import RefusedError
from headrace.sim.mailgun import Mailgun, MailgunSim, World
from loading import pipeline, read_database, refused

SKIP = [{"status_code": status, "action": "skip"} for status in (400, 401, 403, 404)]
LINKS = {"type": "json_link", "next_url_path": "paging.next", "stop_after_empty_page": True}
SKIPPED = {"type": "offset", "limit": 1000, "offset_param": "skip", "total_path": "total_count"}
NAMES = ("a.test", "b.test", "c.test", "d.test", "e.test")


def world() -> World:
    """Five domains with bounces and events; the key may read the first and the last."""
    made = World()
    now = made.clock.now
    for number, name in enumerate(NAMES):
        domain = made.us.add_domain(name, state="disabled" if name == "b.test" else "active")
        domain.fill([now - 3600 + 10 * second + number for second in range(60)])
        domain.bounces.put({"address": f"ann@{name}", "code": "550", "error": "", "created_at": ""})
    deny(made, 401, 404)
    return made


def deny(made: World, *denials: int | None) -> None:
    for name, denial in zip(("c.test", "d.test"), denials, strict=True):
        domain = made.us.domain(name)
        assert domain is not None
        domain.denial = denial


def config(sim: MailgunSim, key: str) -> dict[str, Any]:
    def listing(name: str, row_key: str, **params: Any) -> dict[str, Any]:
        path = f"v3/{{resources.domains.name}}/{name}"
        return {
            "name": name,
            "primary_key": ["_domains_name", row_key],
            "include_from_parent": ["name"],
            "endpoint": {"path": path, "params": params, "paginator": LINKS, "response_actions": SKIP},
        }

    domains = {"path": "v4/domains", "params": {"sort": "name:asc"}, "paginator": SKIPPED, "response_actions": SKIP}
    return {
        "client": {"base_url": sim.url, "auth": {"type": "http_basic", "username": "api", "password": key}},
        "resource_defaults": {
            "write_disposition": "merge",
            "endpoint": {"data_selector": "items", "allow_null_data": True},
        },
        "resources": [
            {"name": "domains", "primary_key": "id", "endpoint": domains},
            listing("events", "id", ascending="yes", limit=25, begin=int(sim.world.clock.now) - 4000),
            listing("bounces", "address", limit=1),
        ],
    }


def test_each_refusal_is_told_and_the_others_are_loaded(tmp_path: Path) -> None:
    report, target, made = Report(), pipeline(tmp_path, "mail"), world()
    with Mailgun(made).serve() as sim:
        with pytest.warns(HeadraceWarning, match="3 calls were skipped"):
            target.run(rest_api_source(config(sim, sim.key), name="mail", report=report, clock=TurnedClock()))
        for name, key in (("events", "id"), ("bounces", "address")):
            facts = [fact for fact in sim.truth(name) if fact.parent[0] in ("a.test", "e.test")]
            rows = read_database(target).rows(name)
            assert sorted((row["_domains_name"], row[key]) for row in rows) == sorted(
                (fact.parent[0], fact.row[key]) for fact in facts
            )
            told = {skip.params["resources.domains.name"]: str(skip) for skip in report.of(name).skipped}
            assert list(told) == ["b.test", "c.test", "d.test"]
            assert told["c.test"] == "resources.domains.name=c.test: 401 Forbidden"
            assert told["b.test"].startswith("resources.domains.name=b.test: 400 ")
            assert told["d.test"].startswith("resources.domains.name=d.test: 404 ")
            assert "{" not in "".join(told.values()), "the words, and not the JSON around them"
        deny(made, None, None)
        made.us.domain("b.test").change(state="active", is_disabled=False)  # type: ignore[union-attr]
        report = Report()
        target.run(rest_api_source(config(sim, sim.key), name="mail", report=report, clock=TurnedClock()))
        assert len(read_database(target).rows("events")) == len(sim.truth("events")) == 300
        assert not any(each.skipped for each in report.resources.values())


def test_a_key_that_may_nothing_is_an_error(tmp_path: Path) -> None:
    """The list of domains is one call: a 401 there is fatal, as without `skip`."""
    with Mailgun(world()).serve() as sim, refused(RefusedError) as found:
        pipeline(tmp_path, "mail").run(
            rest_api_source(config(sim, "key-of-somebody"), name="mail", clock=TurnedClock())
        )
    assert "got 401 Unauthorized (Forbidden) from GET" in str(found[0])
