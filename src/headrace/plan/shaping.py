"""How fields of a row are brought into one shape, however the API spells them: `Shaping`, made by `shapes.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: `timestamp`: a date in any spelling as ISO 8601; `json`: a text that holds JSON opened, any other kept as a text of
#: JSON; `text`: numbers and objects as they are spelt; `list`: a lone value as a list of one.
Form = Literal["timestamp", "json", "text", "list"]


@dataclass(frozen=True)
class Shaping:
    """What is done to one field, and to the fields in it.

    Where the field is missing, the first of `names` that is there takes its place; where there is a `copy_of`, it is
    that field once more; where neither is, `default`, as JSON. All of them stand at the same level.
    """

    form: Form | None = None
    names: tuple[str, ...] = ()
    copy_of: str | None = None
    default: bytes | None = None
    inner: Mapping[str, Shaping] = field(default_factory=dict)
