"""Values that only a run knows: fields of a parent's row, the watermark of a cursor, windows of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import PlainValidator, model_validator

from headrace.config.field import JsonPathText, Options, expected, option, told
from headrace.config.function import Function, OrFunction
from headrace.config.hint import Names

_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)\s*")
_LATER: Final[dict[str, Any]] = {"max": max, "min": min}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _last_value(value: object) -> Any:
    if value in ("min", "max"):
        return value
    raise expected("`min`, `max` or a function of two values")


def _lag(value: object) -> Any:
    """A whole number stays one: it is taken from values that may be whole numbers too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise expected("a number")


def _moment(value: object) -> Any:
    """A whole number is seconds since 1970; text is ISO 8601 and keeps its form."""
    if isinstance(value, date) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value.strip().replace("Z", "+00:00").replace("z", "+00:00"))
        except ValueError:
            pass
        else:
            return value.strip()
    raise expected("a date or a time like `2026-03-01` or `2026-03-01T00:00:00Z`, or seconds since 1970")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected("a duration like `30m`, `6h`, `1d` or a number of seconds")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def _positive_duration(value: object) -> timedelta:
    duration = _duration(value)
    if duration <= timedelta(0):
        raise expected("a duration above 0")
    return duration


_MomentForm: TypeAlias = str | int
Moment = Annotated[str | int | date, PlainValidator(_moment, json_schema_input_type=_MomentForm)]
Duration = Annotated[timedelta, PlainValidator(_duration, json_schema_input_type=str | float)]
PositiveDuration = Annotated[timedelta, PlainValidator(_positive_duration, json_schema_input_type=str | float)]
Lag = Annotated[int | float, PlainValidator(_lag, json_schema_input_type=float)]
LastValue = Annotated[
    str | Callable[..., Any], PlainValidator(_last_value, json_schema_input_type=Literal["min", "max"]), OrFunction
]


class ResolveParam(Options):
    """A value of `params` that is a field of a parent's row; it fills `{name}` in the path."""

    type: Literal["resolve"] = option(about="the kind of value")
    resource: str = option(about="the parent", example="users", min_length=1)
    field: JsonPathText = option(about="where its rows have the value", example="id")


class _Watermark(Options):
    """What both forms of an incremental share. Only what was given counts: dlt has defaults of its own."""

    cursor_path: JsonPathText = option(
        about="where a row has the value that grows", example="updated_at", dlt="stricter: dlt misses it in the run"
    )
    initial_value: Any = option(None, about="where the first run begins", example="2024-01-01T00:00:00Z")
    convert: Function | None = option(None, about="makes of the value what is sent", also="function")
    transform: Function | None = option(
        None,
        about="older name of `convert`, and comes first",
        also="function",
        dlt="looser: dlt takes it among `params` only",
    )
    last_value_func: LastValue | None = option("max", about="which of two values is the later one", also="function")
    primary_key: Annotated[Names, OrFunction] | None = option(
        None,
        about="column or columns that tell rows with the same value apart; an empty list: none is told apart",
        also="function",
    )
    row_order: Literal["asc", "desc"] | None = option(
        None, about="the order in which the API gives rows; a listing ends where the range does", example="asc"
    )
    lag: Lag | None = option(
        None, about="how far before the last value a run begins: seconds, days for dates, else the number itself"
    )
    on_cursor_value_missing: Literal["raise", "include", "exclude"] = option(
        "raise", about="what becomes of rows without the value"
    )
    range_start: Literal["open", "closed"] = option("closed", about="`open`: rows at the first value are left out")
    range_end: Literal["open", "closed"] = option("open", about="`closed`: rows at the last value are kept")
    allow_external_schedulers: bool | None = option(
        None, about="a scheduler like Airflow may give the range, as dlt has it"
    )
    per_parent: bool = option(default=False, about="each row of the parent has a watermark of its own", dlt="ours")


class IncrementalParam(_Watermark):
    """A value of `params` that is the watermark: the first form of dlt's, without an end."""

    type: Literal["incremental"] = option(about="the kind of value")


class IncrementalOptions(_Watermark):
    """Only rows after those of the last run; the second form of dlt's."""

    end_value: Any = option(
        None,
        about="where the range ends; the state is then left as it is",
        example="2024-02-01",
        dlt="stricter: after `initial_value`; dlt fails in the run",
    )
    start_param: str | None = option(None, about="query parameter of the first value", example="since", min_length=1)
    end_param: str | None = option(None, about="query parameter of `end_value`", example="until", min_length=1)

    @model_validator(mode="after")
    def _range_is_one(self) -> IncrementalOptions:
        """What dlt says in the run, when it binds the range."""
        if self.end_value is None:
            return self
        if self.initial_value is None:
            raise told("expected `initial_value`, which `end_value` needs")
        later = _LATER.get(self.last_value_func) if isinstance(self.last_value_func, str) else self.last_value_func
        if later is None:
            return self
        try:
            is_later = later([self.end_value, self.initial_value]) == self.end_value
        except TypeError:
            raise told("expected `initial_value` and `end_value` of one type, got two that do not compare") from None
        if not is_later:
            word = "before" if self.last_value_func == "min" else "after"
            raise told(f"expected an `end_value` {word} `initial_value`")
        return self


class WindowOptions(Options):
    """A range of time cut into windows that are listed side by side; a next run begins at the last complete one."""

    param_start: str = option(about="query parameter of a window's start", example="from", dlt="ours", min_length=1)
    param_end: str = option(about="query parameter of a window's end", example="to", dlt="ours", min_length=1)
    start: Moment = option(
        about="where the first window begins; values are sent in the form of this one: date, time, or seconds",
        example="2026-01-01T00:00:00Z",
        dlt="ours",
    )
    end: Moment | None = option(None, about="where the last window ends; now when absent", dlt="ours")
    size: PositiveDuration | None = option(
        None,
        about="longest window; one with many pages is cut into shorter ones anyway",
        example="1d",
        dlt="ours",
    )
    overlap: Duration = option(
        "0s",
        about="how far before its start a run looks again for rows that came late",
        example="2h",
        dlt="ours",
        validate_default=True,
    )
    exclusive: bool = option(
        default=False,
        about="the API leaves out rows at both bounds: each window is asked for from a second, or a day, earlier",
        dlt="ours",
    )

    @model_validator(mode="after")
    def _range_is_one(self) -> WindowOptions:
        if self.end is not None and isinstance(self.start, int) != isinstance(self.end, int):
            raise told("expected `start` and `end` in one form, got seconds and a date")
        return self
