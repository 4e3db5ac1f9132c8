"""The ids of the rows in a file that a load job brings: Parquet, statements, or lines of JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq
from dlt.common.storages import FileStorage

#: Ids that are given at once.
_AT_ONCE: Final = 1000
#: A text as dlt writes it into a statement: a quote in it comes twice.
_TEXT: Final = r"'(?:[^']|'')*'"
#: Brackets with brackets in them: `CONVERT(VARBINARY(4), '0x00', 1)`.
_INNER: Final = rf"\((?:[^'()]|{_TEXT})*\)"
_BRACKETS: Final = rf"\((?:[^'()]|{_TEXT}|{_INNER})*\)"
#: A value, which may be a call: all up to a comma that stands neither in a text nor in brackets.
_VALUE: Final = re.compile(rf"(?:[^,'()]|{_TEXT}|{_BRACKETS})+")
#: What is around the values of a row, which has a line of its own.
_ROW: Final = re.compile(r"(?:\(|SELECT )(.*?)(?:\)[,;]?|(?: UNION ALL|;)?)\n?", re.DOTALL)


def ids_of(path: Path, column: str, escape: Callable[[str], str]) -> Iterator[list[str]]:
    """What stands in `column` of a file of rows, some at once; nothing for a file of another kind, or without it.

    `escape` writes the name of a column as the destination's statements have it. Ids have no backslash.
    """
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        return _of_parquet(path, column)
    if name.endswith(".insert_values"):
        return _some(_of_statements(path, escape(column)))
    if name.endswith("jsonl"):
        return _some(_of_lines(path, column))
    return iter(())


def _some(ids: Iterator[str]) -> Iterator[list[str]]:
    found: list[str] = []
    for each in ids:
        found.append(each)
        if len(found) == _AT_ONCE:
            yield found
            found = []
    if found:
        yield found


def _of_parquet(path: Path, column: str) -> Iterator[list[str]]:
    with pq.ParquetFile(path) as file:
        if column in file.schema_arrow.names:
            for batch in file.iter_batches(_AT_ONCE, columns=[column]):
                yield batch.column(0).to_pylist()


def _of_lines(path: Path, column: str) -> Iterator[str]:
    with FileStorage.open_zipsafe_ro(str(path), "rb") as file:
        for line in file:
            found: Any = msgspec.json.decode(line)
            for row in found if isinstance(found, list) else [found]:
                if isinstance(row.get(column), str):
                    yield row[column]


def _of_statements(path: Path, column: str) -> Iterator[str]:
    with FileStorage.open_zipsafe_ro(str(path), "r", encoding="utf-8") as file:
        head = file.readline()
        names = _VALUE.findall(head[head.index("(") + 1 : head.rindex(")")])
        if column not in names:
            return
        place = names.index(column)
        for line in file:
            if (row := _ROW.fullmatch(line)) is not None:
                value = _VALUE.findall(row[1])[place]
                yield value[value.index("'") + 1 : -1].replace("''", "'")
