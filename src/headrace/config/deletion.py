"""Rows that the API had and has no more."""

from __future__ import annotations

from headrace.config.field import Options, option


class DeletionOptions(Options):
    """Rows that a complete listing lacks are marked, and stay; one that comes back loses the mark."""

    mark: str = option(
        "_deleted_at",
        about="column with the moment of the run that found a row gone; null as long as the API has it",
        dlt="ours",
        min_length=1,
    )
    after: int = option(
        2,
        about="complete listings in a row that lack a row before it is marked; 1 where no row can slip from page to "
        "page while pages are read: cursors and links by key",
        dlt="ours",
        example=1,
        ge=1,
    )
    most: float = option(
        0.5,
        about="share of the rows looked for that may be marked at once; more is an error, unless it is fewer than 20",
        dlt="ours",
        example=1,
        ge=0,
        le=1,
    )
