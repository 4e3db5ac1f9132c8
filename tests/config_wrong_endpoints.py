"""Mistakes in an endpoint: requests, actions, watermarks, parents, paging, credentials."""

from __future__ import annotations

from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from config_rows import ENDPOINT, GROWING, HIDDEN, PAGINATOR, Row, endpoint, growing, paged

OF_REQUESTS = [
    Row("endpoint key", endpoint(pth="x"), ((f"{ENDPOINT}.pth", "did you mean `path`?"),)),
    Row("path", endpoint(path=5), ((f"{ENDPOINT}.path", "expected text", "got 5"),)),
    Row("path braces", endpoint(path="a/{b"), ((f"{ENDPOINT}.path", "braces", "double a brace"),)),
    Row("method", endpoint(method="PUT"), ((f"{ENDPOINT}.method", "expected `GET` or `POST`", "got 'PUT'"),)),
    Row("small method", endpoint(method="get"), ((f"{ENDPOINT}.method", "expected `GET` or `POST`", "got 'get'"),)),
    Row("params", endpoint(params=["a"]), ((f"{ENDPOINT}.params", "expected a mapping"),)),
    Row(
        "param type", endpoint(params={"a": {"type": "resolv"}}), ((f"{ENDPOINT}.params.a", "did you mean `resolve`?"),)
    ),
    Row("param mapping", endpoint(params={"a": {"b": 1}}), ((f"{ENDPOINT}.params.a", "`type: incremental`"),)),
    Row("param key", endpoint(params={5: "a"}), ((f"{ENDPOINT}.params.5", "text as key", "'5'"),)),
    Row("json", endpoint(json=["a"]), ((f"{ENDPOINT}.json", "expected a mapping"),)),
    Row("json braces", endpoint(json={"q": "{ me }"}), ((f"{ENDPOINT}.json.q", "double a brace"),)),
    Row("data braces", endpoint(data='{"a": 1}'), ((f"{ENDPOINT}.data", "double a brace"),)),
    Row("headers", endpoint(headers=["a"]), ((f"{ENDPOINT}.headers", "expected a mapping"),)),
    Row("header key", endpoint(headers={1: "a"}), ((f"{ENDPOINT}.headers.1", "text as key"),)),
    Row(
        "header braces", endpoint(headers={"X": "{}"}), ((f"{ENDPOINT}.headers.X", "double a brace"),), dlt="in the run"
    ),
    Row("selector", endpoint(data_selector=5), ((f"{ENDPOINT}.data_selector", "expected a path in the answer"),)),
    Row("actions", endpoint(response_actions={"action": "ignore"}), ((f"{ENDPOINT}.response_actions", "a list"),)),
    Row(
        "action", endpoint(response_actions=["ignore"]), ((f"{ENDPOINT}.response_actions[0]", "mapping or a function"),)
    ),
    Row(
        "action key",
        endpoint(response_actions=[{"status": 404, "action": "ignore"}]),
        ((f"{ENDPOINT}.response_actions[0].status", "did you mean `status_code`?"),),
    ),
    Row(
        "action status",
        endpoint(response_actions=[{"status_code": 4.5, "action": "ignore"}]),
        ((f"{ENDPOINT}.response_actions[0].status_code", "a whole number", "got 4.5"),),
    ),
    Row(
        "action content",
        endpoint(response_actions=[{"content": 5, "action": "ignore"}]),
        ((f"{ENDPOINT}.response_actions[0].content", "expected text", "got 5"),),
    ),
    Row(
        "action value",
        endpoint(response_actions=[{"status_code": 404, "action": 5}]),
        ((f"{ENDPOINT}.response_actions[0].action", "`ignore`, `skip`, `retry`, a function"),),
    ),
    Row(
        "action list",
        endpoint(response_actions=[{"status_code": 404, "action": ["ignore"]}]),
        ((f"{ENDPOINT}.response_actions[0].action", "got a list"),),
    ),
    Row("incremental", endpoint(incremental="at"), ((GROWING, "expected a mapping", "got 'at'"),)),
    Row("incremental key", endpoint(incremental={"cursor_pth": "at"}), ((f"{GROWING}.cursor_pth", "`cursor_path`"),)),
    Row("cursor path", endpoint(incremental={"cursor_path": "$["}), ((f"{GROWING}.cursor_path", "a JSONPath"),)),
    Row("form in form", growing(type="incremental"), ((f"{GROWING}.type", "unknown key `type`"),)),
    Row("last value", growing(last_value_func="mx"), ((f"{GROWING}.last_value_func", "`min`, `max` or a function"),)),
    Row("order", growing(row_order="up"), ((f"{GROWING}.row_order", "`asc` or `desc`"),)),
    Row("missing cursor", growing(on_cursor_value_missing="skip"), ((f"{GROWING}.on_cursor_value_missing", "'skip'"),)),
    Row("range start", growing(range_start="close"), ((f"{GROWING}.range_start", "did you mean `closed`?"),)),
    Row("range end", growing(range_end=1), ((f"{GROWING}.range_end", "`open` or `closed`"),)),
    Row("lag", growing(lag="1"), ((f"{GROWING}.lag", "expected a number", "got '1'"),)),
    Row("convert", growing(convert="str"), ((f"{GROWING}.convert", "expected a function", "got 'str'"),)),
    Row("incremental keys", growing(primary_key=5), ((f"{GROWING}.primary_key", "expected a column name"),)),
    Row(
        "end of a parameter",
        endpoint(params={"a": {"type": "incremental", "cursor_path": "at", "end_value": 5}}),
        ((f"{ENDPOINT}.params.a.end_value", "`endpoint.incremental`"),),
    ),
    Row(
        "parameter of a parameter",
        endpoint(params={"a": {"type": "incremental", "cursor_path": "at", "start_param": "a"}}),
        ((f"{ENDPOINT}.params.a.start_param", "`endpoint.incremental`"),),
    ),
    Row(
        "two watermarks",
        endpoint(params={name: {"type": "incremental", "cursor_path": "at"} for name in "ab"}),
        ((f"{ENDPOINT}.params.b", "expected one incremental", "`a` is the first"),),
    ),
    Row(
        "watermark in the path",
        endpoint(path="a/{b}", params={"b": {"type": "incremental", "cursor_path": "at"}}),
        ((f"{ENDPOINT}.path", "expected a plain value for `{b}`", "{incremental.start_value}"),),
    ),
    Row(
        "watermark without incremental",
        endpoint(params={"a": "{incremental.start_value}"}),
        ((f"{ENDPOINT}.params.a", "expected `incremental` in the endpoint"),),
    ),
    Row(
        "watermark of a parameter",
        endpoint(
            params={"a": {"type": "incremental", "cursor_path": "at"}, "b": "{incremental.last_value}"},
        ),
        ((f"{ENDPOINT}.params.b", "write the parameter of type `incremental` as `endpoint.incremental`"),),
    ),
    Row("unknown parent", endpoint(params={"a": "{resources.user.id}"}), ((f"{ENDPOINT}.params.a", "got `user`"),)),
    Row("no field", endpoint(json={"a": "{resources.items}"}), ((f"{ENDPOINT}.json.a", "{resources.<name>.<field>}"),)),
    Row(
        "context",
        endpoint(path="a/{resource.users.id}"),
        ((f"{ENDPOINT}.path", "did you mean `{resources.users.id}`"),),
    ),
]

OF_PAGING = [
    Row("paginator word", endpoint(paginator="ofset"), ((f"{PAGINATOR}.type", "did you mean `offset`?"),)),
    Row("paginator", endpoint(paginator=5), ((PAGINATOR, "expected a mapping or text", "got 5"),)),
    Row("paginator class", endpoint(paginator=OffsetPaginator), ((PAGINATOR, "the class `OffsetPaginator`"),)),
    Row("no type", endpoint(paginator={"limit": 5}), ((f"{PAGINATOR}.type", "expected a paginator type, got none"),)),
    Row("no limit", endpoint(paginator="offset"), ((f"{PAGINATOR}.limit", "which `offset` needs"),)),
    Row("limit", paged("offset", limit="5"), ((f"{PAGINATOR}.limit", "a whole number", "'5'"),)),
    Row("key of a kind", paged("offset", limit=5, cursor_path="x"), ((f"{PAGINATOR}.cursor_path", "of `cursor`"),)),
    Row("total path", paged("page_number", total_path=5), ((f"{PAGINATOR}.total_path", "a path in the answer"),)),
    Row("page parameter", paged("page_number", page_param=""), ((f"{PAGINATOR}.page_param", "not empty"),)),
    Row("next path", paged("json_link", next_url_path="$["), ((f"{PAGINATOR}.next_url_path", "a JSONPath"),)),
    Row("link key", paged("header_link", links_next_key=5), ((f"{PAGINATOR}.links_next_key", "expected text"),)),
    Row(
        "offset twice",
        paged("offset", limit=5, offset_param="a", offset_body_path="b"),
        ((PAGINATOR, "`offset_param` or `offset_body_path`, got both"),),
    ),
    Row(
        "limit twice",
        paged("offset", limit=5, limit_param="a", limit_body_path="b"),
        ((PAGINATOR, "`limit_param` or `limit_body_path`, got both"),),
    ),
    Row(
        "page twice",
        paged("page_number", page_param="a", page_body_path="b"),
        ((PAGINATOR, "`page_param` or `page_body_path`, got both"),),
    ),
    Row(
        "cursor twice",
        paged("cursor", cursor_param="a", cursor_body_path="b"),
        ((PAGINATOR, "`cursor_param` or `cursor_body_path`, got both"),),
    ),
    Row(
        "endless",
        paged("page_number", total_path=None, stop_after_empty_page=False),
        ((PAGINATOR, "expected one of `total_path`, `maximum_page`", "nothing would end"),),
    ),
    Row(
        "endpoint auth",
        endpoint(auth={"type": "api_key", "api_key": HIDDEN, "location": "body"}),
        ((f"{ENDPOINT}.auth.location", "`header`, `query` or `param`", "got 'body'"),),
    ),
    Row(
        "wrong word for auth",
        endpoint(auth="bearr"),
        ((f"{ENDPOINT}.auth", "did you mean `bearer`?"),),
    ),
]
