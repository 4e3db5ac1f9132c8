"""Rows that are listed more than once must count once: what windows demand of the write disposition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headrace.config import ResourceOptions
from headrace.errors import Problem

#: Options of windows that list rows again, by one run or by two.
_LISTS_AGAIN = ("settle", "reread_every", "resolution")


def listed_again(entries: Sequence[ResourceOptions], places: Mapping[str, str]) -> Iterator[Problem]:
    """The resources that would store rows twice."""
    for entry in entries:
        option = _option(entry)
        if option is not None and not _merges(entry):
            yield Problem(
                f"expected `write_disposition: merge` and a key, because `{option}` lists rows more than once",
                f"{places[entry.name]}.endpoint.windows",
                hint="declare `primary_key`, under which a row that comes again is the same one",
            )


def overlapping(entries: Sequence[ResourceOptions]) -> Iterator[str]:
    """What to warn of: `overlap` was there before its demand."""
    for entry in entries:
        windows = entry.endpoint.windows if entry.endpoint else None
        if windows is not None and windows.overlap and _option(entry) is None and not _merges(entry):
            yield (
                f"resource `{entry.name}`: `windows.overlap` lists rows again in the next run, and without "
                "`write_disposition: merge` and a key they are stored twice"
            )


def _option(entry: ResourceOptions) -> str | None:
    windows = entry.endpoint.windows if entry.endpoint else None
    return None if windows is None else next((name for name in _LISTS_AGAIN if getattr(windows, name)), None)


def _merges(entry: ResourceOptions) -> bool:
    """Whether a row that comes again takes its own place; a function may say so."""
    said = entry.write_disposition
    if callable(said):
        return True
    disposition = said.get("disposition") if isinstance(said, Mapping) else getattr(said, "disposition", said)
    windows = entry.endpoint.windows if entry.endpoint else None
    return disposition == "merge" and bool(entry.primary_key or entry.merge_key or (windows and windows.replace))
