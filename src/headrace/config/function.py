"""Functions that a configuration may bring along: over answers and over rows. No file can hold one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import PlainValidator, WrapValidator, model_validator
from pydantic.json_schema import SkipJsonSchema

from headrace.config.field import Options, expected, nearest, option, told

#: Actions that are no functions.
_WORDS: Final = ("ignore", "skip", "retry")


def is_function(value: object) -> bool:
    """Whether a value is something to call; dlt's configuration objects are mappings and are not."""
    return callable(value) and not isinstance(value, str | Mapping)


def _function(value: object) -> Any:
    if is_function(value):
        return value
    raise expected("a function")


def function_or(value: Any, check: Callable[[Any], Any]) -> Any:
    """A validator for places where dlt takes a function in place of the value: it passes as it is."""
    return value if is_function(value) else check(value)


def _action(value: object) -> Any:
    """A list of functions is kept as a tuple, as is a single one."""
    if value in _WORDS:
        return value
    functions = tuple(value) if isinstance(value, list | tuple) else (value,)
    if functions and all(is_function(function) for function in functions):
        return functions
    raise expected("`ignore`, `skip`, `retry`, a function or a list of functions", hint=nearest(value, _WORDS))


Function = Annotated[Callable[..., Any], PlainValidator(_function), SkipJsonSchema()]
Act = Annotated[
    Literal["ignore", "skip", "retry"] | tuple[Callable[..., Any], ...],
    PlainValidator(_action, json_schema_input_type=Literal["ignore", "skip", "retry"]),
]
#: Wraps the plain form of a hint that may be a function of the row.
OrFunction = WrapValidator(function_or)


class ActionOptions(Options):
    """What is done with some answers; a function in its place is called for every answer."""

    status_code: int | None = option(
        None,
        about="the HTTP status that it is for; any when absent",
        example=404,
        dlt="stricter: a whole number; dlt takes text, and it never matches",
        ge=100,
        le=599,
    )
    content: str | None = option(None, about="text that the body has in it; any when absent", example="not found")
    action: Act = option(
        about="`ignore`: the listing ends here, what came is kept; `skip`: the call is not done, the others go on, the "
        "summary names it (an error where no parameter and no parent makes other calls, or where rows that do not come "
        "would be taken for gone; what is asked again is skipped after the last try); `retry`: asked again; or "
        "functions that get the answer and may change it",
        example="ignore",
        dlt="looser: `skip` and `retry` are ours",
        also="function or list of functions",
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> ActionOptions:
        if isinstance(self.action, str) and self.status_code is None and self.content is None:
            # dlt takes it, and it never fires
            raise told(f"expected `status_code` or `content` with `{self.action}`, got neither")
        return self


class StepOptions(Options):
    """Functions over rows, always in this order: filter, map, yield_map."""

    filter: Function | None = option(None, about="rows for which it is false are left out", also="function")
    map: Function | None = option(None, about="what it gives takes the place of the row", also="function")
    yield_map: Function | None = option(
        None, about="the rows that it yields take the place of the row", also="function"
    )
