"""What a dialect is, and what its service is made of.

A service is a function `Asked -> Reply`. It is pure: the same request in the same run has the same answer. Where it
does not like what it is asked, it raises `Refused`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

from headrace.sim.message import Reply, Request

START = datetime(2026, 1, 1, 8, tzinfo=timezone.utc)


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer that is no data."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.reply = answer({"message": message, **more}, status)


class Asked:
    """One request as a service reads it; `run` is 0 or 1, and data may have changed between them."""

    def __init__(self, request: Request, run: int) -> None:
        self.method = request.method
        self.run = run
        self.headers = request.headers
        self.path = request.path
        self.steps = request.path.strip("/").split("/")
        self.origin = f"http://{request.headers['host']}"
        self._query = request.query
        self._body = request.body

    @property
    def params(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last."""
        return dict(self._query)

    def values(self, name: str) -> list[str]:
        """All values of a repeated parameter."""
        return [value for key, value in self._query if key == name]

    def only(self, *names: str) -> None:
        """Refuse parameters that the API does not know."""
        unknown = sorted(self.params.keys() - set(names))
        if unknown:
            raise Refused(400, f"unknown parameters: {', '.join(unknown)}")

    def whole(self, name: str, default: int, most: int = 1000) -> int:
        """A parameter that is a number from 0 to `most`."""
        return whole(self.params.get(name), default, most)

    def needs(self, name: str, *wanted: str) -> None:
        """Refuse when a header is not one of `wanted`."""
        if self.headers.get(name) not in wanted:
            raise Refused(400, f"header {name} must be one of {wanted}, got {self.headers.get(name)}")

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        if self.method != "POST" or not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "expected POST with a JSON body")
        try:
            found = json.loads(self._body)
        except ValueError:
            raise Refused(400, "expected JSON") from None
        if not isinstance(found, dict):
            raise Refused(400, "expected an object")
        return found

    def form(self) -> dict[str, str]:
        """The body of a form."""
        if self.headers.get("content-type") != "application/x-www-form-urlencoded":
            raise Refused(415, "expected a form")
        return dict(self.form_pairs())

    def form_pairs(self) -> list[tuple[str, str]]:
        """The same, with repeated names."""
        return parse_qsl(self.text(), keep_blank_values=True)

    def text(self) -> str:
        """The body as it is."""
        return self._body.decode()

    def link(self, path: str | None = None, **params: Any) -> str:
        """Another address of the API with exactly these parameters, absolute."""
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        return f"{self.origin}{self.path if path is None else path}{query}"

    def bearer(self, *tokens: str) -> None:
        """Refuse any other bearer token."""
        self.signed("authorization", *(f"Bearer {token}" for token in tokens))

    def basic(self, username: str, password: str) -> None:
        """Refuse any other user."""
        self.signed("authorization", "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())

    def signed(self, name: str, *values: str) -> None:
        """Refuse when the header is not one of these."""
        if self.headers.get(name) not in values:
            raise Refused(401, "bad credentials")


Service = Callable[[Asked], Reply]


@dataclass(frozen=True)
class Dialect:
    """A service, a configuration for it, and the rows that must stand in each table after each run.

    `options` are arguments of `rest_api_source`; `shows` names what of the format it is here for.
    """

    name: str
    service: Service
    config: Callable[[str], dict[str, Any]]
    rows: Sequence[Mapping[str, int]]
    shows: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def answering(self, run: int) -> Callable[[Request], Reply]:
        """The service as it is in one of the runs."""

        def serve(request: Request) -> Reply:
            try:
                return self.service(Asked(request, run))
            except Refused as refused:
                return refused.reply

        return serve


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status, json.dumps(value).encode(), headers=tuple((headers or {}).items()))


def whole(value: Any, default: int, most: int = 1000) -> int:
    """A number from 0 to `most`, as text or as such."""
    try:
        found = default if value is None else int(value)
    except (TypeError, ValueError):
        raise Refused(400, f"expected a number, got {value}") from None
    if not 0 <= found <= most:
        raise Refused(400, f"expected 0 to {most}, got {found}")
    return found


def time(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def stamp(hours: float) -> str:
    """`2026-01-01T08:00:00Z` and so many hours."""
    return time(hours).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(hours: float) -> int:
    """Seconds since 1970."""
    return int(time(hours).timestamp())


def opaque(text: object) -> str:
    """A cursor that nobody can read, with characters that must be quoted."""
    return base64.b64encode(f"at:{text}".encode()).decode()


def opened(cursor: str | None) -> str | None:
    """What `opaque` was made of; any other text is refused."""
    if cursor is None:
        return None
    try:
        mark, _, text = base64.b64decode(cursor, validate=True).decode().partition(":")
    except ValueError:
        mark = ""
    if mark != "at":
        raise Refused(400, "unknown cursor")
    return text


def pick(values: Sequence[Any], number: int) -> Any:
    """One of `values` by turns."""
    return values[number % len(values)]


PEOPLE = ("Ada", "Bjørn", "Chloé", "Dmitri", "Emi 恵美", "Fatou", "Gül", "Hugo O'Neil")
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
