"""Rows beyond what waits in memory: as the file in which they wait, or read back, they are the rows that dlt loads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from loading import Database, load_dlt, load_ours, pipeline, read_database

MERGE = {"primary_key": "id", "write_disposition": "merge"}
#: Seven rows of it do not fit into the 32 MB that may wait in memory.
LARGE = "x" * (5 << 20)


def page(*ids: int, text: str = LARGE, **more: object) -> list[str]:
    return [json.dumps({"id": number, "text": text, "tags": ["a", number], **more}) for number in ids]


MANY = [page(number) for number in range(7)]
CASES = {
    "one file": MANY,
    "a late column and list": [*MANY, page(7, text="", late=True, more=[1, 2])],
    "rows that come again": [*MANY, page(2, 5, text="new")],
}


def contents(database: Database) -> dict[str, object]:
    """Columns and rows of all tables, ids aside, long texts by their length."""
    return {
        name: (
            database.tables[name][0],
            sorted(
                str({key: len(cell) if cell == LARGE else cell for key, cell in row.items() if "_dlt" not in key})
                for row in database.rows(name)
            ),
        )
        for name in database.tables
    }


@pytest.mark.parametrize("case", CASES)
def test_rows_that_waited_on_disk_are_dlts(case: str, tmp_path: Path) -> None:
    pages: Sequence[Sequence[str]] = CASES[case]
    ours, theirs = pipeline(tmp_path, "ours"), pipeline(tmp_path, "theirs")
    # dlt keeps the first of rows with one key in a package, headrace the last
    distinct = [*MANY[:2], *MANY[3:5], MANY[6], pages[-1]] if case == "rows that come again" else pages
    for _ in range(2):
        load_ours(ours, {"rows": pages}, **MERGE)
        load_dlt(theirs, {"rows": distinct}, **MERGE)
        assert contents(read_database(ours)) == contents(read_database(theirs))
