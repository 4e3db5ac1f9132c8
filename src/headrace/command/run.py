"""`headrace run`: a file into a destination. What can fail without a request fails before the first one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import headrace.bridge.source  # noqa: F401 - `Opened.source` needs it, and here it is imported with the rest
from headrace.bridge.keep import Keep
from headrace.bridge.outlast import outlasting
from headrace.bridge.stopping import stopped_in_time
from headrace.bridge.trace_file import traced_as_json
from headrace.command.opened import Given, open_file, selected
from headrace.command.outcome import Outcome
from headrace.command.parameter import parse_params, parse_range
from headrace.command.pipeline import PipelineRun, kept_folder, working_folder
from headrace.command.private_files import expect_closed_secrets, private_files
from headrace.command.progress import progress
from headrace.command.signals import finishing
from headrace.command.steps import load_in_steps
from headrace.command.table import counted
from headrace.command.target import DuckDbFile, check_duckdb, parse_target
from headrace.command.terminal import Terminal, warnings_shown
from headrace.engine import Report
from headrace.errors import UsageError
from headrace.keep import Lock

if TYPE_CHECKING:
    from headrace.command.opened import Opened
    from headrace.command.target import Target

#: Seconds for requests under way, of the five in which a command ends after Ctrl-C.
_FINISH_S: Final = 3.0


@dataclass(frozen=True)
class Asked:
    """The arguments of `headrace run`.

    `pipelines_dir` None is dlt's own; `wait_s` says how long it waits for another run of the pipeline, or for who
    holds the database. `accepts_changes`: keys and types may be declared otherwise than before.
    """

    path: Path
    to: str | None = None
    dataset: str | None = None
    name: str | None = None
    params: Sequence[str] = ()
    privacy: str | None = None
    since: Sequence[str] = ()
    until: Sequence[str] = ()
    resources: Sequence[str] = ()
    quiet: bool = False
    wait_s: float = 0
    pipelines_dir: Path | None = None
    accepts_changes: bool = False


def run(asked: Asked, terminal: Terminal) -> Outcome:
    """Load a file. Raises `HeadraceError`, whatever dlt wraps around it."""
    # what a user's file or dlt prints is no data of ours
    with warnings_shown(terminal) as warnings, redirect_stdout(terminal.err), private_files(), traced_as_json():
        expect_closed_secrets()
        report = Report()
        keep = Keep()
        since, until = parse_range(asked.since), parse_range(asked.until)
        given = Given(parse_params(asked.params), asked.privacy, report, keep, since, until)
        opened = open_file(asked.path, given)
        asked = replace(asked, name=asked.name or opened.pipeline_name)
        target = parse_target(asked.to, str(asked.name))
        folder = kept_folder(str(asked.name), asked.pipelines_dir)
        with ExitStack() as stack:
            left_s = stack.enter_context(locked(folder, asked, terminal))
            stack.enter_context(kept(keep, folder))
            asked = replace(asked, wait_s=left_s)
            if isinstance(target, DuckDbFile):
                stack.callback(target.held.free)
                check_duckdb(target, left_s, terminal.note)
            outcome = _load(opened, report, keep, asked, target, terminal)
        return replace(outcome, warnings=tuple(warnings))


@contextmanager
def locked(folder: Path, asked: Asked, terminal: Terminal) -> Iterator[float]:
    """Let no other run of the pipeline work meanwhile; gives the seconds that are left to wait for the destination.

    Raises `LockedError`, or `UsageError` for a folder of others.
    """
    lock = Lock(folder, str(asked.name))
    try:
        left_s = max(0.0, asked.wait_s - lock.take(asked.wait_s, terminal.note))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(
            f"expected a folder in which files can be written and locked, got `{folder}`: {why}",
            hint="`DLT_DATA_DIR` names another place for what dlt and headrace keep",
        ) from None
    try:
        yield left_s
    finally:
        lock.free()


@contextmanager
def kept(keep: Keep, folder: Path) -> Iterator[None]:
    """Keep pages there meanwhile."""
    keep.open(folder)
    try:
        yield
    finally:
        keep.close()


def _load(opened: Opened, report: Report, keep: Keep, asked: Asked, target: Target, terminal: Terminal) -> Outcome:
    """Load what is open, pending packages of an earlier run first."""
    begin = time.monotonic()
    source = selected(opened.source(), opened.plan, asked.resources)
    place = str(asked.name), asked.pipelines_dir
    outlast = outlasting(kept_folder(*place), working_folder(*place), keep.sync)
    run = PipelineRun.begin(str(asked.name), target, asked.dataset, asked.pipelines_dir, outlast)

    def leave(number: int) -> None:
        terminal.note(f"error: stopped by {signal.Signals(number).name}")
        terminal.note(run.aftermath())
        terminal.err.flush()
        keep.end_attempt()
        os._exit(128 + number)

    apart = ExitStack()
    apart.enter_context(run.alone(source, asked.wait_s, terminal.note))
    try:
        with stopped_in_time(leave):
            pending = run.load_pending()
        if pending:
            terminal.note(f"loaded {counted(pending, 'package')} of an earlier run")
        if not asked.accepts_changes:
            run.expect_unchanged(source)
        names = asked.resources or [resource.name for resource in opened.plan.resources]
        for name in names:
            report.of(name)  # in the order of the plan, whichever dlt begins with
        finish = partial(keep.finish_pages, _FINISH_S)
        with progress(report, names, terminal, quiet=asked.quiet), stopped_in_time(leave), finishing(finish):
            load_in_steps(run, source, opened, report, keep, terminal)
        keep.discard()
        if opened.after is not None:
            run.finish(opened.after)
    except BaseException as error:
        stopped = keep.is_interrupted or run.failed_by_system or not isinstance(error, Exception)
        goes_on = keep.is_active and stopped
        if not (goes_on or run.has_pending):
            keep.discard()  # what came is what it failed by; the API may give something else the next time
        terminal.afterwords.append(run.aftermath(goes_on=goes_on))
        raise
    finally:
        apart.close()
    return Outcome(
        pipeline=str(asked.name),
        target=target,
        dataset=run.dataset,
        tables=run.rows_now() if isinstance(target, DuckDbFile) else run.rows_loaded(),
        rows_now=isinstance(target, DuckDbFile),
        report=report,
        pending=pending,
        packages=run.packages,
        seconds=time.monotonic() - begin,
        when_empty={each.name: each.when_empty for each in opened.plan.resources if each.when_empty},
    )
