"""Cases of the differential fuzz: rows of two runs and the hints of the resource that loads them, drawn by hypothesis.

hypothesis draws the choices (disposition, contract, nesting, declared columns ...) and the seed of the dice; the dice
make the rows (`nasty_json`). Left out is what stops stock dlt, because all cases of a batch are one load: integers and
doubles beyond 64 bits, NaN, NUL, lone surrogates, blank keys, contracts that freeze what the rows change, and texts
beside a moment in a column of another type (see `loads`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from hypothesis import strategies as st

from headrace.bridge.tables import WorkingTables
from headrace.errors import AnswerError
from nasty_json import DLT_LOADS, Nastiness, Template, change, draw_template, record

#: Keyed cases have their key under `id`; another key of that name would change it.
KEYED = replace(DLT_LOADS, without_keys=("id", "ID", "day"))

STRATEGIES = ("delete-insert", "upsert", "insert-only", "scd2")
MODES = ("evolve", "discard_value", "discard_row", "freeze")
DECLARED = ("text", "bigint", "double", "bool", "timestamp", "json", "date")


@dataclass(frozen=True)
class Case:
    """One resource: its hints, and for each run its pages of records. `keyed` says that rows have a key."""

    hints: dict[str, Any]
    runs: tuple[tuple[tuple[str, ...], ...], ...]

    @property
    def keyed(self) -> bool:
        return "primary_key" in self.hints

    @property
    def ids_by_dlt(self) -> bool:
        """Whether dlt makes the ids of root rows from the rows, so that ours must be the same."""
        disposition = self.hints.get("write_disposition")
        return isinstance(disposition, dict) and disposition["strategy"] != "delete-insert"

    def shown(self) -> str:
        """The case as Python text."""
        return f"hints={self.hints!r}\nruns={json.dumps(self.runs, indent=1, ensure_ascii=False)}"


dispositions = st.one_of(
    st.just({}),
    st.just({"write_disposition": "replace"}),
    st.just({"write_disposition": "merge", "primary_key": "id"}),
    st.just({"write_disposition": "merge", "merge_key": "day"}),
    st.sampled_from(STRATEGIES).map(
        lambda name: {"write_disposition": {"disposition": "merge", "strategy": name}, "primary_key": "id"}
    ),
)
contracts = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.sampled_from(MODES),
    st.fixed_dictionaries(
        {}, optional={entity: st.sampled_from(MODES) for entity in ("tables", "columns", "data_type")}
    ),
)
nesting = st.one_of(st.none(), st.none(), st.integers(0, 3))


@st.composite
def cases(draw: st.DrawFn, *, without_keys: tuple[str, ...] = ()) -> Case:
    """A case; `without_keys` are keys that its rows do not have."""
    hints: dict[str, Any] = dict(draw(dispositions))
    limit, contract = draw(nesting), draw(contracts)
    if limit is not None:
        hints["max_table_nesting"] = limit
    dice = draw(st.randoms(use_true_random=True))
    nasty = KEYED if hints else DLT_LOADS
    nasty = replace(nasty, without_keys=(*nasty.without_keys, *without_keys))
    template = draw_template(dice, nasty, depth=draw(st.sampled_from((2, 2, 3, 4))))
    if draw(st.integers(0, 3)) == 0:
        hints["columns"] = _declared(draw, template)
    if contract:
        hints["schema_contract"] = contract
    long = draw(st.integers(0, 5)) == 0
    nasty = replace(nasty, surprise=0.004 if long else 0.05)
    first = _rows(dice, nasty, template, 50 if long else 10)
    runs = [_pages(dice, _keyed(first, dice) if hints else first)]
    if draw(st.integers(0, 5)) == 0:
        # rows of the first run again: nothing that a contract could refuse
        second = dice.sample(first, dice.randint(1, len(first)))
    else:
        second = _rows(dice, nasty, change(dice, nasty, template), 40 if long else 7)
    runs.append(_pages(dice, _keyed(second, dice) if hints else second))
    return Case(hints, tuple(runs))


def loads(case: Case, capabilities: DestinationCapabilitiesContext) -> bool:
    """Whether stock dlt loads both runs of `case`: no contract refuses a row, and no variant has to have a variant.

    dlt makes a column of moments of the first text variant that looks like one, and dies of the next text. Left out is
    also a declared table of which a contract takes every row: with us it exists all the same.
    """
    with Container().injectable_context(capabilities):
        schema = Schema("fuzz")
        for run in case.runs:
            table = dlt.resource([], name="case", **case.hints).compute_table_schema()
            tables = WorkingTables(schema, [table], capabilities, keeps_lost=False)
            # where ours puts a value into a text of its own, dlt has failed
            tables._exact._text_variant = _fail
            try:
                rows = tables.exact([json.loads(text) for page in run for text in page])
            except (AnswerError, _Failure):
                return False
            if not rows.sources and "columns" in case.hints:
                return False
            schema = tables.schema
            schema.tables[tables.root].setdefault("x-normalizer", {}).pop("evolve-columns-once", None)
    return True


class _Failure(Exception):  # noqa: N818 - a signal
    """Stock dlt fails."""


def _fail(*_: Any) -> Any:
    raise _Failure


def _declared(draw: st.DrawFn, template: Template) -> dict[str, Any]:
    """Hints for one or two columns, with and without a type."""
    chosen = draw(st.lists(st.sampled_from([*sorted(template), "never"]), min_size=1, max_size=2, unique=True))
    kinds = st.one_of(st.none(), st.sampled_from(DECLARED))
    return {name: {"nullable": True} | ({"data_type": kind} if (kind := draw(kinds)) else {}) for name in chosen}


def _rows(dice: Random, nasty: Nastiness, template: Template, most: int) -> list[str]:
    return [record(dice, nasty, template) for _ in range(dice.randint(1 + most // 2, most))]


def _keyed(records: Sequence[str], dice: Random) -> list[str]:
    """`records` with a key of their own and a day; in no order, so that runs overlap in places."""
    numbers = dice.sample(range(len(records) + 4), len(records))
    keyed = []
    for number, text in zip(numbers, records, strict=True):
        rest = text[1:].lstrip()
        keyed.append(f'{{"id":{number},"day":{number % 3}{"" if rest == "}" else ","}{rest}')
    return keyed


def _pages(dice: Random, records: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """One to three pages, now and then with an empty one at the end; two empty ones in a row end a listing."""
    cuts = sorted({dice.randint(1, len(records)) for _ in range(dice.choice((0, 0, 1, 2)))} - {len(records)})
    ends = [0, *cuts, len(records)]
    pages = [tuple(records[start:end]) for start, end in itertools.pairwise(ends)]
    return (*pages, *([()] if dice.random() < 0.1 else []))
