"""Configurations that dlt takes, from each line of its feature tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dlt
import requests
from dlt.sources.helpers.rest_client.auth import APIKeyAuth, OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator, OffsetPaginator
from pydantic import BaseModel

from config_rows import HIDDEN, child, config, endpoint, fails, growing, paged, resource


class Columns(BaseModel):
    id: int
    title: str | None


def ready() -> Any:
    return dlt.resource([{"id": 1}], name="ready")


@dataclass(frozen=True)
class Good:
    name: str
    raw: Callable[[], dict[str, Any]]


FOLLOWS = {"name": "posts", "endpoint": "users/{resources.users.id}/posts"}

GOOD = [
    Good("text", lambda: config(None, "users", "posts")),
    Good("path as text", lambda: resource(endpoint="v1/items")),
    Good("ready resource", lambda: config(None, ready(), {"name": "a", "endpoint": "x/{resources.ready.id}"})),
    Good("no endpoint", lambda: resource(primary_key="id")),
    Good("whole address", lambda: endpoint(path="https://other.example.com/items")),
    Good("post", lambda: endpoint(method="POST", json={"query": "{{ me {{ id }} }}"})),
    Good("form", lambda: endpoint(method="POST", data={"a": 1})),
    Good("pairs", lambda: endpoint(method="POST", data=[("a", 1), ("a", 2)])),
    Good("text body", lambda: endpoint(method="POST", data="a=1")),
    Good("bytes", lambda: endpoint(method="POST", data=b"\x00")),
    Good("headers", lambda: endpoint(headers={"X-A": "b", "X-N": 1})),
    Good("params", lambda: endpoint(params={"a": 1, "b": [1, 2], "c": "x", "d": True, "e": None, "f": 1.5})),
    Good("session", lambda: config({"session": requests.Session()})),
    Good("bearer", lambda: config({"auth": {"token": HIDDEN}})),
    Good("api key", lambda: config({"auth": {"type": "api_key", "api_key": HIDDEN, "name": "k", "location": "query"}})),
    Good("param key", lambda: config({"auth": {"type": "api_key", "api_key": HIDDEN, "location": "param"}})),
    Good("basic", lambda: config({"auth": {"type": "http_basic", "username": "me", "password": HIDDEN}})),
    Good(
        "client credentials",
        lambda: config(
            {
                "auth": {
                    "type": "oauth2_client_credentials",
                    "access_token_url": "https://api.example.com/token",
                    "client_id": "me",
                    "client_secret": HIDDEN,
                    "access_token_request_data": {"scope": "all"},
                    "default_token_expiration": 60,
                }
            }
        ),
    ),
    Good("auth object", lambda: config({"auth": APIKeyAuth(name="k", api_key=HIDDEN)})),
    Good(
        "credentials object",
        lambda: config(
            {
                "auth": OAuth2ClientCredentials(
                    access_token_url="https://api.example.com/token", client_id="me", client_secret=HIDDEN
                )
            }
        ),
    ),
    Good("auth of one endpoint", lambda: endpoint(auth={"token": HIDDEN})),
    Good(
        "no auth of one endpoint",
        lambda: config({"auth": {"token": HIDDEN}}, {"name": "a", "endpoint": {"auth": None}}),
    ),
    *(
        Good(f"paginator {kind}", lambda kind=kind: endpoint(paginator=kind))
        for kind in (
            *("single_page", "page_number", "json_link", "json_response", "header_link", "header_cursor"),
            *("cursor", "auto"),
        )
    ),
    Good("offset", lambda: paged("offset", limit=5, offset=10, maximum_offset=50, total_path="meta.total")),
    Good("offset names", lambda: paged("offset", limit=5, offset_param="skip", limit_param="take", total_path=None)),
    Good("offset in the body", lambda: paged("offset", limit=5, offset_body_path="p.o", limit_body_path="p.l")),
    Good("page in the body", lambda: paged("page_number", page_body_path="p.n", base_page=1, maximum_page=5)),
    Good("cursor in the body", lambda: paged("cursor", cursor_path="next", cursor_body_path="after")),
    Good("more", lambda: paged("page_number", total_path=None, has_more_path="more", stop_after_empty_page=False)),
    Good("none for a path", lambda: paged("page_number", total_path="", page_param=None)),
    Good("header cursor", lambda: paged("header_cursor", cursor_key="X-Next", cursor_param="after")),
    Good("paginator object", lambda: endpoint(paginator=OffsetPaginator(limit=5, total_path=None))),
    Good("paginator of the client", lambda: config({"paginator": JSONLinkPaginator(next_url_path="links.next")})),
    Good("selector", lambda: endpoint(data_selector="$.a[*].b")),
    Good(
        "actions",
        lambda: endpoint(
            response_actions=[
                fails,
                {"status_code": 404, "action": "ignore"},
                {"content": "none", "action": "ignore"},
                {"status_code": 200, "content": "x", "action": fails},
                {"status_code": 200, "action": [fails, fails]},
            ]
        ),
    ),
    Good("watermark", lambda: growing(initial_value="2024-01-01", start_param="since")),
    Good(
        "range",
        lambda: growing(
            initial_value=1,
            end_value=5,
            start_param="since",
            end_param="until",
            convert=str,
            last_value_func="max",
            primary_key=["id"],
            row_order="asc",
            lag=1,
            on_cursor_value_missing="include",
            range_start="open",
            range_end="closed",
            allow_external_schedulers=True,
        ),
    ),
    Good("backwards", lambda: growing(initial_value=5, end_value=1, last_value_func="min")),
    Good("none told apart", lambda: growing(primary_key=[])),
    Good(
        "parameter",
        lambda: endpoint(
            params={"since": {"type": "incremental", "cursor_path": "at", "initial_value": 1, "convert": str}}
        ),
    ),
    Good("older name", lambda: endpoint(params={"a": {"type": "incremental", "cursor_path": "at", "transform": str}})),
    Good("incremental object", lambda: endpoint(params={"since": dlt.sources.incremental("at", initial_value=1)})),
    Good(
        "placeholders of a watermark",
        lambda: endpoint(
            path="x/{incremental.start_value}",
            params={"a": "{incremental.initial_value}", "{incremental.last_value}": 1},
            json={"b": "{incremental.last_value!r:>30}"},
            headers={"X-End": "{incremental.end_value}"},
            incremental={"cursor_path": "at", "initial_value": 1, "end_value": 2},
        ),
    ),
    Good("value of the path", lambda: endpoint(path="x/{id}", params={"id": 5, "q": 1})),
    Good("child", lambda: config(None, "users", FOLLOWS)),
    Good("child before its parent", lambda: config(None, FOLLOWS, "users")),
    Good(
        "resolved",
        lambda: child(path="x/{id}", params={"id": {"type": "resolve", "resource": "users", "field": "address.id"}}),
    ),
    Good(
        "fields everywhere",
        lambda: child(
            path="x/{resources.users.id}",
            params={"a": "{resources.users.a.b}", "{resources.users.key}": "1"},
            json={"c": ["{resources.users.tags[0]:>5}"]},
            headers={"X-D": "{resources.users.d!r}"},
        ),
    ),
    Good("fields in a form", lambda: child(method="POST", data={"a": "{resources.users.id}"})),
    Good("fields in a text", lambda: child(method="POST", data="id={resources.users.id}")),
    Good("grandchild", lambda: config(None, "users", FOLLOWS, {"name": "c", "endpoint": "p/{resources.posts.id}/c"})),
    Good("include", lambda: config(None, "users", {**FOLLOWS, "include_from_parent": ["id", "name"]})),
    Good(
        "steps",
        lambda: resource(processing_steps=[{"filter": fails, "map": fails, "yield_map": fails}, {"map": fails}, {}]),
    ),
    Good("hints", lambda: resource(primary_key=["a", "b"], merge_key="c", max_table_nesting=2, selected=False)),
    Good("model of columns", lambda: resource(columns=Columns)),
    Good("columns", lambda: resource(columns={"a": {"data_type": "text", "x-mine": 1}})),
    Good("list of columns", lambda: resource(columns=[{"name": "a", "data_type": "text"}])),
    Good("table by row", lambda: resource(table_name=fails, primary_key=fails, write_disposition=fails)),
    Good("scd2", lambda: resource(write_disposition={"disposition": "merge", "strategy": "scd2"})),
    Good(
        "names of scd2",
        lambda: resource(
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "validity_column_names": ["a", "b"],
                "active_record_timestamp": None,
            }
        ),
    ),
    Good(
        "upsert",
        lambda: resource(
            primary_key="id",
            write_disposition={"disposition": "merge", "strategy": "upsert"},
        ),
    ),
    Good("contract", lambda: resource(schema_contract={"tables": "evolve", "columns": "freeze", "data_type": None})),
    Good("formats", lambda: resource(table_format="delta", file_format="parquet")),
    Good(
        "references",
        lambda: resource(references=[{"referenced_table": "a", "columns": ["b"], "referenced_columns": ["c"]}]),
    ),
    Good("nested hints", lambda: resource(nested_hints={"tags": {"primary_key": "id", "columns": {"id": {}}}})),
    Good("parallel", lambda: resource(parallelized=True)),
    Good(
        "defaults",
        lambda: config(
            {"paginator": "json_link"},
            "users",
            {"name": "posts", "columns": {"a": {"nullable": False}}, "endpoint": {"params": {"q": 1}}},
            resource_defaults={
                "primary_key": "id",
                "write_disposition": "merge",
                "columns": {"a": {"data_type": "text"}},
                "endpoint": {"params": {"per_page": 100}, "headers": {"X": "y"}},
            },
        ),
    ),
    Good("no defaults", lambda: config(resource_defaults=None)),
]
