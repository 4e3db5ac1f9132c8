"""Records to table batches: the fast path where a layout is proven, the exact path where it is not, in row order.

Records are tried in runs. A run that the strict reader takes is done; one that it refuses is cut down until what is
left is small enough to go the exact way, from which the shape learns what was new. Runs then grow again by doubling. So
a new key on the last page costs a few records of the exact path, and a resource that is irregular throughout degrades
to the exact path at no more than about twice its cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import pyarrow as pa

from headrace.decode import read_columns, texts_for_json, to_rows
from headrace.engine.collide import check_pages, check_run
from headrace.engine.identity import Identities
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.message import TableBatch
from headrace.normalise import (
    Key,
    Layout,
    Node,
    Rules,
    build_layout,
    content_ids,
    key_columns,
    key_ids,
    key_values,
    observe,
    random_ids,
    rows_to_table,
    spread,
    with_ids,
)
from headrace.plan import ResourcePlan

#: Records that go the exact way at once when the strict reader refuses: enough to learn from, few enough to be quick.
_EXACT_RECORDS: Final = 64

IdSource = Literal["key", "content", "chance", "dlt"]


class Converter:
    """Converts the batches of one resource, one after the other; learns its shape on the way."""

    def __init__(
        self, resource: ResourcePlan, rules: Rules, identities: Identities, id_source: IdSource, report: ResourceReport
    ) -> None:
        self._resource = resource
        self._rules = rules
        self._identities = identities
        self._id_source = id_source
        self._report = report
        self._key = tuple(rules.identifier(name) for name in resource.primary_key)
        self._needs_contents = id_source == "key" and resource.key_collisions == "fail"
        self._shape = Node()
        self._layout: Layout | None = None

    def convert(self, batch: Records) -> TableBatch:
        """One batch as dlt's tables. Raises `KeyCollisionError` and `AnswerError`."""
        records = batch.prepared()
        parts: dict[str, list[pa.Table]] = {}
        first_ids: list[str] = []
        for tables, ids in self._runs(records):
            first_ids.extend(ids)
            for name, table in tables.items():
                parts.setdefault(name, []).append(table)
        if self._id_source == "key":
            check_pages(first_ids, records, batch.page_sizes, self._resource)
            if self._identities.superseded > self._report.superseded and self._resource.key_collisions == "fail":
                check_run(self._identities.differing(), first_ids, records, self._resource)
        self._report.rows += len(records)
        self._report.superseded = self._identities.superseded
        merged = {name: pa.concat_tables(tables, promote_options="default") for name, tables in parts.items()}
        return TableBatch(self._resource.name, merged)

    def _runs(self, records: Sequence[bytes]) -> Iterator[tuple[Mapping[str, pa.Table], list[str]]]:
        """Tables and first ids of consecutive runs of `records`."""
        position, size = 0, len(records)
        while position < len(records):
            run = records[position : position + size]
            result = self._read_fast(run)
            if result is None and len(run) > _EXACT_RECORDS:
                size = max(_EXACT_RECORDS, len(run) // 4)
                continue
            yield result or self._read_exact(run)
            position += len(run)
            size = 2 * size

    def _read_fast(self, records: Sequence[bytes]) -> tuple[Mapping[str, pa.Table], list[str]] | None:
        layout = self._layout
        if layout is None:
            return None
        readable: Sequence[bytes] | None = records
        if layout.json_keys:
            readable = texts_for_json(records, layout.json_keys, self._rules.json_text_of_raw)
        nested = None if readable is None else read_columns(readable, layout.schema)
        if nested is None:
            return None
        parts = spread(nested, layout)
        if parts is None:
            return None
        keys = key_columns(nested, layout, self._key) if self._id_source == "key" else [None] * len(records)
        first_ids, ids = self._identify(records, keys)
        return with_ids(parts, ids, self._rules), first_ids

    def _read_exact(self, records: Sequence[bytes]) -> tuple[Mapping[str, pa.Table], list[str]]:
        rows = to_rows(records)
        for row in rows:
            observe(self._shape, row)
        keys = (
            [key_values(row, self._key, self._rules) for row in rows]
            if self._id_source == "key"
            else [None] * len(rows)
        )
        first_ids, ids = self._identify(records, keys)
        tables = self._rules.exact(rows, ids)
        self._layout = build_layout(self._shape, self._rules)
        self._report.exact_rows += len(rows)
        return {
            name: rows_to_table(rows, self._rules.columns(name), self._rules) for name, rows in tables.items()
        }, first_ids

    def _identify(self, records: Sequence[bytes], keys: Sequence[Key]) -> tuple[list[str], list[str]]:
        """First and stored ids of a run."""
        if self._id_source in ("chance", "dlt"):
            ids = random_ids(len(records), self._rules)
            return ids, ids
        contents = content_ids(records, self._rules) if self._needs_contents else None
        if self._id_source == "key":
            first_ids = key_ids(keys, records, self._rules)
            self._report.keyless += sum(key is None for key in keys)
        else:
            first_ids = contents or content_ids(records, self._rules)
        return first_ids, self._identities.assign(first_ids, [key is not None for key in keys], contents)
