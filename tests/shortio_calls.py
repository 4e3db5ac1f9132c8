"""Calls to a simulated Short.io in memory, and a small world to call."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from headrace.sim.message import Reply, Request
from headrace.sim.shortio import Click, Doubts, Rates, Shortio, World, iso, moment

NOW = moment("2026-09-01T12:00:00.000Z")
#: A moment of the day before.
T = moment("2026-08-31T10:00:00.000Z")
DAY = 86_400_000
AUGUST = {"period": "custom", "tz": "UTC", "startDate": "2026-08-01T00:00:00.000Z", "endDate": iso(NOW)}


class Calls:
    """A world with one domain, whose clock stands at `NOW`; keywords are doubts. No rates unless `rates` has some."""

    def __init__(self, *, rates: Rates = Rates(None, None), **doubts: Any) -> None:  # noqa: B008 - frozen
        self.world = World(iso(NOW), doubts=Doubts(**doubts))
        self.domain = self.world.add_domain()
        self.id = self.domain.id
        self.service = Shortio(self.world, rates=rates)
        self.truth = self.service.truth
        self.headers = {"authorization": self.service.keys[0].text}

    def ask(self, request: Request) -> Reply:
        host = self.service.statistics if request.path.startswith("/statistics") else self.service.api
        return host(request)

    def get(self, path: str, /, **params: Any) -> tuple[int, Any]:
        query = tuple((name, str(value)) for name, value in params.items())
        reply = self.ask(Request("GET", _target(path, query), path, query, self.headers))
        return reply.status, json.loads(reply.body)

    def post(self, path: str, body: Any = None, /, **params: Any) -> tuple[int, Any]:
        query = tuple((name, str(value)) for name, value in params.items())
        headers = {**self.headers, "content-type": "application/json"}
        reply = self.ask(Request("POST", _target(path, query), path, query, headers, json.dumps(body or {}).encode()))
        return reply.status, json.loads(reply.body)

    def statistics(self, call: str, /, **body: Any) -> Any:
        """The answer to a call of the domain; clicks of August unless the body says otherwise."""
        path = f"/statistics/domain/{self.id}/{call}".rstrip("/")
        status, value = self.post(path, {**AUGUST, **body})
        assert status == 200, value
        return value

    def clicks(self, **body: Any) -> Any:
        return self.statistics("last_clicks", **body)

    def links(self, **params: Any) -> Any:
        status, value = self.get("/api/links", domain_id=self.id, **params)
        assert status == 200, value
        return value

    def visit(self, dt_ms: int, path: str = "/", /, **fields: Any) -> Click:
        return self.world.add_click(self.id, dt_ms, path, **fields)


def _target(path: str, query: tuple[tuple[str, str], ...]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
