"""The ids in files of load jobs, whatever stands beside them."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.common.data_writers.writers import InsertValuesWriter, JsonlWriter, TypedJsonlListWriter
from hypothesis import given
from hypothesis import strategies as st

from headrace.bridge.job_ids import ids_of

TEXTS = st.text(st.sampled_from("aé'\\\n\r\t\"(),;[]{}\x85\x0b\u2028 ") | st.characters(codec="utf-8"), max_size=12)
VALUES = (
    st.none()
    | TEXTS
    | st.integers(-5, 5)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just(Decimal("1.50"))
    | st.just(datetime(2026, 1, 2, tzinfo=timezone.utc))
    | st.binary(max_size=4)
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, TEXTS, max_size=2)
)
IDS = st.text("abcXYZ019+/_-'", min_size=1, max_size=14)
DESTINATIONS = ("postgres", "redshift", "mssql", "duckdb", "synapse", "clickhouse")


@pytest.fixture(scope="module", params=DESTINATIONS)
def about(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    """Says what dlt knows of a destination; nobody connects to it. A function, because the rest is long to print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyodbc", MagicMock())  # which Microsoft's literals ask for
        found = getattr(dlt.destinations, request.param)().capabilities()
        yield lambda: found


def written(writer: type[Any], rows: list[dict[str, Any]], caps: Any) -> bytes:
    """The file of `rows`, in two chunks."""
    columns: Any = {name: {"name": name} for name in ("before", "_dlt_id", "behind")}
    binary = writer.writer_spec().is_binary_format
    file: Any = io.BytesIO() if binary else io.StringIO()
    made = writer(file, caps)
    made.write_header(columns)
    made.write_data(rows[:2])
    made.write_data(rows[2:])
    made.write_footer()
    return file.getvalue() if binary else file.getvalue().encode()


@given(rows=st.lists(st.tuples(VALUES, IDS, VALUES), min_size=1, max_size=5), packed=st.booleans())
def test_ids_of_statements(
    about: Callable[[], Any], rows: list[tuple[Any, str, Any]], packed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    caps = about()
    named = [{"before": before, "_dlt_id": each, "behind": behind} for before, each, behind in rows]
    text = written(InsertValuesWriter, named, caps)
    path = tmp_path_factory.getbasetemp() / ("x.insert_values.gz" if packed else "x.insert_values")
    path.write_bytes(gzip.compress(text) if packed else text)
    found = [each for some in ids_of(path, "_dlt_id", caps.escape_identifier) for each in some]
    assert found == [each for _, each, _ in rows]
    assert list(ids_of(path, "another", caps.escape_identifier)) == []


@pytest.mark.parametrize("writer", [JsonlWriter, TypedJsonlListWriter])
@given(rows=st.lists(st.tuples(TEXTS, IDS), min_size=1, max_size=5))
def test_ids_of_lines(writer: type[Any], rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = written(writer, [{"before": before, "_dlt_id": each} for before, each in rows], None)
    path = tmp_path_factory.getbasetemp() / f"x.{writer.writer_spec().file_extension}"
    path.write_bytes(text)
    assert list(ids_of(path, "_dlt_id", str)) == [[each for _, each in rows]]
    assert list(ids_of(path, "another", str)) == []


def test_ids_of_parquet_come_some_at_once(tmp_path: Path) -> None:
    ids = [f"id{number}" for number in range(2500)]
    pq.write_table(pa.table({"_dlt_id": ids}), tmp_path / "x.parquet")
    assert [len(some) for some in ids_of(tmp_path / "x.parquet", "_dlt_id", str)] == [1000, 1000, 500]
    assert [each for some in ids_of(tmp_path / "x.parquet", "_dlt_id", str) for each in some] == ids
    assert list(ids_of(tmp_path / "x.parquet", "another", str)) == []


def test_a_statement_of_a_merge_has_none(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_text("DELETE FROM x")
    assert list(ids_of(tmp_path / "x.sql", "_dlt_id", str)) == []
