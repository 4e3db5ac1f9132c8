"""A second address of a listing, for accounts and times at which an API does not have the first one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headrace.config.field import Options, option

_Refusal = Annotated[int, Field(ge=400, le=499)]


class FallbackOptions(Options):
    """Where a listing is asked for when the first request of a call is refused; all but the path stays as it is."""

    path: str = option(
        about="path in place of that of the endpoint, with placeholders of that one alone",
        dlt="ours",
        example="v3/items",
        min_length=1,
    )
    statuses: list[_Refusal] = option(
        [404], about="refusals that lead there, before any action `skip` that is for them", dlt="ours", min_length=1
    )
