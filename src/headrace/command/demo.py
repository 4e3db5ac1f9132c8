"""`headrace demo`: both guides' services on loopback, on a bad day, loaded into DuckDB, compared with what was served.

Nothing is hidden by a fast clock: the waits between tries are real, only shorter than the guides' (a declared policy),
and `Retry-After` is obeyed as the simulator says it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.command.outcome import Outcome
from headrace.command.progress import progress
from headrace.command.table import counted, table_lines
from headrace.command.target import DuckDbFile, check_duckdb
from headrace.command.terminal import Terminal, warnings_shown
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.command.pipeline import PipelineRun
    from headrace.engine import Report
    from headrace.sim import GuidesSim

_NAME: Final = "headrace_demo"
_DATASET: Final = "guides"
_DEFAULTS: Final = {"primary_key": "id", "write_disposition": "merge"}
_CURSOR: Final = {"type": "cursor", "cursor_param": "pageToken", "cursor_path": "nextPageToken"}
#: Columns that are shown of each table; all come in every row.
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "domains": ("name", "state", "spam_action", "created_at"),
    "events": ("id", "event", "timestamp", "recipient"),
    "links": ("id", "path", "original_url", "created_at"),
    "clicks": ("dt", "domain_id", "host", "path"),
}
_SHOWN_ROWS: Final = 3


def guides(sim: GuidesSim) -> dict[str, dict[str, Any]]:
    """The configurations of the two guides, with the simulator's address and keys, by the name of their source."""
    shared = {"base_url": sim.url, "retry": {"backoff_factor": 0.1}}
    email_auth = {"type": "basic", "username": "api", "password": sim.private_key}
    links_auth = {"type": "api_key", "name": "Authorization", "api_key": sim.api_key, "location": "header"}
    by_offset = {"type": "offset", "limit": 1000, "offset_param": "skip"}
    by_from = {"type": "cursor", "cursor_param": "from", "cursor_path": "paging.next"}
    return {
        "email": {
            "client": {**shared, "auth": email_auth},
            "resource_defaults": _DEFAULTS,
            "resources": [
                _resource("domains", "/v1/domains", "items", by_offset, private=["smtp_password"]),
                _resource("events", "/v1/events", "items", by_from),
            ],
        },
        "links": {
            "client": {**shared, "auth": links_auth},
            "resource_defaults": _DEFAULTS,
            "resources": [
                _resource("links", "/v1/links", "links", _CURSOR, private=["password"]),
                _resource(
                    "clicks", "/v1/domain/{domain_id}/link_clicks", "data", _CURSOR,
                    primary_key="dt", key_collisions="keep_all",
                ),
            ],
            "params": {"domain_id": list(sim.guides.domain_ids)},
        },
    }  # fmt: skip


def _resource(name: str, path: str, selector: str, paginator: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    return {"name": name, "endpoint": {"path": path, "data_selector": selector, "paginator": paginator}, **options}


def demonstrate(events: int, keep: Path | None, terminal: Terminal) -> int:
    """Serve, load, compare, show; 0 when every row that was served is in the database. Raises `HeadraceError`."""
    from headrace.engine import Report
    from headrace.sim import Guides, page_faults

    target = DuckDbFile(str(_folder(keep) / "demo.duckdb"))
    check_duckdb(target)
    target.held.free()
    services = Guides(events=events, clicks=max(events // 10, 1), faults=tuple(page_faults()))
    report = Report()
    with warnings_shown(terminal) as warnings, services.serve() as sim:
        terminal.note(f"serving both guides' APIs at {sim.url}, on a bad day: 429, 503, cut bodies, slow pages")
        begin = time.monotonic()
        run = _load(sim, target, report, terminal)
        outcome = Outcome(
            pipeline=_NAME,
            target=target,
            dataset=run.dataset,
            tables=run.rows_now(),
            rows_now=True,
            report=report,
            seconds=time.monotonic() - begin,
            warnings=tuple(warnings),
        )
        checks = list(_compare(sim, outcome.tables))
    for line in _text(outcome, checks, run):
        terminal.data(line)
    return max(outcome.exit_code, 0 if all(check.equal for check in checks) else 1)


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise UsageError(f"expected a folder that can be written in `--keep`, got `{keep}`: {reason}") from None
    if (keep / "demo.duckdb").exists():
        raise UsageError(f"expected a folder without an earlier demo, got `{keep}`", hint="name another folder")
    return keep


def _load(sim: GuidesSim, target: DuckDbFile, report: Report, terminal: Terminal) -> PipelineRun:
    from headrace.bridge.source import rest_api_source
    from headrace.command.pipeline import PipelineRun

    run = PipelineRun.begin(_NAME, target, _DATASET, target.path.parent / "pipelines")
    with redirect_stdout(terminal.err), progress(report, list(_SHOWN), terminal):
        for name, config in guides(sim).items():
            run.load(rest_api_source(config, name=name, report=report))
    return run


@dataclass(frozen=True)
class _Check:
    """One line of the comparison; `label` is what the simulator calls it."""

    label: str
    served: int
    stored: int

    @property
    def equal(self) -> bool:
        return self.served == self.stored


def _compare(sim: GuidesSim, tables: Mapping[str, int]) -> Iterator[_Check]:
    """What the simulator's ledger says was served, each row once, against the rows in the database."""
    for table in _SHOWN:
        labels = [f"clicks/{domain}" for domain in sim.guides.domain_ids] if table == "clicks" else [table]
        yield _Check(table, sum(sim.ledger.served_count(label) for label in labels), tables.get(table, 0))


def _text(outcome: Outcome, checks: list[_Check], run: PipelineRun) -> Iterator[str]:
    for check in checks:
        columns = _SHOWN[check.label]
        yield f"{check.label}: {check.served:,} served, {check.stored:,} in the database" + (
            "" if check.equal else " - not equal"
        )
        if check.stored:
            rows = run.sample(check.label, list(columns), _SHOWN_ROWS)
            yield from table_lines(columns, rows, indent="  ")
        yield ""
    yield from _figures(outcome)
    yield f"database: {outcome.database}"
    yield ""
    yield f"next: {outcome.next_command()}"


def _figures(outcome: Outcome) -> Iterator[str]:
    resources = outcome.resources
    rows, pages = sum(one.rows for one in resources), sum(one.pages for one in resources)
    requests, wait_s = sum(one.requests for one in resources), sum(one.wait_s for one in resources)
    causes = ", ".join(f"{number} for {cause}" for cause, number in outcome.retries.most_common())
    yield (
        f"{counted(rows, 'row')} on {counted(pages, 'page')} by {counted(requests, 'request')}"
        f" in {outcome.seconds:.1f} s"
    )
    if causes:
        yield f"{counted(sum(outcome.retries.values()), 'retry')} ({causes}), {wait_s:.1f} s waited in all"
    for one in resources:
        if one.dropped:
            yield f"dropped {', '.join(f'`{name}`' for name in one.dropped)} of {one.name}: private"
