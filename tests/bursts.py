"""Times of rows as listings have them: bursts and gaps, and many rows in one second."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

DAY = 86400


@st.composite
def times(draw: st.DrawFn, longest: int = 40 * DAY, digits: int = 0) -> list[float]:
    """Seconds from 0 to less than `longest`, in order, with so many digits behind the point."""
    dice = Random(draw(st.integers(0, 10_000)))
    found: list[float] = []
    for _ in range(draw(st.integers(0, 4))):
        middle, width = dice.randrange(longest), dice.choice((1, 3, 60, DAY, longest))
        found += [middle + dice.random() * width for _ in range(dice.choice((1, 9, 40, 200)))]
    return sorted(round(time, digits) if digits else int(time) for time in found if round(time, digits) < longest)
