"""A part: the rows of one table from one run of records, its ids still to be made.

Both paths end here: the fast path spreads columns to parts (`nest.py`), the exact path gathers dlt's rows to parts. So
ids are made in one place, `with_ids`, and only when it is known which rows came before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.normalise.evolve import rows_to_table
from headrace.normalise.ids import child_ids
from headrace.normalise.rules import ExactRows, Rules, StandIn


@dataclass(frozen=True)
class Part:
    """The rows of one table without ids.

    `owners` says for each row which row of part `parent` it belongs to (its own number in the root part, which is the
    first), `places` where it stood in that row's list (None for the root). `given` are ids that rows bring themselves,
    None for those that do not; None altogether when no row does.
    """

    name: str
    columns: Mapping[str, pa.Array]
    parent: int
    owners: pa.Array
    places: pa.Array | None = None
    given: Sequence[str | None] | None = None


def gather(exact: ExactRows, rules: Rules) -> list[Part]:
    """Rows of the exact path as parts, the root first."""
    system = rules.system
    own = {system.id, system.load_id, system.parent_id, system.root_id, system.list_idx}
    numbers: dict[str, int] = {}
    rows_by_id: dict[str, dict[str, int]] = {}
    parts: list[Part] = []
    for number, (name, rows) in enumerate(exact.tables.items()):
        numbers[name] = number
        ids = [row[system.id] for row in rows]
        rows_by_id[name] = {identity: row for row, identity in enumerate(ids)}
        columns = {key: column for key, column in rules.columns(name).items() if key not in own}
        table = rows_to_table(rows, columns, rules)
        parent = rules.parent(name)
        given = None if all(isinstance(identity, StandIn) for identity in ids) else [_given(one) for one in ids]
        if parent is None:
            owners, places = pa.array(range(len(rows)), pa.int64()), None
        else:
            owners = pa.array([rows_by_id[parent][row[system.parent_id]] for row in rows], pa.int64())
            places = pa.array([row[system.list_idx] for row in rows], pa.int64())
        arrays = dict(zip(table.column_names, (column.combine_chunks() for column in table.columns), strict=True))
        parts.append(Part(name, arrays, numbers[parent] if parent else 0, owners, places, given))
    return parts


def _given(identity: str) -> str | None:
    return None if isinstance(identity, StandIn) else identity


def with_ids(parts: Sequence[Part], ids: Sequence[str], rules: Rules) -> dict[str, pa.Table]:
    """The tables of `parts` with dlt's id columns, empty child tables left out; `ids` are those of the root rows."""
    system = rules.system
    known: list[tuple[pa.Array, pa.Array]] = []
    tables = {}
    for part in parts:
        added: dict[str, Any] = {}
        if part.places is None:
            own = roots = _choose(pa.array(ids, pa.string()), part.given)
        else:
            parent_ids, parent_roots = known[part.parent]
            owner_ids, roots = pc.take(parent_ids, part.owners), pc.take(parent_roots, part.owners)
            made = child_ids(owner_ids.to_pylist(), part.name, part.places.to_pylist(), rules)
            own = _choose(pa.array(made, pa.string()), part.given)
            if rules.propagates_root_id:
                added[system.root_id] = roots
            added[system.parent_id] = owner_ids
            added[system.list_idx] = part.places
        known.append((own, roots))
        added[system.id] = own
        if part.places is None or len(own):
            tables[part.name] = pa.table({**part.columns, **added})
    return tables


def _choose(made: pa.Array, given: Sequence[str | None] | None) -> pa.Array:
    return made if given is None else pc.coalesce(pa.array(given, pa.string()), made)
