"""Which rows vanished: those that stood before a run, and that no complete listing of it brought.

The decision is made here, once all is known, and knows neither dlt nor a network:

* A row is *looked for* when every call that would have listed it ended completely, or when it is an orphan: no call was
  made for it, because its parent vanished from a listing that was complete. Rows of calls that failed, were skipped or
  were not made for any other reason stay as they are.
* A row that is looked for and did not come *lacks*; one that lacked as often in a row as is declared is *gone*.
* More gone rows at once than a declared share of those looked for are a mistake until somebody says otherwise.

A call is told by its *scope*: the values, as text, of the columns that it gives to its rows; first the fixed ones
(constants, parameters of the source), then those kept of the parent's row. Rows are compared by their keys, by which
the destination merges, whatever ids its rows have. Rows without a whole key or scope are never looked for.

A few rows are compared here, one by one; many in a database that leaves its memory for the disk (`absence_many.py`),
which takes 60 ms to begin with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from headrace.engine.absence_many import Many

#: What tells a call: the values of its columns as text, None for null.
Scope = tuple[str | None, ...]

#: So many rows may vanish at once whatever their share: a short list is emptied now and then.
_FEW: Final = 19
#: Rows that stand and come, up to which they are compared one by one: there that takes 20 ms.
_ONE_BY_ONE: Final = 10_000


@dataclass(frozen=True)
class Asked:
    """The calls of a run by their scopes: those that ended completely (`whole`), and the others (`broken`).

    A scope may be in both, and is broken then. `about` are the fixed parts of all scopes that the run was about.
    `after` listings in a row must lack a row; `orphans_after` is that of orphans, None where nobody can tell them.
    """

    whole: frozenset[Scope]
    broken: frozenset[Scope] = frozenset()
    about: frozenset[Scope] = frozenset({()})
    after: int = 1
    orphans_after: int | None = None


@dataclass(frozen=True)
class Verdict:
    """How many rows were looked for, how many of these are gone, and how many lack and are given more time."""

    looked_for: int = 0
    gone: int = 0
    lacking: int = 0

    def is_too_much(self, most: float) -> bool:
        """Whether more than the share `most` of the rows looked for is gone, and more than a few."""
        return self.gone > max(_FEW, most * self.looked_for)


class Absences:
    """The rows that stood and those that came; a key has `keys` columns, a scope `fixed` and `kept` ones.

    `one_by_one` rows are few.
    """

    def __init__(
        self, folder: Path, *, keys: int, fixed: int = 0, kept: int = 0, one_by_one: int = _ONE_BY_ONE
    ) -> None:
        self._folder = folder
        self._keys, self._fixed, self._kept = keys, fixed, kept
        self._left = one_by_one
        self._stood: list[pa.Table] = []
        self._came: list[pa.Table] = []
        self._many: Many | None = None
        self._lacking: list[tuple[str, int, bool]] = []

    def stand(self, rows: pa.Table) -> None:
        """Rows that stand unmarked, by position: id, key, scope, and how many listings in a row lacked it before."""
        if self._are_many(rows):
            self._opened().stand(rows)
        else:
            self._stood.append(rows)

    def come(self, rows: pa.Table) -> None:
        """Rows of this run, by position: key, scope."""
        if self._are_many(rows):
            self._opened().come(rows)
        else:
            self._came.append(rows)

    def stray(self, asked: Asked) -> Scope | None:
        """The scope of a row that came and is of no call that was made; None when there is none. Asked first."""
        if self._many is not None:
            return self._many.stray(asked.whole - asked.broken, asked.broken, asked.about)
        made = asked.whole | asked.broken
        scopes = (row[self._keys :] for row in _rows(self._came))
        return next((scope for scope in scopes if scope not in made), None)

    def settle(self, asked: Asked) -> Verdict:
        """Decide, when `stray` was asked."""
        if self._many is not None:
            return Verdict(*self._many.settle(asked.after, asked.orphans_after))
        came = {row[: self._keys] for row in _rows(self._came)}
        looked_for = 0
        lacking: dict[Scope, list[tuple[str, int, int]]] = {}
        for id_, *values, missed in _rows(self._stood):
            key, scope = tuple(values[: self._keys]), tuple(values[self._keys :])
            allowed = None if None in values else self._allowed(scope, asked)
            if allowed is not None:
                looked_for += 1
                if key not in came:
                    lacking.setdefault(key, []).append((id_, (missed or 0) + 1, allowed))
        # where two rows have one key the merge makes one of them
        for rows in lacking.values():
            ids, misses, alloweds = zip(*rows, strict=True)
            self._lacking.append((min(ids), max(misses), max(misses) >= max(alloweds)))
        self._lacking.sort()
        gone = sum(is_gone for _, _, is_gone in self._lacking)
        return Verdict(looked_for, gone, len(self._lacking) - gone)

    def lacking(self, size: int) -> Iterator[pa.Table]:
        """The rows that lack, `size` at once: `id`, `missed` with this listing counted, whether it is `gone`."""
        parts = (self._lacking[at : at + size] for at in range(0, len(self._lacking), size))
        for rows in self._many.lacking(size) if self._many is not None else parts:
            yield pa.table([list(column) for column in zip(*rows, strict=True)], names=["id", "missed", "gone"])

    def close(self) -> None:
        """Give back memory and disk."""
        if self._many is not None:
            self._many.close()

    def _allowed(self, scope: Scope, asked: Asked) -> int | None:
        """After how many listings without it a row of that scope is gone; None where it is not looked for."""
        if scope in asked.broken:
            return None
        if scope in asked.whole:
            return asked.after
        return asked.orphans_after if scope[: self._fixed] in asked.about else None

    def _are_many(self, rows: pa.Table) -> bool:
        self._left -= rows.num_rows
        return self._left < 0

    def _opened(self) -> Many:
        if self._many is None:
            self._many = Many(self._folder, keys=self._keys, fixed=self._fixed, kept=self._kept)
            for rows in self._stood:
                self._many.stand(rows)
            for rows in self._came:
                self._many.come(rows)
            self._stood, self._came = [], []
        return self._many


def _rows(tables: list[pa.Table]) -> Iterator[tuple[Any, ...]]:
    for table in tables:
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)
