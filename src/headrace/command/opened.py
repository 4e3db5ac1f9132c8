"""A FILE argument opened, a file or a connector's name: its plan, its name, and the dlt source that a run loads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.connectors import CONNECTORS
from headrace.errors import UsageError
from headrace.moment import Moment

if TYPE_CHECKING:
    from headrace.bridge.keep import Keep
    from headrace.engine import Report
    from headrace.plan import Plan


@dataclass(frozen=True)
class Given:
    """What the command line says about a file: parameters over those of the file, privacy or None, the run's report.

    `since` and `until` are the range of this run, by resource; empty where the command line says none. `report` is None
    where nothing is to run, and so is `keep`, which keeps pages.
    """

    params: Mapping[str, Sequence[str | int]]
    privacy: str | None
    report: Report | None = None
    keep: Keep | None = None
    since: Mapping[str, Moment] = field(default_factory=dict)
    until: Mapping[str, Moment] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """`name` is the one that the configuration gives, or `rest_api`; `source` makes the dlt source.

    `after` is called with the pipeline when it has loaded.
    """

    path: Path
    plan: Plan
    name: str
    source: Callable[[], Any]
    after: Callable[[Any], object] | None = None

    @property
    def pipeline_name(self) -> str:
        """The name of the source where somebody gave one, or the file's."""
        import re

        name = self.path.stem if self.name == "rest_api" else self.name
        # the name becomes a folder of dlt and a file here
        return re.sub(r"[^\w.-]+", "_", name).strip("._") or "headrace"


def open_file(path: Path, given: Given) -> Opened:
    """Read, check and plan the file, or the connector of that name; nothing is requested.

    Raises `UsageError` and `ConfigError`.
    """
    if str(path) in CONNECTORS:
        connector = CONNECTORS[str(path)]
        config: Any = connector.configured(given.params, given.privacy)
        return replace(_planned(path, config, given, section=str(path)), after=connector.after)
    if path.suffix.lower() == ".py":
        from headrace.command.pyfile import open_pyfile

        return open_pyfile(path, given)
    return _planned(path, path, given, params=given.params, privacy=given.privacy)


def _planned(path: Path, config: Any, given: Given, *, section: str | None = None, **said: Any) -> Opened:
    from headrace.bridge.plan import plan_source
    from headrace.plan import ranged

    plan, name = plan_source(config, section=section, **said)
    plan = ranged(plan, given.since or None, given.until or None)

    def source() -> Any:
        from headrace.bridge.source import source_of  # late: to check and to plan needs neither aiohttp nor Arrow

        return source_of(plan, name=name, section=section, report=given.report, keep=given.keep)

    return Opened(path, plan, name, source)


def selected(source: Any, plan: Plan, names: Sequence[str]) -> Any:
    """The source with these of its resources only, all for no names. Raises `UsageError` for one that it lacks."""
    known = [resource.name for resource in plan.resources]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"expected the name of a resource in `--resource`, got `{name}`", hint=hint)
    return source.with_resources(*names) if names else source
