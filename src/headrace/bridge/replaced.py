"""Rows without a key that take the place of what is stored of the same time and call, for one run.

dlt's merge does the work: it deletes what is stored of the steps that come, and inserts what came. What is left to do
here is to look at what stands before anything is replaced: a step of which nothing came is written as one row that
deletes, and a listing that lacks too many of the rows that stand is refused. Both are decided when all rows are in, by
one query that counts the rows of each step.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.utils import resolve_merge_strategy
from dlt.common.schema.utils import is_complete_column
from dlt.common.storages.load_package import LoadPackageStateInjectableContext
from dlt.destinations.sql_client import WithSqlClient

from headrace.bridge.first import current_pipeline, destination_client
from headrace.bridge.standing import table_stands
from headrace.errors import AnswerError, UsageError
from headrace.moment import words
from headrace.normalise import values_to_table
from headrace.plan import EMPTY, STEP

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun
    from headrace.plan import Replacing, ResourcePlan

#: So many rows may be missing whatever their share.
_FEW: Final = 19
#: The scope of a call as text, and a step in seconds since 1970.
_Step = tuple[tuple[str, ...], float]


class Replaced:
    """What the rows of `run` replace. Raises `UsageError` where the destination cannot merge, or cannot be asked."""

    def __init__(self, run: ResourceRun, replacing: Replacing, caps: DestinationCapabilitiesContext) -> None:
        self._run = run
        self._plan = replacing
        tables = run.tables
        name = tables.identifier
        self._scope, self._step, self._empty = [name(each) for each in replacing.scope], name(STEP), name(EMPTY)
        if resolve_merge_strategy(tables.schema.tables, tables.schema.tables[tables.root], caps) != "delete-insert":
            raise self._unfit("one that cannot")
        self._schema = dlt.current.source_schema()
        stored = self._schema.tables.get(tables.root, {}).get("columns", {})
        #: Whether a load before brought the columns.
        self._was_loaded = all(is_complete_column(stored.get(each, {})) for each in (*self._scope, self._step))
        self._gone: list[list[Any]] = []
        self._client = destination_client(current_pipeline(), self._schema)
        if not isinstance(self._client, WithSqlClient):
            raise self._unfit("one that has no tables that can be asked")

    def settle(self) -> None:
        """Look at what stands, when all batches are in. Raises `AnswerError` where too many rows are missing."""
        came, stood = self._came(), self._stood()
        missing = sum(max(0, count - came[step]) for step, (count, _) in stood.items())
        total = sum(count for count, _ in stood.values())
        if missing > max(_FEW, self._plan.most * total):
            first, last = (words(moment) for moment in _ends(stood))
            raise AnswerError(
                f"expected at most {self._plan.most:.0%} of the {total:,} rows stored from {first} to {last} to be "
                f"missing when they are listed again, got {missing:,}; what is stored was left as it is",
                where=f"resource `{self._run.plan.name}`",
                hint="does the API serve that time whole? if the rows are really gone, run once with "
                "`windows: {most: 1}`",
            )
        self._gone = [values for step, (_, values) in stood.items() if not came[step]]

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """The rows that delete steps which have become empty."""
        if gone := self._gone:
            tables = self._run.tables
            columns = {name: [values[at] for values in gone] for at, name in enumerate([*self._scope, self._step])}
            columns[self._empty] = [True] * len(gone)
            columns[tables.system.id] = [uuid.uuid4().hex[:20] for _ in gone]
            known = tables.columns(tables.root)
            yield tables.root, values_to_table(columns, {name: known[name] for name in columns}, tables)

    def _came(self) -> Counter[_Step]:
        """How many rows of each step came."""
        came: Counter[_Step] = Counter()
        names = [*self._scope, self._step]
        for rows in self._run.spool.pieces(self._run.tables.root):
            for found in rows.select(names).group_by(names).aggregate([([], "count_all")]).to_pylist():
                came[_step([found[name] for name in names])] += found["count_all"]
        return came

    def _stood(self) -> dict[_Step, tuple[int, list[Any]]]:
        """How many rows stand of each step that was listed, and the values of its columns."""
        listed = self._listed()
        if not listed or not self._was_loaded:
            return {}
        root, names = self._run.tables.root, [*self._scope, self._step]
        try:
            with self._client.sql_client as sql:
                if not table_stands(sql, root):
                    return {}
                select = ", ".join(sql.escape_column_name(name) for name in names)
                query = f"SELECT {select}, COUNT(*) FROM {sql.make_qualified_table_name(root)} GROUP BY {select}"  # noqa: S608
                rows = sql.execute_sql(query) or ()
        except Exception as error:
            raise self._unfit(f"one that did not answer: {' '.join(str(error).split())[:200]}") from error
        found: dict[_Step, tuple[int, list[Any]]] = {}
        for *values, count in rows:
            step = _step(values)
            if any(start <= step[1] < end for start, end in listed.get(step[0], ())):
                found[step] = (count, values)
        return found

    def _listed(self) -> dict[tuple[str, ...], list[tuple[float, float]]]:
        """What was listed, for each call by its scope."""
        listed: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for call, start, end in self._run.ledger.listed if self._run.ledger else ():
            values = {**call.values, **call.kept}
            scope = tuple(_text(values[name]) for name in self._plan.scope)
            listed.setdefault(scope, []).append((start, end))
        return listed

    def _unfit(self, came: str) -> UsageError:
        return UsageError(
            f"expected a destination that merges by deleting and inserting, and answers queries, got {came}",
            where=f"resource `{self._run.plan.name}`, whose rows have no key and are replaced by their time",
            hint="load into a database, such as DuckDB or PostgreSQL",
        )


def refuse_dictionaries(resource: ResourcePlan) -> None:
    """Refuse to load dictionaries, of which nobody knows whether they are all of a step. Raises `UsageError`."""
    if resource.replacing and LoadPackageStateInjectableContext in Container():
        raise UsageError(
            "expected the rows as they were fetched, got them as dictionaries, because of a step or a limit that was "
            "added",
            where=f"resource `{resource.name}`, whose rows have no key and are replaced by their time",
            hint="put steps over rows into its `processing_steps`, and no limit on it",
        )


def _step(values: list[Any]) -> _Step:
    *scope, moment = values
    if isinstance(moment, datetime):
        moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    return tuple(map(_text, scope)), float(moment)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _ends(stood: dict[_Step, Any]) -> tuple[float, float]:
    moments = [moment for _, moment in stood]
    return min(moments), max(moments)
