"""Records to table batches: the fast path where a layout is proven, the exact path where it is not, in row order.

Records are tried in runs. A run that the strict reader takes is done; one that it refuses is cut down until what is
left is small enough to go the exact way, from which the shape learns what was new. Runs then grow again by doubling. So
a new key on the last page costs a few records of the exact path, and a resource that is irregular throughout degrades
to the exact path at no more than about twice its cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pyarrow as pa

from headrace.decode import Odd, edit_values, read_columns, shallow, to_rows, were_rounded
from headrace.engine.collide import check_pages
from headrace.engine.identity import Identities
from headrace.engine.records import Records
from headrace.engine.report import ResourceReport
from headrace.message import TableBatch
from headrace.normalise import (
    ExactRows,
    Key,
    Layout,
    Node,
    Part,
    Rules,
    build_layout,
    content_ids,
    gather,
    joined,
    key_ids,
    large_doubles,
    observe,
    random_ids,
    read_keys,
    row_contents,
    spread,
    text_ids,
    whole_columns,
    with_ids,
)
from headrace.plan import ResourcePlan

#: Records that go the exact way at once when the strict reader refuses: enough to learn from, few enough to be quick.
_EXACT_RECORDS: Final = 24

IdSource = Literal["key", "content", "chance", "dlt"]


@dataclass(frozen=True)
class _Run:
    """Consecutive records read one way: their parts, and the places in the run of the records that became root rows.

    `records` are the records as they were read; `sources` are places among them. `keys` has one for each root row where
    ids are made from keys.
    """

    parts: Sequence[Part]
    sources: Sequence[int]
    records: Sequence[bytes]
    keys: Sequence[Key]


@dataclass(frozen=True)
class Attempt:
    """What the fast path made of all records of a batch with a layout; None where it refused, or was not tried."""

    layout: Layout | None
    run: _Run | None


@dataclass(frozen=True)
class _Batch:
    """A batch that was read: its runs, and for each root row its record, the number of its page, and its key.

    `schemas` are the columns that the tables were known to have when it was read.
    """

    runs: Sequence[_Run]
    records: Sequence[bytes]
    pages: Sequence[int]
    keys: Sequence[Key]
    schemas: Mapping[str, pa.Schema]

    def contents(self, rows: Sequence[int]) -> dict[int, Any]:
        """What the tables hold of root rows, by number."""
        found = {}
        start = 0
        for run in self.runs:
            mine = [row - start for row in rows if start <= row < start + len(run.sources)]
            found.update({start + row: content for row, content in row_contents(run.parts, mine).items()})
            start += len(run.sources)
        return found


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
        #: Makes ids differ from those of another resource with the same keys in the same table.
        self.salt = ""
        self._shape = Node()
        self._layout: Layout | None = None
        self._names: dict[str, None] = {}
        self._known: Mapping[str, pa.Schema] | None = None

    @property
    def layout(self) -> Layout | None:
        """The columns that the fast path knows; another object when there are more."""
        return self._layout

    def convert(self, batch: Records) -> TableBatch:
        """One batch as dlt's tables, with ids: `attempt`, `read` and `finish` in one."""
        return self.finish(self.read(batch, self.attempt(batch)))

    def attempt(self, batch: Records) -> Attempt:
        """Try the fast path with the layout of now; other batches may be tried, read and finished meanwhile."""
        layout = self._layout
        return Attempt(layout, None if batch.rows is not None else self._read_fast(batch.raw, layout))

    def read(self, batch: Records, attempt: Attempt) -> _Batch:
        """Read one batch to parts. Raises `AnswerError`. Batches are read one after the other, in order.

        `attempt` counts only if its layout is still the one: what is read must not depend on when it was tried.
        """
        page_of = [page for page, size in enumerate(batch.page_sizes) for _ in range(size)]
        runs: list[_Run] = []
        records: list[bytes] = []
        pages: list[int] = []
        keys: list[Key] = []
        start = 0
        for run in self._runs(batch.raw, attempt) if batch.rows is None else [self._read_objects(batch.rows)]:
            runs.append(run)
            every = len(run.sources) == len(run.records)
            # a contract may have taken some out
            records.extend(run.records if every else [run.records[place] for place in run.sources])
            pages.extend(page_of[start + place] for place in run.sources)
            keys.extend(run.keys)
            start += len(run.records)
        return _Batch(runs, records, pages, keys, self._schemas(runs))

    def finish(self, batch: _Batch) -> TableBatch:
        """Give the rows of a batch that was read their ids. Raises `KeyCollisionError`.

        Batches are finished in order too; one may be finished while the next is read.
        """
        first_ids, ids = self._identify(batch)
        if self._id_source == "key":
            check_pages(first_ids, batch, self._resource)
        tables: dict[str, list[pa.Table]] = {}
        start = 0
        for run in batch.runs:
            end = start + len(run.sources)
            for name, table in with_ids(run.parts, ids[start:end], self._rules).items():
                tables.setdefault(name, []).append(table)
            start = end
        columns = {name: joined(parts) for name, parts in tables.items()}
        return TableBatch(self._resource.name, columns, batch.schemas)

    def _runs(self, records: Sequence[bytes], attempt: Attempt) -> Iterator[_Run]:
        """Consecutive runs of `records`, read one way or the other."""
        position, size = 0, len(records)
        while position < len(records):
            run = records[position : position + size]
            if position == 0 and size == len(records) and attempt.layout is self._layout:
                result = attempt.run
            else:
                result = self._read_fast(run, self._layout)
            if result is None and len(run) > _EXACT_RECORDS:
                size = max(_EXACT_RECORDS, len(run) // 4)
                continue
            if result is None:
                result = self._read_exact(run)
            elif self._rules.widens:
                for table, column in whole_columns(result.parts):
                    self._rules.keep_whole(table, column)
            yield result
            position += len(run)
            size = 2 * size

    def _read_fast(self, records: Sequence[bytes], layout: Layout | None) -> _Run | None:
        if layout is None:
            return None
        readable: Sequence[bytes] | None = records
        if layout.edits:
            readable = edit_values(records, layout.edits, self._rules.json_text)
        nested = None if readable is None else read_columns(readable, layout.schema)
        parts = None if nested is None else spread(nested, layout)
        large = None if parts is None else large_doubles(parts)
        if parts is None or (large is not None and were_rounded(records, *large)):
            return None
        if self._rules.dlt_makes_ids:
            ids = [self._rules.row_id(row) for row in to_rows(records)]
            parts[0] = replace(parts[0], given=ids)
        return _Run(parts, range(len(records)), records, self._keys(parts))

    def _read_exact(self, records: Sequence[bytes]) -> _Run:
        odd = Odd()
        records = shallow(records, odd)
        rows = to_rows(records, odd)
        self._report.count(odd)
        for row in rows:
            observe(self._shape, row)
        exact = self._rules.exact(rows)
        self._layout = build_layout(self._shape, self._rules)
        return self._gathered(exact, records)

    def _read_objects(self, rows: Sequence[Any]) -> _Run:
        """Rows of Python objects, made by functions of the configuration: they hold what JSON lacks."""
        texts = [self._rules.text_of(row) for row in rows]
        return self._gathered(self._rules.exact(rows, objects=True), texts)

    def _gathered(self, exact: ExactRows, records: Sequence[bytes]) -> _Run:
        """What the exact path made of `records`, which may have settled new columns."""
        self._report.exact_rows += len(records)
        self._known = None
        parts = gather(exact, self._rules)
        return _Run(parts, exact.sources, records, self._keys(parts))

    def _keys(self, parts: Sequence[Part]) -> Sequence[Key]:
        return read_keys(parts[0], self._key) if self._id_source == "key" and parts else ()

    def _schemas(self, runs: Sequence[_Run]) -> Mapping[str, pa.Schema]:
        """The columns of all tables, those of `runs` among them, with what the exact path settled there."""
        names = {part.name: None for run in runs for part in run.parts}
        if self._known is None or names.keys() - self._names.keys():
            self._names |= names
            self._known = {name: self._rules.schema_of(name) for name in self._names}
        return self._known

    def _identify(self, batch: _Batch) -> tuple[Sequence[str], Sequence[str]]:
        """First and stored ids of the root rows of a batch."""
        if self._id_source in ("chance", "dlt"):
            ids = random_ids(len(batch.records), self._rules)
            return ids, ids
        contents = self._contents(batch) if self._needs_contents else None
        if self._id_source == "key":
            first_ids = key_ids(batch.keys, batch.records, self._rules)
            by_key = [key is not None for key in batch.keys]
            self._report.keyless += by_key.count(False)
        else:
            first_ids = content_ids(batch.records, self._rules)
            by_key = [False] * len(first_ids)
        if self.salt:
            first_ids = text_ids([f"{first}_{self.salt}".encode() for first in first_ids], self._rules)
        return first_ids, self._identities.assign(first_ids, by_key, contents)

    def _contents(self, batch: _Batch) -> Sequence[str]:
        """Ids of what the tables hold of each root row, the same for rows that only the API spells differently."""
        contents = batch.contents(range(len(batch.records)))
        texts = [repr(contents[row]).encode() for row in range(len(batch.records))]
        return text_ids(texts, self._rules)
