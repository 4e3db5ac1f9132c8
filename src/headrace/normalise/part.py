"""A part: the rows of one table from one run of records, its ids still to be made.

Both paths end here: the fast path spreads columns to parts (`nest.py`), the exact path gathers dlt's rows to parts. So
ids are made in one place, `with_ids`, and only when it is known which rows came before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import AnswerError
from headrace.normalise.evolve import rows_to_table
from headrace.normalise.ids import child_ids
from headrace.normalise.rules import ExactRows, Rules


@dataclass(frozen=True)
class Part:
    """The rows of one table without ids.

    `owners` says for each row which row of part `parent` it belongs to (its own number in the root part, which is the
    first), `places` where it stood in that row's list (None for the root). `given` are ids that rows bring themselves,
    None for those that do not; None altogether when no row does. A child part without `places` is loose: all its rows
    bring an id, and dlt ties none of them to a parent; its owners are root rows.
    """

    name: str
    columns: Mapping[str, pa.Array]
    parent: int
    owners: pa.Array
    places: pa.Array | None = None
    given: Sequence[str | None] | None = None


def gather(exact: ExactRows, rules: Rules) -> list[Part]:
    """Rows of the exact path as parts, the root first.

    A table has one part for each part that its rows' parents are in: `{"a": {"b": [1]}}` and `{"a": [{"b": [1]}]}` both
    have rows in `a__b`, those of the first under the root table, those of the second under `a`.
    """
    parts: list[Part] = []
    #: Where the row with an id stands: number of its part, place in it.
    homes: dict[str, tuple[int, int]] = {}
    waiting = [(name, list(zip(rows, exact.roots[name], strict=True))) for name, rows in exact.tables.items()]
    in_vain = 0
    while waiting:
        name, rows = waiting.pop(0)
        groups, orphans = _by_parent(rows, homes, exact.stand_in, rules) if name != rules.root else ({0: rows}, [])
        for parent, siblings in groups.items():
            number = len(parts)
            homes.update((row[rules.system.id], (number, place)) for place, (row, _) in enumerate(siblings))
            parts.append(_part(name, siblings, parent, homes, exact.stand_in, rules))
        if orphans:
            waiting.append((name, orphans))
            in_vain = 0 if groups else in_vain + 1
            if in_vain > len(waiting):
                raise AnswerError(
                    f"expected list items of table `{name}` that dlt ties to their row, got some that it does not",
                    hint=f"another resource has a table of that name, or rows repeat a `{rules.system.id}`",
                )
    return parts


#: The number of no part: rows that dlt ties to no parent.
_LOOSE: Final = -1
_Rows = Sequence[tuple[Mapping[str, Any], int]]


def _by_parent(
    rows: _Rows, homes: Mapping[str, tuple[int, int]], stand_in: str, rules: Rules
) -> tuple[dict[int, _Rows], list[tuple[Mapping[str, Any], int]]]:
    """Child rows by the part of their parents, and those whose parents have no part yet."""
    groups: dict[int, list[tuple[Mapping[str, Any], int]]] = {}
    orphans = []
    for row, root in rows:
        parent = row.get(rules.system.parent_id)
        home = homes.get(parent or "")
        if home is not None:
            groups.setdefault(home[0], []).append((row, root))
        elif parent is None and not row[rules.system.id].startswith(stand_in):
            groups.setdefault(_LOOSE, []).append((row, root))
        else:
            orphans.append((row, root))
    return {**groups}, orphans


def _part(
    name: str, rows: _Rows, parent: int, homes: Mapping[str, tuple[int, int]], stand_in: str, rules: Rules
) -> Part:
    system = rules.system
    own = {system.id, system.load_id, system.parent_id, system.root_id, system.list_idx}
    columns = {key: column for key, column in rules.columns(name).items() if key not in own}
    flat = [row for row, _ in rows]
    table = rows_to_table(flat, columns, rules)
    ids = [row[system.id] for row in flat]
    own_ids = [None if identity.startswith(stand_in) else identity for identity in ids]
    given = own_ids if any(own_ids) else None
    if name == rules.root:
        owners, places = pa.array(range(len(rows)), pa.int64()), None
    elif parent == _LOOSE:
        parent, owners, places = 0, pa.array([root for _, root in rows], pa.int64()), None
    else:
        owners = pa.array([homes[row[system.parent_id]][1] for row in flat], pa.int64())
        places = pa.array([row[system.list_idx] for row in flat], pa.int64())
    arrays = dict(zip(table.column_names, (column.combine_chunks() for column in table.columns), strict=True))
    return Part(name, arrays, parent, owners, places, given)


def with_ids(parts: Sequence[Part], ids: Sequence[str], rules: Rules) -> dict[str, pa.Table]:
    """The tables of `parts` with dlt's id columns, empty child tables left out; `ids` are those of the root rows."""
    system = rules.system
    known: list[tuple[pa.Array, pa.Array]] = []
    tables: dict[str, pa.Table] = {}
    for part in parts:
        added: dict[str, Any] = {}
        is_root = not known
        if is_root:
            own = roots = _choose(pa.array(ids, pa.string()), part.given)
        else:
            parent_ids, parent_roots = known[part.parent]
            owner_ids, roots = pc.take(parent_ids, part.owners), pc.take(parent_roots, part.owners)
            if rules.propagates_root_id:
                added[system.root_id] = roots
            if part.places is None:
                own = pa.array(part.given, pa.string())
            else:
                own = _choose(child_ids(owner_ids, part.name, part.places, rules), part.given)
                added[system.parent_id] = owner_ids
                added[system.list_idx] = part.places
        known.append((own, roots))
        added[system.id] = own
        if is_root or len(own):
            table = pa.table({**part.columns, **added})
            # a later part of a table may have its parents in tables that came in between: parents first
            earlier = [tables.pop(part.name)] if part.name in tables else []
            tables[part.name] = pa.concat_tables([*earlier, table], promote_options="default")
    return tables


def _choose(made: pa.Array, given: Sequence[str | None] | None) -> pa.Array:
    return made if given is None else pc.coalesce(pa.array(given, pa.string()), made)
