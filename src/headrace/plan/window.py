"""A range of time that is listed in windows: each is a listing of its own, so they can be fetched side by side.

Windows touch: the end of one is the start of the next. An API that takes both bounds as part of the range gives the
rows of that instant twice, and a key that is merged makes them one; without a key choose bounds that the API keeps
apart. From an API that takes neither (`exclusive`) each window is asked for from one unit earlier. Where the range is
cut is the engine's business (`engine/window.py`): at whole seconds, or at whole days where bounds are dates, because
nothing finer can be said.

A window is complete when its listing is. So a next run begins at the last end, less the overlap in which rows may have
come late, and never at the largest time that a row had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from headrace.errors import UsageError


@dataclass(frozen=True)
class Windows:
    """`start` gives the form in which bounds are sent: seconds since 1970, a date, or a time. `end` None is now.

    No window is longer than `size`; None leaves that open. `exclusive`: the API leaves out rows at both bounds.
    """

    param_start: str
    param_end: str
    start: str | int | date
    end: str | int | date | None = None
    size: timedelta | None = None
    overlap: timedelta = timedelta(0)
    exclusive: bool = False

    @property
    def unit_s(self) -> int:
        """The shortest time between two bounds that can be told apart, in seconds."""
        return 86400 if not isinstance(self.start, int) and _is_date(self.start) else 1

    def span(self, now_s: float, until: float | None) -> tuple[float, float] | None:
        """From when to when a run lists, in seconds since 1970; None where no time has passed.

        `until` is where the last run ended, None for a first one. Raises `UsageError` for an end before the start.
        """
        first, last = _seconds(self.start), now_s if self.end is None else _seconds(self.end)
        if last < first:
            raise UsageError(
                f"expected windows that end after they start, got `start` {self.start} and an end before it",
                hint="check `windows.start` and `windows.end`, and the machine's clock",
            )
        start = first if until is None else max(first, min(until, last) - self.overlap.total_seconds())
        return (start, last) if start < last else None

    def params(self, start: float, end: float) -> dict[str, str]:
        """The query parameters that say from when to when; each is rounded down to what can be said."""
        if self.exclusive:
            start -= self.unit_s
        return {self.param_start: str(self._said(start)), self.param_end: str(self._said(end))}

    def _said(self, seconds: float) -> str | int:
        form = self.start
        if isinstance(form, int):
            return int(seconds)
        moment = datetime.fromtimestamp(seconds, timezone.utc)
        if _is_date(form):
            return moment.date().isoformat()
        zone = _moment(form).tzinfo
        text = moment.astimezone(zone or timezone.utc).replace(tzinfo=zone).isoformat(timespec="seconds")
        return text.replace("+00:00", "Z") if isinstance(form, str) and form[-1:] in "zZ" else text


def _seconds(bound: str | int | date) -> float:
    if isinstance(bound, int):
        return bound
    moment = _moment(bound)
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


def _moment(bound: str | int | date) -> datetime:
    text = bound.isoformat() if isinstance(bound, date) else str(bound)
    return datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))


def _is_date(bound: str | int | date) -> bool:
    text = bound.isoformat() if isinstance(bound, date) else str(bound)
    return len(text) == len("2026-01-01")
