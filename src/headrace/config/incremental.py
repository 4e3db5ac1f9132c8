"""Values that only a run knows: fields of a parent's row, the watermark of a cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import PlainValidator, model_validator

from headrace.config.field import JsonPathText, Options, expected, option, told
from headrace.config.function import Function, OrFunction
from headrace.config.hint import Names

_LATER: Final[dict[str, Any]] = {"max": max, "min": min}


def _last_value(value: object) -> Any:
    if value in ("min", "max"):
        return value
    raise expected("`min`, `max` or a function of two values")


def _lag(value: object) -> Any:
    """A whole number stays one: it is taken from values that may be whole numbers too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise expected("a number")


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
