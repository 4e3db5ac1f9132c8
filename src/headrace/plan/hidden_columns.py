"""Columns that were declared for fields that are hidden: text for a hash, none for what is not stored.

Without this a hash would stand in a column of JSON or of whole numbers, where it takes the exact path or a column
beside it, and an empty column would stand for what is dropped. Where `private` drops a field, its column stays as it
always did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from headrace.config import ResourceOptions
from headrace.plan.privacy import ANY_KEY, Privacy

_NO_LETTERS: Final = re.compile(r"[\W_]+")
#: Hints of a column that say what its values are.
_KINDS: Final = frozenset({"data_type", "precision", "scale", "timezone"})


def stored_columns(columns: Any, resource: ResourceOptions, privacy: Privacy) -> Any:
    """`columns` of a resource as its rows come; functions and models are left alone."""
    hashed = set(hidden_keys(privacy.hashed))
    dropped = set(hidden_keys(privacy.dropped)) - set(hidden_keys(resource.private)) - hashed
    if not hashed and not dropped:
        return columns
    if isinstance(columns, Mapping):
        return {
            name: _as_text(hints) if key in hashed else hints
            for name, hints in columns.items()
            if (key := column_key(name)) not in dropped
        }
    if isinstance(columns, Sequence):
        return [
            _as_text(hints) if key in hashed else hints
            for hints in columns
            if (key := column_key(hints["name"])) not in dropped
        ]
    return columns


def hidden_keys(paths: Iterable[str]) -> dict[str, str]:
    """The paths by what they share with the names of their columns; those through any key or a list have none."""
    return {column_key(path): path for path in paths if ANY_KEY not in path}


def column_key(name: str) -> str:
    """What the path of a field and the name of its column have in common, however the destination spells names."""
    return _NO_LETTERS.sub("", name).lower()


def _as_text(hints: Mapping[str, Any]) -> dict[str, Any]:
    other = {name: value for name, value in hints.items() if name not in _KINDS}
    return {**other, "data_type": "text"} if "data_type" in hints else other
