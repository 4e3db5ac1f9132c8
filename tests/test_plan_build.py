"""From configuration to plan: pagers, parameters, requests, hints."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from headrace.config import validate
from headrace.config.kinds import PAGING_KINDS
from headrace.errors import ConfigError
from headrace.jsonpath import compile_path
from headrace.paginate import (
    Cursor,
    Detect,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Offset,
    PageNumber,
    SinglePage,
)
from headrace.plan import Auth, Plan, build_plan, describe
from headrace.plan.build import PAGERS
from headrace.secrets import Secret


def plan(client: dict[str, Any] | None = None, *resources: Any, given: Any = None, **top: Any) -> Plan:
    raw = {"client": {"base_url": "https://api.example.com", **(client or {})}, "resources": list(resources), **top}
    return build_plan(validate(raw, resolve_secret=lambda _: "secret-text"), params=given)


def of(endpoint: dict[str, Any], given: Any = None, **top: Any) -> Plan:
    return plan({}, {"name": "a", "endpoint": endpoint}, given=given, **top)


def problems(endpoint: dict[str, Any], given: Any = None, **top: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        of(endpoint, given, **top)
    return [str(problem) for problem in caught.value.problems]


TOTAL = compile_path("total")
PAGING: list[tuple[Any, Any]] = [
    (None, Detect()),
    ("auto", Detect()),
    ({}, Detect()),
    ("single_page", SinglePage()),
    ({"type": "offset", "limit": 5}, Offset(5, total_path=TOTAL)),
    (
        {
            "type": "offset",
            "limit": 5,
            "offset": 1,
            "offset_param": "o",
            "limit_param": "l",
            "total_path": None,
            "maximum_offset": 9,
            "stop_after_empty_page": False,
            "has_more_path": "m",
        },
        Offset(5, 1, "o", "l", maximum_offset=9, stop_after_empty_page=False, has_more_path=compile_path("m")),
    ),
    ("page_number", PageNumber(total_path=TOTAL)),
    (
        {"type": "page_number", "base_page": 1, "page": 2, "page_param": "p", "total_path": "t", "maximum_page": 3},
        PageNumber(1, 2, "p", total_path=compile_path("t"), maximum_page=3),
    ),
    ("cursor", Cursor(compile_path("cursors.next"))),
    (
        {
            "type": "cursor",
            "cursor_path": "n",
            "cursor_param": "c",
            "stop_after_empty_page": True,
            "has_more_path": "m",
        },
        Cursor(compile_path("n"), "c", stop_after_empty_page=True, has_more_path=compile_path("m")),
    ),
    ("json_link", JsonLink(compile_path("next"))),
    ({"type": "json_response", "next_url_path": "n"}, JsonLink(compile_path("n"))),
    ("header_link", HeaderLink()),
    ({"type": "header_link", "links_next_key": "n"}, HeaderLink("n")),
    ("header_cursor", HeaderCursor()),
    ({"type": "header_cursor", "cursor_key": "k", "cursor_param": "c"}, HeaderCursor("k", "c")),
]


@pytest.mark.parametrize(("written", "expected"), PAGING)
def test_pagers(written: Any, expected: Any) -> None:
    """Each kind with dlt's defaults and with every option; on the endpoint as on the client."""
    assert of({"paginator": written}).resources[0].pager == expected
    assert plan({"paginator": written}, "a").resources[0].pager == expected


def test_every_kind_has_a_pager() -> None:
    assert set(PAGERS) == set(PAGING_KINDS.values())


def test_auto_on_an_endpoint_is_the_paginator_of_the_client() -> None:
    made = plan(
        {"paginator": "header_link"},
        {"name": "a", "endpoint": {"paginator": "auto"}},
        "b",
        {"name": "c", "endpoint": {"paginator": "single_page"}},
    )
    assert [resource.pager for resource in made.resources] == [HeaderLink(), HeaderLink(), SinglePage()]


AUTHS = [
    ({"token": "t-t-t"}, Auth("bearer", {"token": Secret("t-t-t")})),
    (
        {"type": "api_key", "api_key": "k-k-k"},
        Auth("api_key", {"api_key": Secret("k-k-k"), "name": "Authorization", "location": "header"}),
    ),
    (
        {"type": "http_basic", "username": "u", "password": {"secret": "x"}},
        Auth("http_basic", {"username": "u", "password": Secret("secret-text")}),
    ),
    (None, None),
]


@pytest.mark.parametrize(("written", "expected"), AUTHS)
def test_auth(written: Any, expected: Auth | None) -> None:
    assert plan({"auth": written}, "a").resources[0].auth == expected


def test_auth_of_an_endpoint_replaces_the_one_of_the_client() -> None:
    made = plan(
        {"auth": {"token": "t-t-t"}},
        {"name": "a", "endpoint": {"auth": None}},
        {"name": "b", "endpoint": {"auth": {"token": "u-u-u"}}},
        "c",
    )
    assert [resource.auth and resource.auth.fields["token"] for resource in made.resources] == [
        None,
        Secret("u-u-u"),
        Secret("t-t-t"),
    ]


def test_parameters_make_the_product_in_order() -> None:
    made = of({"path": "{x}/{y}", "json": {"z": "{y}"}}, {"x": ["b", "a"], "y": (2, 1)}, params={"x": "never"})
    calls = list(made.resources[0].calls())
    assert [(call.request.url[24:], call.request.json, call.values) for call in calls] == [
        ("b/2", {"z": 2}, {"x": "b", "y": 2}),
        ("b/1", {"z": 1}, {"x": "b", "y": 1}),
        ("a/2", {"z": 2}, {"x": "a", "y": 2}),
        ("a/1", {"z": 1}, {"x": "a", "y": 1}),
    ]


def test_parameters_of_the_file_and_of_the_call() -> None:
    """The call comes first; a value given twice is one call."""
    assert [call.values for call in list(of({"path": "{x}"}, params={"x": [1, 1, 2]}).resources[0].calls())] == [
        {"x": 1},
        {"x": 2},
    ]
    assert [call.values for call in list(of({"path": "{x}"}, {"x": 3}, params={"x": [1, 2]}).resources[0].calls())] == [
        {"x": 3}
    ]


def test_a_resource_keeps_only_its_own_parameters() -> None:
    made = plan(
        {},
        {"name": "a", "endpoint": "a/{x}"},
        {"name": "b", "endpoint": {"params": {"q": "{y}"}}},
        "c",
        given={"x": 1, "y": 2},
    )
    assert [next(iter(resource.calls())).values for resource in made.resources] == [{"x": 1}, {"y": 2}, {}]
    assert next(iter(made.resources[1].calls())).request.params == (("q", "2"),)


def test_path_bound_from_plain_params() -> None:
    """dlt's older way: the value leaves the query and is no column."""
    call = next(iter(of({"path": "a/{x}", "params": {"x": "b c", "y": 1}}).resources[0].calls()))
    assert (call.request.url, call.request.params, call.values) == (
        "https://api.example.com/a/b%20c",
        (("y", "1"),),
        {},
    )


def test_query_parameters_as_requests_sends_them() -> None:
    call = of({"params": {"a": None, "b": True, "c": [1, None, "x"], "d": 1.0, "e": {"secret": "k"}, "f": "{{x}}"}})
    assert next(iter(call.resources[0].calls())).request.params == (
        ("b", "True"),
        ("c", "1"),
        ("c", "x"),
        ("d", "1.0"),
        ("e", "secret-text"),
        ("f", "{x}"),
    )
    assert describe(call)["resources"][0]["requests"][0]["params"] == {
        "b": "True",
        "c": ["1", "x"],
        "d": "1.0",
        "e": "***",
        "f": "{x}",
    }


def test_headers_of_the_endpoint_over_those_of_the_client() -> None:
    made = plan(
        {"headers": {"Accept": "a", "X": "{not}", "N": None, "V": 2}},
        {"name": "a", "endpoint": {"headers": {"accept": "b-{x}"}}},
        given={"x": 1},
    )
    assert next(iter(made.resources[0].calls())).request.headers == (("accept", "b-1"), ("X", "{not}"), ("V", "2"))


def test_a_header_that_its_placeholders_leave_empty_is_not_sent() -> None:
    made = plan(
        {}, {"name": "a", "endpoint": {"headers": {"On-Behalf-Of": "{x}", "Empty": ""}}}, given={"x": ["", "b"]}
    )
    sent = [call.request.headers for call in made.resources[0].calls()]
    assert sent == [(("Empty", ""),), (("On-Behalf-Of", "b"), ("Empty", ""))]


def test_absolute_path_adds_its_origin() -> None:
    made = plan(
        {"base_url": "http://localhost:8000/v1/"},
        {"name": "a", "endpoint": "https://Other.example/x/{y}"},
        "b",
        given={"y": 1},
    )
    assert [next(iter(resource.calls())).request.url for resource in made.resources] == [
        "https://Other.example/x/1",
        "http://localhost:8000/v1/b",
    ]
    assert made.origins == {("http", "localhost", 8000), ("https", "other.example", 443)}


def test_missing_parameter_is_one_problem_with_four_ways() -> None:
    with pytest.raises(ConfigError) as caught:
        plan({}, {"name": "a", "endpoint": "a/{domain_id}"}, {"name": "b", "endpoint": {"json": {"x": "{domain_id}"}}})
    assert str(caught.value) == (
        "1 problem in the configuration\n"
        "- expected a value for the parameter `{domain_id}`, got none at `resources[0].endpoint.path`\n"
        '  hint: give it in one of four ways: `params={"domain_id": ...}` in `rest_api_source(...)`, '
        "`params: {domain_id: ...}` in the file, dlt configuration (`params.domain_id` in `.dlt/config.toml` or "
        "`PARAMS__DOMAIN_ID`), `--param domain_id=...`"
    )


PARAMETER_PROBLEMS = [
    (
        {"path": "{domain_id}"},
        {"domain_ids": 1, "domain_id": 1},
        ["no resource uses the parameter `domain_ids` at `params.domain_ids`\n  hint: did you mean `domain_id`?"],
    ),
    (
        {"path": "{x}"},
        {"x": 1, "country": "NO"},
        ["no resource uses the parameter `country` at `params.country`\n  hint: known are x"],
    ),
    (
        {"path": "a"},
        {"x": 1},
        ["no resource uses the parameter `x` at `params.x`\n  hint: no resource has a `{placeholder}`"],
    ),
    (
        {"path": "{x}", "params": {"x": 1}},
        {"x": 2},
        [
            "no resource uses the parameter `x` at `params.x`"
            "\n  hint: `resources[0].endpoint.params` has a value for it, which comes first"
        ],
    ),
    (
        {"path": "{x}"},
        {"x": ["a", ".."]},
        ["expected a value for `{x}` that can stand in a path, got '..' at `resources[0].endpoint.path`"],
    ),
    (
        {"path": "{x}"},
        {"x": []},
        ["expected text, a number, or a list of these that is not empty, got an empty list at `params.x`"],
    ),
    (
        {"path": "{x}"},
        {"x": [1, None]},
        ["expected text, a number, or a list of these that is not empty, got a list with nothing at `params.x`"],
    ),
    (
        {"path": "{x}"},
        {"x": {"a": 1}},
        ["expected text, a number, or a list of these that is not empty, got a mapping at `params.x`"],
    ),
]


@pytest.mark.parametrize(("endpoint", "given", "expected"), PARAMETER_PROBLEMS)
def test_parameter_problems(endpoint: dict[str, Any], given: Any, expected: list[str]) -> None:
    assert problems(endpoint, given) == expected


def test_hints_are_as_given_and_copied() -> None:
    resource = {
        "name": "a",
        "table_name": "t",
        "primary_key": ["x", "y"],
        "write_disposition": {"disposition": "merge"},
        "columns": {"x": {"data_type": "text"}},
        "selected": False,
        "key_collisions": "fail",
        "private": ["p"],
    }
    made = plan({}, resource, "b", resource_defaults={"merge_key": "m"})
    first, second = made.resources
    assert first.hints == {
        "write_disposition": {"disposition": "merge"},
        "primary_key": ["x", "y"],
        "merge_key": "m",
        "columns": {"x": {"data_type": "text"}},
        "selected": False,
    }
    assert (first.table_name, first.primary_key, first.key_collisions, first.key_collisions_declared) == (
        "t",
        ("x", "y"),
        "fail",
        True,
    )
    assert (first.privacy.dropped, second.privacy.dropped, second.key_collisions_declared) == (("p",), (), False)
    assert (second.table_name, second.primary_key, dict(second.hints)) == ("b", (), {"merge_key": "m"})


@pytest.mark.parametrize(
    ("file", "argument", "dropped"),
    [("drop", None, True), ("keep", None, False), ("keep", "drop", True), ("drop", "keep", False)],
)
def test_privacy(file: str, argument: str | None, dropped: bool) -> None:
    raw = {"client": {"base_url": "http://a"}, "resources": [{"name": "a", "private": ["p"]}], "privacy": file}
    made = build_plan(validate(raw, resolve_secret=str), privacy=argument)
    assert made.resources[0].privacy.dropped == (("p",) if dropped else ())


def test_unknown_privacy_and_source_in_the_message() -> None:
    config = validate({"client": {"base_url": "http://a"}, "resources": ["a"]}, resolve_secret=str, source="x.yaml")
    with pytest.raises(ConfigError) as caught:
        build_plan(config, privacy="kept")
    assert str(caught.value) == "1 problem in x.yaml\n- expected `drop`, `hash` or `keep`, got 'kept' at `privacy`"


def test_retry_limits_and_selector() -> None:
    made = plan(
        {"retry": {"max_retries": 0, "statuses": [503]}, "limits": {"in_flight": 2}},
        {"name": "a", "endpoint": {"data_selector": "x.y", "allow_null_data": True, "method": "POST"}},
        "b",
    )
    assert (made.retry.max_retries, made.retry.statuses, made.limits.in_flight) == (0, frozenset({503}), 2)
    assert (made.resources[0].selector, made.resources[1].selector) == (compile_path("x.y"), None)
    assert (made.resources[0].allow_null_data, next(iter(made.resources[0].calls())).request.method) == (True, "POST")


def test_the_door_is_cheap() -> None:
    """Values of the plan come without pydantic, dlt or yaml."""
    heavy = ("pydantic", "dlt", "yaml", "pyarrow")
    code = f"import sys, headrace.plan.model; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
