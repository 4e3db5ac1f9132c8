"""One dlt pipeline for the command line: opened, freed of pending packages, run, counted; every error translated.

`pipeline.run` is no help with packages that an earlier run left (dlt 1.31): given a source, it loads them and extracts
nothing; and where that run was stopped before its first load, it finds no dataset at the destination, takes the local
pipeline for stale and wipes it, the packages too. So they are normalised and loaded step by step before it is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import dlt
from dlt.common.exceptions import DltException
from dlt.common.pipeline import get_dlt_pipelines_dir
from dlt.common.schema.utils import get_root_table
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from headrace.bridge.changed import changes
from headrace.bridge.counts import rows_by_table
from headrace.bridge.lease import leased
from headrace.bridge.leftover import clear_leftovers
from headrace.bridge.outlast import Outlast
from headrace.bridge.retried import load_again
from headrace.bridge.take_back import take_back
from headrace.command.failure import chain_of, failed_step, translated
from headrace.command.table import counted
from headrace.command.target import DuckDbFile, Target
from headrace.errors import UsageError

if TYPE_CHECKING:
    from dlt.extract import DltSource

    from headrace.command.held import Held

#: What DuckDB may take for itself while it loads; it spills to a folder beside its file beyond that.
DUCKDB_MEMORY: Final = "512MB"


def kept_folder(name: str, pipelines_dir: Path | None = None) -> Path:
    """Where the lock and the kept pages of pipeline `name` lie.

    Not in its working folder: dlt wipes that where it finds no dataset at the destination, as after a first run that
    failed.
    """
    return _pipelines_folder(pipelines_dir) / ".headrace" / quote(name, safe="")


def working_folder(name: str, pipelines_dir: Path | None = None) -> Path:
    """Where dlt works for pipeline `name`."""
    return _pipelines_folder(pipelines_dir) / name


def _pipelines_folder(said: Path | None) -> Path:
    return Path(get_dlt_pipelines_dir()) if said is None else said


class PipelineRun:
    """A pipeline and the sources it loads."""

    def __init__(self, pipeline: dlt.Pipeline, outlast: Outlast, held: Held | None = None) -> None:
        self._pipeline = pipeline
        self._outlast = outlast
        self._held = held
        self._sources: dict[str, DltSource] = {}
        #: Packages that were loaded, those of earlier runs left out, and the rows that they brought by table.
        self.packages = 0
        self._rows: Counter[str] = Counter()
        self._failed_step = ""
        self._check: Callable[[], None] = lambda: None
        #: Whether the machine refused something, such as room on the disk.
        self.failed_by_system = False

    @classmethod
    def begin(
        cls,
        name: str,
        target: Target,
        dataset: str | None,
        pipelines_dir: Path | None = None,
        outlast: Outlast | None = None,
    ) -> PipelineRun:
        """Open the pipeline `name`. Raises `UsageError` for a name or a destination that dlt does not know.

        Also for a dataset that is called like the DuckDB file: DuckDB then takes `x.table` for ambiguous.
        """
        destination: Any = target.name if not isinstance(target, DuckDbFile) else _duckdb(target)
        try:
            pipeline = dlt.pipeline(
                name,
                destination=destination,
                dataset_name=dataset,
                pipelines_dir=None if pipelines_dir is None else str(pipelines_dir),
            )
        except Exception as error:
            raise translated(error) from error
        if isinstance(target, DuckDbFile) and target.path.stem == pipeline.dataset_name:
            raise UsageError(
                f"expected a dataset with another name than its database, got `{pipeline.dataset_name}` for both",
                hint="DuckDB cannot tell them apart; see `--dataset`",
            )
        return cls(pipeline, outlast or Outlast(), target.held if isinstance(target, DuckDbFile) else None)

    @contextmanager
    def alone(self, source: DltSource, wait_s: float, note: Callable[[str], None]) -> Iterator[None]:
        """Keep runs on other machines out meanwhile; see `bridge/lease.py`. Raises `LockedError`."""
        pipeline = self._pipeline
        folder = kept_folder(pipeline.pipeline_name, Path(pipeline.pipelines_dir))
        with ExitStack() as stack:
            try:
                self._check = stack.enter_context(leased(pipeline, source.schema, folder, wait_s, note))
            except Exception as error:
                raise translated(error) from error
            load, normalize = pipeline.load, pipeline.normalize

            def begun(*arguments: Any, **named: Any) -> Any:
                self._outlast.begin_normalize()
                return normalize(*arguments, **named)

            def checked(*arguments: Any, **named: Any) -> Any:
                self._outlast.begin_load()
                if self._held is not None:
                    self._held.keep()
                found = load_again(pipeline, lambda: load(*arguments, **named), self._check)
                self._outlast.end_load()
                return found

            # `pipeline.run` extracts for as long as it takes, and then calls these
            pipeline.normalize, pipeline.load = begun, checked
            try:
                yield
            finally:
                pipeline.normalize, pipeline.load = normalize, load

    @property
    def has_pending(self) -> bool:
        """Whether packages of an earlier run wait to be loaded."""
        return bool(self._pipeline.has_pending_data)

    @property
    def dataset(self) -> str:
        """The name of the dataset."""
        return str(self._pipeline.dataset_name)

    def load_pending(self) -> int:
        """Load what an earlier run left; the number of its packages."""
        pipeline = self._pipeline
        try:
            is_mended = self._outlast.is_mended
            if is_mended:
                self._outlast.pass_loaded(pipeline)
            clear_leftovers(pipeline)
            if not pipeline.has_pending_data:
                self._outlast.end_mending()
                return 0
            packages = {*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()}
            if pipeline.list_extracted_load_packages():
                pipeline.normalize()
            self._check()
            take_back(pipeline, all_begun=is_mended)
            pipeline.load()
        except Exception as error:
            raise translated(error) from error
        return len(packages)

    def expect_unchanged(self, source: DltSource) -> None:
        """Raises `UsageError` where keys or types are declared otherwise than when rows were loaded."""
        try:
            found = changes(self._pipeline, source)
        except Exception as error:
            raise translated(error) from error
        if found:
            raise UsageError(
                f"expected keys and types as they were when rows were loaded, got {'; '.join(found)}",
                hint="rows that stand keep their keys, and values of another type get a column of their own: "
                "`--accept-changes` goes on so, another `--dataset` and `--name` begin anew",
            )

    def load(self, source: DltSource) -> None:
        """Extract, normalise and load `source`. Raises `HeadraceError`."""
        self._sources.setdefault(source.schema.name, source)
        if self.packages and self._held is not None:
            self._held.free()  # it was loaded, and is fetched again
        try:
            self._pipeline.run(source)
        except Exception as error:
            self._failed_step = failed_step(error)
            self.failed_by_system = any(isinstance(link, OSError | MemoryError) for link in chain_of(error))
            raise translated(error) from error
        self.packages += 1
        trace = self._pipeline._last_trace  # noqa: SLF001 - where there is none the public one reads a pickle
        if trace and trace.last_normalize_info:
            self._rows.update(rows_by_table(trace.last_normalize_info))

    def finish(self, after: Callable[[dlt.Pipeline], object]) -> None:
        """Do what is to be done when all is loaded. Raises `HeadraceError`."""
        try:
            after(self._pipeline)
        except Exception as error:
            raise translated(error) from error

    def aftermath(self, *, goes_on: bool = False) -> str:
        """What a run that failed leaves behind, and what the next one does about it: it `goes_on`, or starts again."""
        with suppress(DltException, OSError):
            if self._pipeline.has_pending_data:
                return "what was fetched is kept: run the same command again, it is loaded first"
        if self._failed_step == "load":
            return "a part may be loaded; the same command loads it again"
        loaded = f"{counted(self.packages, 'step')} of this run {'is' if self.packages == 1 else 'are'} loaded"
        begin = loaded if self.packages else "nothing of this run was loaded"
        return f"{begin}; the same command {'goes on where it stopped' if goes_on else 'starts again'}"

    def rows_now(self) -> dict[str, int]:
        """Table -> rows that it holds now, of the tables of the loaded sources. For DuckDB."""
        tables: dict[str, int] = {}
        try:
            with self._pipeline.sql_client() as client:
                query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
                stored = {row[0] for row in client.execute_sql(query, client.dataset_name) or ()}
                for name in self._table_names():
                    if name in stored:
                        table = client.make_qualified_table_name(name)
                        tables[name] = (client.execute_sql(f"SELECT count(*) FROM {table}") or [[0]])[0][0]  # noqa: S608
        except Exception as error:
            raise translated(error) from error
        return tables

    def rows_loaded(self) -> dict[str, int]:
        """Table -> rows that this run loaded into it."""
        return {name: self._rows[name] for name in self._table_names() if name in self._rows}

    def sample(self, table: str, columns: list[str], rows: int) -> list[tuple[Any, ...]]:
        """The first rows of a table, by their first column."""
        with self._pipeline.sql_client() as client:
            name = client.make_qualified_table_name(table)
            quoted = ", ".join(f'"{column}"' for column in columns)
            return list(client.execute_sql(f"SELECT {quoted} FROM {name} ORDER BY 1 LIMIT {rows}") or ())  # noqa: S608

    def _table_names(self) -> list[str]:
        """Tables of the loaded sources in the order of their resources, parents first."""
        names: list[str] = []
        for source in self._sources.values():
            if source.schema.name in self._pipeline.schemas:
                schema = self._pipeline.schemas[source.schema.name]  # read from the disk each time
                # the schema's own order is that in which resources happened to end
                places = {name: place for place, name in enumerate(source.resources)}
                found = schema.data_table_names(seen_data_only=True)
                names += sorted(found, key=lambda table: places.get(_resource_of(schema.tables, table), len(places)))
        return names


def _resource_of(tables: Any, table: str) -> str:
    return str(get_root_table(tables, table).get("resource", ""))


def _duckdb(target: DuckDbFile) -> Any:
    credentials = DuckDbCredentials(str(target.path), global_config={"memory_limit": DUCKDB_MEMORY})
    return dlt.destinations.duckdb(credentials)
