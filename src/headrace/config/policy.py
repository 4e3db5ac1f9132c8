"""How a client behaves towards a host: when it asks again, how often, how much at a time. All of it is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Annotated, Any, Final

from pydantic import AfterValidator, PlainValidator

from headrace.config.field import Options, expected, option

#: A class of statuses by its name.
_CLASSES: Final = {f"{first}xx": range(100 * first, 100 * first + 100) for first in range(1, 6)}


def _status(value: object) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return (value,)
    if isinstance(value, str) and value.lower() in _CLASSES:
        return _CLASSES[value.lower()]
    raise expected("an HTTP status from 100 to 599, or a class of them like `5xx`")


def _each_once(statuses: Iterable[Iterable[int]]) -> list[int]:
    return list(dict.fromkeys(chain.from_iterable(statuses)))


_Status = Annotated[Any, PlainValidator(_status, json_schema_input_type=int | str)]
Statuses = Annotated[list[_Status], AfterValidator(_each_once)]


def _hints(value: object) -> Any:
    if isinstance(value, Mapping):
        # keys of files are texts
        hints = {int(key): text for key, text in value.items() if str(key).isdigit() and isinstance(text, str)}
        if len(hints) == len(value) and all(400 <= status <= 499 for status in hints):
            return hints
    raise expected("a mapping of HTTP statuses from 400 to 499 to texts")


Hints = Annotated[dict[int, str], PlainValidator(_hints, json_schema_input_type=dict[str, str])]


class RetryOptions(Options):
    """When the same request is sent again."""

    max_retries: int | None = option(
        None, about="tries after the first one; when absent, as many as `budget_s` has room for", dlt="ours", ge=0
    )
    budget_s: float = option(
        900.0,
        about="seconds from the first failure of a request in which it is tried again, where `max_retries` is absent",
        dlt="ours",
        ge=0,
        allow_inf_nan=False,
    )
    backoff_factor: float = option(
        1.0, about="seconds before the first retry; doubled for each further one", dlt="ours", ge=0, allow_inf_nan=False
    )
    statuses: Statuses = option(
        [408, 421, 425, 429, "5xx"],
        about="HTTP statuses that are asked again; `5xx` stands for all from 500 to 599",
        dlt="ours",
        example=[429, 503],
        validate_default=True,
    )
    max_wait_s: float = option(300.0, about="longest wait in seconds, `Retry-After` included", dlt="ours", gt=0)


class LimitOptions(Options):
    """Bounds of one client."""

    in_flight: int = option(8, about="requests at the same time", dlt="ours", ge=1)
    timeout_s: float = option(60.0, about="seconds that one try may take", dlt="ours", gt=0, allow_inf_nan=False)
    max_page_bytes: int = option(
        256 * 1024 * 1024, about="bytes that one page may have, decompressed", dlt="ours", ge=1
    )
    max_waiting_bytes: int = option(
        64 * 1024 * 1024,
        about="bytes of pages that may wait for their turn while several calls are under way",
        dlt="ours",
        ge=1,
    )
    max_pages: int = option(1_000_000, about="pages of one listing before it is taken for endless", dlt="ours", ge=1)
    max_kept_bytes: int = option(
        1 << 30,
        about="bytes of fetched pages, compressed, that `headrace run` keeps on the disk until their rows are loaded, "
        "so that a run that fails is gone on with; once they are that many, the rest of the run is loaded at once; 0 "
        "keeps none",
        dlt="ours",
        ge=0,
    )
    max_kept_age_s: float = option(
        86_400.0,
        about="seconds after which pages that an earlier run kept are too old to be taken",
        dlt="ours",
        ge=0,
        allow_inf_nan=False,
    )
    step_s: float = option(
        900.0,
        about="seconds after which `headrace run` loads what came of rows that are merged by a key, and goes on behind "
        "it; 0 loads all when all has come",
        dlt="ours",
        ge=0,
        allow_inf_nan=False,
    )
    step_pages: int = option(
        0, about="pages after which it does so, where they come sooner; 0 counts none", dlt="ours", ge=0
    )
    learn_rate: bool = option(
        default=True,
        about="without `rate_limit`, go as fast as the host's headers and its refusals (429) teach; false: after a 429 "
        "rest as it says, then go on as before",
        dlt="ours",
    )


class RateOptions(Options):
    """At most so many requests to a host in so many seconds, retries included."""

    requests: int = option(about="requests", dlt="ours", example=10, ge=1)
    per_s: float = option(1.0, about="seconds", dlt="ours", example=60, gt=0, allow_inf_nan=False)
    provisional: bool = option(
        default=False,
        about="until the host's headers name a limit, which then holds in its place; refusals (429) slow it down",
        dlt="ours",
    )
