"""Rows, pages and requests a second of each resource while a run goes on; nothing where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from headrace.command.terminal import Terminal
    from headrace.engine import Report, ResourceReport


@contextmanager
def progress(report: Report, names: Sequence[str], terminal: Terminal, *, quiet: bool = False) -> Iterator[None]:
    """Show `report` on stderr, four times a second, until the block ends; then the display is gone."""
    if quiet or not terminal.is_live:
        yield
        return
    from rich.console import Console
    from rich.live import Live

    display = _Display(report, names)
    console = Console(file=terminal.err)
    with Live(get_renderable=display.table, console=console, refresh_per_second=4, transient=True):
        yield


class _Display:
    def __init__(self, report: Report, names: Sequence[str]) -> None:
        self._report = report
        self._names = names
        self._begin = time.monotonic()
        self._ended: dict[str, float] = {}

    def table(self) -> Table:
        """The state of this moment; the counts are written by others meanwhile."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        table.add_column("resource")
        for heading in ("rows", "pages", "requests/s", "retries"):
            table.add_column(heading, justify="right")
        table.add_column("")
        resources = [self._report.resources.get(name) for name in self._names]
        for name, resource in zip(self._names, resources, strict=True):
            if resource is None:
                table.add_row(name)
            else:
                table.add_row(*self._cells(resource))
        if resources and all(resource is not None and resource.done for resource in resources):
            table.add_row("loading ...")
        return table

    def _cells(self, resource: ResourceReport) -> list[str]:
        if resource.done:
            self._ended.setdefault(resource.name, time.monotonic())
        seconds = max(self._ended.get(resource.name, time.monotonic()) - self._begin, 0.1)
        return [
            resource.name,
            f"{resource.rows:,}",
            f"{resource.pages:,}",
            f"{resource.requests / seconds:,.1f}",
            f"{sum(resource.retries.values()):,}",
            "fetched" if resource.done else "",
        ]
