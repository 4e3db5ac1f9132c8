"""`headrace run`: a file into a destination. What can fail without a request fails before the first one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import headrace.bridge.source  # noqa: F401 - `Opened.source` needs it, and here it is imported with the rest
from headrace.command.opened import Given, open_file, selected
from headrace.command.outcome import Outcome
from headrace.command.parameter import parse_params, parse_range
from headrace.command.pipeline import PipelineRun
from headrace.command.private_files import private_files, warn_of_open_secrets
from headrace.command.progress import progress
from headrace.command.table import counted
from headrace.command.target import DuckDbFile, check_duckdb, parse_target
from headrace.command.terminal import Terminal, warnings_shown
from headrace.engine import Report

if TYPE_CHECKING:
    from headrace.command.opened import Opened
    from headrace.command.target import Target


@dataclass(frozen=True)
class Asked:
    """The arguments of `headrace run`; `pipelines_dir` None is dlt's own."""

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
    pipelines_dir: Path | None = None


def run(asked: Asked, terminal: Terminal) -> Outcome:
    """Load a file. Raises `HeadraceError`, whatever dlt wraps around it."""
    # what a user's file or dlt prints is no data of ours
    with warnings_shown(terminal) as warnings, redirect_stdout(terminal.err), private_files():
        warn_of_open_secrets()
        report = Report()
        given = Given(
            parse_params(asked.params), asked.privacy, report, parse_range(asked.since), parse_range(asked.until)
        )
        opened = open_file(asked.path, given)
        asked = replace(asked, name=asked.name or opened.pipeline_name)
        target = parse_target(asked.to, str(asked.name))
        if isinstance(target, DuckDbFile):
            check_duckdb(target)
        return replace(_load(opened, report, asked, target, terminal), warnings=tuple(warnings))


def _load(opened: Opened, report: Report, asked: Asked, target: Target, terminal: Terminal) -> Outcome:
    """Load what is open, pending packages of an earlier run first."""
    begin = time.monotonic()
    source = selected(opened.source(), opened.plan, asked.resources)
    run = PipelineRun.begin(str(asked.name), target, asked.dataset, asked.pipelines_dir)
    try:
        pending = run.load_pending()
        if pending:
            terminal.note(f"loaded {counted(pending, 'package')} of an earlier run")
        names = asked.resources or [resource.name for resource in opened.plan.resources]
        for name in names:
            report.of(name)  # in the order of the plan, whichever dlt begins with
        with progress(report, names, terminal, quiet=asked.quiet):
            run.load(source)
    except BaseException:
        terminal.afterwords.append(run.aftermath())
        raise
    return Outcome(
        pipeline=str(asked.name),
        target=target,
        dataset=run.dataset,
        tables=run.rows_now() if isinstance(target, DuckDbFile) else run.rows_loaded(),
        rows_now=isinstance(target, DuckDbFile),
        report=report,
        pending=pending,
        seconds=time.monotonic() - begin,
    )
