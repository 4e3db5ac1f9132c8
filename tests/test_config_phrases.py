"""The tables behind the messages, each row reached; and junk at any place, which is taken or told."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from headrace.config import RestConfig, validate
from headrace.config.problem import PHRASES, finding_of
from headrace.errors import ConfigError

JARGON = re.compile(r"input should|extra inputs|permitted|field required|pydantic|valid \w+ type|<\w+>", re.IGNORECASE)


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
    assert not JARGON.search(str(caught.value))
    return [str(problem) for problem in caught.value.problems]


def endpoint(**options: Any) -> dict[str, Any]:
    return config(resource={"endpoint": options})


#: Error type -> a configuration that gives it.
REACHED: dict[str, dict[str, Any]] = {
    "missing": config() | {"resources": [{}]},
    "extra_forbidden": config(x=1),
    "union_tag_invalid": endpoint(paginator={"type": "x"}),
    "model_type": config(resource={"endpoint": 5}),
    "dict_type": endpoint(json=5),
    "list_type": config() | {"resources": 5},
    "string_type": config(name=5),
    "int_type": config({"limits": {"in_flight": "x"}}),
    "float_type": config({"limits": {"timeout_s": "x"}}),
    "finite_number": config({"limits": {"timeout_s": float("nan")}}),
    "bool_type": config(resource={"selected": 1}),
    "literal_error": config(privacy="x"),
    "greater_than": config({"limits": {"timeout_s": 0}}),
    "greater_than_equal": config({"limits": {"in_flight": 0}}),
    "string_too_short": config(name=""),
    "too_short": config() | {"resources": []},
    "expected": config({"base_url": ""}),
    "less_than_equal": endpoint(response_actions=[{"status_code": 1000, "action": "ignore"}]),
    "told": endpoint(response_actions=[{"action": "ignore"}]),
}


@pytest.mark.parametrize("kind", PHRASES)
def test_phrase_table(kind: str) -> None:
    """Every row of the table is reached and gives a text without jargon."""
    assert not JARGON.search(PHRASES[kind])
    with pytest.raises(ValidationError) as caught:
        RestConfig.model_validate(REACHED[kind])
    assert [row["type"] for row in caught.value.errors()] == [kind]
    assert finding_of(caught.value.errors()[0]).message


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=5), st.just("{a}"))
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
FULL = config(
    {
        "auth": {"type": "http_basic", "username": "a", "password": "b"},
        "headers": {"X": "y"},
        "retry": {},
        "limits": {},
        "rate_limit": {"requests": 5},
    },
    {
        "primary_key": ["id"],
        "columns": {"a": {"data_type": "text"}},
        "endpoint": {
            "path": "x",
            "params": {"a": 1},
            "json": {"a": ["b"]},
            "paginator": {"type": "offset", "limit": 1, "offset_body_path": "a.b"},
            "incremental": {"cursor_path": "x", "initial_value": 1, "end_value": 2, "lag": 1},
            "response_actions": [{"status_code": 404, "content": "x", "action": "ignore"}],
            "windows": {"param_start": "a", "param_end": "b", "start": "2026-01-01", "size": "1d"},
        },
        "nested_hints": {"a": {"primary_key": "id"}},
        "schema_contract": {"tables": "evolve"},
        "processing_steps": [{}],
    },
    resource_defaults={"write_disposition": {"disposition": "merge"}, "endpoint": {"params": {"b": 2}}},
    params={"a": [1]},
    name="x",
)


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    return [at] + [place for key, value in items for place in places(value, (*at, key))]


@pytest.mark.filterwarnings("ignore::headrace.config.HeadraceWarning")
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(places(FULL)[1:]), JUNK)
def test_any_junk_at_any_place_is_taken_or_told(place: tuple[Any, ...], junk: Any) -> None:
    """Junk anywhere gives a configuration or one readable error, never another exception."""
    assume(not JARGON.search(repr(junk)))  # what the junk itself says is no jargon of ours
    raw = copy.deepcopy(FULL)
    node = raw
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = junk
    try:
        validate(raw, resolve_secret=no_secret)
    except ConfigError as error:
        assert not JARGON.search(str(error))
        assert "another value" not in str(error)
