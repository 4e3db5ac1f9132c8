"""Steps, dispositions and other hints for drawn configurations: tables from a name to what is put into a resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from drawn.draft import Draft, Drawing

#: What a part keeps of its row.
KEPT = ("id", "number", "kind", "updated")


def _parts(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One or two rows of one."""
    for place in range(1 + row["number"] % 2):
        yield {**{name: row[name] for name in KEPT if name in row}, "place": place, "part": [place]}


def _labelled(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "label": f"{row['kind']} {row['number']}"}


def _stamped(row: dict[str, Any]) -> dict[str, Any]:
    row["stamped"] = True
    return row


def _not_every_fifth(row: dict[str, Any]) -> bool:
    return row["number"] % 5 != 2


@dataclass(frozen=True)
class Steps:
    """`splits` is whether one row may become several, told apart by `place`."""

    steps: Sequence[dict[str, Any]] = field(default_factory=list)
    splits: bool = False


STEPS = {
    "none": Steps(),
    "none, too": Steps(),
    "filter": Steps([{"filter": _not_every_fifth}]),
    "map": Steps([{"map": _labelled}]),
    "map in place": Steps([{"map": _stamped}]),
    "filter and map in one": Steps([{"map": _labelled, "filter": _not_every_fifth}]),
    "map, then filter": Steps([{"map": _labelled}, {"filter": lambda row: row["label"] != "south 3"}]),
    "yield_map": Steps([{"yield_map": _parts}], splits=True),
    "all in one": Steps([{"filter": _not_every_fifth, "map": _labelled, "yield_map": _parts}], splits=True),
    "yield_map, then map": Steps([{"yield_map": _parts}, {"map": _labelled}], splits=True),
}

Hints = dict[str, Any]


def _merge(keys: list[str], strategy: str | None = None, **more: Any) -> Hints:
    disposition: Any = {"disposition": "merge", "strategy": strategy} if strategy else "merge"
    return {"write_disposition": disposition, "primary_key": keys[0] if len(keys) == 1 else keys, **more}


DISPOSITIONS: dict[str, Callable[[list[str]], Hints]] = {
    "append": lambda _: {},
    "append with key": lambda keys: {"write_disposition": "append", "primary_key": keys},
    "replace": lambda _: {"write_disposition": "replace"},
    "merge": _merge,
    "delete-insert": lambda keys: _merge(keys, "delete-insert"),
    "upsert": lambda keys: _merge(keys, "upsert"),
    "insert-only": lambda keys: _merge(keys, "insert-only"),
    "merge_key": lambda _: {"write_disposition": "merge", "merge_key": "kind"},
    "both keys": lambda keys: _merge(keys, merge_key="kind"),
    "scd2": lambda _: {"write_disposition": {"disposition": "merge", "strategy": "scd2"}},
}


def _columns(**columns: str) -> Hints:
    return {"columns": {name: {"data_type": kind} for name, kind in columns.items()}}


HINTS: dict[str, Callable[[str], Hints]] = {
    "none": lambda _: {},
    "none, too": lambda _: {},
    "columns": lambda _: _columns(number="double", kind="text"),
    "not null": lambda _: {"columns": {"kind": {"data_type": "text", "nullable": False}}},
    "columns as a list": lambda _: {"columns": [{"name": "number", "data_type": "decimal"}, {"name": "more"}]},
    "json columns": lambda _: _columns(lines="json", tags="json", address="json", matrix="json"),
    "table_name": lambda name: {"table_name": f"{name} Table"},
    "table by row": lambda name: {"table_name": lambda row: f"{name}_{row['kind']}"},
    "contract": lambda _: {"schema_contract": {"columns": "discard_value"}},
    "open contract": lambda _: {"schema_contract": {"tables": "evolve", "columns": "evolve", "data_type": "evolve"}},
    "nested_hints": lambda _: {
        "nested_hints": {"tags": {"columns": {"value": {"name": "value", "data_type": "text"}}}}
    },
    "file_format": lambda _: {"file_format": "parquet"},
    "references": lambda name: {
        "references": [{"referenced_table": f"{name}_kinds", "columns": ["kind"], "referenced_columns": ["name"]}]
    },
}


def draw_hints(drawing: Drawing, draft: Draft) -> None:
    """Steps, disposition, nesting, others."""
    parents = {one.parent for one in drawing.drafts}
    # of a parent dlt hands rows that a step made of one row to its children one by one, and they take pages only
    table = {name: steps for name, steps in STEPS.items() if not (steps.splits and draft.name in parents)}
    steps: Steps = drawing.one("processing_steps", table)
    if steps.steps:
        draft.resource["processing_steps"] = steps.steps
    keys = ["id", "place"] if steps.splits else ["id"]
    # versions are of all rows, and an incremental does not bring all
    dispositions = {name: hints for name, hints in DISPOSITIONS.items() if not (draft.filtered and name == "scd2")}
    draft.resource |= drawing.one("disposition", dispositions)(keys)
    if drawing.chance(0.3):
        draft.resource["max_table_nesting"] = drawing.dice.choice([0, 1, 2])
        drawing.note("max_table_nesting", str(draft.resource["max_table_nesting"]))
    fitting = {name: hints for name, hints in HINTS.items() if _fits(name, drawing, draft)}
    draft.resource |= drawing.one("hints", fitting)(draft.name)


def _fits(hint: str, drawing: Drawing, draft: Draft) -> bool:
    """Rows go to tables by kind where nothing is merged; what is declared has rows; two resources are two tables."""
    if hint.startswith("table") and drawing.facts["family"] == ["words"]:
        return False
    if hint == "table by row":
        return draft.resource.get("write_disposition", "append") in ("append", "replace")
    if hint == "nested_hints":
        is_table = draft.resource.get("max_table_nesting") != 0 and "processing_steps" not in draft.resource
        return is_table and "tags" in draft.spot.rows.fields
    return True
