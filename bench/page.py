"""The two tables of docs/performance.md: a line for each load of each case, and one for each goal.

A line is replaced when its case is measured again, others stay as they are, so that the page can be filled in several
runs. Each line has its date.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cases import CASES, DEFAULT, FLOOR, HEADRACE, TUNED
from goals import GOALS, Figures, verdicts

__all__ = ["updated"]

_BEGIN: Final = "<!-- {name}: written by bench/run.py --write -->\n"
_END: Final = "<!-- end of {name} -->\n"
_CASES_HEAD: Final = (
    "| case | date | rows/s | x dlt-parquet | x dlt-default | seconds, x floor | CPU s, x dlt-parquet | CPU s "
    "| process s | MB before load | MB in all |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
)
_GOALS_HEAD: Final = "| goal | date | bound | measured | |\n|---|---|---|---|---|\n"


def updated(text: str, figures: Figures, date: str) -> str:
    """The page's text with the lines of what was measured."""
    order = [f"{case.name}, {load}" for case in CASES.values() for load in case.loads]
    text = _merged(text, "figures", _CASES_HEAD, dict(_case_lines(figures, date)), [*order, "help, first load"])
    return _merged(text, "goals", _GOALS_HEAD, dict(_goal_lines(figures, date)), [goal.words for goal in GOALS])


def _case_lines(figures: Figures, date: str) -> Iterator[tuple[str, str]]:
    for case, load in dict.fromkeys((case, load) for case, load, contender, _ in figures if contender == HEADRACE):
        cells = [
            date,
            _cell(figures, case, load, "rows_per_s", "{:,.0f}"),
            _cell(figures, case, load, "rows_per_s", "{:.1f}", against=TUNED),
            _cell(figures, case, load, "rows_per_s", "{:.0f}", against=DEFAULT),
            _cell(figures, case, load, "wall_s", "{:.1f}", against=FLOOR),
            _cell(figures, case, load, "cpu_s", "{:.2f}", against=TUNED),
            _cell(figures, case, load, "cpu_s", "{:.1f}"),
            _cell(figures, case, load, "process_s", "{:.2f}"),
            _cell(figures, case, load, "mb_before_load", "{:.0f}"),
            _cell(figures, case, load, "peak_mb", "{:.0f}"),
        ]
        yield f"{case}, {load}", " | ".join(cells)


def _goal_lines(figures: Figures, date: str) -> Iterator[tuple[str, str]]:
    for goal, figure, reached in verdicts(figures):
        word = "reached" if reached else "missed"
        yield goal.words, f"{date} | {goal.limit} | {figure:,.3g} | {word}"


def _cell(figures: Figures, case: str, load: str, figure: str, form: str, against: str = "") -> str:
    """The median of headrace's, divided by that of another; "" where one is missing."""
    ours = figures.get((case, load, HEADRACE, figure))
    theirs = figures.get((case, load, against, figure)) if against else (1.0,)
    return form.format(statistics.median(ours) / statistics.median(theirs)) if ours and theirs else ""


def _merged(text: str, name: str, head: str, lines: Mapping[str, str], order: Iterable[str]) -> str:
    """The text with the table `name` renewed: lines by their first cell, in the order given, others left out."""
    begin, end = (mark.format(name=name) for mark in (_BEGIN, _END))
    before, _, rest = text.partition(begin)
    old, _, after = rest.partition(end)
    found = {}
    for line in old.splitlines()[2:]:
        first, _, more = line.removeprefix("| ").removesuffix(" |").partition(" | ")
        found[first] = more
    found |= lines
    table = "".join(f"| {first} | {found[first]} |\n" for first in order if first in found)
    return before + begin + head + table + end + after
