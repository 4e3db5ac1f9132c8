"""Rows that vanished at the API, for one run: looked for when it began, decided when it ends, written with it.

When a run begins the unmarked rows of its table are read: id, key, and the columns that tell calls apart. So a row
that another process adds while this one lists is not taken for a vanished one, and a destination that cannot be read
is found before anything is asked. `engine/absence.py` decides; what it finds is read whole, child rows too, gets its
mark, and goes into the same package as the rows that came: to dlt's merge it is a row like any other, on every
destination that merges.

A row that comes back replaces the marked one, and brings no mark.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.configuration.container import Container
from dlt.common.schema import Schema
from dlt.common.storages.load_package import LoadPackageStateInjectableContext

from headrace.bridge.first import current_pipeline
from headrace.bridge.standing import Standing
from headrace.config import HeadraceWarning
from headrace.decode import KeyedHash
from headrace.engine import Absences, Verdict
from headrace.errors import AnswerError, UsageError
from headrace.plan.privacy import ANY_KEY

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun
    from headrace.engine import ResourceReport
    from headrace.plan import Deletions, Privacy, ResourcePlan

#: Column with the number of complete listings in a row that lack a row, where it takes more than one.
MISSED: Final = "_missed"
#: Types of which a value has one text, here and at the destination.
_COMPARED: Final = frozenset({"text", "bigint", "bool", "date"})
#: Rows that are read whole at once.
_ROWS: Final = 2_000


def with_marks(root: Any, deletions: Deletions | None) -> Any:
    """The declared table `root` with the columns that marks need."""
    if deletions is None:
        return root
    types = {deletions.mark: "timestamp", **({MISSED: "bigint"} if deletions.counts else {})}
    marks = {name: {"name": name, "data_type": kind, "nullable": True} for name, kind in types.items()}
    return {**root, "columns": {**root.get("columns", {}), **marks}}


class Vanished:
    """What vanished of the rows of `run`, which declares `deletions`; `schema` is as the last load left it.

    Raises `UsageError` where the destination cannot merge, or cannot be read.
    """

    def __init__(self, run: ResourceRun, deletions: Deletions, schema: Schema, now_s: float) -> None:
        self._run = run
        self._deletions = deletions
        self._now = datetime.fromtimestamp(now_s, timezone.utc)
        name = run.tables.identifier
        self._mark, self._missed = name(deletions.mark), name(MISSED)
        self._key = list(run.tables.key)
        self._scope = [name(column) for column in (*deletions.fixed, *deletions.kept)]
        self._absences: Absences | None = None
        self._verdict: Verdict | None = None
        if run.id_source == "chance":
            raise UsageError(
                "expected a destination that merges rows beside `deletions`, got one that appends",
                where=f"resource `{run.plan.name}`",
                hint="load elsewhere, or leave out `deletions`",
            )
        self._standing = Standing(run.destination, schema, run.tables)
        since, is_same = self._known_key()
        if not self._standing.root or _goes(run.tables.root):
            return
        if why := self._why_not(is_same=is_same):
            run.report.unmarked.append(why)
            return
        self._check_types(self._standing.root)
        self._read(since)

    def settle(self) -> bool:
        """Decide, when all batches are in; whether rows are to be written. Answers the same again.

        Raises `AnswerError` where more vanished than may, or where rows are not those of the calls that brought them.
        """
        if self._verdict is None:
            self._verdict = self._decided() if self._absences is not None else Verdict()
            self._run.report.marked = self._verdict.gone
        return bool(self._verdict.gone or self._verdict.lacking)

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """The rows to be written by table, some at once, parents before children."""
        if self._absences is None or not self.settle():
            return
        load_id = self._run.tables.system.load_id
        for found in self._absences.lacking(_ROWS):
            for name, rows in self._standing.rows(found.column("id").to_pylist()).items():
                marked = self._marked(rows, found) if name == self._run.tables.root else rows
                if marked.num_rows:
                    # that of this load comes in its place
                    yield name, marked.drop_columns([load_id] if load_id in marked.column_names else [])

    def close(self) -> None:
        """Give back memory and disk."""
        if self._absences is not None:
            self._absences.close()

    def _known_key(self) -> tuple[str | None, bool]:
        """Since which load keys and scopes are made as now, None if ever; and whether stored rows have such keys."""
        made, stored = _key_making(self._run), self._stored_key
        state = dlt.current.resource_state()
        known = state.setdefault("deletions", {"key": made if stored in ([], sorted(self._key)) else stored})
        is_same = known["key"] == made
        if not is_same:
            known.update(key=made, since=dlt.current.load_package_state()["load_id"])
        return known.get("since"), is_same

    @property
    def _stored_key(self) -> list[str]:
        """The key that stored rows were merged by."""
        return sorted(name for name, facts in self._standing.root.items() if facts.get("primary_key"))

    def _why_not(self, *, is_same: bool) -> str | None:
        """Why stored rows cannot be compared with those that come."""
        stored = self._standing.root
        if self._stored_key != sorted(self._key):
            return f"the rows were loaded with the key ({', '.join(self._stored_key)})"
        if not is_same:
            return "the keys of the rows were made otherwise"
        system = self._run.tables.system
        lost = next((name for name in (system.id, system.load_id, *self._scope) if name not in stored), None)
        if lost is not None:
            return f"the rows were loaded without `{lost}`"
        if current_pipeline().has_pending_data:
            return "a package of an earlier run waits to be loaded"
        return None

    def _read(self, since: str | None) -> None:
        """Remember the rows that stand unmarked, and were loaded `since` a load."""
        system, deletions = self._run.tables.system, self._deletions
        fixed, kept = len(deletions.fixed), len(deletions.kept)
        self._absences = Absences(self._run.spool.folder, keys=len(self._key), fixed=fixed, kept=kept)
        counts = [self._missed] if self._missed in self._standing.root else []
        names = list(dict.fromkeys([system.id, *self._key, *self._scope, *counts]))
        for rows in self._standing.unmarked(self._mark, names, since):
            missed = rows.column(self._missed) if counts else pa.nulls(rows.num_rows, pa.int64())
            texts = self._texts(rows, [system.id, *self._key, *self._scope])
            self._absences.stand(texts.append_column("missed", missed))

    def _decided(self) -> Verdict:
        run, absences, roll = self._run, self._absences, self._run.roll
        assert absences is not None  # noqa: S101 - for the type checker
        assert roll is not None  # noqa: S101
        if run.by_content:
            run.report.unmarked.append("rows came without the key")
            return Verdict()
        asked = roll.asked()
        if roll.broken:
            run.report.unmarked.append(f"{roll.broken} of {roll.made} calls did not end completely")
        self._check_types(run.tables.columns(run.tables.root))
        for rows in run.spool.pieces(run.tables.root):
            self._refuse_own_marks(rows)
            absences.come(self._texts(rows, [*self._key, *self._scope]))
        stray = absences.stray(asked)
        if stray is not None:
            raise AnswerError(
                f"expected in {' and '.join(f'`{name}`' for name in self._scope)} of each row the values of the call "
                f"that brought it, found a row with values of its own",
                where=f"resource `{run.plan.name}`",
                hint="`deletions` cannot tell which rows a call lacks; give these columns another name",
            )
        verdict = absences.settle(asked)
        if verdict.is_too_much(self._deletions.most):
            raise AnswerError(
                f"expected at most {self._deletions.most:.0%} of {verdict.looked_for:,} rows to vanish at once, got "
                f"{verdict.gone:,} that the API has no more",
                where=f"resource `{run.plan.name}`",
                hint="may the key still read them? if they are really gone, run once with `deletions: {most: 1}`",
            )
        return verdict

    def _refuse_own_marks(self, rows: pa.Table) -> None:
        for name in (self._mark, self._missed) if self._deletions.counts else (self._mark,):
            if name in rows.column_names and rows.column(name).null_count < rows.num_rows:
                raise AnswerError(
                    f"expected no field `{name}` in rows, whose column says which rows vanished, found one",
                    where=f"resource `{self._run.plan.name}`",
                    hint="name another column as `deletions.mark`, or take the field out",
                )

    def _check_types(self, columns: Any) -> None:
        for name in (*self._key, *self._scope):
            kind = columns.get(name, {}).get("data_type", "text")
            if kind not in _COMPARED:
                raise UsageError(
                    f"expected text, whole numbers, dates or true and false in `{name}`, by which `deletions` compares "
                    f"rows, got {kind}",
                    where=f"resource `{self._run.plan.name}`",
                    hint=f"declare the column as text: `columns: {{{name}: {{data_type: text}}}}`",
                )

    def _texts(self, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Columns of `rows` as text, in the order of `names`, which may name one twice."""
        columns = self._run.tables.columns(self._run.tables.root)
        arrays = []
        for name in names:
            if name not in rows.column_names:
                arrays.append(pa.nulls(rows.num_rows, pa.string()))
                continue
            kind = self._run.tables.arrow_type(columns[name])
            arrays.append(rows.column(name).cast(kind).cast(pa.string()))
        return pa.Table.from_arrays(arrays, names=[f"c{number}" for number in range(len(names))])

    def _marked(self, rows: pa.Table, found: pa.Table) -> pa.Table:
        """Whole rows with their marks; `found` are the same and perhaps others, in another order."""
        at = pc.index_in(rows.column(self._run.tables.system.id), found.column("id").combine_chunks())
        gone = found.column("gone").take(at)
        moment = pa.scalar(self._now, pa.timestamp("us", "UTC"))
        marks = pc.if_else(gone, moment, pa.scalar(None, moment.type))
        rows = _with_column(rows, self._mark, marks)
        return _with_column(rows, self._missed, found.column("missed").take(at)) if self._deletions.counts else rows


def tell_unmarked(resource: ResourcePlan, report: ResourceReport) -> None:
    """Warn once where rows are loaded as dictionaries: nobody looks then for those that vanished."""
    why = "a step or a limit that was added takes its rows as dictionaries"
    if resource.deletions and LoadPackageStateInjectableContext in Container() and why not in report.unmarked:
        report.unmarked.append(why)
        warnings.warn(f"resource `{resource.name}`: no row is marked, {why}", HeadraceWarning, stacklevel=2)


def _with_column(rows: pa.Table, name: str, values: Any) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.append_column(name, values) if at < 0 else rows.set_column(at, name, values)


def _key_making(run: ResourceRun) -> str:
    """How keys and scopes of rows are made, as text: their columns, and which of them are hashed with which key."""
    plan = run.plan
    hashed = [name for name in plan.primary_key if _is_hashed(name, plan.privacy)]
    for parent in plan.parents:
        hashed += [column for column, key in parent.kept if _is_hashed(key, run.privacies.get(parent.resource))]
    secret = plan.privacy.key
    key = KeyedHash(secret.reveal() if secret else None).value("") if hashed else None
    scope = (*plan.deletions.fixed, *plan.deletions.kept) if plan.deletions else ()
    return json.dumps([sorted(run.tables.key), scope, sorted(hashed), key])


def _is_hashed(name: str, privacy: Privacy | None) -> bool:
    """Whether a column, or a part of what it is made of, is hashed."""
    fates = privacy.fates if privacy else {}
    return fates.get(name.partition("__")[0], fates.get(ANY_KEY)) not in (None, "drop")


def _goes(table: str) -> bool:
    """Whether this load drops or empties the table before its rows come (`refresh`)."""
    state: Any = dlt.current.load_package_state()["state"]
    return any(
        each["name"] == table for kind in ("dropped_tables", "truncated_tables") for each in state.get(kind) or ()
    )
