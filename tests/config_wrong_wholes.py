"""Mistakes of the client, of the top and between resources; and what dlt takes and headrace does not."""

from __future__ import annotations

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from config_rows import (
    ENDPOINT,
    GROWING,
    HIDDEN,
    PAGINATOR,
    RESOURCE,
    Row,
    child,
    config,
    endpoint,
    growing,
    paged,
    resource,
)

#: What dlt takes and cannot run, or takes and does nothing with.
STRICTER = [
    Row("two bodies", endpoint(json={"a": 1}, data={"b": 1}), ((f"{ENDPOINT}.data", "got both"),), dlt="in the run"),
    Row("number as body", endpoint(data=5), ((f"{ENDPOINT}.data", "pairs"),), dlt="in the run"),
    Row("selector text", endpoint(data_selector="$["), ((f"{ENDPOINT}.data_selector", "JSONPath"),), dlt="in the run"),
    Row("header list", endpoint(headers={"a": [1]}), ((f"{ENDPOINT}.headers.a", "text"),), dlt="in the run"),
    Row("no cursor", endpoint(incremental={}), ((f"{GROWING}.cursor_path", "required"),), dlt="is none then"),
    Row("no initial value", growing(end_value=5), ((GROWING, "which `end_value` needs"),), dlt="in the run"),
    Row("range back", growing(initial_value=5, end_value=4), ((GROWING, "`end_value` after"),), dlt="in the run"),
    Row("range of two types", growing(initial_value=5, end_value="6"), ((GROWING, "one type"),), dlt="in the run"),
    Row(
        "watermark value",
        endpoint(params={"a": "{incremental.strt_value}"}, incremental={"cursor_path": "at"}),
        ((f"{ENDPOINT}.params.a", "did you mean `{incremental.start_value}`?"),),
        dlt="in the run",
    ),
    Row(
        "status as text",
        endpoint(response_actions=[{"status_code": "404", "action": "ignore"}]),
        ((f"{ENDPOINT}.response_actions[0].status_code", "a whole number"),),
        dlt="never fires",
    ),
    Row(
        "unknown action",
        endpoint(response_actions=[{"status_code": 404, "action": "ignor"}]),
        ((f"{ENDPOINT}.response_actions[0].action", "did you mean `ignore`?"),),
        dlt="never fires",
    ),
    Row(
        "no condition",
        endpoint(response_actions=[{"action": "ignore"}]),
        ((f"{ENDPOINT}.response_actions[0]", "expected `status_code` or `content`"),),
        dlt="never fires",
    ),
    Row(
        "no action",
        endpoint(response_actions=[{"status_code": 404}]),
        ((f"{ENDPOINT}.response_actions[0].action", "expected `action`"),),
        dlt="in the run",
    ),
    Row("key of auto", paged("auto", limit=5), ((f"{PAGINATOR}.limit", "an option of `offset`"),), dlt="dropped"),
    Row("negative nesting", resource(max_table_nesting=-1), ((f"{RESOURCE}.max_table_nesting", "0"),), dlt="taken"),
    Row(
        "cookie",
        endpoint(auth={"type": "api_key", "api_key": HIDDEN, "location": "cookie"}),
        ((f"{ENDPOINT}.auth.location", "got 'cookie'"),),
        dlt="in the run",
    ),
    Row("no resources", config() | {"resources": []}, (("resources", "at least one entry"),), dlt="loads nothing"),
    Row("address", config({"base_url": "api.example.com"}), (("client.base_url", "https://"),), dlt="in the run"),
]

#: Mistakes of the client, of the top, and between resources; and many at once.
OF_THE_WHOLE = [
    Row("top", config(resorces=[]), (("resorces", "did you mean `resources`?"),)),
    Row("no client", {"resources": ["a"]}, (("client", "expected `client`, which is required"),)),
    Row("no resources at all", {"client": {"base_url": "https://a.example"}}, (("resources", "which is required"),)),
    Row("mapping of resources", config() | {"resources": {"a": 1}}, (("resources", "expected a list"),)),
    Row("number as resource", config(None, 7), (("resources[0]", "expected a mapping or text", "got 7"),)),
    Row("no name", config(None, {"endpoint": "a"}), (("resources[0].name", "expected `name`"),)),
    Row("number as name", config(None, {"name": 5}), (("resources[0].name", "expected text", "got 5"),)),
    Row("names", config(None, "a", "b", "a"), (("resources[2].name", "'a' a second time", "`resources[0]`"),)),
    Row("no address", {"client": {}, "resources": ["a"]}, (("client.base_url", "which is required"),)),
    Row("number as address", config({"base_url": 5}), (("client.base_url", "the address of the API"),)),
    Row("client key", config({"base_ulr": "x"}), (("client.base_ulr", "did you mean `base_url`?"),)),
    Row("client headers", config({"headers": ["a"]}), (("client.headers", "expected a mapping"),)),
    Row("session", config({"session": "x"}), (("client.session", "a `requests` session"),)),
    Row("name among defaults", config(resource_defaults={"name": "x"}), (("resource_defaults.name", "`name`"),)),
    Row(
        "defaults",
        config(resource_defaults={"write_dispositon": "merge"}),
        (("resource_defaults.write_dispositon", "did you mean `write_disposition`?"),),
    ),
    Row(
        "default endpoint",
        config(resource_defaults={"endpoint": {"data_selctor": "x"}}),
        (("resource_defaults.endpoint.data_selctor", "did you mean `data_selector`?"),),
    ),
    Row("list as auth", config({"auth": [HIDDEN]}), (("client.auth", "expected a mapping", "got a list"),)),
    Row("word", config({"auth": HIDDEN}), (("client.auth", "the name of a kind", "{type: bearer"),)),
    Row("auth type", config({"auth": {"type": "bearr", "token": HIDDEN}}), (("client.auth.type", "`bearer`"),)),
    Row(
        "auth key",
        config({"auth": {"type": "bearer", "token": HIDDEN, "refresh_token": HIDDEN}}),
        (("client.auth.refresh_token", "unknown key"),),
    ),
    Row("misspelt token", config({"auth": {"type": "bearer", "tokn": HIDDEN}}), (("client.auth.tokn", "`token`"),)),
    Row(
        "token type",
        config({"auth": {"token": [HIDDEN]}}),
        (("client.auth.token", "a secret as text", "got a list"),),
        dlt="in the run",
    ),
    Row(
        "password",
        config({"auth": {"type": "http_basic", "username": "me", "pasword": HIDDEN}}),
        (("client.auth.pasword", "did you mean `password`?"),),
    ),
    Row(
        "expiration",
        config(
            {
                "auth": {
                    "type": "oauth2_client_credentials",
                    "access_token_url": "https://api.example.com/token",
                    "client_id": "me",
                    "client_secret": HIDDEN,
                    "default_token_expiration": "60",
                }
            }
        ),
        (("client.auth.default_token_expiration", "expected a whole number"),),
    ),
    Row(
        "object as paginator",
        config({"paginator": BearerTokenAuth(token=HIDDEN)}),
        (("client.paginator", "a paginator object of dlt's", "got a `BearerTokenAuth` object"),),
    ),
    Row(
        "paginator as auth",
        config({"auth": JSONLinkPaginator()}),
        (("client.auth", "an auth object of dlt's", "got a `JSONLinkPaginator` object"),),
    ),
    Row(
        "itself",
        config(None, {"name": "a", "endpoint": "x/{resources.a.id}"}),
        (("resources[0].endpoint.path", "`a` itself"),),
    ),
    Row(
        "near parent",
        child(path="x/{resources.usres.id}"),
        (("resources[1].endpoint.path", "got `usres`", "did you mean `users`?"),),
    ),
    Row(
        "resolved nowhere",
        child(path="x", params={"id": {"type": "resolve", "resource": "users", "field": "id"}}),
        (("resources[1].endpoint.params.id", "expected `{id}` in the path", "{resources.users.id}"),),
    ),
    Row(
        "resolved beside the path",
        child(
            path="x/{id}",
            params={"id": {"type": "resolve", "resource": "users", "field": "id"}},
            json={"id": "{id}"},
        ),
        (("resources[1].endpoint.json.id", "in the path only", "write `{resources.users.id}`"),),
    ),
    Row(
        "resolved from nobody",
        child(path="x/{id}", params={"id": {"type": "resolve", "resource": "user", "field": "id"}}),
        (("resources[1].endpoint.params.id.resource", "did you mean `users`?"),),
    ),
    Row(
        "no field to resolve",
        child(path="x/{id}", params={"id": {"type": "resolve", "resource": "users"}}),
        (("resources[1].endpoint.params.id.field", "which `resolve` needs"),),
    ),
    Row(
        "ring",
        config(
            None,
            {"name": "a", "endpoint": "x/{resources.b.id}"},
            {"name": "b", "endpoint": "x/{resources.c.id}"},
            {"name": "c", "endpoint": {"json": {"a": "{resources.a.id}"}}},
        ),
        (("resources[2].endpoint.json.a", "a -> b -> c -> a"),),
    ),
    Row(
        "everything at once",
        {
            "client": {
                "base_url": "https://me:" + HIDDEN + "@a.example",
                "auth": {"type": "basik", "password": HIDDEN},
            },
            "resource_defaults": {"primry_key": "id", "endpoint": {"method": "PATCH"}},
            "resources": [
                {"name": "a", "endpoint": {"path": "x/{resources.bb.id}", "paginator": {"type": "cursor", "limit": 1}}},
                {"name": "a", "write_disposition": "upsert", "endpoint": {"json": {"q": "{"}, "data_selector": 1}},
                {"name": "b", "endpoint": {"path": "{resources.b.x}", "params": {"s": {"type": "incrementl"}}}},
            ],
            "privcy": "keep",
        },
        (
            ("client.base_url", "without user and password"),
            ("client.auth.type", "did you mean `basic`?"),
            ("resource_defaults.primry_key", "did you mean `primary_key`?"),
            ("resource_defaults.endpoint.method", "expected `GET` or `POST`"),
            ("resources[0].endpoint.path", "got `bb`", "did you mean `b`?"),
            ("resources[0].endpoint.paginator.limit", "an option of `offset`"),
            ("resources[1].name", "a second time"),
            ("resources[1].write_disposition", "one of append, replace, merge, skip"),
            ("resources[1].endpoint.json.q", "double a brace"),
            ("resources[1].endpoint.data_selector", "got 1"),
            ("resources[2].endpoint.path", "`b` itself"),
            ("resources[2].endpoint.params.s", "did you mean `incremental`?"),
            ("privcy", "did you mean `privacy`?"),
        ),
    ),
    Row(
        "one wrong default, told once",
        config(None, "a", "b", "c", resource_defaults={"endpoint": {"params": {"of": "{resources.usr.id}"}}}),
        (("resource_defaults.endpoint.params.of", "got `usr`"),),
    ),
]
