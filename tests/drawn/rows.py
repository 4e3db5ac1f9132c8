"""Rows for drawn configurations: typed, nested, with a cursor, changed between the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dialects.dialect import PEOPLE, WORDS, epoch, pick, stamp

Row = dict[str, Any]

#: What a row may have beside its id: name -> value by the row's number and the run.
FIELDS: dict[str, Callable[[int, int], Any]] = {
    "name": lambda n, run: f"{pick(PEOPLE, n)}{'!' * run}",
    "word": lambda n, _: pick(WORDS, n),
    "isActive": lambda n, _: n % 2 == 0,
    "amount": lambda n, _: 1.25 * n,
    "count": lambda n, run: 7 * n + run,
    "big-number": lambda n, _: 9_007_199_254_740_993 + n,
    "seen_at": lambda n, _: f"{stamp(n)[:-1]}.{n:03d}+02:00",
    "day": lambda n, _: stamp(24 * n)[:10],
    "note": lambda n, _: None if n % 3 else "é✓",
    "address": lambda n, _: {"city": "Köln", "geo": {"lat": 50.5 + n, "lon": 6}, "zip": None if n % 2 else "0123"},
    "tags": lambda n, _: list(WORDS[: n % 3]),
    "lines": lambda n, _: [{"sku": pick(WORDS, m), "tax": [{"rate": 0.5 * m}] * (m % 2)} for m in range(n % 3)],
    "matrix": lambda n, _: [[n, n + 1], [n]],
    "mixed": lambda n, _: (1, "two", True, None, 2.5)[n % 5],
    "nothing": lambda _n, _run: {},
    "HTTPStatus": lambda n, _: 200 + n,
    "a.b": lambda n, _: {"c d": n, "e": [n]},
}

#: How a time may be written that a cursor is made of: by hours since the beginning.
CLOCKS: dict[str, Callable[[float], Any]] = {
    "iso": stamp,
    "epoch": epoch,
    "day": lambda hours: stamp(24 * hours)[:10],
}
#: Rows that are changed between the runs, and how much later they are then.
LATER = 50


@dataclass(frozen=True)
class Rows:
    """The rows of one listing.

    `count` at the top, one or two more in the second run; under a parent fewer, under some parents none. `late` fields
    come in the second run only; every `hidden`-th row has no cursor. Ids are unique over all parents.
    """

    fields: Sequence[str]
    late: Sequence[str]
    clock: str
    count: int
    text_ids: bool = False
    hidden: int = 0
    more: int = 1

    def of(self, run: int, parent: int | None = None) -> list[Row]:
        """In order of number; `parent` is the parent's number."""
        count = self.count + run * self.more
        if parent is not None:
            count = 0 if parent % 4 == 2 else 1 + (parent + count) % 3
        return [self._row(number, run, parent or 0) for number in range(1, count + 1)]

    def one(self, run: int, number: int) -> Row:
        """The object with this number."""
        return self._row(number, run, 0)

    def _row(self, number: int, run: int, parent: int) -> Row:
        """Times go on from parent to parent, so that one cursor serves all."""
        changed = run if number % 3 == 0 else 0
        key = 100 * parent + number
        row: Row = {"id": f"k{key}" if self.text_ids else key, "number": key, "kind": pick(("north", "south"), number)}
        if not self.hidden or number % self.hidden:
            row["updated"] = CLOCKS[self.clock](4 * parent + number + LATER * changed)
        for name in self.fields:
            row[name] = FIELDS[name](number, changed)
        if run:
            row |= {name: FIELDS[name](number, run) for name in self.late}
        return row


def draw_rows(dice: Random, *, few: bool = False) -> Rows:
    names = dice.sample(sorted(FIELDS), 4)
    return Rows(
        fields=tuple(names[: dice.randint(1, 3)]),
        late=tuple(names[3:]) if dice.random() < 0.3 else (),
        clock=dice.choice(sorted(CLOCKS)),
        count=3 if few else dice.randint(3, 6),
        text_ids=dice.random() < 0.3,
        more=dice.randint(1, 2),
    )
