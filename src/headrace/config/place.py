"""Places in a configuration, what kind of thing stands at each, and what was found there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

#: A place in a configuration: keys and list indexes from the top.
Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """One thing wrong at one place, before it is put into words for the reader."""

    place: Place
    message: str
    hint: str | None = None


_CLIENT: Final[Mapping[tuple[str, ...], str]] = {
    (): "client",
    ("retry",): "retry",
    ("limits",): "limits",
    ("rate_limit",): "rate_limit",
    ("rate_limits", "*"): "rate_limit",
    ("session",): "session",
    ("auth",): "auth",
    ("paginator",): "paginator",
    ("headers",): "client headers",
}
#: `*` stands for any step, `#` for an index.
_RESOURCE: Final[Mapping[tuple[str, ...], str]] = {
    (): "resource",
    **{
        (hint,): "hint"
        for hint in (
            "table_name",
            "primary_key",
            "merge_key",
            "references",
            "table_format",
            "file_format",
            "nested_hints",
        )
    },
    ("columns",): "columns",
    ("columns", "*"): "column",
    ("write_disposition",): "write_disposition",
    ("schema_contract",): "schema_contract",
    ("nested_hints", "*"): "nested hints",
    ("nested_hints", "*", "columns"): "columns",
    ("nested_hints", "*", "columns", "*"): "column",
    ("nested_hints", "*", "write_disposition"): "write_disposition",
    ("nested_hints", "*", "schema_contract"): "schema_contract",
    ("fields", "*"): "field",
    ("deletions",): "deletions",
    ("processing_steps",): "steps",
    ("processing_steps", "#"): "step",
    ("endpoint",): "endpoint",
    ("endpoint", "path"): "path",
    ("endpoint", "entries"): "entries",
    ("endpoint", "fallback"): "fallback",
    ("endpoint", "fallback", "path"): "path",
    ("endpoint", "params"): "params",
    ("endpoint", "params", "*"): "param",
    ("endpoint", "json"): "json",
    ("endpoint", "data"): "data",
    ("endpoint", "headers"): "headers",
    ("endpoint", "auth"): "auth",
    ("endpoint", "paginator"): "paginator",
    ("endpoint", "incremental"): "incremental",
    ("endpoint", "windows"): "windows",
    ("endpoint", "response_actions"): "actions",
    ("endpoint", "response_actions", "#"): "action",
}
_PLAIN_KEY: Final = re.compile(r"[\w-]+")


def kind_of_place(place: Sequence[str | int]) -> str:
    """`client`, `resource`, `endpoint`, `paginator` ..., `top`, or empty for a place inside free data."""
    match tuple(place):
        case ():
            return "top"
        case ("client", *steps):
            return _kind(steps, _CLIENT)
        case ("resources", int(), *steps) | ("resource_defaults", *steps):
            return _kind(steps, _RESOURCE)
        case ("params",):
            return "parameters"
        case _:
            return ""


def _kind(steps: Sequence[str | int], kinds: Mapping[tuple[str, ...], str]) -> str:
    plain = tuple("#" if isinstance(step, int) else step for step in steps)
    if plain in kinds:
        return kinds[plain]
    return next((kind for shape, kind in kinds.items() if "*" in shape and _fits(plain, shape)), "")


def _fits(steps: Sequence[str], shape: Sequence[str]) -> bool:
    return len(steps) == len(shape) and all(want in ("*", step) for step, want in zip(steps, shape, strict=True))


def path_text(place: Sequence[str | int]) -> str:
    """A place as text: `resources[0].endpoint.headers['X.Key']`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text
