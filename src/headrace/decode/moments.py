"""The time that each row has, read off its bytes without building the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import msgspec

from headrace.errors import AnswerError
from headrace.jsonpath import MISSING, JsonPath
from headrace.moment import seconds_of


class MomentReader:
    """Reads what stands at `path` of rows of `resource`: a text of a time, or seconds or milliseconds since 1970."""

    def __init__(self, path: JsonPath, resource: str) -> None:
        self._path = path
        self._resource = resource
        self._value_of = _value_reader(path)

    def read(self, records: Sequence[bytes]) -> list[int]:
        """Microseconds since 1970 of each record, in order. Raises `AnswerError` for a row without a time."""
        moments: list[int] = []
        last, moment = MISSING, 0
        for record in records:
            value = self._value_of(record)
            if value != last or type(value) is not type(last):
                last, moment = value, self._micros(value)
            moments.append(moment)
        return moments

    def _micros(self, value: Any) -> int:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                return round(seconds_of(value, 0) * 1_000_000)
            except (ValueError, OverflowError):
                pass
        came = "nothing" if value is MISSING else "null" if value is None else f"a {type(value).__name__}"
        raise AnswerError(
            f"expected a time under `{self._path}` of every row, got {came}",
            where=f"resource `{self._resource}`",
            hint="check the path of the rows' time, and `data_selector`",
        )


def _value_reader(path: JsonPath) -> Callable[[bytes], Any]:
    """What gives the value at `path` of a record, `MISSING` where there is none."""
    steps = path.steps
    if steps is None or len(steps) != 1 or not isinstance(steps[0], str):
        return lambda record: path.first(_decoded(record))
    kind = msgspec.defstruct("Moment", [("value", Union[Any, None], MISSING)], rename={"value": steps[0]})  # noqa: UP007
    decode = msgspec.json.Decoder(kind).decode

    def value(record: bytes) -> Any:
        try:
            moment: Any = decode(record)
        except msgspec.DecodeError:
            return path.first(_decoded(record))
        return moment.value

    return value


def _decoded(record: bytes) -> Any:
    try:
        return msgspec.json.decode(record)
    except msgspec.DecodeError:
        return None
