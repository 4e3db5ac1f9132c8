"""The figures as Markdown: where they come from, a table for each load of each case, and the goals."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cases import Case
from goals import Figures, verdicts

__all__ = ["head", "origin", "table", "verdict"]

#: Figure, its heading, and digits after the point.
_COLUMNS: Final = (
    ("rows_per_s", "rows/s", 0),
    ("wall_s", "seconds", 2),
    ("extract_s", "extract", 2),
    ("normalise_s", "normalise", 2),
    ("load_s", "load", 2),
    ("process_s", "process", 2),
    ("cpu_s", "CPU s", 2),
    ("mb_before_load", "MB before load", 0),
    ("peak_mb", "peak MB", 0),
    ("requests", "requests", 0),
    ("most_in_flight", "in flight", 0),
    ("server_cpu_s", "server CPU s", 2),
    ("server_share", "server, % of a core", 1),
)
_PACKAGES: Final = ("headrace", "dlt", "duckdb", "pyarrow", "aiohttp")


def head(runs: int, memory_limit: str | None) -> str:
    """Date, machine and versions."""
    lines = (
        f"# Side by side, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "",
        *origin(),
        f"DuckDB's `memory_limit`, the same for everyone: {memory_limit or 'its own, unless a case names one'}.",
        f"Up to {runs} runs of each contender in turn: median (minimum-maximum). Server and loader share the cores.",
        "Tables were compared before the figures were written, and are equal.",
        "",
    )
    return "\n".join(lines)


def origin() -> tuple[str, str]:
    """Machine and versions, a line each."""
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)]
    machine = f"{os.cpu_count()} cores, {_processor()}, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}"
    return (
        f"{machine}; load average of the 15 minutes before: {os.getloadavg()[2]:.1f}{_priority()}.",
        f"{', '.join(versions)}.",
    )


def table(case: Case, load: str, figures: Figures) -> str:
    """One load of one case: who measured what, and how headrace compares."""
    names = [name for name in case.contenders if (case.name, load, name, "process_s") in figures]
    seen = [column for column in _COLUMNS if any((case.name, load, name, column[0]) in figures for name in names)]
    about = f"{case.about}; {case.rows:,} rows" if case.rows else case.about
    lines = [f"## {case.name}, {load}", "", about, ""]
    lines += [f"| | {' | '.join(heading for _, heading, _ in seen)} |", f"|---{'|---' * len(seen)}|"]
    for name in names:
        cells = [_spread(figures.get((case.name, load, name, figure), ()), digits) for figure, _, digits in seen]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", *_ratios(case.name, load, names, figures)]
    if (case.name, load, names[0], "of_ideal") in figures:
        of_ideal, refused = (figures[case.name, load, names[0], figure] for figure in ("of_ideal", "refused_share"))
        lines += [
            f"The ideal is {case.ideal_s or 0:.1f} s; {names[0]}'s extract took {_spread(of_ideal, 2)} times as long.",
            f"Of its answers, {_spread([100 * share for share in refused], 1)} % were 429.",
        ]
    return "\n".join([*lines, ""])


def verdict(figures: Figures) -> str:
    """The goals that were measured."""
    found = list(verdicts(figures))
    if not found:
        return ""
    lines = ["## Goals", "", "| | goal | measured | |", "|---|---|---|---|"]
    for goal, figure, reached in found:
        lines.append(f"| {goal.words} | {goal.limit} | {figure:,.3g} | {'reached' if reached else 'missed'} |")
    return "\n".join([*lines, ""])


def _ratios(case: str, load: str, names: Sequence[str], figures: Figures) -> Iterator[str]:
    first, *others = names
    for other in others:
        words = []
        for figure, what in (("wall_s", "seconds"), ("cpu_s", "CPU seconds")):
            pairs = zip(figures[case, load, first, figure], figures[case, load, other, figure], strict=False)
            words.append(f"{_spread([theirs / ours for ours, theirs in pairs], 2)} times the {what}")
        yield f"{other} takes {' and '.join(words)} of {first}.  "


def _spread(values: Sequence[float], digits: int) -> str:
    if not values:
        return ""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f}" + (f" ({low:,.{digits}f}-{high:,.{digits}f})" if low < high else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _priority() -> str:
    """What is to be said where this process, and so all that it starts, has real-time priority."""
    first = hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR)
    return ", which server and contenders went before (real-time priority)" if first else ""
