"""The Mailgun connector loaded into memory: its plan walked by the engine, the simulated service called as a function.

What dlt would do stands here in small: rows and what is remembered of windows count when a run has ended well, or
neither does.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from headrace.bridge.window import WindowLedger
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning, validate
from headrace.connectors import mailgun_config
from headrace.engine import Report, RowWork, Waiting, errands, fetch, fetch_objects, origins_of
from headrace.message import Request, Response
from headrace.plan import Plan, build_plan, ranged
from headrace.sim.mailgun import Doubts, World
from headrace.sim.mailgun.limits import Gate
from headrace.sim.mailgun.service import Service
from headrace.sim.message import Request as Asked
from headrace.transport import Gates, Transport

HOST = "http://mailgun.test"


class StopError(Exception):
    """A run is stopped where it stands."""


def plan_of(world: World, page: int | None = None, **options: Any) -> Plan:
    """The plan of the connector with the world's key; `page` is the number of rows on a page of events and logs."""
    config = mailgun_config(api_key=world.key.secret, base_url=HOST, **options)
    config["client"]["retry"] |= {"max_retries": 8}
    for resource in config["resources"]:
        endpoint = resource["endpoint"]
        if page is not None and resource["name"] == "events":
            endpoint["params"] |= {"limit": page}
        if page is not None and resource["name"] == "logs":
            endpoint["json"]["pagination"] |= {"limit": page}
    return build_plan(validate(config, resolve_secret=lambda name: name), look_up_key=lambda: "k" * 40)


@dataclass
class Sink:
    """What stands in memory: resource -> key -> row, and the state of each resource."""

    world: World
    doubts: Doubts
    plan: Plan
    rate: Any = None
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def run(
        self,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        stop_after: int | None = None,
        rows_alone: bool = False,
        since: Any = None,
        until: Any = None,
    ) -> Report:
        """One run at the world's moment; `meanwhile` happens before each answer.

        It is stopped before the request behind `stop_after`; with `rows_alone` its rows are kept and its state is not,
        as when somebody restores an older state.
        """
        report = Report()
        self.asked = []
        clock = TurnedClock(wall=self.world.clock.now)
        gate = None if self.rate is None else Gate(self.rate, self.doubts, clock.wall)
        service = Service(self.world, self.doubts, "us", gate, lambda: HOST)

        async def send(request: Request) -> Response:
            await asyncio.sleep(0)
            if stop_after is not None and len(self.asked) >= stop_after:
                raise StopError
            meanwhile()
            asked = as_asked(request)
            self.asked.append(asked.target)
            reply = service(asked)
            headers = {name.lower(): value for name, value in reply.headers}
            headers["content-type"] = reply.content_type
            return Response(reply.status, headers, reply.body, request.url)

        plan = ranged(self.plan, since, until)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeadraceWarning)
            rows, ledgers = asyncio.run(self._run(plan, report, clock, send))
        for name, found in rows.items():
            self.rows.setdefault(name, {}).update(found)
        for ledger in () if rows_alone else ledgers:
            ledger.keep()
        return report

    async def _run(self, plan: Plan, report: Report, clock: TurnedClock, send: Any) -> tuple[Any, Any]:
        gates, waiting = Gates(plan.limits), Waiting(plan.limits)
        exported: dict[str, Any] = {}
        rows: dict[str, dict[tuple[Any, ...], Any]] = {}
        ledgers = []
        for resource in plan.resources:
            told = report.of(resource.name)
            found = rows.setdefault(resource.name, {})

            async def take(page: list[Any], _: Any, found: Any = found, key: Any = resource.primary_key) -> None:
                found.update({tuple(row[name] for name in key): row for row in page})

            def calls(resource: Any = resource, told: Any = told) -> Any:
                origins = origins_of([exported[resource.parents[0].resource]]) if resource.parents else ({},)
                ledger = None
                if resource.windows is not None:
                    state = self.states.setdefault(resource.name, {})
                    ledger = WindowLedger(state, lambda: self.world.clock.now, told)
                    ledgers.append(ledger)
                return errands(resource, origins, ledger=ledger)

            async with Transport(
                retry=plan.retry, limits=plan.limits, origins=plan.origins, clock=clock, gates=gates, send=send
            ) as transport:
                if any(each.parents and each.parents[0].resource == resource.name for each in plan.resources):
                    exported[resource.name] = await fetch(resource, calls(), waiting, transport, told, _Nowhere())
                else:
                    await fetch_objects(RowWork(resource), calls(), waiting, transport, told, take)
        return rows, ledgers


class _Nowhere:
    async def put(self, batch: Any, attempt: Any = None) -> None: ...
    async def drain(self) -> None: ...
    async def stop(self) -> None: ...


def as_asked(request: Request) -> Asked:
    """The request as a server reads it."""
    parts = urlsplit(request.url)
    query = "&".join(filter(None, (parts.query, urlencode(request.params))))
    return Asked(
        request.method,
        f"{parts.path}?{query}" if query else parts.path,
        unquote(parts.path),
        tuple(parse_qsl(query, keep_blank_values=True)),
        {"host": urlsplit(HOST).netloc, **{name.lower(): value for name, value in request.headers}},
        b"" if request.json is None else json.dumps(request.json).encode(),
    )
