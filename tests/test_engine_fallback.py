"""Calls whose first request is refused are asked for at another path, whole; a listing is never of two halves."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning, validate
from headrace.engine import Report
from headrace.errors import ConfigError, RefusedError
from headrace.plan import Plan, build_plan, describe
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

PAGES = 3
PAGING = {"type": "page_number", "base_page": 1, "total_path": None}
NEWER = {"path": "v4/items", "fallback": {"path": "v3/items"}}


class Api:
    """Three pages of two rows under every path but those that `refuses` answers with a status."""

    def __init__(self, refuses: Callable[[str, int], int | None]) -> None:
        self._refuses = refuses
        self.came: list[tuple[str, int]] = []
        self.last: Request | None = None

    def __call__(self, request: Request) -> Reply:
        page = int(dict(request.query).get("page", "1"))
        self.came.append((request.path, page))
        self.last = request
        status = self._refuses(request.path, page)
        if status is not None:
            return Reply(status, b'{"message": "no"}')
        rows = [{"id": 2 * page - 1, "of": request.path}, {"id": 2 * page, "of": request.path}] if page <= PAGES else []
        return Reply(200, json.dumps({"items": rows}).encode())


def without(prefix: str, status: int = 404) -> Callable[[str, int], int | None]:
    return lambda path, _: status if path.startswith(prefix) else None


def config_of(url: str, endpoint: dict[str, Any], **top: Any) -> dict[str, Any]:
    endpoint = {"data_selector": "items", "paginator": PAGING, **endpoint}
    return {"client": {"base_url": url}, "resources": [{"name": "rows", "endpoint": endpoint}], **top}


def plan_of(config: dict[str, Any]) -> Plan:
    return build_plan(validate(config, resolve_secret=lambda name: name))


def rows_of(api: Api, endpoint: dict[str, Any], **top: Any) -> tuple[list[dict[str, Any]], Report]:
    report = Report()
    with Server(api) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore", HeadraceWarning)
        config = config_of(server.url, endpoint, **top)
        source = rest_api_source(config, clock=TurnedClock(), report=report)
        return list(source.resources["rows"]), report


def refusal(api: Api, endpoint: dict[str, Any]) -> RefusedError:
    with pytest.raises(Exception, match="expected 200") as caught:
        rows_of(api, endpoint)
    cause: BaseException | None = caught.value
    while cause is not None and not isinstance(cause, RefusedError):
        cause = cause.__cause__
    assert cause is not None
    return cause


@pytest.mark.parametrize("paginator", [PAGING, {"type": "single_page"}])
def test_a_call_that_is_refused_at_once_is_listed_at_the_other_path(paginator: Any) -> None:
    api = Api(without("/v4"))
    rows, _ = rows_of(api, {**NEWER, "paginator": paginator})
    count = 2 if paginator == {"type": "single_page"} else 6
    assert [row["id"] for row in rows] == list(range(1, count + 1))
    assert api.came[0] == ("/v4/items", 1)
    assert {path for path, _ in api.came[1:]} == {"/v3/items"}


def test_all_but_the_path_stays() -> None:
    api = Api(without("/v4"))
    rows_of(
        api,
        {
            **NEWER,
            "method": "POST",
            "json": {"q": 1},
            "params": {"a": "b"},
            "headers": {"X-A": "1"},
            "paginator": "single_page",
        },
    )
    assert api.last is not None
    assert (api.last.method, api.last.target, json.loads(api.last.body)) == ("POST", "/v3/items?a=b", {"q": 1})
    assert api.last.headers["x-a"] == "1"


def test_what_is_not_refused_stays_where_it_is() -> None:
    api = Api(without("/v3"))
    rows, _ = rows_of(api, NEWER)
    assert {row["of"] for row in rows} == {"/v4/items"}
    assert len(rows) == 6


def test_a_refusal_in_the_middle_is_an_error() -> None:
    """The pages before it are of the first path, and rows of the second one need not go on where they ended."""
    api = Api(lambda path, page: 404 if path.startswith("/v4") and page == 2 else None)
    assert "/v4/items?page=2" in str(refusal(api, NEWER))
    assert {path for path, _ in api.came} == {"/v4/items"}


@pytest.mark.parametrize(("statuses", "status"), [([404], 403), ([410, 403], 404)])
def test_other_refusals_are_errors(statuses: list[int], status: int) -> None:
    api = Api(without("/v4", status))
    assert refusal(api, {"path": "v4/items", "fallback": {"path": "v3/items", "statuses": statuses}}).status == status
    assert api.came == [("/v4/items", 1)]


def test_where_both_paths_are_refused_the_second_refusal_is_the_error() -> None:
    api = Api(without("/"))
    assert "/v3/items" in str(refusal(api, NEWER))
    assert api.came == [("/v4/items", 1), ("/v3/items", 1)]


def test_each_call_decides_for_itself_before_it_is_skipped() -> None:
    """One has the newer path, one the older one, one neither: that one is skipped."""
    api = Api(lambda path, _: 404 if path.endswith("/none") or path == "/v4/old" else None)
    endpoint = {
        "path": "v4/{who}",
        "fallback": {"path": "v3/{who}"},
        "response_actions": [{"status_code": 404, "action": "skip"}],
    }
    rows, report = rows_of(api, endpoint, params={"who": ["new", "none", "old"]})
    assert [(row["who"], row["of"]) for row in rows] == [("new", "/v4/new")] * 6 + [("old", "/v3/old")] * 6
    assert [skip.params for skip in report.of("rows").skipped] == [{"who": "none"}]


def test_windows_of_time_fall_back_with_their_range() -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: Request) -> Reply:
        query = dict(request.query)
        asked.append((request.path, query["from"]))
        if request.path.startswith("/v4"):
            return Reply(404)
        return Reply(200, json.dumps({"items": [{"id": query["from"]}]}).encode())

    windows = {"param_start": "from", "param_end": "to", "start": "2026-03-01", "end": "2026-03-04", "size": "1d"}
    with Server(answer) as server:
        config = config_of(server.url, {**NEWER, "paginator": "single_page", "windows": windows})
        ids = [row["id"] for row in rest_api_source(config, clock=TurnedClock()).resources["rows"]]
    assert len(ids) == len(set(ids)) == 3
    assert {begin for path, begin in asked if path == "/v3/items"} == set(ids)


def test_an_address_on_another_host_is_one_that_may_be_asked() -> None:
    api = Api(without("/v4"))
    with Server(api) as other:
        fallback = {"path": f"{other.url}/old"}
        rows, _ = rows_of(Api(without("/v4")), {"path": "v4/items", "fallback": fallback})
    assert {row["of"] for row in rows} == {"/old"}
    assert {path for path, _ in api.came} == {"/old"}


def test_the_plan_shows_it() -> None:
    plan = plan_of(config_of("https://api.example.com", NEWER))
    (request,) = describe(plan)["resources"][0]["requests"]
    assert request["fallback"] == {"url": "https://api.example.com/v3/items", "statuses": [404]}


@pytest.mark.parametrize(
    ("fallback", "words"),
    [
        ({"path": "v3/{what}"}, "expected placeholders of `path` alone, got `{what}`"),
        ({"path": "v3/{"}, "resources[0].endpoint.fallback.path"),
        ({"path": ""}, "resources[0].endpoint.fallback.path"),
        ({"statuses": [404]}, "resources[0].endpoint.fallback.path"),
        ({"path": "a", "statuses": [503]}, "resources[0].endpoint.fallback.statuses[0]"),
        ({"path": "a", "statuses": []}, "resources[0].endpoint.fallback.statuses"),
        ({"path": "a", "stauses": [404]}, "did you mean `statuses`"),
    ],
)
def test_what_is_wrong_is_said(fallback: dict[str, Any], words: str) -> None:
    config = config_of("https://api.example.com", {"path": "v4/{who}", "fallback": fallback}, params={"who": "me"})
    with pytest.raises(ConfigError) as caught:
        plan_of(config)
    assert words in str(caught.value)
