"""From what pydantic found to what the reader is told: one table of phrases, no jargon, no secret.

A message is *expected X, got Y*; Y is the type only wherever a secret may stand (auth, headers, containers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from headrace.config.column import ColumnHints
from headrace.config.deletion import DeletionOptions
from headrace.config.fallback import FallbackOptions
from headrace.config.field import nearest, nearest_word
from headrace.config.foreign import Foreign
from headrace.config.function import ActionOptions, StepOptions, is_function
from headrace.config.hint import ContractOptions, DispositionOptions, NestedHints
from headrace.config.incremental import IncrementalOptions
from headrace.config.kinds import AUTH_KINDS, PAGING_KINDS
from headrace.config.options import (
    PARAM_KINDS,
    ClientOptions,
    EndpointOptions,
    ResourceDefaults,
    ResourceOptions,
    RestConfig,
)
from headrace.config.place import Finding, Place, kind_of_place, path_text
from headrace.config.policy import LimitOptions, RateOptions, RetryOptions
from headrace.config.shape import FieldOptions
from headrace.config.together import EntryOptions
from headrace.config.window import WindowOptions
from headrace.errors import Problem
from headrace.secrets import Secret, mask

#: Pydantic's error type -> our phrase. `{got}` is the value or its type; the rest is pydantic's context.
PHRASES: Final[Mapping[str, str]] = {
    "missing": "expected `{key}`, which is required",
    "extra_forbidden": "unknown key `{key}`",
    "union_tag_invalid": "unknown {family} type `{tag}`",
    "model_type": "expected a mapping, got {got}",
    "dict_type": "expected a mapping, got {got}",
    "list_type": "expected a list, got {got}",
    "string_type": "expected text, got {got}",
    "int_type": "expected a whole number, got {got}",
    "float_type": "expected a number, got {got}",
    "finite_number": "expected a finite number, got {got}",
    "bool_type": "expected true or false, got {got}",
    "literal_error": "expected {expected}, got {got}",
    "greater_than": "expected a number above {gt:g}, got {got}",
    "greater_than_equal": "expected a number of at least {ge:g}, got {got}",
    "less_than_equal": "expected a number of at most {le:g}, got {got}",
    "string_too_short": "expected text that is not empty, got {got}",
    "too_short": "expected at least one entry, got {got}",
    "expected": "expected {what}, got {got}",
    "told": "{message}",
}
_FALLBACK: Final = "expected another value, got {got}"

#: Option models by kind of place, to name near misses.
_MODELS: Final[Mapping[str, type[Any]]] = {
    "top": RestConfig,
    "client": ClientOptions,
    "resource": ResourceOptions,
    "endpoint": EndpointOptions,
    "incremental": IncrementalOptions,
    "windows": WindowOptions,
    "retry": RetryOptions,
    "limits": LimitOptions,
    "rate_limit": RateOptions,
    "action": ActionOptions,
    "step": StepOptions,
    "write_disposition": DispositionOptions,
    "schema_contract": ContractOptions,
    "nested hints": NestedHints,
    "column": ColumnHints,
    "field": FieldOptions,
    "deletions": DeletionOptions,
    "entries": EntryOptions,
    "fallback": FallbackOptions,
}
#: How the places of models are called where the name of their kind is none of an option.
_SPOKEN: Final = {
    "top": "the top level",
    "incremental": "`endpoint.incremental`",
    "windows": "`endpoint.windows`",
    "action": "an entry of `response_actions`",
    "step": "an entry of `processing_steps`",
    "nested hints": "an entry of `nested_hints`",
    "column": "an entry of `columns`",
    "field": "an entry of `fields`",
    "entries": "`endpoint.entries`",
    "fallback": "`endpoint.fallback`",
}
#: Kinds of place where the model is chosen by `type` -> how it is called, and the models.
_FAMILIES: Final[Mapping[str, tuple[str, Mapping[str, type[Any]]]]] = {
    "auth": ("auth", AUTH_KINDS),
    "paginator": ("paginator", PAGING_KINDS),
    "param": ("parameter", PARAM_KINDS),
}
#: What may stand at a place beside a mapping; said in the message.
_OTHER_FORMS: Final = {"resource": "text", "endpoint": "text", "paginator": "text", "action": "a function"}
_HIDDEN_INSIDE: Final = frozenset({"auth", "headers", "client headers", "session", "data"})
_SHOWN_IN_AUTH: Final = frozenset({"type", "location"})
#: Every kind that is chosen by `type`, by the name of its model.
_TYPES: Final = {
    model.__name__: kind for _, kinds in _FAMILIES.values() for kind, model in reversed(list(kinds.items()))
}
#: Steps that pydantic adds to a place for the model that was chosen.
_TAGS: Final = frozenset(
    {
        *("<ResourceOptions>", "<ReadyResource>", "<Foreign>", "<value>", "<by name>", "<in a list>", "<other>"),
        *(f"<{name}>" for name in _TYPES),
    }
)
#: Kinds of place behind which such a step may come.
_CHOSEN: Final = frozenset({*_FAMILIES, "resource", "columns"})
_MAX_SHOWN: Final = 40
_MAX_SHOWN_BITS: Final = 128


def findings_of(errors: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Pydantic's errors as findings; a key that is missing and was misspelt beside it is one of them, not two."""
    meant = {(*error["loc"][:-1], _meant(error["loc"])) for error in errors if error["type"] == "extra_forbidden"}
    return [finding_of(error) for error in errors if error["type"] != "missing" or error["loc"] not in meant]


def finding_of(error: Mapping[str, Any]) -> Finding:
    """One pydantic error (a row of `ValidationError.errors()`) as a finding."""
    kind, context = error["type"], dict(error.get("ctx") or {})
    place, tag = _place_and_tag(error["loc"])
    key = place[-1] if place else "configuration"
    show = bool(context.get("show", True)) and not _is_hidden(place)
    words = {**context, "key": key, "got": shown(error["input"], show=show)}
    hint = context.get("hint")
    if kind == "union_tag_invalid":
        return _unknown_type(place, str(context["tag"])[1:-1])
    if kind == "extra_forbidden":
        hint = _unknown_key_hint(place, tag)
    elif kind == "missing" and tag in _TYPES:
        return Finding(place, f"expected `{key}`, which `{_TYPES[tag]}` needs")
    elif kind == "literal_error":
        words["expected"] = words["expected"].replace("'", "`")
        hint = nearest(error["input"], words["expected"].replace(" or ", ", ").replace("`", "").split(", "))
    message = PHRASES.get(kind, _FALLBACK).format_map(words)
    form = _OTHER_FORMS.get(kind_of_place(place))
    if kind == "model_type" and form and place != ("resource_defaults",):
        message = message.replace("a mapping", f"a mapping or {form}", 1)
    return Finding(place, message, hint)


def problems_of(findings: Sequence[Finding], root: Any) -> list[Problem]:
    """Findings as problems, in the order of the file."""
    ordered = sorted(findings, key=lambda finding: _position(finding.place, root))
    return [Problem(finding.message, path_text(finding.place), finding.hint) for finding in ordered]


def shown(value: object, *, show: bool = True) -> str:  # noqa: C901, PLR0911  one line a type
    """What came, for a message: scalars shortened to 40 characters; the type only of containers and hidden values."""
    if value is None:
        return "nothing"
    if isinstance(value, Secret):
        return "a secret"
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return str(value).lower() if show else "true or false"
    if isinstance(value, int) and value.bit_length() > _MAX_SHOWN_BITS:
        return "a very large number"  # str() of it may be refused
    if isinstance(value, int | float):
        return str(value)[:_MAX_SHOWN] if show else "a number"
    if isinstance(value, Foreign):
        return f"a `{value.name}` object"
    if not isinstance(value, str):
        return "a function" if is_function(value) else f"a `{type(value).__name__}` object"
    if not value:
        return "empty text"
    if not show:
        return "text"
    text = mask(value)  # before it is cut: of a secret that was cut nobody knows what it is
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "...")


def _place_and_tag(steps: Sequence[str | int]) -> tuple[Place, str]:
    """The place that the user knows, and the model that pydantic chose last on the way; empty when it chose none."""
    place: list[str | int] = []
    tag = ""
    chosen_at = -1
    for step in steps:
        # once, and only where a model is chosen: a header may have such a name too
        if step in _TAGS and chosen_at != len(place) and kind_of_place(place) in _CHOSEN:
            tag, chosen_at = str(step)[1:-1], len(place)
        else:
            place.append(step)
    return tuple(place), tag


def _is_hidden(place: Place) -> bool:
    inside = {kind_of_place(place[:depth]) for depth in range(1, len(place) + 1)}
    return bool(inside & _HIDDEN_INSIDE) and place[-1] not in _SHOWN_IN_AUTH


def _unknown_type(place: Place, said: str) -> Finding:
    family, kinds = _FAMILIES[kind_of_place(place)]
    near = nearest(said, list(kinds))
    listing = f"known are {', '.join(kinds)}"
    hint = f"{near} {listing}" if near else listing
    if said == "None":
        return Finding((*place, "type"), f"expected a {family} type, got none", hint)
    return Finding((*place, "type"), f"unknown {family} type `{said[:_MAX_SHOWN]}`", hint)


def _unknown_key_hint(place: Place, tag: str) -> str | None:
    key, kind = str(place[-1]), kind_of_place(place[:-1])
    kinds = _FAMILIES[kind][1] if kind in _FAMILIES else {}
    owner = next((f"`{name}`" for name, model in kinds.items() if key in _names(model)), None)
    owner = owner or next((_spoken(name) for name, model in _MODELS.items() if key in _names(model)), None)
    if owner:
        return f"`{key}` is an option of {owner}"
    known = _known_keys(place, tag)
    return nearest(key, known) or f"known are {', '.join(sorted(known))}"


def _known_keys(place: Place, tag: str) -> list[str]:
    """The keys of the mapping that the place is in."""
    kind = kind_of_place(place[:-1])
    if kind in _FAMILIES:
        return _names(_FAMILIES[kind][1][_TYPES[tag]])
    return _names(ResourceDefaults if place[0] == "resource_defaults" and kind == "resource" else _MODELS[kind])


def _meant(steps: Sequence[str | int]) -> str | None:
    """The key that may have been meant by an unknown one."""
    place, tag = _place_and_tag(steps)
    return nearest_word(place[-1], _known_keys(place, tag))


def _spoken(kind: str) -> str:
    return _SPOKEN.get(kind, f"`{kind}`")


def _names(model: type[Any]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _position(place: Place, root: Any) -> tuple[int, ...]:
    """Where a place comes in the file; a missing key counts as the last of its mapping."""
    position: list[int] = []
    for step in place:
        if isinstance(root, Mapping):
            keys = list(root)
            position.append(keys.index(step) if step in root else len(keys))
            root = root.get(step)
        elif isinstance(step, int):
            position.append(step)
            root = root[step] if isinstance(root, list | tuple) and step < len(root) else None
    return tuple(position)
