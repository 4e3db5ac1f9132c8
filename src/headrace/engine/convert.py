"""Records to table batches: the fast path where a layout is proven, the exact path where it is not, in row order.

Records are tried in runs. A run that the strict reader takes is done; one that it refuses is cut down until what is
left is small enough to go the exact way, from which the shape learns what was new. Runs then grow again by doubling. So
a new key on the last page costs a few records of the exact path, and a resource that is irregular throughout degrades
to the exact path at no more than about twice its cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from headrace.decode import load_exact, read_columns, texts_for_json, to_rows
from headrace.engine.collide import check_pages, check_run
from headrace.engine.identity import Identities
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.message import TableBatch
from headrace.normalise import (
    Key,
    Layout,
    Node,
    Part,
    Rules,
    build_layout,
    content_ids,
    gather,
    key_ids,
    observe,
    random_ids,
    read_keys,
    spread,
    with_ids,
)
from headrace.plan import ResourcePlan

#: Records that go the exact way at once when the strict reader refuses: enough to learn from, few enough to be quick.
_EXACT_RECORDS: Final = 24

IdSource = Literal["key", "content", "chance", "dlt"]


@dataclass(frozen=True)
class _Run:
    """Consecutive records read one way: their parts, and the places in the run of the records that became root rows."""

    parts: Sequence[Part]
    sources: Sequence[int]


@dataclass(frozen=True)
class _Batch:
    """A batch that was read: its runs, and for each root row its record, the number of its page, and its key."""

    runs: Sequence[_Run]
    records: Sequence[bytes]
    pages: Sequence[int]
    keys: Sequence[Key]


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
        """One batch as dlt's tables, with ids: `read` and `finish` in one."""
        return self.finish(self.read(batch))

    def read(self, batch: Records) -> _Batch:
        """Read one batch to parts. Raises `AnswerError`. Batches are read one after the other, in order."""
        records = batch.raw
        page_of = [page for page, size in enumerate(batch.page_sizes) for _ in range(size)]
        runs: list[_Run] = []
        rows: list[int] = []
        keys: list[Key] = []
        for start, run in self._runs(records):
            runs.append(run)
            rows.extend(start + source for source in run.sources)
            keys.extend(read_keys(run.parts[0], self._key) if self._id_source == "key" and run.parts else [])
        if len(rows) < len(records):  # a contract took some out
            records, page_of = [records[row] for row in rows], [page_of[row] for row in rows]
        return _Batch(runs, records, page_of, keys)

    def finish(self, batch: _Batch) -> TableBatch:
        """Give the rows of a batch that was read their ids. Raises `KeyCollisionError`.

        Batches are finished in order too; one may be finished while the next is read.
        """
        first_ids, ids = self._identify(batch)
        if self._id_source == "key":
            check_pages(first_ids, batch.records, batch.pages, batch.keys, self._resource)
            if self._identities.superseded > self._report.superseded and self._resource.key_collisions == "fail":
                check_run(self._identities.differing(), first_ids, batch.records, batch.keys, self._resource)
        self._report.superseded = self._identities.superseded
        tables: dict[str, list[pa.Table]] = {}
        start = 0
        for run in batch.runs:
            end = start + len(run.sources)
            for name, table in with_ids(run.parts, ids[start:end], self._rules).items():
                tables.setdefault(name, []).append(table)
            start = end
        merged = {name: pa.concat_tables(parts, promote_options="default") for name, parts in tables.items()}
        return TableBatch(self._resource.name, merged)

    def _runs(self, records: Sequence[bytes]) -> Iterator[tuple[int, _Run]]:
        """Consecutive runs of `records` with their first place, read one way or the other."""
        position, size = 0, len(records)
        while position < len(records):
            run = records[position : position + size]
            result = self._read_fast(run)
            if result is None and len(run) > _EXACT_RECORDS:
                size = max(_EXACT_RECORDS, len(run) // 4)
                continue
            yield position, result or self._read_exact(run)
            position += len(run)
            size = 2 * size

    def _read_fast(self, records: Sequence[bytes]) -> _Run | None:
        layout = self._layout
        if layout is None:
            return None
        readable: Sequence[bytes] | None = records
        if layout.json_keys:
            readable = texts_for_json(records, layout.json_keys, self._json_text)
        nested = None if readable is None else read_columns(readable, layout.schema)
        parts = None if nested is None else spread(nested, layout)
        return None if parts is None else _Run(parts, range(len(records)))

    def _read_exact(self, records: Sequence[bytes]) -> _Run:
        rows = to_rows(records)
        for row in rows:
            observe(self._shape, row)
        exact = self._rules.exact(rows)
        self._layout = build_layout(self._shape, self._rules)
        self._report.exact_rows += len(rows)
        return _Run(gather(exact, self._rules), exact.sources)

    def _json_text(self, raw: bytes) -> str:
        return self._rules.json_text(load_exact(raw))

    def _identify(self, batch: _Batch) -> tuple[Sequence[str], Sequence[str]]:
        """First and stored ids of the root rows of a batch."""
        if self._id_source in ("chance", "dlt"):
            ids = random_ids(len(batch.records), self._rules)
            return ids, ids
        contents = content_ids(batch.records, self._rules) if self._needs_contents else None
        if self._id_source == "key":
            first_ids = key_ids(self._key, batch.keys, batch.records, self._rules)
            by_key = [key is not None for key in batch.keys]
            self._report.keyless += by_key.count(False)
        else:
            first_ids = content_ids(batch.records, self._rules)
            by_key = [False] * len(first_ids)
        return first_ids, self._identities.assign(first_ids, by_key, contents)
