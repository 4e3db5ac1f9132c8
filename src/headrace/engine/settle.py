"""Batches without the rows that were superseded, and with the final ids of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from headrace.engine.identity import Fates
from headrace.message import TableBatch
from headrace.normalise import Rules, child_ids


def settled(batch: TableBatch, fates: Fates, names: Sequence[str], rules: Rules) -> TableBatch:
    """`batch` as its `fates` will have it; `names` are those of all tables, parents before children."""
    if not fates:
        return batch
    system = rules.system
    dropped, renamed = set(fates.dropped), dict(fates.renamed)
    tables = {}
    for name in names:
        if name not in batch.tables:
            continue
        table = batch.tables[name]
        is_root = name == rules.root
        # by the root where children know it, by the parent where they do not (`root_key=False`)
        knows_root = is_root or system.root_id in table.column_names
        owner = system.id if is_root else system.root_id if knows_root else system.parent_id
        goes = pc.is_in(table.column(owner), pa.array(dropped, pa.string()))
        if not knows_root:
            dropped.update(table.filter(goes).column(system.id).to_pylist())
        kept = table.filter(pc.invert(goes))
        if renamed and not is_root:
            renamed |= _renamed_children(name, kept, renamed, rules)
        tables[name] = _exchanged(kept, renamed, (system.id, system.parent_id, system.root_id))
    return replace(batch, tables=tables)


def _renamed_children(name: str, table: pa.Table, renamed: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """New ids of the child rows whose parents get new ones: old -> new."""
    system = rules.system
    columns = (table.column(column).to_pylist() for column in (system.id, system.parent_id, system.list_idx))
    changed = [(own, renamed[parent], at) for own, parent, at in zip(*columns, strict=True) if parent in renamed]
    parents = pa.array([parent for _, parent, _ in changed], pa.string())
    places = pa.array([at for _, _, at in changed], pa.int64())
    made = child_ids(parents, name, places, rules).to_pylist()
    return {own: new for (own, _, _), new in zip(changed, made, strict=True)}


def _exchanged(table: pa.Table, renamed: Mapping[str, str], names: Sequence[str]) -> pa.Table:
    """`table` with the ids in columns `names` exchanged for their new ones."""
    for name in names:
        at = table.schema.get_field_index(name)
        if renamed and at >= 0:
            ids = [renamed.get(old, old) for old in table.column(at).to_pylist()]
            table = table.set_column(at, name, pa.array(ids, pa.string()))
    return table
