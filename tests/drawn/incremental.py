"""Incrementals of drawn configurations: in all forms, with the other options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dlt

from drawn.draft import Draft, Drawing, Fresh
from drawn.rows import CLOCKS

Options = dict[str, Any]
LOWER = "{incremental.start_value}"


def _converted(value: Any) -> Any:
    """dlt converts an end that is not set as well."""
    return None if value is None else f"v{value}"


def _highest(values: Any) -> Any:
    return max(values)


def _in_params(draft: Draft, options: Options) -> None:
    draft.of_endpoint("params", {"since": {"type": "incremental", **options}})


def _object(draft: Draft, options: Options) -> None:
    draft.of_endpoint("params", {"since": Fresh(lambda _: dlt.sources.incremental(**options))})


def _start(draft: Draft, options: Options) -> None:
    draft.endpoint["incremental"] = {**options, "start_param": "since"}


def _range(draft: Draft, options: Options) -> None:
    """From and until; a range that is asked for has no lag."""
    end = {"start_param": "since", "end_param": "until", "end_value": CLOCKS[draft.spot.clock](40)}
    kept = {name: value for name, value in options.items() if name != "lag"}
    draft.endpoint["incremental"] = {**kept, **end, "range_end": "closed" if "lag" in options else "open"}


def _text(draft: Draft, options: Options) -> None:
    draft.of_endpoint("params", {"since": f"from {LOWER}"})
    draft.endpoint["incremental"] = options


def _last_value(draft: Draft, options: Options) -> None:
    draft.of_endpoint("params", {"since": "{incremental.last_value}"})
    draft.endpoint["incremental"] = options


def _filter_only(draft: Draft, options: Options) -> None:
    draft.endpoint["incremental"] = options


def _downwards(draft: Draft, options: Options) -> None:
    """The lowest value counts, and nothing is asked for."""
    kept = {name: value for name, value in options.items() if name not in {"lag", "row_order"}}
    lowest = {"last_value_func": "min", "initial_value": CLOCKS[draft.spot.clock](2000)}
    draft.endpoint["incremental"] = {**kept, **lowest}


def _path(draft: Draft, options: Options) -> None:
    name = draft.spot.steps[-1]
    draft.spot.steps = ("since", "*", name)
    draft.endpoint["path"] = f"since/{LOWER}/{name}/"
    draft.endpoint["incremental"] = options


def _header(draft: Draft, options: Options) -> None:
    draft.of_endpoint("headers", {"X-Since": LOWER})
    draft.endpoint["incremental"] = options


def _json(draft: Draft, options: Options) -> None:
    draft.of_endpoint("json", {"since": LOWER, "first": "{incremental.initial_value}"})
    draft.spot.wants_json(since=..., first=...)
    draft.endpoint["incremental"] = options


FORMS: dict[str, Callable[[Draft, Options], None]] = {
    "params": _in_params,
    "params object": _object,
    "start_param": _start,
    "start_param and end_param": _range,
    "text of params": _text,
    "last_value": _last_value,
    "filter only": _filter_only,
    "downwards": _downwards,
    "path": _path,
    "header": _header,
    "json": _json,
}
#: Forms that a child can have as well, though dlt moves its cursor on while it runs.
OF_CHILDREN = ("start_param", "start_param and end_param", "text of params", "filter only", "header", "json")
#: Forms whose value the service reads as text.
CONVERTED = ("params", "start_param", "start_param and end_param", "text of params", "header")
LAGS = {"epoch": 7200, "iso": 7200, "day": 1}


def draw_incremental(drawing: Drawing, draft: Draft, *, of_child: bool = False) -> None:
    """A cursor for the resource. Where others depend on its rows, all of them are asked for at first."""
    dice, spot = drawing.dice, draft.spot
    names = [name for name in FORMS if name in OF_CHILDREN or not of_child]
    if spot.json is None:
        names.remove("json")
    form = dice.choice(names)
    clock = spot.rows.clock
    first = 0 if len(drawing.drafts) > 1 and not of_child else dice.choice([0, 0, 1, 2])
    options: Options = {"cursor_path": "updated", "initial_value": CLOCKS[clock](first)}
    extras = _extras(drawing, draft, options)
    if form in CONVERTED and drawing.chance(0.4):
        options["convert"] = _converted
        extras.append("convert")
    spot.since_of(clock)
    draft.filtered = True
    FORMS[form](draft, options)
    drawing.note("incremental", form)
    drawing.note("incremental of", "child" if of_child else "parent" if len(drawing.drafts) > 1 else "one alone")
    drawing.note("incremental options", *extras or ["none"])
    drawing.note("cursor", clock)


def _extras(drawing: Drawing, draft: Draft, options: Options) -> list[str]:
    """Up to two of the other options, put in."""
    dice, spot = drawing.dice, draft.spot
    table: Options = {
        "lag": LAGS[spot.rows.clock],
        "range_start": "open",
        "last_value_func": dice.choice(["max", max, _highest]),
        "on_cursor_value_missing": dice.choice(["include", "exclude"]),
        "row_order": "asc",
        "primary_key": "id",
    }
    names = dice.sample(sorted(table), dice.choice([0, 0, 1, 1, 2]))
    options |= {name: table[name] for name in names}
    if {"lag", "last_value_func"} <= options.keys():
        options["last_value_func"] = "max"
    if "on_cursor_value_missing" in names:
        spot.rows = replace(spot.rows, hidden=4)
    return names
