"""What dlt's `rest_api` knows and this version does not run yet: reported by name, never ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

#: A place in a configuration: keys and list indexes from the top.
Place: TypeAlias = tuple[str | int, ...]

#: Options by the kind of place that they stand in. One row here is one row in docs/compatibility.md.
NOT_YET: Final[Mapping[str, frozenset[str]]] = {
    "client": frozenset({"session"}),
    "resource": frozenset({"processing_steps", "include_from_parent", "parallelized"}),
    "endpoint": frozenset({"incremental", "response_actions", "data"}),
    "paginator": frozenset({"page_body_path", "offset_body_path", "limit_body_path", "cursor_body_path"}),
    "auth type": frozenset({"oauth2_client_credentials"}),
    "params type": frozenset({"resolve", "incremental"}),
}

#: The kind of place by the pattern of its path.
_RESOURCE: Final = r"(?:resource_defaults|resources\[\d+\])"
_PLACES: Final = (
    (re.compile(r"client"), "client"),
    (re.compile(r"client\.retry"), "retry"),
    (re.compile(r"client\.limits"), "limits"),
    (re.compile(_RESOURCE), "resource"),
    (re.compile(rf"{_RESOURCE}\.endpoint"), "endpoint"),
    (re.compile(rf"(?:client|{_RESOURCE}\.endpoint)\.paginator"), "paginator"),
    (re.compile(rf"(?:client|{_RESOURCE}\.endpoint)\.auth"), "auth"),
    (re.compile(rf"(?:client|{_RESOURCE}\.endpoint)\.headers"), "headers"),
    (re.compile(rf"{_RESOURCE}\.endpoint\.params"), "params"),
    (re.compile(rf"{_RESOURCE}\.endpoint\.json"), "json"),
    (re.compile(r"params"), "parameters"),
)
_PLAIN_KEY: Final = re.compile(r"[\w-]+")


def kind_of_place(place: Sequence[str | int]) -> str:
    """`client`, `resource`, `endpoint`, `paginator` ..., `top`, or empty for a place inside free data."""
    if not place:
        return "top"
    path = path_text(place)
    return next((kind for pattern, kind in _PLACES if pattern.fullmatch(path)), "")


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


def not_yet(what: str) -> str:
    """The message for something of dlt's that is not run yet."""
    return f"{what} known to dlt and not yet run by headrace"
