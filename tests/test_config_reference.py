"""References, secrets, defaults: what `validate` makes of a configuration that is right."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from datetime import date
from typing import Any

import pytest
from dlt.sources.rest_api.config_setup import _make_endpoint_resource
from pydantic import BaseModel

from headrace.config import HeadraceWarning, RestConfig, validate
from headrace.config.defaults import merge_defaults
from headrace.config.options import SECRET_FIELDS
from headrace.errors import ConfigError
from headrace.plan import Limits, RetryPolicy
from headrace.secrets import Secret

STORE = {"key": "key-of-the-store"}


def check(raw: dict[str, Any]) -> RestConfig:
    return validate(raw, resolve_secret=STORE.__getitem__)


def config(client: dict[str, Any] | None = None, *resources: Any, **top: Any) -> dict[str, Any]:
    return {
        "client": {"base_url": "https://api.example.com", **(client or {})},
        "resources": list(resources) or ["items"],
        **top,
    }


@pytest.mark.parametrize(
    "written",
    ['dlt.secrets["key"]', "dlt.secrets['key']", ' dlt.secrets[ "key" ] ', {"secret": "key"}, STORE["key"]],
)
def test_every_form_of_a_secret(written: Any) -> None:
    """A reference in either form and the plain text are the same secret."""
    auth: Any = check(config({"auth": {"token": written}})).client.auth
    assert auth.token == Secret(STORE["key"])
    assert STORE["key"] not in repr(auth)


def test_references_in_headers_params_and_json() -> None:
    raw = config(
        {"headers": {"X-Key": {"secret": "key"}}},
        {"name": "a", "endpoint": {"params": {"k": 'dlt.secrets["key"]'}, "json": {"k": 'dlt.secrets["key"]'}}},
    )
    checked = check(raw)
    endpoint: Any = checked.resources[0].endpoint
    assert checked.client.headers == {"X-Key": Secret(STORE["key"])}
    assert (endpoint.params["k"], endpoint.json_body["k"]) == (Secret(STORE["key"]), Secret(STORE["key"]))
    assert STORE["key"] not in repr(checked)


def test_a_mapping_named_secret_in_a_body_is_data() -> None:
    endpoint: Any = (
        check(config({}, {"name": "a", "endpoint": {"json": {"x": {"secret": "key"}}}})).resources[0].endpoint
    )
    assert endpoint.json_body == {"x": {"secret": "key"}}


def test_number_as_secret_warns_with_the_place_and_without_the_value() -> None:
    """dlt's dictionary access makes a number of a secret of digits."""
    with pytest.warns(HeadraceWarning) as caught:
        checked = check(config({"auth": {"type": "basic", "username": "api", "password": 12345678}}))
    auth: Any = checked.client.auth
    assert auth.password == Secret("12345678")
    assert [str(warning.message) for warning in caught] == [
        "the secret at `client.auth.password` came as a number and is used as text; leading zeros may be lost. "
        'use `headrace.secret("name")`, or a reference in a file'
    ]


def test_empty_secret_is_a_problem() -> None:
    with pytest.raises(ConfigError, match=r"expected the secret `x`, got empty text at `client.auth.token`"):
        validate(config({"auth": {"token": {"secret": "x"}}}), resolve_secret=lambda _: "")


def test_secret_fields_come_from_the_declarations() -> None:
    assert {"token", "api_key", "password", "client_secret", "access_token"} == SECRET_FIELDS


def test_raw_configuration_is_left_as_it_is() -> None:
    raw = config({"auth": {"token": "t-t-t"}}, "a", resource_defaults={"columns": {"x": {"data_type": "text"}}})
    before = copy.deepcopy(raw)
    check(raw)
    assert raw == before


def test_dates_in_params_are_sent_as_text() -> None:
    """`requests` sends `str(value)`, so do we."""
    endpoint: Any = (
        check(config({}, {"name": "a", "endpoint": {"params": {"since": date(2024, 1, 5)}}})).resources[0].endpoint
    )
    assert endpoint.params == {"since": "2024-01-05"}


def test_bearer_is_the_default_kind() -> None:
    auth: Any = check(config({"auth": {"token": "t-t-t"}})).client.auth
    assert auth.type == "bearer"


def test_short_forms() -> None:
    checked = check(config({"paginator": "single_page"}, "a", {"name": "b", "endpoint": "c/d"}, {"name": "e"}))
    assert [resource.endpoint.path for resource in checked.resources if resource.endpoint] == ["a", "c/d", "e"]
    assert checked.client.paginator is not None


def test_defaults_equal_the_values_of_the_plan() -> None:
    """The two rooms may not import each other, so this test keeps their defaults together."""
    client = check(config()).client
    assert {**client.limits.model_dump(), "rate": client.rate_limit, "rates": client.rate_limits} == vars(Limits())
    assert {**client.retry.model_dump(), "statuses": frozenset(client.retry.statuses)} == vars(RetryPolicy())


def test_every_option_is_described() -> None:
    """Each option has a text, its standing against dlt, and the JSON Schema can be made."""
    schema = RestConfig.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    assert len(models) > 15
    for model in models:
        for name, field in model["properties"].items():
            assert field.get("description"), (model["title"], name)
            assert field["dlt"].partition(":")[0] in {"same", "ours", "stricter", "looser"}, name
    json.dumps(schema)


class Model(BaseModel):
    x: int


MERGES = [
    ({}, {"name": "a"}),
    ({"primary_key": "id", "write_disposition": "merge"}, {"name": "a", "primary_key": "x"}),
    ({"endpoint": {"path": "never", "params": {"p": 1, "q": 2}}}, {"name": "a", "endpoint": {"params": {"p": 3}}}),
    ({"endpoint": {"json": {"p": {"x": 1}}}}, {"name": "a", "endpoint": {"path": "b", "json": {"p": {"y": 1}}}}),
    (
        {"endpoint": {"headers": {"A": "1"}, "paginator": {"type": "offset", "limit": 5, "offset": 1}}},
        {"name": "a", "endpoint": {"headers": {"B": "2"}, "paginator": {"type": "offset", "limit": 6}}},
    ),
    ({"endpoint": {"params": {"p": 1}, "data_selector": "x"}}, {"name": "a"}),
    (
        {"columns": {"x": {"data_type": "text", "nullable": False}, "y": {"unique": True}}},
        {"name": "a", "columns": {"x": {"data_type": "json"}, "y": {"data_type": "text"}, "z": {"sort": True}}},
    ),
    ({"columns": [{"name": "x", "data_type": "text"}]}, {"name": "a", "columns": {"x": {"nullable": False}}}),
    ({"columns": {"x": {"data_type": "text"}}}, {"name": "a"}),
    ({"columns": {"x": {"data_type": "text"}}}, {"name": "a", "columns": {}}),
    ({"columns": Model}, {"name": "a", "columns": {"x": {"data_type": "text"}}}),
    ({"columns": {"x": {"data_type": "text"}}}, {"name": "a", "columns": Model}),
    ({"columns": len, "table_name": len}, {"name": "a", "columns": [{"name": "x"}]}),
    (
        {"processing_steps": [{"map": len}], "include_from_parent": ["id"], "parallelized": True},
        {"name": "a", "processing_steps": [{"filter": len}], "parallelized": False},
    ),
    (
        {"endpoint": {"incremental": {"cursor_path": "a", "lag": 1}, "data": {"x": 1}, "response_actions": [len]}},
        {"name": "a", "endpoint": {"incremental": {"cursor_path": "b"}, "data": "y"}},
    ),
    (
        {"endpoint": {"params": {"s": {"type": "incremental", "cursor_path": "a", "initial_value": 1}}}},
        {"name": "a", "endpoint": {"params": {"s": {"type": "incremental", "cursor_path": "b"}, "t": 1}}},
    ),
    (
        {"nested_hints": {"a": {"primary_key": "x"}}, "write_disposition": {"disposition": "merge"}},
        {"name": "a", "nested_hints": {"b": {}}, "write_disposition": "append"},
    ),
    ({"endpoint": {"auth": {"token": "t"}, "path": "b"}}, {"name": "a", "endpoint": {"auth": None, "path": "c"}}),
]


@pytest.mark.parametrize(("defaults", "resource"), MERGES)
def test_merging_equals_dlt(defaults: dict[str, Any], resource: dict[str, Any]) -> None:
    """The reference is dlt's own function, not what we remember of it."""
    expected: Any = _make_endpoint_resource(copy.deepcopy(resource), copy.deepcopy(defaults))  # type: ignore[arg-type]
    merged = merge_defaults(defaults, resource)
    assert merged == expected
    if isinstance(merged.get("columns"), dict):
        assert list(merged["columns"]) == list(expected["columns"])


def test_endpoint_given_as_text_keeps_the_defaults() -> None:
    endpoint: Any = (
        check(config({}, {"name": "a", "endpoint": "b"}, resource_defaults={"endpoint": {"params": {"p": 1}}}))
        .resources[0]
        .endpoint
    )
    assert (endpoint.path, endpoint.params) == ("b", {"p": 1})


def test_no_secret_in_a_pickle_of_the_configuration() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert b"pickled-key" not in pickle.dumps(check(config({"auth": {"token": "pickled-key"}})))
