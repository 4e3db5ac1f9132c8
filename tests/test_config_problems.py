"""What the reader is told about a wrong configuration: exact texts, all at once, no jargon, no secret."""

from __future__ import annotations

import re
from typing import Any

import pytest

from headrace.config import validate
from headrace.errors import ConfigError

JARGON = re.compile(r"input should|extra inputs|permitted|field required|pydantic|valid \w+ type|<\w+>", re.IGNORECASE)
HIDDEN = "hunter2-hunter2"


def no_secret(name: str) -> str:
    raise LookupError(f"looked in the environment (`{name.upper()}`) and in `.dlt/secrets.toml`")


def config(client: dict[str, Any] | None = None, resource: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    return {
        "client": {"base_url": "https://api.example.com", **(client or {})},
        "resources": [{"name": "items", **(resource or {})}],
        **top,
    }


def problems(raw: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(raw, resolve_secret=no_secret)
    assert HIDDEN not in str(caught.value)
    assert not JARGON.search(str(caught.value))
    return [str(problem) for problem in caught.value.problems]


def endpoint(**options: Any) -> dict[str, Any]:
    return config(resource={"endpoint": options})


CASES: list[tuple[Any, list[str]]] = [
    ([], ["expected a mapping, got an empty list"]),
    (
        {},
        ["expected `client`, which is required at `client`", "expected `resources`, which is required at `resources`"],
    ),
    (config() | {"resources": []}, ["expected at least one entry, got an empty list at `resources`"]),
    (config() | {"resources": "items"}, ["expected a list, got 'items' at `resources`"]),
    (config() | {"resources": [7]}, ["expected a mapping or text, got 7 at `resources[0]`"]),
    (config() | {"resources": [{}]}, ["expected `name`, which is required at `resources[0].name`"]),
    (
        config() | {"resources": ["a", "b", "a"]},
        ["expected a name of its own, got 'a' a second time at `resources[2].name`\n  hint: `resources[0]` has it too"],
    ),
    (config(privcy="keep"), ["unknown key `privcy` at `privcy`\n  hint: did you mean `privacy`?"]),
    (
        config(privacy="kept"),
        ["expected `drop`, `hash` or `keep`, got 'kept' at `privacy`\n  hint: did you mean `keep`?"],
    ),
    (
        endpoint(data_selctor="x"),
        ["unknown key `data_selctor` at `resources[0].endpoint.data_selctor`\n  hint: did you mean `data_selector`?"],
    ),
    (
        config(resource={"data_selector": "x"}),
        [
            "unknown key `data_selector` at `resources[0].data_selector`"
            "\n  hint: `data_selector` is an option of `endpoint`"
        ],
    ),
    (
        endpoint(paginator={"type": "ofset"}),
        [
            "unknown paginator type `ofset` at `resources[0].endpoint.paginator.type`\n  hint: did you mean `offset`? "
            "known are auto, single_page, offset, page_number, cursor, json_link, json_response, header_link, "
            "header_cursor, keyset"
        ],
    ),
    (
        endpoint(paginator={"type": "offset", "limit": "ten"}),
        ["expected a whole number, got 'ten' at `resources[0].endpoint.paginator.limit`"],
    ),
    (
        endpoint(paginator={"type": "offset", "limit": 0}),
        ["expected a number of at least 1, got 0 at `resources[0].endpoint.paginator.limit`"],
    ),
    (
        endpoint(paginator="offset"),
        ["expected `limit`, which `offset` needs at `resources[0].endpoint.paginator.limit`"],
    ),
    (
        endpoint(paginator={"type": "offset", "limit": 5, "cursor_path": "x"}),
        [
            "unknown key `cursor_path` at `resources[0].endpoint.paginator.cursor_path`"
            "\n  hint: `cursor_path` is an option of `cursor`"
        ],
    ),
    (endpoint(paginator=5), ["expected a mapping or text, got 5 at `resources[0].endpoint.paginator`"]),
    (
        endpoint(paginator={"limit": 5}),
        [
            "expected a paginator type, got none at `resources[0].endpoint.paginator.type`\n  hint: known are auto, "
            "single_page, offset, page_number, cursor, json_link, json_response, header_link, header_cursor, "
            "keyset"
        ],
    ),
    (
        config({"auth": {"type": "bearr", "token": HIDDEN}}),
        [
            "unknown auth type `bearr` at `client.auth.type`\n  hint: did you mean `bearer`? "
            "known are bearer, api_key, http_basic, basic, oauth2_client_credentials"
        ],
    ),
    (
        config({"auth": {"type": "basic", "username": "api", "pasword": HIDDEN}}),
        ["unknown key `pasword` at `client.auth.pasword`\n  hint: did you mean `password`?"],
    ),
    (
        config({"auth": {"token": [HIDDEN]}}),
        ["expected a secret as text or as a reference, got a list at `client.auth.token`"],
    ),
    (
        config({"auth": {"token": 1.5}}),
        ["expected a secret as text or as a reference, got a number at `client.auth.token`"],
    ),
    (
        config({"auth": {"type": "api_key", "api_key": HIDDEN, "location": "cookie"}}),
        ["expected `header`, `query` or `param`, got 'cookie' at `client.auth.location`"],
    ),
    (config({"auth": [HIDDEN]}), ["expected a mapping, got a list at `client.auth`"]),
    (
        config({"auth": HIDDEN}),
        [
            "expected credentials as a mapping, or the name of a kind, got text at `client.auth`"
            "\n  hint: write a mapping: `{type: bearer, token: ...}`"
        ],
    ),
    (
        config({"auth": {"token": 'dlt.secrets["key"]'}}),
        [
            "expected the secret `key`, found none at `client.auth.token`"
            "\n  hint: looked in the environment (`KEY`) and in `.dlt/secrets.toml`"
        ],
    ),
    (config({"headers": {"X": [HIDDEN]}}), ["expected text, got a list at `client.headers.X`"]),
    (
        config({"limits": {"in_flight": -(10**5000)}}),
        ["expected a number of at least 1, got a very large number at `client.limits.in_flight`"],
    ),
    (config({"headers": {"X.Y": True}}), ["expected text, got true or false at `client.headers['X.Y']`"]),
    (
        config({"base_url": "api.example.com/v1"}),
        [
            "expected an address with `https://`, got 'api.example.com/v1' at `client.base_url`"
            "\n  hint: write `https://api.example.com/v1`"
        ],
    ),
    (
        config({"base_url": f"https://me:{HIDDEN}@api.example.com"}),
        [
            "expected an address without user and password, got text at `client.base_url`"
            "\n  hint: put them into `client.auth`"
        ],
    ),
    (
        config({"base_url": "https://api.example.com/{version}"}),
        [
            "expected an address without placeholders, got 'https://api.example.com/{version}' at `client.base_url`"
            "\n  hint: put placeholders into `path`"
        ],
    ),
    (
        config({"base_url": "https://api.example.com?key=" + HIDDEN}),
        [
            "expected an address without `?` or `#`, got text at `client.base_url`"
            "\n  hint: put query parameters into `endpoint.params`"
        ],
    ),
    (
        config({"base_url": "https://api:port"}),
        ["expected a valid address, got 'https://api:port' at `client.base_url`"],
    ),
    (
        config({"base_url": 5}),
        ["expected the address of the API, like `https://api.example.com`, got 5 at `client.base_url`"],
    ),
    (
        config({"limits": {"in_flight": 2.5, "timeout_s": 0, "max_pages": None}}),
        [
            "expected a whole number, got 2.5 at `client.limits.in_flight`",
            "expected a number above 0, got 0 at `client.limits.timeout_s`",
            "expected a whole number, got nothing at `client.limits.max_pages`",
        ],
    ),
    (
        config({"retry": {"backoff_factor": float("inf"), "max_wait_s": "x", "statuses": 429}}),
        [
            "expected a finite number, got inf at `client.retry.backoff_factor`",
            "expected a number, got 'x' at `client.retry.max_wait_s`",
            "expected a list, got 429 at `client.retry.statuses`",
        ],
    ),
    (
        config(resource={"write_disposition": "merg", "primary_key": 5, "selected": "no", "table_name": ""}),
        [
            "expected a write disposition, one of append, replace, merge, skip, got 'merg' at "
            "`resources[0].write_disposition`\n  hint: did you mean `merge`?",
            "expected a column name or a list of column names, got 5 at `resources[0].primary_key`",
            "expected true or false, got 'no' at `resources[0].selected`",
            "expected text that is not empty, got empty text at `resources[0].table_name`",
        ],
    ),
    (
        config(resource={"columns": ["id"], "nested_hints": 1, "file_format": 1}),
        [
            "expected a mapping, got 'id' at `resources[0].columns[0]`",
            "expected a mapping, got 1 at `resources[0].nested_hints`",
            "expected `preferred`, `jsonl`, `typed-jsonl`, `insert_values`, `parquet`, `csv`, `reference` or `model`, "
            "got 1 at `resources[0].file_format`",
        ],
    ),
    (
        endpoint(method="PUT", params={"a": {"b": 1}}, data_selector="$["),
        [
            "expected `GET` or `POST`, got 'PUT' at `resources[0].endpoint.method`",
            "expected a value to send, or a mapping with `type: resolve` or `type: incremental`, got another mapping "
            "at `resources[0].endpoint.params.a`",
            "expected a JSONPath, like `data.items` or `$.results[*]`, got '$[' at "
            "`resources[0].endpoint.data_selector`",
        ],
    ),
    (
        endpoint(path="a/{b", json={"q": "{ users { id } }"}, params={"{}": 1}),
        [
            "expected braces around parameter names only, got others at `resources[0].endpoint.path`"
            "\n  hint: double a brace that is meant literally: `{{` or `}}`",
            "expected braces around parameter names only, got others at `resources[0].endpoint.json.q`"
            "\n  hint: double a brace that is meant literally: `{{` or `}}`",
            "expected a parameter name in braces, got `{}` at `resources[0].endpoint.params['{}']`"
            "\n  hint: double a brace that is meant literally: `{{` or `}}`",
        ],
    ),
    (
        endpoint(path="a/{resources.b.id}"),
        ["expected the name of a resource as parent, got `b` at `resources[0].endpoint.path`"],
    ),
    (
        endpoint(params={"since": {"type": "incremental", "cursor_path": "x", "end_value": 1}}, response_actions=[1]),
        [
            "unknown key `end_value` at `resources[0].endpoint.params.since.end_value`"
            "\n  hint: `end_value` is an option of `endpoint.incremental`",
            "expected a mapping or a function, got 1 at `resources[0].endpoint.response_actions[0]`",
        ],
    ),
    (
        config({"auth": {"type": "oauth2_client_credentials", "client_id": "a", "client_secret": HIDDEN}}),
        ["expected `access_token_url`, which `oauth2_client_credentials` needs at `client.auth.access_token_url`"],
    ),
    (
        config({"base_url": 'dlt.config["base_url"]'}),
        ["expected the value itself, got a reference to the setting `base_url` at `client.base_url`"],
    ),
    (
        config(resource={"primary_key": lambda row: row["type"]}),
        [
            "expected `table_name` to be a function too, because `primary_key` is one at `resources[0].primary_key`"
            "\n  hint: a hint that changes from row to row needs a table that does"
        ],
    ),
    (
        config(resource={"table_name": object()}),
        ["expected text, got a `object` object at `resources[0].table_name`"],
    ),
    (
        config(params={"a": [], 5: 1}),
        [
            "expected text, a number, or a list of these that is not empty, got an empty list at `params.a`",
            "expected text as key, got 5 at `params.5`\n  hint: put it in quotes: `'5'`",
        ],
    ),
    (
        config(resource_defaults={"name": "x", "primary_kye": "id"}),
        [
            "unknown key `name` at `resource_defaults.name`\n  hint: `name` is an option of the top level",
            "unknown key `primary_kye` at `resource_defaults.primary_kye`\n  hint: did you mean `primary_key`?",
        ],
    ),
    (
        config(resource={"merge_key": "long" * 13, "schema_contract": 5, "key_collisions": "long" * 13}),
        [
            "expected a schema contract, one of evolve, discard_value, freeze, discard_row, got 5 at "
            "`resources[0].schema_contract`",
            "expected `keep_last`, `keep_all` or `fail`, got '" + "long" * 10 + "...' at `resources[0].key_collisions`",
        ],
    ),
]


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_problem_texts(raw: Any, expected: list[str]) -> None:
    """One wrong thing is one problem, with its place, and all of them come together."""
    assert sorted(problems(raw)) == sorted(expected)


def test_problems_come_in_the_order_of_the_file() -> None:
    raw = {"resources": [{"name": "a", "x1": 1, "endpoint": {"method": "PUT", "incremental": {}}}], "client": {"y1": 1}}
    paths = re.findall(r"at `([^`]+)`", "\n".join(problems(raw)))
    assert paths == [
        "resources[0].x1",
        "resources[0].endpoint.method",
        "resources[0].endpoint.incremental.cursor_path",
        "client.y1",
        "client.base_url",
    ]


def test_dlt_objects_are_named() -> None:
    """An object that nobody takes over is one problem, and nothing else is said about its place."""
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

    raw = endpoint(paginator=OffsetPaginator)
    raw["client"]["auth"] = BearerTokenAuth(token=HIDDEN)
    assert problems(raw) == [
        "expected credentials: a mapping, the name of a kind, or an auth object of dlt's, got a `BearerTokenAuth` "
        "object at `client.auth`",
        "expected a paginator: a mapping, the name of a kind, or a paginator object of dlt's, got the class "
        "`OffsetPaginator` at `resources[0].endpoint.paginator`"
        "\n  hint: an object is made by a call: `OffsetPaginator(...)`",
    ]


def test_a_header_named_like_a_model_keeps_its_place() -> None:
    """Steps that the models add to a place are taken out only where they were added."""
    with pytest.raises(ConfigError, match=r"at `client\.headers\['<BearerAuth>'\]`"):
        validate(config({"headers": {"<BearerAuth>": []}}), resolve_secret=no_secret)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            endpoint(path="a", entries={"kee": "id", "value": "v"}),
            "unknown key `kee` at `resources[0].endpoint.entries.kee`\nhint: did you mean `key`?",
        ),
        (
            endpoint(path="a", fallback={"pat": "b"}),
            "unknown key `pat` at `resources[0].endpoint.fallback.pat`\nhint: did you mean `path`?",
        ),
        (
            config(resource={"deletions": {"aftr": 1}}),
            "unknown key `aftr` at `resources[0].deletions.aftr`\nhint: did you mean `after`?",
        ),
        (
            config({"rate_limits": {"https://x.example": {"reqests": 1}}}),
            "unknown key `reqests` at `client.rate_limits['https://x.example'].reqests`\n"
            "hint: did you mean `requests`?",
        ),
    ],
)
def test_keys_of_mappings_inside_are_known(raw: Any, problem: str) -> None:
    assert problem in [re.sub(r"\s*hint: ", "\nhint: ", text) for text in problems(raw)]
