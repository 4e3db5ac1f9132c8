"""One transport and one loopback server whose answers a test writes down; time is turned, nobody sleeps."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from headrace.clock import TurnedClock
from headrace.message import Request, Response
from headrace.plan.model import Action, Auth, Limits, RetryPolicy
from headrace.sim.faults import Fault
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came
from headrace.sim.server import Server
from headrace.transport import Credentials, Trace, Transport

POLICY = RetryPolicy()
LIMITS = Limits(timeout_s=5.0)

Answer = Reply | Callable[[Came], Reply]


class Api:
    """Gives one answer a request, the last one for ever; addresses in `by_path` have answers of their own."""

    def __init__(self, *answers: Answer, by_path: Mapping[str, Answer | Sequence[Answer]] | None = None) -> None:
        self._answers = list(answers) or [ok()]
        self._by_path = {
            path: list(given) if isinstance(given, Sequence) else [given] for path, given in (by_path or {}).items()
        }
        self.came: list[Came] = []

    def __call__(self, request: Came) -> Reply:
        self.came.append(request)
        answers = self._by_path.get(request.path, self._answers)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Reply) else answer(request)

    def at(self, path: str) -> list[Came]:
        """What was asked at one address."""
        return [request for request in self.came if request.path == path]


def ok(value: Any = None, **more: Any) -> Reply:
    """A whole answer."""
    return Reply(200, json.dumps({"items": [1]} if value is None else value).encode(), **more)


def failing(status: int = 500, body: bytes = b"", **headers: str) -> Reply:
    """An answer without success; `retry_after="7"` is a header."""
    return Reply(status, body, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@dataclass
class Outcome:
    """What came of asking: a value or an error for each request, in their order."""

    came: list[Came]
    url: str
    values: list[Any] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The first value; raises where it is an error."""
        if isinstance(self.values[0], BaseException):
            raise self.values[0]
        return self.values[0]

    @property
    def error(self) -> BaseException:
        """The first error."""
        assert isinstance(self.values[0], BaseException), self.values[0]
        return self.values[0]

    @property
    def said(self) -> str:
        """All that a reader could see: errors with their causes, and traces."""
        errors = [value for value in self.values if isinstance(value, BaseException)]
        return "".join("".join(traceback.format_exception(error)) for error in errors) + repr(self.traces)


def ask(  # noqa: PLR0913 - each is a choice of some test, and all have names
    api: Api,
    auth: Auth | Callable[[str], Auth] | None = None,
    *,
    actions: Sequence[Action] = (),
    policy: RetryPolicy = POLICY,
    limits: Limits = LIMITS,
    times: int = 1,
    together: bool = False,
    sender: Callable[[], Any] | None = None,
    clock: TurnedClock | None = None,
    read: Callable[[Response], Any] | None = None,
    faults: Sequence[Fault] = (),
    look_up: Callable[[str], str] | None = None,
    **request: Any,
) -> Outcome:
    """Ask for `/page` `times` times, one after the other or `together`; `auth` may depend on the server's address."""
    clock = clock or TurnedClock()

    async def scene(outcome: Outcome) -> None:
        parts = urlsplit(outcome.url)
        transport = Transport(
            retry=policy,
            limits=limits,
            origins=frozenset({("http", parts.hostname or "", parts.port or 0)}),
            clock=clock,
            observe=outcome.traces.append,
            credentials=Credentials(look_up),
            send=sender() if sender else None,
        )
        made = auth(outcome.url) if callable(auth) else auth
        first = Request("GET", f"{outcome.url}/page", resource="things")
        path = request.pop("path", "/page")
        wanted = replace(first, url=outcome.url + path, **request)
        async with transport:
            tasks = [
                transport.fetch(wanted, made, read or (lambda response: json.loads(response.body)), actions)
                for _ in range(times)
            ]
            if together:
                outcome.values += await asyncio.gather(*tasks, return_exceptions=True)
            else:
                for task in tasks:
                    outcome.values += await asyncio.gather(task, return_exceptions=True)

    with Server(api, faults=faults) as server:
        outcome = Outcome(api.came, server.url)
        asyncio.run(scene(outcome))
    outcome.slept = clock.slept
    return outcome
