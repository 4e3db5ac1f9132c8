"""Calls for several rows of a parent at once: every row is asked for once, in batches that are alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import validate
from headrace.engine import ParentRow, errands
from headrace.errors import ConfigError
from headrace.plan import Plan, build_plan


def plan_of(batch: int = 2, dependents: tuple[str, ...] = (), **endpoint: Any) -> Plan:
    said = {"path": "v1/{resources.items.box}/counts", "params": {"ids": "{resources.items.id}"}, "batch": batch}
    config = {
        "client": {"base_url": "https://api.example.com"},
        "resources": [
            "items",
            {"name": "counts", "include_from_parent": {"owner": "owner"}, "endpoint": {**said, **endpoint}},
            *({"name": path[:3], "endpoint": path} for path in dependents),
        ],
    }
    return build_plan(validate(config, resolve_secret=lambda name: name))


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from((1, 2)), st.integers(0, 99)), max_size=20),
    st.integers(1, 4),
)
def test_every_row_is_asked_for_once_with_those_that_are_like_it(rows: list[tuple[str, int, int]], size: int) -> None:
    resource = plan_of(size).resources[1]
    origins = [
        {"items": ParentRow("items", {"box": box, "id": number}, {"owner": owner})} for box, owner, number in rows
    ]
    asked = []
    last = None
    for errand in errands(resource, origins):
        request = errand.call.request
        box, ids = request.url.split("/")[-2], dict(request.params)["ids"].split(",")
        assert 1 <= len(ids) <= size
        if last is not None and last[:2] == (box, errand.call.kept["owner"]):
            assert last[2] == size, "two batches that could have been one"
        last = (box, errand.call.kept["owner"], len(ids))
        asked += [(box, errand.call.kept["owner"], int(name)) for name in ids]
    assert asked == rows


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"params": {}}, "a field of a parent outside of the path beside `batch`, got none"),
        (
            {"windows": {"param_start": "from", "param_end": "to", "start": "2026-01-01"}},
            "calls of which nothing is remembered beside `batch`, got `windows` or `incremental`",
        ),
        (
            {"dependents": ("sub/{resources.counts.id}",)},
            "no dependents, of whose rows nobody knows by which row of the parent they came, beside `batch`, got some",
        ),
    ],
)
def test_what_cannot_be_joined_is_said(options: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_of(**options)
    assert error in str(caught.value)
    assert "endpoint.batch" in str(caught.value)
