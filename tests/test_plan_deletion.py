"""When rows that vanished may be marked: what stands beside `deletions`, and which call a row is told to be of."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.command.plan_text import plan_text
from headrace.config import validate
from headrace.errors import ConfigError
from headrace.plan import Deletions, Plan, build_plan, describe

LISTED = {"primary_key": "id", "write_disposition": "merge", "deletions": {"after": 1}}
PARENT = {"name": "boxes", "endpoint": "boxes"}
CHILD = "boxes/{resources.boxes.name}/rows"


def plan(*others: dict[str, Any], client: dict[str, Any] | None = None, **resource: Any) -> Plan:
    """The plan of `rows`, with `resource` over what marking needs, and of resources beside it."""
    config = {
        "client": {"base_url": "https://api.example.com", **(client or {})},
        "resources": [*others, {"name": "rows", "endpoint": "rows", **LISTED, **resource}],
    }
    return build_plan(validate(config, resolve_secret=lambda name: name))


def deletions(made: Plan) -> Deletions | None:
    return next(resource.deletions for resource in made.resources if resource.name == "rows")


WINDOW = {"param_start": "from", "param_end": "to", "start": "2026-01-01"}
OFFSETS = {"type": "offset", "limit": 10, "maximum_offset": 100}
MERGES = "expected `write_disposition: merge` that replaces rows beside `deletions`, got another one"


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"write_disposition": "append"}, MERGES),
        ({"write_disposition": None}, MERGES),
        ({"write_disposition": {"disposition": "merge", "strategy": "scd2"}}, MERGES),
        ({"write_disposition": {"disposition": "merge", "strategy": "insert-only"}}, MERGES),
        (
            {"write_disposition": {"disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": True}},
            "expected a merge of all rows beside `deletions`, got `skip_unchanged_rows`",
        ),
        ({"primary_key": None}, "expected a `primary_key` beside `deletions`, got none"),
        ({"merge_key": "day"}, "expected no `merge_key` beside `deletions`, got one, whose rows would take marked"),
        ({"key_collisions": "keep_all"}, "expected one row for each key beside `deletions`, got `key_collisions: keep"),
        (
            {"endpoint": {"path": "rows", "incremental": {"cursor_path": "at"}}},
            "expected a listing of everything beside `deletions`, got `incremental`",
        ),
        (
            {"endpoint": {"path": "rows", "params": {"since": {"type": "incremental", "cursor_path": "at"}}}},
            "expected a listing of everything beside `deletions`, got `incremental`",
        ),
        (
            {"endpoint": {"path": "rows", "windows": WINDOW}},
            "expected a listing of everything beside `deletions`, got `windows`",
        ),
        (
            {"processing_steps": [{"filter": lambda _: True}]},
            "expected steps that keep every row beside `deletions`, got `filter`",
        ),
        (
            {"processing_steps": [{"map": lambda row: row}, {"yield_map": lambda row: [row]}]},
            "expected steps that keep every row beside `deletions`, got `yield_map`",
        ),
        (
            {"endpoint": {"path": "rows", "paginator": OFFSETS}},
            "expected a listing to its end beside `deletions`, got `maximum_offset`",
        ),
        ({"table_name": "boxes"}, "expected a table of its own beside `deletions`, got one that several resources wri"),
        (
            {"endpoint": CHILD},
            "expected `include_from_parent: [name]`, which says of a row which call it is of, beside `deletions`, got",
        ),
    ],
)
def test_what_stands_against_marking_is_a_problem(resource: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(PARENT, **resource)
    (problem,) = caught.value.problems
    assert problem.message.startswith(message)
    assert problem.path == "resources[1].deletions"


def test_a_maximum_of_the_client_counts_where_the_endpoint_has_no_paginator() -> None:
    with pytest.raises(ConfigError, match="got `maximum_offset`"):
        plan(client={"paginator": OFFSETS})
    assert deletions(plan(client={"paginator": OFFSETS}, endpoint={"path": "rows", "paginator": "single_page"}))


def test_one_parent_says_of_a_row_which_call_it_is_of() -> None:
    two = {"endpoint": CHILD + "/{resources.kinds.id}", "include_from_parent": ["name"]}
    with pytest.raises(ConfigError, match="expected one parent beside `deletions`, got several"):
        plan(PARENT, {"name": "kinds", "endpoint": "kinds"}, **two)


def test_a_plan_without_the_option_marks_nothing() -> None:
    assert deletions(plan(deletions=None)) is None


def test_columns_of_a_call_are_its_scope() -> None:
    """Constants and parameters of the source, then fields of the parent."""
    config = {
        "client": {"base_url": "https://api.example.com"},
        "params": {"account": ["a", "b"]},
        "resources": [
            PARENT,
            {
                "name": "rows",
                "constants": {"region": "eu"},
                "include_from_parent": {"name": "box"},
                "endpoint": {"path": CHILD, "params": {"of": "{account}"}},
                **LISTED,
            },
        ],
    }
    made = deletions(build_plan(validate(config, resolve_secret=lambda name: name)))
    assert made == Deletions(after=1, fixed=("region", "account"), kept=("box",))


@pytest.mark.parametrize(("above", "after"), [({}, None), ({**LISTED, "deletions": {"after": 3}}, 3)])
def test_orphans_wait_for_their_parents(above: dict[str, Any], after: int | None) -> None:
    """Rows of parents that vanished are marked only where the parents are, and not before."""
    made = deletions(plan({**PARENT, **above}, endpoint=CHILD, include_from_parent=["name"]))
    assert made is not None
    assert (made.after, made.orphans_after, made.counts) == (1, after, after is not None)
    assert (made.fixed, made.kept) == ((), ("_boxes_name",))


def test_plans_say_how_rows_are_marked() -> None:
    for said, line in (
        ({"after": 1}, "   marked   in _deleted_at: rows that a complete listing lacks"),
        ({"mark": "gone_at"}, "   marked   in gone_at: rows that 2 complete listings in a row lack"),
    ):
        assert line in plan_text(describe(plan(deletions=said))).splitlines()
