"""What is to be reached, as data: which figure of which case, and how it has to compare.

A figure is the median of one contender's, or the ratio of two contenders' medians, or of two cases'.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["GOALS", "Figures", "Goal", "verdicts"]

#: Values of each run, by case, load, contender and figure.
Figures = Mapping[tuple[str, str, str, str], Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """`bound` for `figure` of headrace, `at_least` or at most; divided by that of `against` or of `case_against`."""

    words: str
    case: str
    load: str
    figure: str
    bound: float
    against: str = ""
    case_against: str = ""
    at_least: bool = False

    @property
    def limit(self) -> str:
        """The bound in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"

    def measured(self, figures: Figures) -> float | None:
        """The figure; None where it was not measured."""
        ours = figures.get((self.case, self.load, "headrace", self.figure))
        theirs: Sequence[float] | None = (1.0,)
        if self.against or self.case_against:
            case, contender = self.case_against or self.case, self.against or "headrace"
            theirs = figures.get((case, self.load, contender, self.figure))
        return statistics.median(ours) / statistics.median(theirs) if ours and theirs else None


_FIRST, _AGAIN, _NOTHING = "first load", "again", "nothing new"


def _times(words: str, case: str, bound: float, *, against: str = "dlt-parquet", load: str = _FIRST) -> Goal:
    return Goal(f"{words}: times the rows/s of {against}", case, load, "rows_per_s", bound, against, at_least=True)


GOALS: Final = (
    _times("600,000 events, first load", "again", 9),
    Goal("600,000 events, first load: part of the CPU s of dlt-parquet", "again", _FIRST, "cpu_s", 0.25, "dlt-parquet"),
    _times("600,000 events again", "again", 7, load=_AGAIN),
    _times("60,000 events", "events", 40, against="dlt-default"),
    Goal("600,000 events, first load: times the wall time of the floor", "again", _FIRST, "wall_s", 2.5, "floor"),
    _times("clicks", "clicks", 8),
    _times("links", "links", 8),
    _times("100 ms, offset paging", "offset-100ms", 10),
    Goal("100 ms, offset paging: times the ideal for 16 slots", "offset-100ms", _FIRST, "of_ideal", 1.3),
    _times("100 ms, cursor paging with windows", "windows-100ms", 8),
    *(
        Goal(f"10 requests/s, {name}: {words}", f"limit-{name}", _FIRST, figure, bound)
        for name, share in (("declared", 0.01), ("headers", 0.01), ("unknown", 0.05))
        for words, figure, bound in (
            ("times what the limit allows", "of_ideal", 1.1), ("share of 429", "refused_share", share),
        )
    ),
    Goal("6,000,000 events: part of the rows/s of 600,000", "growth", _FIRST, "rows_per_s", 0.8, case_against="again",
         at_least=True),
    Goal("6,000,000 events: MB until the load step", "growth", _FIRST, "mb_before_load", 400),
    Goal("6,000,000 events: MB in all", "growth", _FIRST, "peak_mb", 1000),
    Goal("20 resources, nothing new: seconds of the process", "small", _NOTHING, "process_s", 2),
    Goal("headrace --help: seconds of the process", "help", _FIRST, "process_s", 0.15),
)  # fmt: skip


def verdicts(figures: Figures) -> Iterator[tuple[Goal, float, bool]]:
    """Each goal that was measured, its figure, and whether it is reached."""
    for goal in GOALS:
        figure = goal.measured(figures)
        if figure is not None:
            yield goal, figure, figure >= goal.bound if goal.at_least else figure <= goal.bound
