"""From the `fields` of a resource to one tree of what is done to each, and to the columns whose type follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headrace.config import ResourceOptions
from headrace.config.field_path import field_steps
from headrace.config.shape import FieldOptions
from headrace.plan.hidden_columns import column_key
from headrace.plan.shaping import Shaping


def shapings_of(resource: ResourceOptions) -> dict[str, Shaping]:
    """What is done to fields of `resource`, as one tree."""
    tree: dict[str, Shaping] = {}
    for path, said in resource.fields.items():
        _plant(tree, field_steps(path), _shaping(said))
    return tree


def _shaping(said: FieldOptions) -> Shaping:
    default = None if said.default is None else json.dumps(said.default).encode()
    return Shaping(said.form, tuple(said.names or ()), said.copy_of, default)


def _plant(tree: dict[str, Shaping], steps: Sequence[str], shaping: Shaping) -> None:
    here = tree.get(steps[0], Shaping())
    if len(steps) == 1:
        tree[steps[0]] = replace(shaping, inner=here.inner)
        return
    inner = dict(here.inner)
    _plant(inner, steps[1:], shaping)
    tree[steps[0]] = replace(here, inner=inner)


def typed_columns(resource: ResourceOptions) -> dict[str, dict[str, Any]]:
    """Hints of columns whose type follows from the form of their field, where the configuration has none for them."""
    if not isinstance(resource.columns, dict | None):
        return {}
    known = {column_key(name) for name in resource.columns or {}}
    forms = {"__".join(field_steps(path)): said.form for path, said in resource.fields.items() if "[*]" not in path}
    return {
        name: {"name": name, "data_type": form}
        for name, form in forms.items()
        if form in ("timestamp", "json") and column_key(name) not in known
    }
