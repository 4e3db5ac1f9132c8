"""What a run did: the facts of the summary and of `--json`."""

from __future__ import annotations

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.command.target import Target
    from headrace.engine import Report, ResourceReport


@dataclass(frozen=True)
class Outcome:
    """A run that ended.

    `tables` has the rows that each table holds now where `rows_now` is true (DuckDB), else those that this run loaded.
    `pending` counts packages of earlier runs that were loaded first, `packages` those of this one.
    `when_empty` says by resource what to try when the API has no rows.
    """

    pipeline: str
    target: Target
    dataset: str
    tables: Mapping[str, int]
    rows_now: bool
    report: Report
    seconds: float
    pending: int = 0
    packages: int = 1
    warnings: tuple[str, ...] = ()
    when_empty: Mapping[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> list[ResourceReport]:
        """The reports of the resources that ran."""
        return list(self.report.resources.values())

    @property
    def doubts(self) -> list[str]:
        """Why rows may be missing, each with its resource."""
        return [f"{resource.name}: {doubt}" for resource in self.resources for doubt in resource.doubts]

    @property
    def skipped(self) -> list[str]:
        """The calls that were not done, each with its resource and its reason."""
        return [f"{resource.name}: {skip}" for resource in self.resources for skip in resource.skipped]

    @property
    def skip_hints(self) -> list[str]:
        """What to try where calls were skipped, each once."""
        return list(dict.fromkeys(skip.hint for one in self.resources for skip in one.skipped if skip.hint))

    @property
    def gone(self) -> list[str]:
        """The rows that the run came too late for, each range with its resource."""
        return [f"{resource.name}: {gone}" for resource in self.resources for gone in resource.gone]

    @property
    def exit_code(self) -> int:
        """0, or 1 when rows may be missing."""
        return 1 if self.doubts or self.skipped or self.gone else 0

    @property
    def retries(self) -> Counter[str]:
        """Retries by cause."""
        return sum((resource.retries for resource in self.resources), Counter())

    @property
    def database(self) -> str | None:
        """The DuckDB file as the user would write it, None for other destinations."""
        return getattr(self.target, "said", None)

    def as_dict(self) -> dict[str, Any]:
        """The facts as plain data, for `--json`."""
        return {
            "complete": self.exit_code == 0,
            "pipeline": self.pipeline,
            "destination": "duckdb" if self.database else getattr(self.target, "name", ""),
            "database": self.database,
            "dataset": self.dataset,
            "seconds": round(self.seconds, 3),
            "rows_counted": "in the database" if self.rows_now else "loaded by this run",
            "tables": dict(self.tables),
            "resources": [resource.as_dict() for resource in self.resources],
            "clocks_ahead_s": {host: round(ahead_s) for host, ahead_s in self.report.skews.items()},
            "slowed": [asdict(slowdown) for slowdown in self.report.slowdowns],
            "pending_packages_loaded_first": self.pending,
            "packages": self.packages,
            "warnings": list(self.warnings),
            "next": self.next_command(),
        }

    def next_command(self) -> str:
        """A command that shows the result."""
        if self.database is None:
            return f"dlt pipeline {shlex.quote(self.pipeline)} info"
        query = next((f"from {_name(self.dataset)}.{_name(table)} limit 5" for table in self.tables), "show all tables")
        if shutil.which("duckdb"):
            return f"duckdb {shlex.quote(self.database)} {_quoted(query)}"
        return f"python -c {_quoted(f'import duckdb; duckdb.connect({self.database!r}).sql({query!r}).show()')}"


def _name(identifier: str) -> str:
    return identifier if re.fullmatch(r"[a-z_][a-z0-9_]*", identifier) else f'"{identifier}"'


def _quoted(text: str) -> str:
    """`text` for a shell, in double quotes where that is enough: code has single quotes of its own."""
    return shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'
