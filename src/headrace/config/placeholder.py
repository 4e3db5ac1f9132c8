"""`{name}` placeholders in texts, with the braces of `str.format`: `{{` and `}}` are literal braces.

Three kinds of name may stand between braces:

* `{domain_id}`: a parameter of the source, or a value of the endpoint's own `params` (in its path);
* `{resources.users.address.id}`: a field of the row of a parent, everything after the second dot is its JSONPath;
* `{incremental.start_value}`: the watermark; also `initial_value`, `last_value`, `end_value`.

The last two may have a conversion and a format as in `str.format`: `{resources.days.n:03d}`,
`{incremental.end_value!r}`.

dlt runs all strings of an endpoint (path, params, headers, json, data) through `str.format`, so a lone brace is an
error there too. Here it is found while the configuration is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter
from typing import Any, Final

#: Placeholder prefixes that are filled from a parent's row or from the watermark.
CONTEXTS: Final = ("resources", "incremental")
#: What `{incremental. ... }` may name.
WATERMARK_VALUES: Final = ("start_value", "initial_value", "last_value", "end_value")

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_DOUBLED: Final = "double a brace that is meant literally: `{{` or `}}`"
_CONVERSIONS: Final[Mapping[str, Callable[[Any], str]]] = {"r": repr, "s": str, "a": ascii}
_SHOWN: Final = re.compile(r"[\w .-]*")
_MAX_SHOWN: Final = 20


class PlaceholderError(ValueError):
    """A text whose braces are no placeholder; `hint` says what to try."""

    def __init__(self, message: str, hint: str | None = _DOUBLED) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Field:
    """One placeholder: its name, and the format and conversion (`r`, `s`, `a`) that stand behind it."""

    name: str
    spec: str = ""
    conversion: str | None = None

    @property
    def context(self) -> str:
        """`resources`, `incremental`, or empty for a parameter."""
        first, dot, _ = self.name.partition(".")
        return first if dot and first in CONTEXTS else ""

    @property
    def parent(self) -> tuple[str, str] | None:
        """The resource and the JSONPath in its rows, None for other contexts."""
        if self.context != "resources":
            return None
        _, resource, path = self.name.split(".", maxsplit=2)
        return resource, path

    @property
    def is_plain(self) -> bool:
        """Whether the value is taken as it is; in `json` it then keeps its type where it is the whole text."""
        return not self.spec and self.conversion is None

    def render(self, value: Any) -> str:
        """`value` as `str.format` writes it. Raises `ValueError` when the format is none of its type."""
        return format(value if self.conversion is None else _CONVERSIONS[self.conversion](value), self.spec)


def split(text: str) -> tuple[tuple[str, str | None], ...]:
    """`text` as (literal, name) pairs in order, name None at the end. Raises `PlaceholderError`.

    A name is whole, with its context: `resources.users.address.id`. Formats and conversions are left out: see `parse`.
    """
    return tuple((literal, field.name if field else None) for literal, field in parse(text))


def parse(text: str) -> tuple[tuple[str, Field | None], ...]:
    """`text` as (literal, placeholder) pairs in order, None where only a literal stands. Raises `PlaceholderError`."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise PlaceholderError("expected braces around parameter names only, got others") from None
    return tuple(
        (literal, None if name is None else _field(name, spec or "", conversion))
        for literal, name, spec, conversion in parts
    )


def _field(name: str, spec: str, conversion: str | None) -> Field:
    field = Field(name, spec, conversion)
    check = _CHECKS.get(name.partition(".")[0] if "." in name else "", _check_parameter)
    check(field)
    return field


def _check_parameter(field: Field) -> None:
    if field.is_plain and _NAME.fullmatch(field.name):
        return
    context, dot, rest = field.name.partition(".")
    near = get_close_matches(context, CONTEXTS, n=1, cutoff=0.6) if dot and _NAME.fullmatch(context) else []
    hint = f"did you mean `{{{near[0]}.{rest}}}`?" if near else _DOUBLED
    raise PlaceholderError(f"expected a parameter name in braces, got `{{{_shown(field.name)}}}`", hint)


def _check_parent(field: Field) -> None:
    _check_format(field)
    parts = field.name.split(".", maxsplit=2)
    if len(parts) < len(("resources", "name", "path")) or not all(parts):
        raise PlaceholderError(
            f"expected `{{resources.<name>.<field>}}`, got `{{{_shown(field.name)}}}`",
            "name the parent and a field of its rows",
        )


def _check_watermark(field: Field) -> None:
    _check_format(field)
    value = field.name.partition(".")[2]
    if value not in WATERMARK_VALUES:
        near = get_close_matches(value, WATERMARK_VALUES, n=1, cutoff=0.6)
        known = f"known are {', '.join(WATERMARK_VALUES)}"
        raise PlaceholderError(
            f"expected a value of the incremental in braces, got `{{{_shown(field.name)}}}`",
            f"did you mean `{{incremental.{near[0]}}}`?" if near else known,
        )


def _check_format(field: Field) -> None:
    if "{" in field.spec or "}" in field.spec:
        raise PlaceholderError(f"expected a format without braces behind `{{{_shown(field.name)}:`", None)
    if field.conversion is not None and field.conversion not in _CONVERSIONS:
        raise PlaceholderError(
            f"expected the conversion `!r`, `!s` or `!a`, got `!{field.conversion[:_MAX_SHOWN]}`", None
        )


_CHECKS: Final = {"resources": _check_parent, "incremental": _check_watermark}


def _shown(name: str) -> str:
    """A name for messages; what does not look like one may be a part of a key."""
    if not _SHOWN.fullmatch(name):
        return "..."
    return name if len(name) <= _MAX_SHOWN else name[:_MAX_SHOWN] + "..."
