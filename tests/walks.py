"""One paged API, a pure function, walked by dlt's `RESTClient.paginate` and by our pager and splitter."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from dlt.common.configuration.specs.runtime_configuration import RuntimeConfiguration
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.rest_api.config_setup import create_paginator
from pydantic import TypeAdapter
from requests.adapters import HTTPAdapter

from headrace.config.kinds import PagingOptions
from headrace.decode import PageSplitter
from headrace.errors import HeadraceError
from headrace.jsonpath import compile_path
from headrace.message import Request, Response
from headrace.paginate import Pager
from headrace.plan.pagers import PAGERS
from headrace.transport.address import full_url

BASE = "https://api.example.com/v1"
#: Requests after which a walk counts as one without an end.
CEILING = 40
_OPTIONS: TypeAdapter[Any] = TypeAdapter(PagingOptions)
_CONFIGURATION = RuntimeConfiguration()


@dataclass(frozen=True)
class Asked:
    """One request as an API sees it; `query` has the last value of each name, `body` is decoded where it is JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True)
class Start:
    """What an endpoint says beside its paginator."""

    method: str = "GET"
    selector: str | None = "items"
    params: Mapping[str, Any] | None = None
    body: Any = None


PLAIN = Start()


@dataclass(frozen=True)
class Answer:
    """What an API says: a document, sent as JSON, and headers beside it."""

    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Api = Callable[[Asked], Answer]


@dataclass
class Outcome:
    """How a walk went: the rows that were served, what was asked, and "" or how it broke off."""

    rows: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    error: str = ""

    @property
    def endless(self) -> bool:
        return self.error == "endless"


class _EndlessError(Exception):
    """An API was asked too often."""


class _Door(HTTPAdapter):
    """Where dlt's session meets the API."""

    def __init__(self, serve: Callable[[str, str, bytes | None], Answer]) -> None:
        super().__init__()
        self._serve = serve

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._serve(str(request.method), str(request.url), body)
        response = requests.Response()
        response.status_code = 200
        response.headers.update(answer.headers)
        response.url = str(request.url)
        response.request = request
        response._content = json.dumps(answer.document).encode()
        return response


def through_dlt(api: Api, paginator: Any, start: Start = PLAIN) -> Outcome:
    """The walk by dlt; `paginator` is what a configuration holds. The page that breaks it off is not served."""
    outcome = Outcome()
    session = requests.Session()
    session.trust_env = False  # looking for proxies takes longer than the walk
    session.mount("https://", _Door(_recorder(api, outcome)))
    client = RESTClient(BASE, session=session, config=_CONFIGURATION)
    try:
        for page in client.paginate(
            "items",
            method=start.method,  # type: ignore[arg-type]
            params=copy.deepcopy(start.params),  # type: ignore[arg-type]
            json=copy.deepcopy(start.body),
            paginator=create_paginator(paginator),
            data_selector=start.selector,
        ):
            outcome.rows.extend(page)
    except _EndlessError:
        outcome.error = "endless"
    except Exception as error:  # noqa: BLE001 - dlt raises whatever it meets
        outcome.error = f"{type(error).__name__}: {error}"
    return outcome


def through_headrace(
    api: Api, paginator: Mapping[str, Any] | Pager, start: Start = PLAIN, *, ahead: int = 1
) -> Outcome:
    """The walk by headrace with `ahead` pages asked for at the same time. The page that breaks it off is not served."""
    outcome = Outcome()
    serve = _recorder(api, outcome)
    pager = pager_of(paginator) if isinstance(paginator, Mapping) else paginator
    pairs = tuple((name, str(value)) for name, value in (start.params or {}).items())
    first = Request(start.method, f"{BASE}/items", pairs, json=start.body, resource="items", given=start.params)
    splitter = PageSplitter(
        None if start.selector is None else compile_path(start.selector),
        pager.wants,
        resource="items",
        fingerprint=pager.compares_pages,
        answers=pager.reads_answers,
        digests=pager.reads_digests,
    )
    waiting: list[Request] = []
    try:
        walk = pager.begin(first)
        while not walk.done:
            while len(waiting) < ahead and (request := walk.ask()) is not None:
                waiting.append(request)
            response = _fetch(serve, waiting.pop(0))
            page = splitter.split(response)
            walk.tell(page.facts)
            if walk.found is not None:
                splitter.want(walk.found.wants)
            outcome.rows.extend(json.loads(record) for record in page.records)
    except _EndlessError:
        outcome.error = "endless"
    except HeadraceError as error:
        outcome.error = f"{type(error).__name__}: {error.message}"
    return outcome


def pager_of(options: Mapping[str, Any]) -> Pager:
    """The pager that a configuration's paginator becomes."""
    checked = _OPTIONS.validate_python(dict(options))
    return PAGERS[type(checked)](checked)


def _recorder(api: Api, outcome: Outcome) -> Callable[[str, str, bytes | None], Answer]:
    def serve(method: str, url: str, body: bytes | None) -> Answer:
        if len(outcome.asked) == CEILING:
            raise _EndlessError
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(method, parts.path, query, None if body is None else _decoded(body))
        outcome.asked.append(asked)
        return api(asked)

    return serve


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _fetch(serve: Callable[[str, str, bytes | None], Answer], request: Request) -> Response:
    body = request.data if request.json is None else json.dumps(request.json).encode()
    url = full_url(request)
    answer = serve(request.method, url, body)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(200, headers, json.dumps(answer.document).encode(), url)


def flag_overrules() -> bool:
    """Whether dlt goes on where a flag says so, past a maximum, a total and a missing cursor (before 1.29)."""

    def endless(_: Asked) -> Answer:
        return Answer({"items": [1], "more": True})

    options = {"type": "offset", "limit": 1, "total_path": None, "maximum_offset": 1, "has_more_path": "more"}
    return through_dlt(endless, options).endless
