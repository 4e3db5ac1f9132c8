"""The summary of a run, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from headrace.command.table import counted, table_lines
from headrace.moment import length_words, words

if TYPE_CHECKING:
    from headrace.command.outcome import Outcome
    from headrace.engine import ResourceReport
    from headrace.transport import Slowdown


def summary(outcome: Outcome) -> str:
    """Database, tables, what happened on the way, and the next command; blocks with an empty line between them."""
    blocks = [
        [_head(outcome)],
        _tables(outcome),
        _resources(outcome),
        list(_remarks(outcome)),
        [f"next: {outcome.next_command()}"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(outcome: Outcome) -> str:
    where = outcome.database or f"destination {outcome.as_dict()['destination']}"
    return f"loaded into {where}, dataset {outcome.dataset}, in {outcome.seconds:.1f} s"


def _tables(outcome: Outcome) -> list[str]:
    rows = [[name, count] for name, count in outcome.tables.items()]
    return table_lines(["table", "rows now" if outcome.rows_now else "rows loaded"], rows) if rows else ["no tables"]


def _resources(outcome: Outcome) -> list[str]:
    rows = [[one.name, one.rows, one.pages, one.requests, sum(one.retries.values())] for one in outcome.resources]
    return table_lines(["resource", "rows served", "pages", "requests", "retries"], rows) if rows else []


def _remarks(outcome: Outcome) -> Iterator[str]:
    """What a reader should know beside the figures; nothing for what did not happen."""
    if outcome.pending:
        yield f"pending     {counted(outcome.pending, 'package')} of an earlier run loaded first"
    if outcome.packages > 1:
        yield f"steps       loaded in {outcome.packages} packages, one after the other"
    if outcome.retries:
        causes = ", ".join(f"{cause} {_times(number)}" for cause, number in outcome.retries.most_common())
        wait_s = sum(resource.wait_s for resource in outcome.resources)
        yield f"retried     {causes}; waited {wait_s:.1f} s in all"
    yield from _remarks_on_hosts(outcome)
    for resource in outcome.resources:
        yield from _remarks_on(resource, outcome.when_empty.get(resource.name))
        yield from _remarks_on_text(resource)
    exact = [f"{counted(one.exact_rows, 'row')} of {one.name}" for one in outcome.resources if one.exact_rows]
    if exact:
        yield f"exact path  {', '.join(exact)}"
    yield from (f"skipped     {skip}" for skip in outcome.skipped)
    yield from (f"hint        {hint}" for hint in outcome.skip_hints)
    for resource in outcome.resources:
        if resource.gone:
            others = f" (first of {len(resource.gone)} calls)" if len(resource.gone) > 1 else ""
            yield f"gone        {resource.name}: {resource.gone[0]}{others}"
    for doubt in outcome.doubts:
        yield f"doubt       {doubt}"


def _remarks_on_hosts(outcome: Outcome) -> Iterator[str]:
    for slowdown in outcome.report.slowdowns:
        yield f"slowed      {slowdown.host}: {_slowed(slowdown)}"
    for host, ahead_s in outcome.report.skews.items():
        yield f"clock       {host}: {_skewed(ahead_s)}; windows end by the clock of the API, as far as it is known"


def _remarks_on(resource: ResourceReport, when_empty: str | None) -> Iterator[str]:
    if not resource.rows and not resource.skipped and (resource.requests or resource.kept_pages or not resource.gone):
        yield f"no rows     {resource.name}: the API has none{f'; {when_empty}' if when_empty else ''}"
    if resource.kept_pages:
        begun = "" if resource.continued_s is None else f" by the run of {words(resource.continued_s)}"
        yield f"kept        {resource.name}: {counted(resource.kept_pages, 'page')} fetched{begun}, not asked for again"
    if resource.dropped:
        fields = _fields(resource, resource.dropped)
        may_be_kept = set(resource.dropped) - set(resource.secret)
        advice = (
            "`privacy: keep` or `--privacy keep` keeps what is private" if may_be_kept else "secrets are never stored"
        )
        yield f"dropped     {fields}; {advice}"
    if resource.hashed:
        yield f"hashed      {_fields(resource, resource.hashed)}; the same value has the same hash under the same key"
    if resource.marked:
        yield f"marked      {resource.name}: {counted(resource.marked, 'row')} that the API has no more"
    for why in resource.unmarked:
        yield f"not marked  {resource.name}: {why}"
    if resource.superseded:
        yield f"superseded  {resource.name}: {counted(resource.superseded, 'row')}, a later one has the same key"
    if resource.keyless:
        yield f"keyless     {resource.name}: {counted(resource.keyless, 'row')} without the key, kept by content"


def _remarks_on_text(resource: ResourceReport) -> Iterator[str]:
    if resource.replaced:
        yield f"replaced    {resource.name}: {counted(resource.replaced, 'character')} that no text can hold, by U+FFFD"
    if resource.repeated:
        keys = counted(resource.repeated, "key")
        yield f"repeated    {resource.name}: {keys} named twice in an object, the last counts"


def _fields(resource: ResourceReport, names: Iterable[str]) -> str:
    return f"{resource.name}: {', '.join(f'`{name}`' for name in names)}"


def _slowed(slowdown: Slowdown) -> str:
    causes = (
        (slowdown.paced_s, slowdown.by),
        (slowdown.rested_s, "rests that it asked for"),
    )
    return ", ".join(f"{seconds:.1f} s by {cause}" for seconds, cause in causes if seconds >= 0.05)


def _skewed(ahead_s: float) -> str:
    length = length_words(timedelta(minutes=round(abs(ahead_s) / 60)))
    return f"the clock of this machine is {length} {'ahead' if ahead_s > 0 else 'behind'}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
