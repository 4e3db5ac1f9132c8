"""What is loaded one after the other in a run, and a listing that lost its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import MovedError, RefusedError

if TYPE_CHECKING:
    from headrace.bridge.keep import Keep
    from headrace.command.opened import Opened
    from headrace.command.pipeline import PipelineRun
    from headrace.command.terminal import Terminal
    from headrace.engine import Report
    from headrace.plan import Plan

#: How often a run goes on behind a next page that was refused, or lists again what moved.
_MOST_LOST: Final = 3


def load_in_steps(
    run: PipelineRun, source: Any, opened: Opened, report: Report, keep: Keep, terminal: Terminal
) -> None:
    """Load `source` to its end.

    Where the API refuses the next page of a listing, whose cursor may have ended, the step begins again as a later run
    would: what is kept is not asked for, and that listing goes on behind its last page, or begins anew where that is
    refused too. So does one whose rows moved while they were listed. Raises `HeadraceError`.
    """
    lost = 0
    for step in steps(opened.plan, source, opened.source, report, keep):
        while True:
            counts = report.counts()
            try:
                run.load(step)
                break
            except (RefusedError, MovedError) as error:
                lost += 1
                if not keep.has_lost_its_place or lost > _MOST_LOST:
                    raise
                terminal.note(f"{_why(error)}: that listing is begun again")
            report.count_again(counts)
            run.load_pending()  # nothing waits; what dlt left of the step that failed goes
            step = again(opened.plan, list(step.resources.selected), opened.source, report, keep)  # noqa: PLW2901


def steps(plan: Plan, source: Any, make: Callable[[], Any], report: Report, keep: Keep) -> Iterator[Any]:
    """What is loaded one after the other: `source`, then those of its resources of which more is to come.

    `make` makes another one: dlt leaves hints on one that ran, with which it takes a slower way.
    """
    keep.begin_step(plan, source.resources.selected)
    yield source
    while broken := list(keep.steps.broken):
        yield again(plan, broken, make, report, keep)


def again(plan: Plan, names: list[str], make: Callable[[], Any], report: Report, keep: Keep) -> Any:
    """What walks resources of these names once more."""
    begin_again(report, plan, names)
    keep.begin_step(plan, names)
    return make().with_resources(*names)


def begin_again(report: Report, plan: Plan, names: Iterable[str]) -> None:
    """Forget what is found anew where resources of these names, and their parents, are walked once more."""
    parents = {each.name: [parent.resource for parent in each.parents] for each in plan.resources}
    for name in names:
        report.of(name).begin_again()
        begin_again(report, plan, parents.get(name, ()))


def _why(error: RefusedError | MovedError) -> str:
    if isinstance(error, RefusedError):
        return f"the API refused a next page ({error.status})"
    return f"rows moved while they were listed, seen at {error.where}"
