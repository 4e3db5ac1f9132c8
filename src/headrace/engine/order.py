"""Rows that come oldest first, as `windows.row_order` says: seen to do so, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from headrace.errors import PagingError
from headrace.moment import words

if TYPE_CHECKING:
    from headrace.engine.window import Window
    from headrace.plan import ResourcePlan

_MICROS: Final = 1_000_000


class Order:
    """The order of one listing. Times are microseconds since 1970.

    `slack_s`: to what the API cuts times. Rows within so much of each other may come in any order.
    """

    def __init__(self, resource: str, slack_s: float) -> None:
        self._resource = resource
        self._slack = round(slack_s * _MICROS)
        self._first: int | None = None
        self._latest: int | None = None
        self._most = 0
        #: Whether the last page had as many rows as any before: if not, it may well be the last one.
        self.is_full = False

    @staticmethod
    def of(resource: ResourcePlan) -> Order:
        """The order of a listing of `resource`, which has windows."""
        return Order(resource.name, resource.windows.edge_s if resource.windows else 0.0)

    @property
    def first_s(self) -> float | None:
        """The time of the first row, in seconds since 1970; None where there is none."""
        return None if self._first is None else self._first / _MICROS

    @property
    def latest_s(self) -> float | None:
        """The latest time of a row, in seconds since 1970; None where there is none."""
        return None if self._latest is None else self._latest / _MICROS

    def see(self, moments: Sequence[int]) -> None:
        """One more page. Raises `PagingError` for a row that is older than one before it."""
        self.is_full = len(moments) >= self._most
        self._most = max(self._most, len(moments))
        if not moments:
            return
        if self._first is None or self._latest is None:
            self._first = self._latest = moments[0]
        latest = self._latest
        in_order = sorted(moments)
        if in_order != moments or in_order[0] < latest:
            for before, moment in pairwise((latest, *moments)):
                latest = max(latest, before)
                if moment < latest - self._slack:
                    self._refuse(moment, latest)
        self._latest = max(latest, in_order[-1])

    def is_past(self, moments: Sequence[int], window: Window) -> bool:
        """Whether a page goes so far beyond the end of `window` that no row behind it lies in it."""
        return bool(moments) and max(moments) >= round(window.end * _MICROS) + self._slack

    def _refuse(self, moment: int, latest: int) -> None:
        raise PagingError(
            f"expected rows oldest first, as `row_order: asc` says, got one of {words(moment / _MICROS)} behind one of "
            f"{words(latest / _MICROS)}",
            where=f"resource `{self._resource}`",
            hint="leave out `windows.row_order`: then no order is expected",
        )
