"""Calls for several rows of a parent at once, and answers that are maps instead of lists."""

from __future__ import annotations

from headrace.config.field import Name, Options, option


class EntryOptions(Options):
    """An object whose entries are the rows: each becomes a row of two fields."""

    key: Name = option(about="field that gets the name of an entry", dlt="ours", example="id")
    value: Name = option(about="field that gets its value", dlt="ours", example="clicks")
