"""Which calls ended completely, and whether those of a parent say that what they lack is gone."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.config import validate
from headrace.engine import ParentRow, Roll, errands
from headrace.errors import AnswerError
from headrace.plan import ResourcePlan, build_plan

MERGED = {"primary_key": "id", "write_disposition": "merge", "deletions": {"after": 1}}


def plans(box_path: str = "boxes", **params: Any) -> tuple[ResourcePlan, ResourcePlan]:
    """Boxes, and the rows of each."""
    config = {
        "client": {"base_url": "https://api.example.com"},
        "resource_defaults": MERGED,
        "params": params,
        "resources": [
            {"name": "boxes", "endpoint": box_path, "constants": {"region": "eu"}},
            {
                "name": "rows",
                "include_from_parent": {"id": "box"},
                "constants": {"region": "eu", "size": 3},
                "endpoint": "boxes/{resources.boxes.id}/rows",
            },
        ],
    }
    boxes, rows = build_plan(validate(config, resolve_secret=lambda name: name)).resources
    return boxes, rows


def roll(resource: ResourcePlan, origins: list[dict[str, ParentRow]], ends: list[bool], above: Roll | None) -> Roll:
    """The roll of a resource after its calls, each with its end."""
    assert resource.deletions
    made = Roll(resource, resource.deletions, above)
    for errand, ends_whole in zip(made.taken(errands(resource, origins)), ends, strict=True):
        if ends_whole and errand.whole:
            errand.whole()
    return made


def boxes_of(*ids: Any) -> list[dict[str, ParentRow]]:
    return [{"boxes": ParentRow("boxes", {"id": number}, {"id": number})} for number in ids]


def test_calls_are_told_apart_by_the_values_that_they_give_to_rows() -> None:
    _, rows = plans()
    asked = roll(rows, boxes_of(1, "b", 1, True), [True, False, False, True], None).asked()
    assert asked.whole == {("eu", "3", "1"), ("eu", "3", "true")}
    assert asked.broken == {("eu", "3", "b"), ("eu", "3", "1")}
    assert asked.about == {("eu", "3")}
    assert asked.orphans_after is None


@pytest.mark.parametrize(("ends", "orphans_after"), [(True, 1), (False, None)])
def test_a_parent_says_what_is_gone_when_its_listing_was_complete(ends: bool, orphans_after: int | None) -> None:
    boxes, rows = plans()
    above = roll(boxes, [{}], [ends], None)
    assert (above.broken, above.made) == (int(not ends), 1)
    assert roll(rows, boxes_of(1), [True], above).asked().orphans_after == orphans_after
    # a call of its own that is broken says nothing of other parents
    assert roll(rows, boxes_of(1), [False], above).asked().orphans_after == orphans_after


def test_a_parent_that_was_listed_for_some_accounts_only_says_nothing_of_others() -> None:
    boxes, rows = plans("{account}/boxes", account="a")
    above = roll(boxes, [{}], [True], None)
    assert above.asked().whole == {("eu", "a")}
    assert roll(rows, boxes_of(1), [True], above).asked().orphans_after is None


def test_a_value_that_has_more_than_one_text_tells_no_calls_apart() -> None:
    _, rows = plans()
    with pytest.raises(AnswerError, match="expected text or a whole number in `box`"):
        roll(rows, boxes_of(1.0), [True], None)
