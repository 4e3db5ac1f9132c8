"""Windows of time: where a range lies, how its bounds are sent, what is remembered of it and what is asked again."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import PlainValidator, model_validator

from headrace.config.field import OptionalPathText, Options, expected, option, told
from headrace.moment import DAY_S, length_of, moment_of, seconds_of

#: The year 10000, which no date can say.
_LAST_S: Final = 253_402_300_800
_DURATION: Final = "a duration like `30m`, `6h`, `1d` or a number of seconds"
_MOMENT: Final = (
    "a date or a time like `2026-03-01` or `2026-03-01T00:00:00Z`, seconds since 1970, or a time before the run like "
    "`-3d`"
)


def moment(value: object) -> Any:
    """A moment; its form is kept, and one before the run is a length. Raises pydantic's error for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) and abs(seconds_of(value, 0)) < _LAST_S:
            return value
    elif isinstance(value, date | timedelta):
        return value
    elif isinstance(value, str) and (found := moment_of(value)) is not None:
        return found
    raise expected(_MOMENT)


def _duration(value: object) -> timedelta:
    length = length_of(value) if isinstance(value, str) else value
    if isinstance(length, int | float) and not isinstance(length, bool):
        try:
            length = timedelta(seconds=length)
        except (OverflowError, ValueError):
            length = None
    if isinstance(length, timedelta) and length >= timedelta(0):
        return length
    raise expected(_DURATION)


def _positive_duration(value: object) -> timedelta:
    duration = _duration(value)
    if duration <= timedelta(0):
        raise expected("a duration above 0")
    return duration


_MomentJson: TypeAlias = str | int | float
#: How a moment is sent; `headrace.moment.FORMS` has what each is.
MomentForm: TypeAlias = Literal[
    "seconds",
    "decimal_seconds",
    "milliseconds",
    "date",
    "datetime",
    "datetime_ms",
    "rfc2822",
    "rfc2822_days",
    "rfc1123",
]
MomentValue = Annotated[
    str | int | float | date | timedelta, PlainValidator(moment, json_schema_input_type=_MomentJson)
]
Duration = Annotated[timedelta, PlainValidator(_duration, json_schema_input_type=str | float)]
PositiveDuration = Annotated[timedelta, PlainValidator(_positive_duration, json_schema_input_type=str | float)]


class WindowOptions(Options):
    """A range of time cut into windows that are listed side by side; a next run begins at the last complete one.

    What is remembered, for each call, is to where windows are complete and settled, once they are loaded.
    """

    param_start: str | None = option(
        None, about="query parameter of a window's start", example="from", dlt="ours", min_length=1
    )
    param_end: str | None = option(
        None, about="query parameter of a window's end", example="to", dlt="ours", min_length=1
    )
    body_path_start: str | None = option(
        None,
        about="place of the start in the JSON body, in place of `param_start`",
        example="range.start",
        dlt="ours",
        min_length=1,
    )
    body_path_end: str | None = option(
        None,
        about="place of the end in the JSON body, in place of `param_end`",
        example="range.end",
        dlt="ours",
        min_length=1,
    )
    start: MomentValue = option(
        about="where the first window of the first run begins: a date, a time, seconds or milliseconds since 1970, or "
        "a time before the run (`-3d`)",
        example="2026-01-01T00:00:00Z",
        dlt="ours",
    )
    end: MomentValue | None = option(
        None,
        about="where the last window ends: now when absent, `-10m` for what is ten minutes old",
        example="-10m",
        dlt="ours",
    )
    format: MomentForm | None = option(
        None,
        about="how bounds are sent: since 1970, or as a text (`rfc2822` ends in `+0000`, `rfc1123` in `GMT`, "
        "`rfc2822_days` says midnights alone); as `start` is written when absent, `datetime` for one before the run",
        example="rfc2822",
        dlt="ours",
    )
    size: PositiveDuration | None = option(
        None,
        about="longest window; one with many pages is cut into shorter ones anyway",
        example="1d",
        dlt="ours",
    )
    overlap: Duration = option(
        "0s",
        about="how far before the remembered bound a run looks again for rows that came late",
        example="2h",
        dlt="ours",
        validate_default=True,
    )
    settle: Duration = option(
        "0s",
        about="how old rows must be before none comes late: younger ones are loaded, and asked for again by the next "
        "run",
        example="30m",
        dlt="ours",
        validate_default=True,
    )
    reread_every: PositiveDuration | None = option(
        None,
        about="how often a run looks much further back, for rows that came later than `overlap` and `settle` expect; "
        "a tenth sooner counts, so that a daily run does it daily",
        example="1d",
        dlt="ours",
    )
    reread_span: PositiveDuration | None = option(
        None, about="how far back it looks then; to `retention` when absent", example="3d", dlt="ours"
    )
    retention: PositiveDuration | None = option(
        None,
        about="how long the API keeps rows: nothing older is asked for, and what a run comes too late for is said "
        "before its first request; a little less where the API refuses what is older",
        example="3d",
        dlt="ours",
    )
    resolution: PositiveDuration | None = option(
        None,
        about="to what the API cuts times: each window is asked for from so much earlier, at least one unit of "
        "`format`, so no row at a bound is lost, whether the API takes its bounds as part of the range or not",
        example="1s",
        dlt="ours",
    )
    exclusive: bool = option(
        default=False,
        about="the API leaves out rows at both bounds: each window is asked for from one unit of `format` earlier",
        dlt="ours",
    )

    fixed: bool = option(
        default=False,
        about="every window but the last is `size` long and none is given up to be cut shorter, which costs requests: "
        "for an API that allows few of them",
        dlt="ours",
    )
    time_path: OptionalPathText = option(
        None,
        about="where a row has its time; rows outside of the window that lists them are left out",
        example="created_at",
        dlt="ours",
    )
    row_order: Literal["asc"] | None = option(
        None,
        about="`asc`: the API gives rows oldest first, so no request is lost where a window is cut; rows in another "
        "order are an error; needs `time_path`",
        example="asc",
        dlt="ours",
    )
    replace: PositiveDuration | None = option(
        None,
        about="for rows that have no key: what is listed takes the place of all that is stored of the same time and "
        "call, in steps of this length, which divides a day; needs `time_path` and `write_disposition: merge`",
        example="1h",
        dlt="ours",
    )
    most: float = option(
        0.5,
        about="share of the rows stored of the time that is listed again that may be missing from it; more is an "
        "error, unless it is fewer than 20",
        dlt="ours",
        example=1,
        ge=0,
        le=1,
    )
    cached: Duration = option(
        "0s",
        about="for how long an API gives the same request the same answer: ends are sent up to so much later, so that "
        "no run sends what one before it sent; needs `time_path`",
        example="60s",
        dlt="ours",
        validate_default=True,
    )

    @model_validator(mode="after")
    def _time_is_known(self) -> WindowOptions:
        for name in ("replace", "cached", "row_order"):
            if getattr(self, name) and self.time_path is None:
                raise told(f"expected `time_path` beside `{name}`: which rows lie outside of a window")
        if self.replace is not None and DAY_S % self.replace.total_seconds():
            raise told("expected a length that divides a day as `replace`, like `1h`")
        if self.fixed and self.size is None:
            raise told("expected `size` beside `fixed`: how long a window is")
        return self

    @model_validator(mode="after")
    def _range_is_one(self) -> WindowOptions:
        absolute = [one for one in (self.start, self.end) if one is not None and not isinstance(one, timedelta)]
        numbers = [isinstance(one, int | float) for one in absolute]
        if self.format is None and any(numbers) and not all(numbers):
            raise told("expected `start` and `end` in one form, got seconds and a date")
        if isinstance(self.start, timedelta) and isinstance(self.end, timedelta) and self.end <= self.start:
            raise told("expected an `end` after `start`")
        return self

    @model_validator(mode="after")
    def _bounds_have_places(self) -> WindowOptions:
        for param, path in (("param_start", "body_path_start"), ("param_end", "body_path_end")):
            if (getattr(self, param) is None) == (getattr(self, path) is None):
                came = "none" if getattr(self, param) is None else "both"
                raise told(f"expected one of `{param}` and `{path}`, got {came}")
        return self

    @model_validator(mode="after")
    def _rereads_know_how_far(self) -> WindowOptions:
        if self.reread_every is not None and self.reread_span is None and self.retention is None:
            raise told("expected `reread_span` or `retention` beside `reread_every`: how far back a run looks")
        if self.reread_span is not None and self.reread_every is None:
            raise told("expected `reread_every` beside `reread_span`: how often a run looks so far back")
        return self
