"""Walks of the calls of a resource against an API that is a function, in time that passes while nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from headrace.config import validate
from headrace.engine import Errand, ResourceReport, Waiting, errands
from headrace.engine.walk import walk_all
from headrace.message import Page, Request, Response
from headrace.plan import Call, Mark, Plan, build_plan
from headrace.transport import Transport
from turned_loop import TurnedLoop

T = TypeVar("T")
URL = "https://api.example.com"
#: Answers with status, document and headers.
Answer = Callable[[Mapping[str, str], str], tuple[int, Any, Mapping[str, str]]]


def in_no_time(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What `work` gives, and the seconds that it would have taken. Raises what the loop could only log."""
    loop = TurnedLoop()
    lost: list[Any] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))
    try:
        result = loop.run_until_complete(work)
        assert [task for task in asyncio.all_tasks(loop) if not task.done()] == []
        return result, loop.time()
    finally:
        loop.close()
        assert lost == []


@dataclass
class Api:
    """Answers after a time; counts requests, the most under way at once, and bytes of rows on their way to `take`."""

    answer: Answer
    latency_s: Callable[[Request], float] = lambda _: 0.1
    asked: list[Request] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    async def send(self, request: Request) -> Response:
        self.asked.append(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.latency_s(request))
        finally:
            self.under_way -= 1
        status, document, headers = self.answer(dict(request.params), request.url)
        return Response(status, headers, json.dumps(document).encode(), request.url)


class Settled:
    """A ledger of windows; `ends` lists them in the order of settling. Without `now_s` all ranges lie in the past."""

    def __init__(self, now_s: float = 1e10, mark: Mark | None = None) -> None:
        self.ends: list[float] = []
        self.listed: list[tuple[float, float]] = []
        self.lost: list[str] = []
        self.rereads: list[float] = []
        self.early: list[float] = []
        self._now_s = now_s
        self._mark = mark or Mark()

    def now_s(self) -> float:
        return self._now_s

    def ahead_s(self, _url: str) -> float | None:
        return None

    def end_early(self, by_s: float) -> None:
        self.early.append(by_s)

    def mark(self, _key: str) -> Mark:
        return self._mark

    def list(self, _call: Call, start: float, end: float) -> None:
        self.listed.append((start, end))

    def settle(self, _key: str, until: float) -> None:
        self.ends.append(until)

    def reread(self, _key: str, moment: float) -> None:
        self.rereads.append(moment)

    def lose(self, _key: str, text: str) -> None:
        self.lost.append(text)


@dataclass
class Walked:
    """What came of a walk, in the order in which it was handed on."""

    rows: list[Any] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)
    ledger: Settled = field(default_factory=Settled)
    report: ResourceReport = field(default_factory=lambda: ResourceReport("items"))

    async def take(self, errand: Errand, page: Page) -> None:
        if errand.window is not None and (errand.window.start, errand.window.end) not in self.windows[-1:]:
            self.windows.append((errand.window.start, errand.window.end))
        self.rows.extend(json.loads(record) for record in page.records)


MERGED: Mapping[str, Any] = {"primary_key": "id", "write_disposition": "merge"}


def plan_of(
    paginator: Any, windows: Mapping[str, Any] | None = None, hints: Mapping[str, Any] = MERGED, **limits: Any
) -> Plan:
    """A plan of one resource, `items`, with its rows under that name."""
    endpoint: dict[str, Any] = {"path": "items", "data_selector": "items", "paginator": paginator}
    if windows:
        endpoint["windows"] = windows
    config = {
        "client": {"base_url": URL, "limits": limits, "retry": {"max_retries": 0}},
        "resources": [{"name": "items", **hints, "endpoint": endpoint}],
    }
    return build_plan(validate(config, resolve_secret=lambda name: name))


async def walk(
    plan: Plan,
    api: Api,
    walked: Walked,
    *,
    calls: Callable[[Iterable[Errand]], Iterable[Errand]] = lambda found: found,
    take: Callable[[Errand, Page], Awaitable[None]] | None = None,
) -> Walked:
    """Walk the calls of the plan's resource, `calls` having changed them, and give `walked` back."""
    transport = Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=api.send)
    return await walk_with(transport, plan, walked, calls=calls, take=take)


async def walk_with(
    transport: Transport,
    plan: Plan,
    walked: Walked,
    *,
    calls: Callable[[Iterable[Errand]], Iterable[Errand]] = lambda found: found,
    take: Callable[[Errand, Page], Awaitable[None]] | None = None,
    waiting: Waiting | None = None,
) -> Walked:
    """The same with a transport, and what waits, that several walks share."""
    resource = plan.resources[0]
    found = calls(errands(resource, ledger=walked.ledger))
    async with transport:
        await walk_all(resource, found, waiting or Waiting(plan.limits), transport, walked.report, take or walked.take)
    return walked
