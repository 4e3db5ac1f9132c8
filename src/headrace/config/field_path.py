"""Paths of fields in a row, as `private`, `personal` and `secrets` name them: `recipient`, `message.headers.to`.

Keys may hold any characters but dots and brackets; an odd one is written `['client.info']`, and `*` is any key. Lists
on the way are gone through, so `recipients.email` and `recipients[*].email` are one path: an API that sends a list
where it sent an object shows nothing more for it.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import PlainValidator

from headrace.config.field import expected

#: Keys from the outside in; `*` among them stands for each.
FieldSteps: TypeAlias = tuple[str, ...]

_STEP: Final = re.compile(
    r"""(?:^|\.)(?P<key>[^.\[\]]+)                  # a key, at the start or after a dot
      | \[(?P<quote>['"])(?P<odd>.+?)(?P=quote)\]   # ['client.info']
      | \[\*?\]                                     # the items of a list, which are gone through anyway
    """,
    re.VERBOSE,
)


def field_steps(text: str) -> FieldSteps:
    """The keys of a path. Raises `ValueError` when `text` is none."""
    rest = text.removeprefix("$.")
    steps: list[str] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            break
        key = match["key"] or match["odd"]
        if key:
            steps.append(key)
        position = match.end()
    if not steps or position < len(rest) or rest.startswith("."):
        raise ValueError(text)
    return tuple(steps)


def _field_path(value: object) -> str:
    if isinstance(value, str):
        try:
            field_steps(value)
        except ValueError:
            pass
        else:
            return value
    raise expected(
        "the path of a field, like `message.headers.to`", hint="a key with a dot or a bracket is written `['a.b']`"
    )


FieldPathText = Annotated[str, PlainValidator(_field_path, json_schema_input_type=str)]
