"""Tables of which columns are declared and no row comes: they exist, and the destination can merge into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loading import load_ours, pipeline, read_database

HINTS: Mapping[str, Any] = {
    "primary_key": "id",
    "nested_hints": {"tags": {"columns": {"value": {"name": "value", "data_type": "text"}}}},
}
STRATEGIES = ("delete-insert", "upsert", "insert-only", "scd2")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_child_table_without_rows_is_tied_to_its_root(strategy: str, tmp_path: Path) -> None:
    """In the third run rows come; before, there is nothing but the table."""
    target = pipeline(tmp_path, "declared")
    write = {"disposition": "merge", "strategy": strategy}
    for run, tags in enumerate(("[]", "[]", '["x"]')):
        record = f'{{"id":{run},"tags":{tags},"lines":[{{"a":1}}]}}'
        load_ours(target, {"a": [[record]]}, hints={"a": HINTS}, write_disposition=write)
        found = read_database(target)
        assert len(found.rows("a__tags")) == (run == 2)
        assert {"value", "_dlt_parent_id", "_dlt_list_idx", "_dlt_id"} <= set(found.columns("a__tags"))
    assert len(found.rows("a__lines")) == 3


def test_key_without_a_type_makes_no_table_before_the_first_row(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "declared")
    hints = {"primary_key": "id", "columns": {"n": {"data_type": "text"}}, "write_disposition": "merge"}
    load_ours(target, {"a": [[]]}, hints={"a": hints})
    assert "a" not in read_database(target).tables
    load_ours(target, {"a": [['{"id":1}']]}, hints={"a": hints})
    assert read_database(target).columns("a")[:2] == ["n", "id"]
