"""Objects in a configuration that nobody here looks into: they pass through, and are known by a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic.json_schema import SkipJsonSchema

from headrace.config.field import Options, expected, option


@dataclass(frozen=True)
class Foreign:
    """An object of dlt's, of requests', or of the user's own, as it came; `name` is for messages and lists.

    The object is not printed: it may hold a secret.
    """

    value: Any = field(repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", type(self.value).__name__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Foreign:
        # sessions and locks cannot be copied, and dlt shares such objects too
        return self


def _foreign(value: object) -> Foreign:
    if isinstance(value, Foreign):
        return value
    raise expected("an object")


def _session(value: object) -> Foreign:
    if isinstance(value, Foreign):
        return value
    raise expected("a `requests` session", show=False)


#: Places that take an object and no plain data; no file can hold one, so the JSON Schema leaves them out.
ForeignObject = SkipJsonSchema[Annotated[Foreign, PlainValidator(_foreign, json_schema_input_type=Any)]]
SessionObject = SkipJsonSchema[Annotated[Foreign, PlainValidator(_session, json_schema_input_type=Any)]]


class ReadyResource(Options):
    """A dlt resource that came ready among the `resources`; others may take its rows as their parent's."""

    name: str = option(about="name of the resource")
    resource: ForeignObject = option(about="the resource itself")
