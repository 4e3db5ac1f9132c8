"""One configuration through headrace and through dlt's own `rest_api_source`: the same tables, rows, schema and state.

    def test_something(tmp_path):
        assert_same(service, lambda url: {"client": {"base_url": url}, "resources": ["things"]}, folder=tmp_path)

`service` is a pure `Request -> Reply`; it answers on loopback, at the same address for both. Runs are made by turns,
ours first, each contestant into a place of its own, and after each run everything is compared:

- tables; columns in order with type and nullability;
- rows as trees: each root row with its child rows in the order of `_dlt_list_idx`, joined by ids. Ids themselves count
  where dlt makes them from the row (upsert, insert-only, scd2), otherwise only whether they fit together;
- the stored schema: hints of tables and columns;
- the `sources` part of the pipeline's state: incremental cursors and all else that stands there.

What differs on purpose (docs/compatibility.md) is levelled by `Level`s in `differences`; those of every load are in
`stands.ALWAYS`. dlt's own retries really wait (1, 2, 4 s), so let at most one request fail once.
"""

from __future__ import annotations

import gc
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.pipeline import PipelineContext
from dlt.extract import DltSource
from dlt.sources.rest_api import rest_api_source as their_source
from typing_extensions import Self

from headrace import rest_api_source as our_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from places import DUCKDB, Place
from stands import Level, Stand, compare, raise_for, stand_of, unequal, unequal_rows

Service = Callable[[Request], Reply]
#: Base url -> configuration. Called anew for each contestant and run: objects in it are fresh.
ConfigOf = Callable[[str], Mapping[str, Any]]
#: What is done with a source before it runs; what it returns, if anything, runs in its stead.
Prepare = Callable[[DltSource], Any]
Args = Mapping[str, Any]
NO_ARGS: Args = {}


@dataclass
class Contest:
    """Both contestants' pipelines; after each load both stands; `report` is the one of our last load."""

    folder: Path
    place: Place = DUCKDB
    pipeline_args: Args = field(default_factory=dict)
    stands: list[tuple[Stand, Stand]] = field(default_factory=list)
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        self.ours, self.theirs = (
            self.place.pipeline(self.folder, name, **self.pipeline_args) for name in ("ours", "theirs")
        )

    def load(
        self,
        stage: Stage,
        config_of: ConfigOf,
        *,
        source_args: Args = NO_ARGS,
        run_args: Args = NO_ARGS,
        prepare: Prepare | None = None,
    ) -> tuple[Stand, Stand]:
        """Ours, then theirs, from what the stage serves; nothing is compared."""
        self.report = Report()
        stands = []
        for target, report in ((self.ours, self.report), (self.theirs, None)):
            with _closing(), _active(target):
                source = _source(config_of(stage.url), source_args, prepare, report)
                target.run(source, **{**self.place.run_args, **run_args})
            stands.append(stand_of(target, self.place.read(target), len(self.stands), stage.take()))
        self.stands.append((stands[0], stands[1]))
        return self.stands[-1]


def assert_same(  # noqa: PLR0913 - what may vary between tests
    service: Service | Sequence[Service],
    config_of: ConfigOf | Sequence[ConfigOf],
    *,
    folder: Path,
    runs: int = 1,
    place: Place = DUCKDB,
    source_args: Args = NO_ARGS,
    run_args: Args = NO_ARGS,
    pipeline_args: Args = NO_ARGS,
    prepare: Prepare | None = None,
    differences: Sequence[Level] = (),
) -> Contest:
    """Load by turns through both and compare after each run; raises `AssertionError` with all that differs.

    Args:
        service: What answers; several are one a run, the last one stays.
        config_of: The configuration, likewise.
        folder: Where pipelines and databases go.
        runs: How often to load; at least once for each service and each configuration.
        place: The destination.
        source_args: Arguments of both `rest_api_source`s; `name` is `api` if not given.
        run_args: Arguments of `pipeline.run`.
        pipeline_args: Arguments of `dlt.pipeline`.
        prepare: Steps, hints, limits and selections put on the source.
        differences: What differs on purpose.
    """
    services, configs = _each(service), _each(config_of)
    contest = Contest(folder, place, pipeline_args)
    with Stage() as stage:
        for run in range(max(runs, len(services), len(configs))):
            stage.service = _nth(services, run)
            ours, theirs = contest.load(
                stage, _nth(configs, run), source_args=source_args, run_args=run_args, prepare=prepare
            )
            compare(ours, theirs, differences)
    return contest


def assert_same_iteration(
    service: Service,
    config_of: ConfigOf,
    *,
    source_args: Args = NO_ARGS,
    prepare: Prepare | None = None,
    ordered: bool = True,
) -> dict[str, list[Any]]:
    """Without a pipeline: each `list(resource)` is the same, and `list(source)` in any order; returns the former.

    Not `ordered` where resources depend on each other: dlt mixes the pages of several parents.
    """

    def rows(url: str, *, ours: bool) -> tuple[dict[str, list[Any]], list[Any]]:
        def source() -> DltSource:
            return _source(config_of(url), source_args, prepare, Report() if ours else None)

        with _closing(), _active(None):
            each = {name: list(source().resources[name]) for name in source().selected_resources}
            return {name: rows if ordered else sorted(rows, key=str) for name, rows in each.items()}, list(source())

    with Stage() as stage:
        stage.service = service
        (ours, all_ours), (theirs, all_theirs) = (rows(stage.url, ours=who) for who in (True, False))
    raise_for([*unequal("list", ours, theirs), *unequal_rows("list(source)", all_ours, all_theirs)], "iteration")
    return ours


@dataclass(frozen=True)
class Failures:
    """What ended the run of each: chains of errors, the root cause first."""

    ours: list[BaseException]
    theirs: list[BaseException]


def assert_both_fail(
    service: Service,
    config_of: ConfigOf,
    *,
    folder: Path,
    place: Place = DUCKDB,
    source_args: Args = NO_ARGS,
    prepare: Prepare | None = None,
) -> Failures:
    """Neither takes it, be it when the source is made or when it runs."""
    found = []
    with Stage() as stage:
        stage.service = service
        for name, report in (("ours", Report()), ("theirs", None)):
            target = place.pipeline(folder, name)
            try:
                with _closing(), _active(target):
                    target.run(_source(config_of(stage.url), source_args, prepare, report), **place.run_args)
            except Exception as error:  # noqa: BLE001 - any failure is what is asked for
                with _closing():
                    found.append(_chain(error))
                continue
            raise AssertionError(f"expected an error, {name} loaded")
    return Failures(*found)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it; what dlt left open when it failed is let go."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None:
        chain.insert(0, link)
        link = link.__cause__ or link.__context__
    for link in chain:
        traceback.clear_frames(link.__traceback__)
    return chain


def _source(config: Mapping[str, Any], args: Args, prepare: Prepare | None, report: Report | None) -> DltSource:
    """Our source where there is a report, dlt's where there is none."""
    given: dict[str, Any] = {"name": "api", **args}
    made: Any = config
    if report is None:
        source = their_source(made, **given)
    else:
        source = our_source(made, **given, report=report, clock=TurnedClock())
    return (prepare(source) if prepare else None) or source


class Stage:
    """A server at one address, whose service can be changed, and which remembers what was asked."""

    def __init__(self) -> None:
        self.service: Service = lambda _: Reply(404, b"{}")
        self._asked: list[Request] = []
        self._server = Server(self._answer)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    @property
    def url(self) -> str:
        return self._server.url

    def take(self) -> list[Request]:
        """The requests since the last time."""
        asked, self._asked = self._asked, []
        return asked

    def _answer(self, request: Request) -> Reply:
        self._asked.append(request)
        return self.service(request)


@contextmanager
def _closing() -> Iterator[None]:
    """dlt leaves its HTTP sessions to the garbage collector: they go here, not in a later test."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@contextmanager
def _active(target: dlt.Pipeline | None) -> Iterator[None]:
    """Sources look at the state of the active pipeline, also while they are made."""
    context = Container()[PipelineContext]
    if context.is_active():
        context.deactivate()
    if target is not None:
        target.activate()
    try:
        yield
    finally:
        if target is not None:
            target.deactivate()


def _each(value: Any) -> Sequence[Any]:
    return [value] if callable(value) else list(value)


def _nth(values: Sequence[Any], run: int) -> Any:
    return values[min(run, len(values) - 1)]
