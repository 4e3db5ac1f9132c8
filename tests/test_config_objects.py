"""Objects, functions and names that others know: where they may stand, and what they become."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from typing import Any

import pytest
from jsonpath_ng.ext import parse as compile_jsonpath

from headrace.config import (
    Foreign,
    IncrementalParam,
    ReadyResource,
    ResolveParam,
    ResourceOptions,
    RestConfig,
    validate,
)
from headrace.config.kinds import BearerAuth, OffsetPaging
from headrace.errors import ConfigError
from headrace.secrets import Secret

HIDDEN = "hunter2-hunter2"


class Thing:
    """An object of no module that config knows."""

    def __init__(self, name: str = "thing") -> None:
        self.name = name


class Adopting:
    """Takes every `Thing`, and words and types that begin with `my_`; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, family: str, value: Any) -> Any:
        self.asked.append((family, value))
        kind = value.get("type") if isinstance(value, dict) else value
        if kind == "my_missing":
            raise LookupError("looked in the environment (`KEY`)")
        if kind == "my_wrong":
            raise ValueError(f"expected a limit, got {HIDDEN}")
        if kind == "bearer":
            return {"type": "bearer", "token": HIDDEN}
        if kind == "my_offset":
            return {"type": "offset", "limit": 7}
        if isinstance(value, Thing):
            return Foreign(value, value.name)
        return Foreign(Thing()) if isinstance(kind, str) and kind.startswith("my_") else None


def check(raw: dict[str, Any], adopt: Any = None) -> RestConfig:
    return validate(raw, resolve_secret=lambda _: "key-of-the-store", adopt=adopt or Adopting())


def problems(raw: dict[str, Any], **hooks: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validate(raw, resolve_secret=lambda _: HIDDEN, **hooks)
    assert HIDDEN not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def config(client: dict[str, Any] | None = None, *resources: Any, **top: Any) -> dict[str, Any]:
    return {
        "client": {"base_url": "https://api.example.com", **(client or {})},
        "resources": list(resources) or ["items"],
        **top,
    }


def endpoint(**options: Any) -> dict[str, Any]:
    return config(None, {"name": "items", "endpoint": options})


def options_of(checked: RestConfig, index: int = 0) -> ResourceOptions:
    resource = checked.resources[index]
    assert isinstance(resource, ResourceOptions)
    return resource


def test_objects_pass_through_where_they_may_stand() -> None:
    """The same object comes out, and is not printed."""
    session, auth, paginator, watermark = Thing("s"), Thing("a"), Thing("p"), Thing("w")
    checked = check(
        config(
            {"session": session, "auth": auth},
            {"name": "items", "endpoint": {"paginator": paginator, "params": {"since": watermark}}},
            Thing("ready"),
        )
    )
    client, found = checked.client, options_of(checked).endpoint
    assert found
    assert found.params
    taken = [client.session, client.auth, found.paginator, found.params["since"]]
    assert [one.value for one in taken if isinstance(one, Foreign)] == [session, auth, paginator, watermark]
    assert isinstance(checked.resources[1], ReadyResource)
    assert checked.resources[1].name == "ready"
    assert "Thing object" not in repr(checked)


def test_an_object_is_not_copied_with_the_configuration() -> None:
    thing = Foreign(Thing())
    assert copy.deepcopy({"a": thing})["a"] is thing
    assert thing.name == "Thing"


def test_others_are_asked_only_for_what_we_do_not_know() -> None:
    adopt = Adopting()
    check(
        config(
            {"auth": {"type": "bearer", "token": 'dlt.secrets["x"]'}, "paginator": "single_page"},
            {"name": "a", "endpoint": {"paginator": {"type": "offset", "limit": 1}, "params": {"x": [1, date.min]}}},
        ),
        adopt,
    )
    assert adopt.asked == []


def test_words_and_types_that_others_know() -> None:
    """They get secrets as texts, and may answer with a mapping of ours."""
    adopt = Adopting()
    checked = check(
        config(
            {"auth": "bearer", "paginator": "my_offset"},
            {"name": "a", "endpoint": {"auth": {"type": "my_auth", "key": {"secret": "x"}}, "paginator": "my_pages"}},
        ),
        adopt,
    )
    found = options_of(checked).endpoint
    assert found
    assert isinstance(checked.client.auth, BearerAuth)
    assert checked.client.auth.token == Secret(HIDDEN)
    assert isinstance(checked.client.paginator, OffsetPaging)
    assert isinstance(found.auth, Foreign)
    assert isinstance(found.paginator, Foreign)
    assert adopt.asked == [
        ("auth", "bearer"),
        ("paginator", "my_offset"),
        ("auth", {"type": "my_auth", "key": "key-of-the-store"}),
        ("paginator", "my_pages"),
    ]


def test_credentials_that_lack_a_field_are_looked_up_by_others() -> None:
    """dlt takes such a mapping and looks for the token in its configuration."""
    checked = check(config({"auth": {"type": "bearer"}}))
    assert isinstance(checked.client.auth, BearerAuth)
    assert problems(config({"auth": {"type": "bearer"}})) == [
        "expected `token`, which `bearer` needs at `client.auth.token`"
    ]


def test_what_others_miss_is_told() -> None:
    raw = config({"auth": "my_missing", "paginator": "my_wrong"})
    assert problems(raw, adopt=Adopting()) == [
        "expected credentials in the configuration of dlt, found none at `client.auth`"
        "\n  hint: looked in the environment (`KEY`)",
        "expected a limit, got *** at `client.paginator`",
    ]


def test_the_words_of_an_auth_object_are_not_repeated() -> None:
    assert problems(config({"auth": {"type": "my_wrong", "key": HIDDEN}}), adopt=Adopting()) == [
        "expected options that this auth takes, got others at `client.auth`"
    ]


NOBODY = [
    (config({"auth": object()}), "an auth object of dlt's, got an `object` object at `client.auth`"),
    (config({"auth": "bearer"}), "credentials for `bearer`, got its name alone at `client.auth`"),
    (config({"session": 5}), "a `requests` session, got a number at `client.session`"),
    (config({"session": object()}), "a `requests` session, got an `object` object at `client.session`"),
    (config(None, object()), "a mapping, text, or a dlt resource, got an `object` object at `resources[0]`"),
    (endpoint(paginator=len), "a paginator object of dlt's, got a function at `resources[0].endpoint.paginator`"),
    (
        endpoint(params={"a": object()}),
        "a value to send, or an `Incremental` of dlt's, got an `object` object at `resources[0].endpoint.params.a`",
    ),
    (endpoint(json={"a": object()}), "plain data, got an `object` object at `resources[0].endpoint.json.a`"),
    (endpoint(headers={"a": len}), "plain data, got a function at `resources[0].endpoint.headers.a`"),
]


@pytest.mark.parametrize(("raw", "expected"), NOBODY)
def test_what_nobody_knows_is_one_problem(raw: dict[str, Any], expected: str) -> None:
    for hooks in ({}, {"adopt": lambda _family, _value: None}):
        (problem,) = problems(raw, **hooks)
        assert expected in problem


def test_functions_pass_as_they_are() -> None:
    def convert(value: Any) -> Any:
        return value

    checked = check(
        config(
            None,
            {
                "name": "a",
                "table_name": convert,
                "primary_key": convert,
                "columns": Thing,
                "processing_steps": [{"filter": convert}, {"map": convert, "yield_map": convert}],
                "endpoint": {
                    "response_actions": [convert, {"status_code": 404, "action": [convert, convert]}],
                    "incremental": {"cursor_path": "at", "convert": convert, "last_value_func": convert},
                },
            },
        )
    )
    resource = options_of(checked)
    found = resource.endpoint
    assert (resource.table_name, resource.primary_key, resource.columns) == (convert, convert, Thing)
    assert found
    assert resource.processing_steps
    assert [(step.filter, step.map, step.yield_map) for step in resource.processing_steps] == [
        (convert, None, None),
        (None, convert, convert),
    ]
    assert [(action.status_code, action.action) for action in found.response_actions or ()] == [
        (None, (convert,)),
        (404, (convert, convert)),
    ]
    assert found.incremental
    assert found.incremental.convert is convert
    assert found.incremental.model_fields_set == {"cursor_path", "convert", "last_value_func"}


def test_values_of_params() -> None:
    found = options_of(
        check(
            config(
                None,
                "users",
                {
                    "name": "a",
                    "endpoint": {
                        "path": "x/{id}",
                        "params": {
                            "id": {"type": "resolve", "resource": "users", "field": "a.id"},
                            "since": {"type": "incremental", "cursor_path": "at", "lag": 1},
                            "of": (1, 2),
                        },
                    },
                },
            )
        ),
        1,
    ).endpoint
    assert found
    assert found.params
    assert found.params["id"] == ResolveParam(type="resolve", resource="users", field="a.id")
    assert isinstance(found.params["since"], IncrementalParam)
    assert found.params["since"].model_fields_set == {"type", "cursor_path", "lag"}
    assert found.params["of"] == [1, 2]


def test_whole_numbers_of_an_incremental_stay_whole() -> None:
    """A lag that became 1.0 would make 4.0 of a cursor 5."""
    found = options_of(check(endpoint(incremental={"cursor_path": "at", "lag": 1, "initial_value": 5}))).endpoint
    assert found
    assert found.incremental
    assert repr((found.incremental.lag, found.incremental.initial_value)) == "(1, 5)"


def test_compiled_paths_are_texts() -> None:
    path = compile_jsonpath("$.a[*].b")
    raw = endpoint(data_selector=path, incremental={"cursor_path": compile_jsonpath("c.d")})
    found = options_of(check(raw)).endpoint
    assert found
    assert found.data_selector
    assert compile_jsonpath(found.data_selector) == path
    assert found.incremental
    assert found.incremental.cursor_path == "c.d"


@pytest.mark.parametrize(
    ("options", "query", "body"),
    [
        ({}, "offset", None),
        ({"offset_param": "skip"}, "skip", None),
        ({"offset_param": None}, "offset", None),
        ({"offset_body_path": "a.b"}, None, "a.b"),
        ({"offset_body_path": "a.b", "offset_param": None}, None, "a.b"),
    ],
)
def test_a_value_in_the_body_is_not_in_the_query(options: dict[str, Any], query: str | None, body: str | None) -> None:
    found = check(config({"paginator": {"type": "offset", "limit": 5, **options}})).client.paginator
    assert isinstance(found, OffsetPaging)
    assert (found.offset_param, found.offset_body_path, found.limit_param) == (query, body, "limit")


def test_settings_by_reference() -> None:
    """A setting keeps its type; what it says is not taken for another reference."""
    store = {"url": "https://api.example.com", "size": 50, "ring": 'dlt.config["ring"]', "paging": {"type": "auto"}}
    raw = config({"base_url": 'dlt.config["url"]', "paginator": "dlt.config['paging']"}) | {
        "resources": [{"name": "a", "endpoint": {"params": {"n": 'dlt.config["size"]', "r": 'dlt.config["ring"]'}}}]
    }
    checked = validate(raw, resolve_secret=str, resolve_setting=store.__getitem__)
    found = options_of(checked).endpoint
    assert checked.client.base_url == "https://api.example.com"
    assert found
    assert found.params == {"n": 50, "r": 'dlt.config["ring"]'}


def test_a_setting_that_nobody_set() -> None:
    def nothing(_: str) -> Any:
        raise LookupError("looked in `.dlt/config.toml`")

    assert problems(config({"base_url": 'dlt.config["url"]'}), resolve_setting=nothing) == [
        "expected the setting `url`, found none at `client.base_url`\n  hint: looked in `.dlt/config.toml`"
    ]


WINDOW = {"param_start": "from", "param_end": "to", "start": "2026-01-01", "size": "1d"}


@pytest.mark.parametrize(
    ("size", "expected"),
    [("90s", 90), ("30m", 1800), ("6h", 21600), ("1.5d", 129600), ("1w", 604800), (60, 60), (timedelta(hours=1), 3600)],
)
def test_sizes_of_windows(size: Any, expected: float) -> None:
    found = options_of(check(endpoint(windows={**WINDOW, "size": size}))).endpoint
    assert found
    assert found.windows
    assert found.windows.size == timedelta(seconds=expected)
    assert found.windows.overlap == timedelta(0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": "1 month"}, "expected a duration like `30m`, `6h`, `1d`"),
        ({"size": 0}, "expected a duration above 0, got 0"),
        ({"start": "yesterday"}, "expected a date or a time like `2026-03-01`"),
        ({"start": 5, "end": "2026-01-01"}, "expected `start` and `end` in one form"),
        ({"overlap": "-1d"}, "expected a duration like"),
        ({"parm_end": "x"}, "did you mean `param_end`?"),
    ],
)
def test_wrong_windows(options: dict[str, Any], expected: str) -> None:
    (problem,) = problems(endpoint(windows={**WINDOW, **options}))
    assert expected in problem


def test_policies() -> None:
    checked = check(config({"retry": {"statuses": [404, "5xx"]}, "rate_limit": {"requests": 5}}))
    assert checked.client.retry.statuses == [404, *range(500, 600)]
    assert checked.client.retry.max_retries is None
    assert checked.client.rate_limit
    assert checked.client.rate_limit.per_s == 1.0
    assert problems(config({"retry": {"statuses": [99]}, "rate_limit": {"per_s": 1}})) == [
        "expected an HTTP status from 100 to 599, or a class of them like `5xx`, got 99 at `client.retry.statuses[0]`",
        "expected `requests`, which is required at `client.rate_limit.requests`",
    ]


@pytest.mark.parametrize(
    "shape", [HIDDEN, [HIDDEN], {"a": HIDDEN}, {"a": [HIDDEN]}, HIDDEN + "{", "}" + HIDDEN, [[HIDDEN]]]
)
@pytest.mark.parametrize(
    "place",
    [
        ("client", "auth", "token"),
        ("client", "auth", "x"),
        ("client", "auth"),
        ("client", "session"),
        ("client", "headers"),
        ("client", "headers", "X"),
        ("resources", 0, "endpoint", "auth", "password"),
        ("resources", 0, "endpoint", "headers", "X"),
        ("resources", 0, "endpoint", "data"),
        ("resources", 0, "endpoint", "data", "x"),
        ("resources", 0, "endpoint", "params", "key"),
    ],
)
def test_no_value_of_a_place_of_secrets_is_shown(place: tuple[Any, ...], shape: Any) -> None:
    """Before it was known to be a secret, too: nothing was registered to be masked."""
    value = json.loads(json.dumps(shape).replace(HIDDEN, "never-seen-before"))
    raw: Any = config(
        {"auth": {"token": 5.5}, "headers": {}},
        {"name": "a", "endpoint": {"auth": {"type": "basic", "username": 1}, "headers": {}, "data": {}, "params": {}}},
    )
    node = raw
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    with pytest.raises(ConfigError) as caught:
        validate(raw, resolve_secret=lambda _: "x", adopt=Adopting())
    assert "never-seen" not in "".join(f"{one.message}{one.hint}" for one in caught.value.problems)
