"""Links that name another host: followed at the host that was asked where `keep_origin` says so, refused elsewhere."""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.errors import TransportError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

KEY = "a-key-that-stays-at-home"
PAGES = 3


@contextmanager
def silent_host() -> Iterator[tuple[str, socket.socket]]:
    """Origin and socket of a host that nobody may so much as connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def was_asked(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


class Api:
    """Three pages of two rows; links to the next one name the host `elsewhere`, in the body and in the header."""

    def __init__(self, elsewhere: str) -> None:
        self.elsewhere = elsewhere
        self.came: list[tuple[str, str]] = []

    def __call__(self, request: Request) -> Reply:
        self.came.append((request.target, request.headers.get("authorization", "")))
        page = int(dict(request.query).get("page", "1"))
        rows = [{"id": 2 * page - 1}, {"id": 2 * page}]
        link = f"{self.elsewhere}/v1/rows?page={page + 1}&q=a%26b#top" if page < PAGES else None
        headers = () if link is None else (("Link", f'<{link}>; rel="next"'),)
        return Reply(200, json.dumps({"items": rows, "next": link}).encode(), headers=headers)


def rows_of(url: str, paginator: dict[str, Any]) -> list[int]:
    client = {"base_url": url, "auth": {"type": "bearer", "token": KEY}, "retry": {"max_retries": 1}}
    endpoint = {"path": "v1/rows", "params": {"size": 2}, "data_selector": "items", "paginator": paginator}
    config = {"client": client, "resources": [{"name": "rows", "endpoint": endpoint}]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeadraceWarning)
        return [row["id"] for row in rest_api_source(config, clock=TurnedClock()).resources["rows"]]


@pytest.mark.parametrize("kind", ["json_link", "header_link"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_host_that_was_asked_is_asked_on(kind: str, scheme: str) -> None:
    """With the key, by path and query of the link; the other host sees no connection."""
    with silent_host() as (elsewhere, listener):
        api = Api(elsewhere.replace("http", scheme, 1))
        with Server(api) as server:
            assert rows_of(server.url, {"type": kind, "keep_origin": True}) == [1, 2, 3, 4, 5, 6]
        assert not was_asked(listener)
    targets = ["/v1/rows?size=2", "/v1/rows?page=2&q=a%26b", "/v1/rows?page=3&q=a%26b"]
    assert api.came == [(target, f"Bearer {KEY}") for target in targets]


@pytest.mark.parametrize("kind", ["json_link", "header_link"])
def test_without_the_option_the_link_is_refused(kind: str) -> None:
    with silent_host() as (elsewhere, listener):
        api = Api(elsewhere)
        with Server(api) as server, pytest.raises(Exception, match="keep_origin") as caught:
            rows_of(server.url, {"type": kind})
        assert not was_asked(listener)
    cause: BaseException | None = caught.value
    while cause is not None and not isinstance(cause, TransportError):
        cause = cause.__cause__
    assert cause is not None
    assert len(api.came) == 1
