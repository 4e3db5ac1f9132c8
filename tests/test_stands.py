"""The harness notices what differs: each part of a stand, one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loading import configuration, cursor_service
from parity import assert_same
from places import DUCKDB
from stands import Stand, as_text, compare, stand_of

RECORDS = ['{"id":1,"t":[1,{"u":[2.0]}]}', '{"id":2,"t":["x"]}', '{"id":3}']


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """A stand that was equal; the test's changes are put into copies."""
    contest = assert_same(
        cursor_service({"things": [RECORDS]}),
        lambda url: configuration(url, ["things"]),
        folder=tmp_path_factory.mktemp("stands"),
    )
    return contest.stands[0][0]


def change_cell(stand: Stand) -> None:
    stand.rows["things"][0]["id"] = True


def swap_children(stand: Stand) -> None:
    row = next(row for row in stand.rows["things"] if row["id"] == 1)
    row["[things__t]"].reverse()


def change_grandchild(stand: Stand) -> None:
    row = next(row for row in stand.rows["things"] if row["id"] == 1)
    row["[things__t]"][1]["[things__t__u]"][0]["value"] = 2


def lose_row(stand: Stand) -> None:
    stand.rows["things"].pop()


def double_row(stand: Stand) -> None:
    stand.rows["things"].append(deepcopy(stand.rows["things"][0]))


def swap_columns(stand: Stand) -> None:
    stand.columns["things"].reverse()


def change_nullability(stand: Stand) -> None:
    name, kind, _ = stand.columns["things"][0]
    stand.columns["things"][0] = (name, kind, "NO")


def lose_table(stand: Stand) -> None:
    del stand.columns["things__t"]


def change_hint(stand: Stand) -> None:
    stand.hints["things"]["write_disposition"] = "replace"


def change_stored_column(stand: Stand) -> None:
    stand.stored["things"][0][1]["precision"] = 8


def add_state(stand: Stand) -> None:
    stand.state["api"] = {"resources": {}}


@pytest.mark.parametrize(
    "change",
    [
        change_cell, swap_children, change_grandchild, lose_row, double_row, swap_columns, change_nullability,
        lose_table, change_hint, change_stored_column, add_state,
    ],
)  # fmt: skip
def test_one_change_is_noticed(change: Callable[[Stand], None], stand: Stand) -> None:
    ours, theirs = deepcopy(stand), deepcopy(stand)
    compare(ours, theirs)
    change(ours)
    with pytest.raises(AssertionError, match="differences between headrace and dlt"):
        compare(ours, theirs)


def test_level_takes_a_difference_away(stand: Stand) -> None:
    ours, theirs = deepcopy(stand), deepcopy(stand)
    change_hint(ours)
    compare(ours, theirs, [lambda one, other: one.hints["things"].update(other.hints["things"])])


def test_child_rows_of_no_row_are_seen(tmp_path: Path) -> None:
    contest = assert_same(
        cursor_service({"things": [RECORDS]}), lambda url: configuration(url, ["things"]), folder=tmp_path
    )
    with contest.ours.sql_client() as client:
        client.execute_sql("UPDATE things__t SET _dlt_parent_id = 'nobody' WHERE value__v_text = 'x'")
    changed = stand_of(contest.ours, DUCKDB.read(contest.ours))
    assert [row["value__v_text"] for row in changed.rows["things__t"]] == ["x"]
    with pytest.raises(AssertionError, match="rows of things__t: 1 only ours"):
        compare(changed, contest.stands[0][1])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, False), (1, True, False), ("1", 1, False), (None, "", False), (Decimal("1.0"), Decimal("1.00"), False),
        (0.0, -0.0, True), ([1, 2], (1, 2), True), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (b"x", memoryview(b"x"), True),
        (datetime(2024, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), True),
        (datetime(2024, 1, 1, tzinfo=timezone.utc), datetime(2024, 1, 1), False),  # noqa: DTZ001 - one without a zone
    ],
)  # fmt: skip
def test_equal_text_is_the_same_value(one: Any, other: Any, same: bool) -> None:
    assert (as_text(one) == as_text(other)) is same
