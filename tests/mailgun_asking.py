"""A client of the simulated Mailgun without a socket: services are called as functions, page links are followed."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from headrace.sim.mailgun import Doubts, World
from headrace.sim.mailgun.service import Service
from headrace.sim.message import Reply, Request

HOST = "sim.test"


class Asking:
    """Both regions of a world under some doubts; `last` is the reply before it was decoded."""

    def __init__(self, world: World, gate: Any = None, **doubts: Any) -> None:
        self.world = world
        self.doubts = Doubts(**doubts)
        self.last = Reply()
        self._services: dict[str, Service] = {
            region: Service(world, self.doubts, region, gate, lambda: "http://us.test")  # type: ignore[arg-type]
            for region in ("us", "eu")
        }

    def ask(  # noqa: PLR0913 - the parts of a request
        self,
        path: str,
        *,
        secret: str | None = None,
        region: str = "us",
        headers: dict[str, str] | None = None,
        body: Any = None,
        raw: bytes | None = None,
        method: str | None = None,
        **params: Any,
    ) -> tuple[int, Any]:
        """Status and body, decoded where it is JSON; `path` is a page link or an escaped path.

        A body is posted, `raw` as it is.
        """
        token = b64encode(f"api:{secret or self.world.key.secret}".encode()).decode()
        parts = urlsplit(path)
        query = "&".join(filter(None, (parts.query, urlencode(params, doseq=True))))
        target = f"{parts.path}?{query}" if query else parts.path
        request = Request(
            method or ("GET" if body is raw is None else "POST"),
            target,
            unquote(parts.path),
            tuple(parse_qsl(query, keep_blank_values=True)),
            {"host": HOST, "authorization": f"Basic {token}", **(headers or {})},
            raw if raw is not None else b"" if body is None else json.dumps(body).encode(),
        )
        self.last = self._services[region](request)
        text = self.last.body.decode()
        return self.last.status, json.loads(text) if self.last.content_type == "application/json" else text

    def get(self, path: str, **more: Any) -> Any:
        """The body of an answer that must be whole."""
        status, body = self.ask(path, **more)
        assert status == 200, (path, status, body)
        return body

    def items(self, path: str, **params: Any) -> list[Any]:
        """Rows of all pages behind links, to the first empty page."""
        found: list[Any] = []
        page = self.get(path, **params)
        who = {name: params[name] for name in ("region", "secret", "headers") if name in params}
        for _ in range(1000):
            if not page["items"]:
                return found
            found += page["items"]
            page = self.get(page["paging"]["next"], **who)
        raise AssertionError("no empty page")

    def skipped(self, path: str, limit: int, key: str = "items", **params: Any) -> list[Any]:
        """Rows of all pages by skip and limit, to the first empty page."""
        found: list[Any] = []
        while page := self.get(path, skip=len(found), limit=limit, **params)[key]:
            found += page
        return found

    def logs(self, **body: Any) -> list[Any]:
        """Rows of all pages of logs."""
        found: list[Any] = []
        page = self.get("/v1/analytics/logs", body=body)
        for _ in range(1000):
            found += page["items"]
            token = page["pagination"].get("next")
            if not page["items"] or token is None:
                return found
            pagination = {**body.get("pagination", {}), "token": token}
            page = self.get("/v1/analytics/logs", body={**body, "pagination": pagination})
        raise AssertionError("no end")
