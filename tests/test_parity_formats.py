"""Tables in Delta's format, in files: what dlt's own source loads, headrace loads the same, in two runs.

There a destination of files can merge. What Delta cannot (`delete-insert`, `scd2`) both refuse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest

from loading import Database, Pages, configuration, cursor_service
from parity import Contest, Stage, assert_both_fail
from places import FILES, Place
from stands import compare
from test_parity import KINDS_OF_LOAD, strategy, table_of
from test_parity_places import SHORT_DECIMAL

deltalake = pytest.importorskip("deltalake", reason="tables of Delta are written by `deltalake`")

DELTA = {"table_format": "delta"}
REFUSED = ("delete-insert", "scd2")
#: Its merges need a primary key. A child table with a key of its own is none of Delta's: it has no format.
LEFT_OUT = (*REFUSED, "merge_key", "nested key")
KINDS = {name: kind for name, kind in (KINDS_OF_LOAD | SHORT_DECIMAL).items() if name not in LEFT_OUT}


def read_delta(target: dlt.Pipeline) -> Database:
    """Each table as its last version."""
    client = target.destination_client()
    found = {}
    for name in target.default_schema.tables:
        folder = Path(client.get_table_dir(name))
        if not name.startswith("_dlt_") and folder.exists():
            table = pa.table(deltalake.DeltaTable(folder).to_pyarrow_table())
            columns = [(column.name, str(column.type), "YES" if column.nullable else "NO") for column in table.schema]
            found[name] = columns, [tuple(row.values()) for row in table.to_pylist()]
    return Database(found)


PLACE = Place("delta", FILES.destination, read_delta)


@pytest.fixture(scope="module")
def contest(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """All kinds of loads, twice, side by side as resources of one source."""
    held = Contest(tmp_path_factory.mktemp("formats"), PLACE)
    with Stage() as stage:
        for run in range(2):
            kinds = {table_of(name): kind for name, kind in KINDS.items() if run < len(kind[1])}
            pages: Pages = {table: [[text] for text in texts[run]] or [[]] for table, (_, texts) in kinds.items()}
            hints = {table: {**hints, **DELTA} for table, (hints, _) in kinds.items()}
            stage.service = cursor_service(pages)
            held.load(stage, lambda url, hints=hints: configuration(url, list(hints), hints))
    return held


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_load(kind: str, contest: Contest) -> None:
    for run in range(len(KINDS[kind][1])):
        ours, theirs = (stand.of(table_of(kind)) for stand in contest.stands[run])
        assert ours.columns or kind == "tables discarded"
        compare(ours, theirs)


@pytest.mark.parametrize("refused", REFUSED)
def test_what_delta_cannot_both_refuse(refused: str, tmp_path: Path) -> None:
    hints: dict[str, Any] = {"things": {**strategy(refused), **DELTA}}
    found = assert_both_fail(
        cursor_service({"things": [['{"id":1}']]}),
        lambda url: configuration(url, ["things"], hints),
        folder=tmp_path,
        place=PLACE,
    )
    for chain in (found.ours, found.theirs):
        assert f"`{refused}` merge strategy not supported" in str(chain[0])
