"""The spool: what goes in comes out, from memory or from files, in batches, by table, or as one file."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.engine import Room, Spool
from headrace.message import TableBatch

NARROW = pa.schema([pa.field("id", pa.int64(), nullable=False)])
WIDE = pa.schema([*NARROW, pa.field("late", pa.string())])
CHILD = pa.schema([pa.field("value", pa.string())])
#: Rows of which one is enough to be written at once.
LARGE = "x" * (33 << 20)


def batch(start: int, count: int, schema: pa.Schema = NARROW, **more: pa.Array) -> TableBatch:
    tables = {"rows": pa.table({"id": range(start, start + count), **more})}
    return TableBatch("rows", tables, {"rows": schema})


def with_child(start: int, text: str) -> TableBatch:
    tables = {"rows": pa.table({"id": [start, start + 1]}), "rows__t": pa.table({"value": [text]})}
    return TableBatch("rows", tables, {"rows": NARROW, "rows__t": CHILD})


def ids(spool: Spool) -> list[int]:
    return [number for piece in spool.pieces("rows") for number in piece.column("id").to_pylist()]


def test_few_rows_stay_in_memory(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path)
    batches = [batch(0, 3), batch(3, 2)]
    for each in batches:
        spool.append(each)
    spool.settle()
    assert list(spool.folder.iterdir()) == []
    assert ids(spool) == [0, 1, 2, 3, 4]
    assert [dict(each.tables) for each in spool] == [dict(each.tables) for each in batches]
    assert spool.file("rows", NARROW) is None
    assert list(spool.pieces("nobody")) == []
    spool.remove()


def test_many_rows_are_one_file_a_table(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path, constants={"load": "7"})
    schema = pa.schema([*NARROW, pa.field("load", pa.string(), nullable=False)])
    children = []
    for start in range(0, 6, 2):
        each = with_child(start, LARGE)
        spool.append(TableBatch("rows", each.tables, {**each.schemas, "rows": schema}))
        children.append(each.tables["rows__t"])
    spool.append(batch(6, 1, schema))
    spool.settle()
    file = spool.file("rows", schema)
    assert file is not None
    assert pq.read_table(file).to_pydict() == {"id": list(range(7)), "load": ["7"] * 7}
    assert pq.read_schema(file) == schema
    assert spool.file("rows", WIDE) is None
    child = spool.file("rows__t", CHILD)
    assert child is not None
    assert pq.read_metadata(child).num_rows == 3
    assert list(spool.column("rows", "id")) == [[0, 1], [2, 3], [4, 5], [6]]
    assert [each.tables["rows"].column("id").to_pylist() for each in spool] == [[0, 1], [2, 3], [4, 5], [6]]
    assert [each.tables["rows__t"].equals(was) for each, was in zip(spool, children, strict=False)] == [True] * 3
    spool.remove()


def test_a_late_column_begins_a_new_file(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path)
    late = pa.array([LARGE])
    spool.append(batch(0, 2))
    spool.append(batch(2, 1, WIDE, late=late))
    spool.append(batch(3, 1, pa.schema([*WIDE, pa.field("later", pa.bool_())]), late=late))
    spool.settle()
    assert spool.file("rows", WIDE) is None
    assert len(list(spool.folder.glob("*.parquet"))) == 2
    assert ids(spool) == [0, 1, 2, 3]
    found = [each.tables["rows"] for each in spool]
    assert [table.num_rows for table in found] == [2, 1, 1]
    assert [table.column("late").null_count for table in found] == [2, 0, 0]
    spool.remove()


def row_groups(path: Path | None) -> list[int]:
    assert path is not None
    metadata = pq.read_metadata(path)
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_whole_groups_follow_the_first_pieces(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path, group_rows=4)
    spool.append(batch(0, 4, WIDE, late=pa.array([LARGE, *"abc"])))
    for start in range(4, 19, 3):
        spool.append(batch(start, 3, WIDE, late=pa.array(list("abc"))))
    spool.settle()
    groups = row_groups(spool.file("rows", WIDE))
    assert sum(groups) == 19
    assert groups[-4:] == [4, 4, 4, 3]
    assert ids(spool) == list(range(19))
    spool.remove()


def test_where_it_is_asked_for_the_first_group_is_whole_too(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path, group_rows=4, from_the_first=True)
    for start in range(0, 19, 1):
        spool.append(batch(start, 1, WIDE, late=pa.array(["x" * (1 << 20)])))
    spool.settle()
    assert row_groups(spool.file("rows", WIDE)) == [4, 4, 4, 4, 3]
    assert ids(spool) == list(range(19))
    spool.remove()


def test_rows_too_wide_for_a_whole_group_are_written_in_pieces(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path, group_rows=250)
    text = pa.array(["x" * 400_000] * 50)
    for start in range(0, 600, 50):
        spool.append(batch(start, 50, WIDE, late=text))
    spool.settle()
    assert max(row_groups(spool.file("rows", WIDE))) < 50
    assert ids(spool) == list(range(600))
    spool.remove()


def test_where_there_is_no_room_nothing_waits(tmp_path: Path) -> None:
    room = Room()
    room.add(1 << 30)
    spool = Spool("rows", tmp_path, group_rows=4, room=room)
    for start in range(0, 6, 2):
        spool.append(batch(start, 2))
    spool.settle()
    assert row_groups(spool.file("rows", NARROW)) == [2, 2, 2]
    spool.remove()
    room.add(-(1 << 30))
    assert not room.is_full


def test_what_is_removed_leaves_its_room(tmp_path: Path) -> None:
    room = Room()
    for _ in range(4):
        spool = Spool("rows", tmp_path, group_rows=4, room=room)
        spool.append(batch(0, 1, WIDE, late=pa.array([LARGE])))
        spool.append(batch(1, 1, WIDE, late=pa.array([LARGE])))
        spool.settle()
        spool.remove()
    assert not room.is_full


def test_null_in_a_column_that_may_not_be_null_makes_the_file_no_final_one(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path)
    spool.append(TableBatch("rows", {"rows": pa.table({"id": pa.array([1, None]), "late": [LARGE, ""]})},
                            {"rows": WIDE}))  # fmt: skip
    spool.settle()
    assert spool.file("rows", WIDE) is None
    assert ids(spool) == [1, None]
    spool.remove()


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    def full(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
        raise OSError(28, "No space left on device", str(path), None, str(schema.names))

    spool = Spool("rows", tmp_path, open_file=full)
    spool.append(batch(0, 1, WIDE, late=pa.array([LARGE])))
    with pytest.raises(OSError, match="No space left"):
        spool.settle()
    spool.remove()


def test_only_the_owner_reads_it_and_nothing_stays(tmp_path: Path) -> None:
    spool = Spool("rows", tmp_path)
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    spool.append(batch(0, 1, WIDE, late=pa.array([LARGE])))
    spool.remove()
    spool.remove()
    assert list(tmp_path.iterdir()) == []
