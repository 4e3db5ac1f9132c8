"""From rows of parents to the calls of a dependent resource, one after the other, as they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice, product
from typing import Any, Protocol

from headrace.engine.rows import Errand, ParentRow, Watermark
from headrace.engine.skip import Unskippable
from headrace.engine.window import Cuts, Strides, Window
from headrace.errors import AnswerError
from headrace.jsonpath import MISSING
from headrace.message import Request
from headrace.plan import Beginning, Call, Mark, ResourcePlan, Span, Windows
from headrace.secrets import remember_passing

Origins = Mapping[str, ParentRow]


class Watermarks(Protocol):
    """Where the calls of a resource go on, and the filters of their rows, by the key of a call."""

    def begin(self, key: str) -> Beginning:
        """The placeholders and parameters of a call."""
        ...

    def of(self, key: str) -> Watermark | None:
        """The filter of its rows."""
        ...


class Ledger(Protocol):
    """What is remembered of the windows of each call, by its key; moments are seconds since 1970."""

    def now_s(self) -> float:
        """The moment at which it is asked, by this machine's clock."""
        ...

    def ahead_s(self, url: str) -> float | None:
        """By how much this machine's clock is ahead of that of the host, None until its first answer."""
        ...

    def end_early(self, by_s: float) -> None:
        """A range ended before the present of the host, as its answers tell."""
        ...

    def mark(self, key: str) -> Mark:
        """What is remembered of a call since the last run."""
        ...

    def settle(self, key: str, until: float) -> None:
        """A further window is complete, in order, and settled up to here."""
        ...

    def list(self, call: Call, start: float, end: float) -> None:
        """All rows of a call between two moments were listed."""
        ...

    def reread(self, key: str, moment: float) -> None:
        """All windows of a run that looked far back are complete."""
        ...

    def lose(self, key: str, text: str) -> None:
        """The call, of which nothing was asked yet, comes too late for some rows: `text` says for which."""
        ...


def origins_of(parents: Iterable[Iterable[ParentRow]]) -> Iterator[Origins]:
    """Every combination of a row of each parent, the first parent outermost; with each, the rows it came from."""
    for rows in product(*parents):
        origins: dict[str, ParentRow] = {}
        for row in rows:
            origins |= {**row.origins, row.resource: row}
        yield origins


def errands(
    resource: ResourcePlan,
    combinations: Iterable[Origins] = ({},),
    watermarks: Watermarks | None = None,
    ledger: Ledger | None = None,
    cuts: Callable[[Request], Cuts] | None = None,
    unskippable: Unskippable = Unskippable(),  # noqa: B008 - frozen
) -> Iterator[Errand]:
    """The calls of `resource` for each combination of its parents' rows, each with its range of time where it has one.

    Raises `AnswerError` where a parent's row lacks a field. `ledger` is needed for windows, and `cuts` says
    where those of a call were cut before; `unskippable` says why its
    calls must not be skipped.
    """
    strides = Strides()
    taken = (_taken(resource, origins) for origins in combinations)
    for each in _together(taken, resource.batch, resource.joined) if resource.joined else taken:
        for call in resource.calls(each.late, each.kept, watermarks.begin if watermarks else None, each.hidden):
            watermark = watermarks.of(call.key) if watermarks else None
            errand = Errand(call, watermark, each.origins, unskippable=unskippable)
            if resource.windows is None or ledger is None:
                yield errand
                continue
            clock = _HostClock(ledger, call.request.url)
            now_s = clock.now_s
            span = resource.windows.span(now_s, ledger.mark(call.key))
            if span.gone is not None:
                ledger.lose(call.key, resource.windows.gone_words(span.gone))
            if not span.is_empty:
                complete = partial(_complete, ledger, resource.windows, call, span, clock)
                part = partial(_part, errand, partial(resource.windows.ask, call.request, now_s=now_s), complete)
                stride = strides.begin(resource.windows, cuts(call.request) if cuts else None)
                yield part(Window(span.start, span.end, stride, part, last=span.end))


@dataclass(frozen=True)
class _Taken:
    """What calls take from one combination of rows: see `ResourcePlan.calls`."""

    origins: Origins
    late: Mapping[str, Any]
    kept: Mapping[str, Any]
    hidden: Mapping[str, str]


def _taken(resource: ResourcePlan, origins: Origins) -> _Taken:
    late: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    hidden: dict[str, str] = {}
    for parent in resource.parents:
        row = origins[parent.resource]
        for placeholder, path in parent.fields:
            late[placeholder] = _given(row.fields[path.text], path.text, row, resource)
            if path.text in row.hidden:
                hidden[placeholder] = row.hidden[path.text]
                remember_passing(str(late[placeholder]), parts=False)  # the address of the call stands in messages
        for column, key in parent.kept:
            kept[column] = _given(row.keys[key], key, row, resource)
    return _Taken(origins, late, kept, hidden)


def _together(taken: Iterable[_Taken], size: int, joined: frozenset[str]) -> Iterator[_Taken]:
    """Rows in a row that differ in `joined` alone, `size` at once: those values with commas between."""

    def alike(each: _Taken) -> tuple[Any, Any]:
        return {name: value for name, value in each.late.items() if name not in joined}, each.kept

    for _, group in groupby(taken, alike):
        while batch := list(islice(group, size)):
            first = batch[0]
            late = {name: ",".join(str(each.late[name]) for each in batch) for name in joined}
            hidden = {name: ",".join(each.hidden[name] for each in batch) for name in joined if name in first.hidden}
            yield replace(first, late={**first.late, **late}, hidden={**first.hidden, **hidden})


def _part(
    whole: Errand, ask: Callable[[float, float], Request], complete: Callable[[Window], None], window: Window
) -> Errand:
    """The errand that lists `window` of the range of `whole`, as `ask` says; `complete` is told of its end."""
    return replace(
        whole,
        call=replace(whole.call, request=ask(window.start, window.asked_to)),
        complete=partial(complete, window),
        window=window,
    )


class _HostClock:
    """The moment at which a range was cut, by the clock of the host as far as it was known then."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        self._ledger = ledger
        self._url = url
        self._known_s = ledger.ahead_s(url)
        self.now_s = ledger.now_s() - (self._known_s or 0.0)

    @property
    def ahead_s(self) -> float:
        """By how much that moment was ahead of the host's, as its answers told since then."""
        return (self._ledger.ahead_s(self._url) or 0.0) if self._known_s is None else 0.0


def _complete(ledger: Ledger, windows: Windows, call: Call, span: Span, clock: _HostClock, window: Window) -> None:
    """A `window` of `span` is complete, and so are those before it."""
    ledger.list(call, window.start, window.end)
    ahead_s, is_last = clock.ahead_s, window.end == span.end
    if span.settled is not None:
        settled = span.settled if ahead_s <= 0 else min(span.settled, windows.settled(clock.now_s - ahead_s))
        ledger.settle(call.key, min(window.end, settled))
    if ahead_s < 0 and is_last and windows.ends_now:
        ledger.end_early(-ahead_s)
    if span.rereads and is_last:
        ledger.reread(call.key, clock.now_s)


def _given(value: Any, name: str, row: ParentRow, resource: ResourcePlan) -> Any:
    if value is not MISSING:
        return value
    raise AnswerError(
        f"expected the field `{name}` in every row of resource `{row.resource}`, found a row without it",
        where=f"resource `{resource.name}`",
        hint=f"leave such rows out by a `filter` among the `processing_steps` of `{row.resource}`",
    )
