"""What becomes of secret, private and personal fields: classes, paths, and what a plan refuses."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.config import validate
from headrace.errors import ConfigError
from headrace.jsonpath import compile_path
from headrace.plan import Plan, build_plan

KEY = "0123456789abcdef" * 2
CLASSES = {"secrets": ["s"], "private": ["p"], "personal": ["x"]}


def plan(*resources: dict[str, Any], privacy: str = "hash", key: str | None = KEY, look_up: Any = None) -> Plan:
    raw: dict[str, Any] = {"client": {"base_url": "http://a"}, "resources": list(resources), "privacy": privacy}
    if key is not None:
        raw["privacy_key"] = key
    return build_plan(validate(raw, resolve_secret=str), look_up_key=look_up)


def fates(privacy: str = "hash", **fields: list[str]) -> Any:
    return plan({"name": "a", **fields}, privacy=privacy).resources[0].privacy.fates


def problems(*resources: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan(*resources, **more)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("privacy", "expected"),
    [
        ("keep", {"s": "drop"}),
        ("hash", {"s": "drop", "p": "drop", "x": "hash"}),
        ("drop", {"s": "drop", "p": "drop", "x": "drop"}),
    ],
)
def test_classes(privacy: str, expected: dict[str, str]) -> None:
    assert fates(privacy, **CLASSES) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"personal": ["a.b", "a.c", "$.d"]}, {"a": {"b": "hash", "c": "hash"}, "d": "hash"}),
        ({"personal": ["a[*].b", "c[]", "d[*][*]"]}, {"a": {"b": "hash"}, "c": "hash", "d": "hash"}),
        ({"personal": ["client-info.ip", "@time", "x y", "$cost"]},
         {"client-info": {"ip": "hash"}, "@time": "hash", "x y": "hash", "$cost": "hash"}),
        ({"personal": ["['a.b'].c", 'a["b.c"]']}, {"a.b": {"c": "hash"}, "a": {"b.c": "hash"}}),
        ({"personal": ["a.b", "a"]}, {"a": "hash"}),
        ({"personal": ["a", "a.b"]}, {"a": "hash"}),
        ({"personal": ["a"], "secrets": ["a"]}, {"a": "drop"}),
        ({"personal": ["a"], "secrets": ["a.b"]}, {"a": "hash"}),
        ({"personal": ["a.b"], "secrets": ["a.c"]}, {"a": {"b": "hash", "c": "drop"}}),
        ({"personal": ["a.*"], "secrets": ["a.c"]}, {"a": {"*": "hash", "c": "drop"}}),
        ({"personal": ["*.ip", "a.b"]}, {"*": {"ip": "hash"}, "a": {"b": "hash", "ip": "hash"}}),
        ({"personal": ["*", "a.b"]}, {"*": "hash", "a": "hash"}),
        ({"personal": ["*.*.ip", "a.b.c"]}, {"*": {"*": {"ip": "hash"}},
         "a": {"*": {"ip": "hash"}, "b": {"c": "hash", "ip": "hash"}}}),
        ({"private": ["a.b"]}, {"a": {"b": "drop"}, "a.b": "drop"}),
    ],
)  # fmt: skip
def test_paths_become_one_tree(fields: dict[str, list[str]], expected: Any) -> None:
    assert fates(**fields) == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"envelope": {"from": ["envelop", "env"]}},
         {name: {"to": "hash"} for name in ("envelope", "envelop", "env")} | {"ip": "hash"}),
        ({"envelope.to": {"from": "rcpt"}}, {"envelope": {"to": "hash", "rcpt": "hash"}, "ip": "hash"}),
        ({"envelope.to": {"from": "rcpt"}, "envelope": {"from": "e"}},
         {name: {"to": "hash", "rcpt": "hash"} for name in ("envelope", "e")} | {"ip": "hash"}),
        ({"address": {"copy_of": "ip"}, "ip": {"from": "IP"}},
         {"envelope": {"to": "hash"}, "ip": "hash", "IP": "hash", "address": "hash"}),
    ],
)  # fmt: skip
def test_other_names_and_copies_of_a_hidden_field_are_hidden(shapes: Any, expected: Any) -> None:
    assert fates(personal=["envelope.to", "ip"], fields=shapes) == expected


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", ".a", "a[0]", "a]", "['a'", "[*]", "$.", 3, None])
@pytest.mark.parametrize("option", ["private", "personal", "secrets"])
def test_what_is_no_path(option: str, path: Any) -> None:
    (problem,) = problems({"name": "a", option: [path]})
    assert problem.startswith("expected the path of a field, like `message.headers.to`, got ")
    assert f"`resources[0].{option}[0]`" in problem


@pytest.mark.parametrize(
    ("path", "hidden"),
    [("a.b", True), ("a.b.c", True), ("a", True), ("a[0].b", True), ("a.c", False), ("b", False), ("*", True)],
)
def test_hidden_paths(path: str, hidden: bool) -> None:
    privacy = plan({"name": "a", "personal": ["a.b"]}).resources[0].privacy
    assert privacy.hides(compile_path(path)) is hidden


def test_key_is_looked_up_only_where_something_is_hashed() -> None:
    def look_up() -> str:
        asked.append(1)
        return KEY

    asked: list[int] = []
    for privacy in ("keep", "drop"):
        assert (
            plan({"name": "a", **CLASSES}, privacy=privacy, key=None, look_up=look_up).resources[0].privacy.key is None
        )
    plan({"name": "a", "private": ["p"]}, key=None, look_up=look_up)
    assert not asked
    (resource,) = plan({"name": "a", "personal": ["x"]}, key=None, look_up=look_up).resources
    assert resource.privacy.key is not None
    assert (resource.privacy.key.reveal(), str(resource.privacy.key), asked) == (KEY, "***", [1])


def test_key_that_is_missing_or_short_says_how_to_make_one() -> None:
    def look_up() -> str:
        raise LookupError("looked for it in environment variable `PRIVACY_KEY`")

    (missing,) = problems({"name": "a", "personal": ["x"]}, key=None, look_up=look_up)
    assert missing.startswith(
        "expected a `privacy_key` for `privacy: hash`, found none at `privacy_key`\n"
        "  hint: looked for it in environment variable `PRIVACY_KEY`; make one with `python -c "
    )
    assert "token_hex(32)" in missing
    for key in ("too short a key of privacy tests"[:31], "too long a key of privacy tests " * 2 + "!"):
        (wrong,) = problems({"name": "a", "personal": ["x"]}, key=key)
        assert wrong.startswith(f"expected a `privacy_key` of 32 to 64 characters, got {len(key)} at `privacy_key`")
        assert key not in wrong


def test_key_of_rows_that_is_dropped_is_refused_but_for_private_fields_which_always_were() -> None:
    resource = {"name": "a", "primary_key": ["id", "x"], "personal": ["x"]}
    assert problems(resource, privacy="drop") == [
        "expected a key that is stored, got `x`, which is dropped at `resources[0].primary_key`\n"
        "  hint: `privacy: hash` stores what tells rows apart"
    ]
    assert problems({"name": "a", "primary_key": "s", "secrets": ["s"]}, privacy="keep") == [
        "expected a key that is stored, got `s`, which is dropped at `resources[0].primary_key`"
    ]
    nested = {"name": "a", "primary_key": "message__user_id", "personal": ["message.userId"]}
    assert len(problems(nested, privacy="drop")) == 1
    plan({**resource, "personal": [], "private": ["x"]}, privacy="drop")
    plan(resource)


@pytest.mark.parametrize("as_list", [False, True])
def test_declared_columns_of_hidden_fields(as_list: bool) -> None:
    """A hash is text; what is dropped has no column, but for `private` fields, whose columns always stayed."""
    columns = {
        "user_variables": {"data_type": "json", "nullable": True},
        "clientInfo__ip": {"precision": 3},
        "code": {"data_type": "bigint"},
        "s": {"data_type": "text"},
        "p": {"data_type": "text"},
    }
    resource = {
        "name": "a",
        "personal": ["user-variables", "client_info.ip", "*.code"],
        "private": ["p"],
        "secrets": ["s", "p"],
        "columns": [{"name": name, **hints} for name, hints in columns.items()] if as_list else columns,
    }
    for privacy, expected in (
        ("keep", {name: hints for name, hints in columns.items() if name != "s"}),
        ("drop", {"code": columns["code"], "p": columns["p"]}),
        ("hash", {"user_variables": {"data_type": "text", "nullable": True}, "clientInfo__ip": {},
                  "code": columns["code"], "p": columns["p"]}),
    ):  # fmt: skip
        made = plan(resource, privacy=privacy).resources[0].hints["columns"]
        named = {hints["name"]: {k: v for k, v in hints.items() if k != "name"} for hints in made} if as_list else made
        assert {name: {k: v for k, v in hints.items() if k != "name"} for name, hints in named.items()} == expected


def test_cursor_that_is_hidden_is_refused() -> None:
    endpoint = {"path": "a", "incremental": {"cursor_path": "seen.at"}}
    for path in ("seen.at", "seen"):
        assert problems({"name": "a", "personal": [path], "endpoint": endpoint}) == [
            "expected a cursor that is not hidden, got `seen.at`: the state of the pipeline holds its value at "
            "`resources[0].endpoint.incremental`"
        ]
        plan({"name": "a", "personal": [path], "endpoint": endpoint}, privacy="keep")
    plan({"name": "a", "personal": ["seen.by"], "endpoint": endpoint})


def test_calls_that_the_state_remembers_by_a_hidden_field_need_the_key_under_drop_too() -> None:
    parent = {"name": "people", "personal": ["mail"]}
    endpoint = {"path": "letters/{resources.people.mail}"}
    child = {"name": "letters", "endpoint": {**endpoint, "incremental": {"cursor_path": "at", "per_parent": True}}}
    (problem,) = problems(parent, child, privacy="drop", key=None)
    assert problem.startswith(
        "expected a `privacy_key`, found none: the state remembers each call by `mail` of `people`, which is hidden at "
        "`resources[1]`\n  hint: make one"
    )
    plan(parent, child, privacy="drop")
    plan(parent, child, privacy="keep", key=None)
    plan(parent, {"name": "letters", "endpoint": endpoint}, privacy="drop", key=None)


def test_column_of_a_field_that_the_parent_drops_is_left_out() -> None:
    parent = {"name": "people", "personal": ["mail", "in.ip"]}
    child = {
        "name": "letters",
        "include_from_parent": ["id", "mail", "in"],
        "endpoint": "letters/{resources.people.mail}",
    }
    for privacy, expected in (("drop", ["id", "in"]), ("hash", ["id", "mail", "in"])):
        (above,) = plan(parent, child, privacy=privacy).resources[1].parents
        assert [key for _, key in above.kept] == expected
