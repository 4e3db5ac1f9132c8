"""Body paths and paginator objects in a whole run: a source of dlt and one of ours, the same server, the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import dlt.sources.rest_api as dlts
import pytest
import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator, OffsetPaginator
from dlt.sources.rest_api.config_setup import PAGINATOR_MAP, register_paginator

from headrace import rest_api_source
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server


class ByLastRow(BasePaginator):
    """Goes on after the last row that came; counts with a parameter that is a number in the configuration."""

    def init_request(self, request: requests.Request) -> None:
        request.params["from"] += 1

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        self._last = data[-1]["id"] if data else None
        self._has_next_page = response.json()["more"]

    def update_request(self, request: requests.Request) -> None:
        request.params["from"] = self._last


def numbers(request: Request) -> Reply:
    """The ids 0 to 9, three at once, from a place in the query or in the body."""
    body = json.loads(request.body) if request.body else {}
    start = body.get("page", {}).get("offset", request.param("offset") or request.param("from"))
    rows = [{"id": number} for number in range(int(start), min(int(start) + 3, 10))]
    return Reply(200, json.dumps({"items": rows, "more": len(rows) > 1, "asked": body}).encode())


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    register_paginator("by_last_row", ByLastRow)
    with Server(numbers) as server:
        yield server.url
    del PAGINATOR_MAP["by_last_row"]


@pytest.mark.parametrize(
    ("endpoint", "ids"),
    [
        (lambda: {"params": {"from": 0}, "paginator": ByLastRow()}, [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9]),
        (lambda: {"params": {"from": 5}, "paginator": "by_last_row"}, [6, 7, 8, 8, 9, 9]),
        (lambda: {"params": {"from": 5}, "paginator": {"type": "by_last_row"}}, [6, 7, 8, 8, 9, 9]),
        (lambda: {"paginator": OffsetPaginator(limit=3, total_path=None)}, list(range(10))),
        (lambda: {"paginator": OffsetPaginator(3, 6, total_path=None, has_more_path="more")}, [6, 7, 8, 9]),
        (
            lambda: {
                "method": "POST",
                "json": {"page": {"sort": "id"}},
                "paginator": {"type": "offset", "limit": 3, "total_path": None, "offset_body_path": "page.offset"},
            },
            list(range(10)),
        ),
    ],
)
def test_rows_are_those_of_dlt(base_url: str, endpoint: Callable[[], dict[str, Any]], ids: list[int]) -> None:
    for source_of in (dlts.rest_api_source, rest_api_source):
        resource = {"name": "numbers", "endpoint": {"path": "numbers", "data_selector": "items", **endpoint()}}
        source = source_of({"client": {"base_url": base_url}, "resources": [resource]})
        assert [row["id"] for row in source.resources["numbers"]] == ids, source_of


def test_paginator_of_the_client_is_copied_for_each_resource(base_url: str) -> None:
    """dlt copies it for each walk."""
    for source_of in (dlts.rest_api_source, rest_api_source):
        resources = [
            {"name": name, "endpoint": {"path": name, "data_selector": "items", "params": {"from": start}}}
            for name, start in (("a", 4), ("b", 6))
        ]
        source = source_of({"client": {"base_url": base_url, "paginator": ByLastRow()}, "resources": resources})
        found = {name: [row["id"] for row in resource] for name, resource in source.resources.items()}
        assert found == {"a": [5, 6, 7, 7, 8, 9, 9], "b": [7, 8, 9, 9]}, source_of
