"""Domains with events, of which some are refused, and how they are loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dlt

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database

PAGE = 3
HOUR_S = 3600
SKIP = [{"status_code": 403, "action": "skip"}]
MERGED = {"primary_key": "id", "write_disposition": "merge"}
#: dlt's `Incremental` of events by their time, one watermark for each domain.
PER_DOMAIN = {"cursor_path": "at", "start_param": "since", "per_parent": True, "initial_value": 0}
ONE_FOR_ALL = {"cursor_path": "at", "start_param": "since", "initial_value": 0}
SCD2 = {"write_disposition": {"disposition": "merge", "strategy": "scd2"}}


class Service:
    """Three domains with events, two an hour, and a list of recipients for each event.

    `closed` says from which event on calls to a domain are refused; `hours` are as many as there are.
    """

    def __init__(self, hours: int = 5, closed: Mapping[str, int] | None = None) -> None:
        self.hours = hours
        self.closed = dict(closed or {})
        self.asked: list[str] = []

    def truth(self) -> list[str]:
        return sorted(row["id"] for name in "abc" for row in self._events(name))

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request.path)
        what, *rest = request.path.strip("/").split("/")
        if what == "domains":
            return reply([{"name": name} for name in "abc"])
        if what == "recipients":
            return reply([{"id": f"{rest[0]}-{number}"} for number in range(2)])
        name = rest[0]
        start, end = int(request.param("since") or 0), int(request.param("until") or 1 << 40)
        found = [row for row in self._events(name) if start <= row["at"] < end]
        page = found[PAGE * int(request.param("page") or 0) :][:PAGE]
        closed = self.closed.get(name)
        if closed is not None and (page[0]["n"] >= closed if page else not found):
            return Reply(403, json.dumps({"message": f"{name} is not yours"}).encode())
        return reply(page)

    def _events(self, name: str) -> list[dict[str, Any]]:
        return [{"id": f"{name}{n}", "n": n, "at": n // 2 * HOUR_S} for n in range(2 * self.hours)]


def reply(document: Any) -> Reply:
    return Reply(body=json.dumps(document).encode())


def config(url: str, events: Mapping[str, Any], *further: Mapping[str, Any], **endpoint: Any) -> dict[str, Any]:
    """Domains, events of each domain, and what else depends on these; `endpoint` is that of the events."""
    paged = {"paginator": {"type": "page_number", "total_path": None}, "data_selector": "$"}
    whole = {"paginator": "single_page", "data_selector": "$"}
    path = "events/{resources.domains.name}"
    return {
        "client": {"base_url": url},
        "resources": [
            {"name": "domains", "endpoint": {"path": "domains", "response_actions": SKIP, **whole}},
            {"name": "events", "endpoint": {"path": path, "response_actions": SKIP, **paged, **endpoint}, **events},
            *({**each, "endpoint": {**each["endpoint"], **whole}} for each in further),
        ],
    }


Change = Callable[[Any], Any]


def run(
    folder: Path, service: Service, configured: Callable[[str], dict[str, Any]], change: Change = lambda source: source
) -> tuple[dlt.Pipeline, Report]:
    target, report = pipeline(folder, "skips"), Report()
    with Server(service) as server:
        source = rest_api_source(configured(server.url), name="api", report=report, clock=TurnedClock())
        target.run(change(source))
    return target, report


def loaded(target: dlt.Pipeline) -> list[str]:
    return sorted(row["id"] for row in read_database(target).rows("events"))
