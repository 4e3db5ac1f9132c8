"""Where a paging value goes: into a query parameter, or into the JSON body under a dotted path.

A body path is cut at its dots and nothing else, as dlt cuts it: `page.offset` is `{"page": {"offset": ...}}`. What lies
on the way is made where it is missing. In the query a value is text; in the body it keeps its type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.errors import PagingError
from headrace.jsonpath import MISSING, JsonPath
from headrace.message import Request
from headrace.paginate.reading import name_place


@dataclass(frozen=True)
class Place:
    """A place in a request; `option` is the option that names it (`offset_param`), for messages and plans."""

    option: str
    name: str
    keys: tuple[str, ...] | None = None

    @property
    def in_body(self) -> bool:
        """Whether it lies in the JSON body."""
        return self.keys is not None

    def describe(self) -> dict[str, str]:
        """The option and its value."""
        return {self.option: self.name}

    def put(self, request: Request, value: Any) -> Request:
        """`request` with `value` here. Raises `PagingError` when its body cannot hold it."""
        if self.keys is None:
            return request.with_param(self.name, str(value))
        if request.data is not None:
            raise self._misplaced(request, "a body of `data`", "send the fields of the body as `json`")
        try:
            return request.with_json_value(self.keys, value)
        except TypeError as error:
            raise self._misplaced(request, str(error), f"check `{self.option}` and `json`") from None

    def find(self, request: Request) -> tuple[Any, ...]:
        """The values that `request` has here already."""
        if self.keys is None:
            return tuple(value for key, value in request.params if key == self.name)
        found = JsonPath(self.name, self.keys).find(request.json)
        return () if found is MISSING or found is None else (found,)

    def _misplaced(self, request: Request, came: str, hint: str) -> PagingError:
        return PagingError(
            f"expected a JSON body that can hold `{self.name}`, got {came}", where=name_place(request, 1), hint=hint
        )


def place_of(option: str, param: str | None, body_path: str | None) -> Place:
    """The place that two options name: `<option>_body_path` when it is given, else `<option>_param`."""
    if body_path is not None:
        return Place(f"{option}_body_path", body_path, tuple(body_path.removeprefix("$.").split(".")))
    return Place(f"{option}_param", param or option)
