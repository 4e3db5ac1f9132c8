"""Clicks of the Short.io connector: for any traffic and any server the table is what the server has, or as it was.

Here the plan of the connector is walked against the simulator in memory, and rows are replaced in a counter; through
dlt and sockets: `test_shortio.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.bridge.window import WindowLedger
from headrace.config import validate
from headrace.connectors import shortio_config
from headrace.engine import Errand, ParentRow, ResourceReport, Waiting, errands
from headrace.engine.walk import walk_all
from headrace.errors import PagingError
from headrace.message import Page, Request, Response
from headrace.plan import ResourcePlan, build_plan
from headrace.sim.message import Request as Asked
from headrace.sim.shortio import Doubts, Rates, Shortio, World, iso, moment
from headrace.transport import Transport
from walking import in_no_time

NOW = moment("2026-09-01T12:00:00.000Z")
HOUR_MS = 3_600_000
#: Younger clicks are not read; a minute more has passed before the table is looked at.
LAG_MS = 300_000


class StoppedError(Exception):
    """The process ends."""


@dataclass
class Table:
    """What a destination holds, and the state beside it: both change when a run has ended well, or not at all."""

    service: Shortio
    page_size: int
    rows: Counter[str] = field(default_factory=Counter)
    state: dict[str, Any] = field(default_factory=dict)
    until_ms: int = 0

    def run(self, stop_after: int | None = None) -> None:
        """One run. Raises `StoppedError` after so many requests, and what the run raises."""
        world = self.service.world
        plan = build_plan(
            validate(
                shortio_config(
                    api_key=self.service.keys[0].text,
                    streams=["clicks"],
                    page_size=self.page_size,
                    requests_per_minute=10**9,
                ),
                resolve_secret=lambda name: name,
            )
        )
        resource = next(each for each in plan.resources if each.name == "clicks")
        report = ResourceReport("clicks")
        ledger = WindowLedger(self.state, lambda: world.now_ms / 1000, report)
        asked = 0

        async def send(request: Request) -> Response:
            nonlocal asked
            if asked == stop_after:
                raise StoppedError
            asked += 1
            return answer(self.service, request)

        came: list[tuple[int, str]] = []

        async def take(_: Errand, page: Page) -> None:
            came.extend(zip(page.facts.moments, (canonical(record) for record in page.records), strict=True))

        async def walk() -> None:
            transport = Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=send)
            async with transport:
                found = errands(resource, calls_of(resource, world), ledger=ledger)
                await walk_all(resource, found, Waiting(plan.limits), transport, report, take)

        in_no_time(walk())
        for _, start, end in ledger.listed:
            listed = [row for row in self.rows if start * 1000 <= moment(json.loads(row)["dt"]) < end * 1000]
            for row in listed:
                del self.rows[row]
            self.until_ms = round(end * 1000)
        self.rows.update(row for _, row in came)
        ledger.keep()

    def truth(self) -> Counter[str]:
        """All clicks of the server up to where the table goes."""
        world = self.service.world
        clicks = self.service.truth.clicks(next(iter(world.domains)), None, self.until_ms)
        return Counter(canonical(json.dumps(click)) for click in clicks)


def canonical(record: str | bytes) -> str:
    return json.dumps(json.loads(record), sort_keys=True)


def calls_of(resource: ResourcePlan, world: World) -> Iterable[dict[str, ParentRow]]:
    (path,) = (path for _, path in resource.parents[0].fields)
    return ({"domains": ParentRow("domains", {path.text: domain}, {"id": domain})} for domain in world.domains)


def answer(service: Shortio, request: Request) -> Response:
    parts = urlsplit(request.url)
    headers = {"authorization": service.keys[0].text, "content-type": "application/json"}
    reply = service.statistics(
        Asked(request.method, parts.path, parts.path, (), headers, json.dumps(request.json).encode())
    )
    return Response(reply.status, {"content-type": "application/json"}, reply.body, request.url)


#: Bursts: (milliseconds before the next one, clicks at that instant, how many of them are equal).
BURSTS = st.lists(
    st.tuples(st.sampled_from((0, 1, 1, 2, 999, 60_000, HOUR_MS)), st.sampled_from((1, 1, 1, 2, 3, 12)), st.booleans()),
    max_size=12,
)
#: What happens between two runs: bursts, the minutes by which they come late, whether some clicks change.
TURN = st.tuples(BURSTS, st.sampled_from((0, 0, 30, 600)), st.booleans(), st.none() | st.integers(0, 4))


@settings(max_examples=500, deadline=None)
@given(
    turns=st.lists(TURN, min_size=1, max_size=3),
    page_size=st.integers(1, 12) | st.sampled_from((30, 31, 1000)),
    cap=st.sampled_from((None, None, 30, 33)),
    inclusive=st.booleans(),
    ends=st.tuples(st.booleans(), st.booleans()),
    unit=st.sampled_from((1, 1, 1, 1, 1000)),
    ignored=st.sampled_from((("total",), ("total",), ("total",), ("total", "custom"))),
    order=st.sampled_from(("newest", "newest", "newest", "oldest")),
)
@example(
    turns=[([(1, 12, True)] * 4, 0, False, 0)], page_size=1000, cap=30, inclusive=True, ends=(False, False), unit=1,
    ignored=("total",), order="newest",
)  # fmt: skip
def test_the_table_is_what_the_server_has_or_as_it_was(  # noqa: PLR0913, PLR0917 - the sides of the case
    turns: list[tuple[list[tuple[int, int, bool]], int, bool, int | None]], page_size: int, cap: int | None,
    inclusive: bool, ends: tuple[bool, bool], unit: int, ignored: tuple[str, ...], order: Any,
) -> None:  # fmt: skip
    """Ties, bursts longer than a page, late and changed clicks, both rules of every bound, caps in silence, cursors
    that are cut or ignored, the other order, and a process that ends after any request."""
    doubts = Doubts(
        before_inclusive=inclusive, start_inclusive=ends[0], end_inclusive=ends[1], cursor_unit_ms=unit,
        clicks_max_limit=cap, cursors_ignored=ignored, clicks_order=order,
    )  # fmt: skip
    world = World(iso(NOW), doubts=doubts)
    domain = world.add_domain().id
    table = Table(Shortio(world, rates=Rates(None, None)), page_size)
    clicks = []
    most = 0
    for bursts, late_min, changes, stop_after in turns:
        at = world.now_ms
        for gap, count, is_equal in bursts:
            at += gap
            most = max(most, count)
            for number in range(count):
                path = "/same" if is_equal else f"/{number}"
                clicks.append(world.add_click(domain, at, path, arrives_ms=at + late_min * 60_000))
        world.advance((at - world.now_ms) / 1000 + 3600)
        if changes and clicks and world.now_ms - clicks[-1].dt_ms < 20 * HOUR_MS:
            world.change_click(clicks[-1], goal_completed="bought")
        before = Counter(table.rows)
        try:
            table.run(stop_after)
        except (PagingError, StoppedError) as error:
            assert table.rows == before
            if isinstance(error, PagingError):
                # what cannot be paged is said; nothing else is an error
                can_be_paged = 4 * most < min(page_size, 30) and unit == 1
                assert not can_be_paged or "custom" in ignored or order == "oldest", error
                return
    world.advance(12 * 3600)
    try:
        table.run()
    except PagingError:
        return
    assert table.rows == table.truth()
    assert table.until_ms == world.now_ms - LAG_MS
