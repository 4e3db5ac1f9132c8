"""The rows of a page that lie in the window, and that the pager wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.engine.window import Window
    from headrace.message import Page
    from headrace.plan import Windows

_MICROS: Final = 1_000_000


def chosen(page: Page, places: Sequence[int] | None, window: Window | None, windows: Windows | None) -> Page:
    """`page` with those of its rows at `places` (None: all) that lie in the window, where their time is known."""
    moments = page.facts.moments
    if window is not None and windows is not None and windows.time_path is not None:
        start, end = round(window.start * _MICROS), round(window.end * _MICROS)
        places = [
            place for place in (range(len(moments)) if places is None else places) if start <= moments[place] < end
        ]
    if places is None or len(places) == len(page.records):
        return page
    facts = replace(page.facts, row_count=len(places), moments=[moments[place] for place in places] if moments else ())
    return replace(page, records=[page.records[place] for place in places], facts=facts)
