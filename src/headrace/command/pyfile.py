"""A Python file as a configuration: `headrace run file.py`.

The file must define `source`, made by `rest_api_source`, or `config`, a dictionary; `params` is optional beside
`config`. While it is executed, dlt's entry point `dlt.sources.rest_api.rest_api_source` answers with headrace's, so the
code of a guide runs unchanged. The substitution is scoped: two module attributes are exchanged before the file runs and
put back afterwards, whatever happens. That is not a patch behind anyone's back: the user asked for it by giving the
file to `headrace run`, and the same file run by Python itself uses dlt's own.

What the command line says (`--param`, `--privacy`) is needed while the file runs, because a source is planned when it
is made; so the substitute carries it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt.sources.rest_api
from dlt.common.configuration.exceptions import ConfigFieldMissingException

import headrace.bridge.source
from headrace.bridge.places import looked_in
from headrace.bridge.plan import Params, plan_source
from headrace.bridge.source import source_of
from headrace.command.opened import Opened
from headrace.errors import ConfigError, HeadraceError, Problem, UsageError
from headrace.plan import Range, ranged

if TYPE_CHECKING:
    from dlt.extract import DltSource

    from headrace.command.opened import Given
    from headrace.plan import Plan

_DEFINES = "a Python file defines `source = rest_api_source({...})` or `config = {...}`, and `params` if it likes"


def open_pyfile(path: Path, given: Given) -> Opened:
    """Execute the file and take its source. Raises `UsageError` and `ConfigError` that name file and line."""
    made = _Made(given)
    names = _execute(path, made)
    if "source" in names:
        return made.opened(path, names["source"])
    if "config" not in names:
        raise UsageError(f"expected `source` or `config` in `{path}`, found neither", hint=_DEFINES)
    config = names["config"]
    if not isinstance(config, Mapping):
        raise UsageError(f"expected a dictionary as `config` in `{path}`, got a {type(config).__name__}", hint=_DEFINES)
    with _named(path):
        source = made.source(config, params=names.get("params"))
    return made.opened(path, source)


class _Made:
    """The sources that a file makes, each with its plan."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._plans: list[tuple[DltSource, Plan]] = []

    def source(  # noqa: PLR0913, PLR0917 - the signature is dlt's
        self,
        config: Mapping[str, Any] | str | Path,
        name: str | None = None,
        section: str | None = None,
        max_table_nesting: int | None = None,
        root_key: bool | None = None,  # noqa: FBT001 - the signature is dlt's
        schema: Any = None,
        schema_contract: Any = None,
        parallelized: bool = False,  # noqa: ARG002, FBT001, FBT002 - the signature is dlt's
        *,
        params: Params | None = None,
        privacy: str | None = None,
        since: Range | None = None,
        until: Range | None = None,
        **_: Any,
    ) -> DltSource:
        """`headrace.rest_api_source` under what the command line says; its report is the one that is shown."""
        given = self._given
        plan, name = plan_source(
            config,
            name=name,
            section=section,
            params={**(params or {}), **given.params},
            privacy=given.privacy or privacy,
        )
        plan = ranged(plan, given.since or since, given.until or until)
        # what a file adds to resources may want all rows of a listing in one package
        plan = replace(plan, limits=replace(plan.limits, step_s=0, step_pages=0))
        source = source_of(
            plan,
            name=name,
            section=section,
            max_table_nesting=max_table_nesting,
            root_key=root_key,
            schema=schema,
            schema_contract=schema_contract,
            report=given.report,
            keep=given.keep,
        )
        self._plans.append((source, plan))
        return source

    def opened(self, path: Path, source: Any) -> Opened:
        """The file with the plan of `source`. Raises `UsageError` for something else than a source made here."""
        plan = next((plan for made, plan in self._plans if made is source), None)
        if plan is None:
            kind = type(source).__name__
            message = f"expected `source` in `{path}` to come from `rest_api_source`, got a {kind}"
            raise UsageError(message, hint=_DEFINES)
        return Opened(path, plan, source.name, lambda: source)


def _execute(path: Path, made: _Made) -> dict[str, Any]:
    """The global names of the file after it ran, not as `__main__`: what stands under that guard is not wanted here."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"expected a configuration file, found none at `{path}`") from None
    except OSError as error:
        raise UsageError(f"expected a readable file, got `{path}`: {(error.strerror or 'error').lower()}") from None
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    with _named(path), _substituted(made), _imports_from(path.absolute().parent):
        exec(compile(text, str(path), "exec"), names)  # noqa: S102 - the user asks to run this file
    return names


@contextmanager
def _substituted(made: _Made) -> Iterator[None]:
    """Both entry points, dlt's and ours, answer with `made.source`; `from headrace import ...` reads the bridge's."""
    homes: tuple[Any, ...] = (dlt.sources.rest_api, headrace.bridge.source)
    before = [home.rest_api_source for home in homes]
    for home in homes:
        home.rest_api_source = made.source
    try:
        yield
    finally:
        for home, entry in zip(homes, before, strict=True):
            home.rest_api_source = entry


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Modules beside the file can be imported, as when Python runs it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the file as ours, with its name and line."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(error.problems, source=str(path)) from error
    except HeadraceError:
        raise
    except ConfigFieldMissingException as error:
        fields = ", ".join(f"`{field}`" for field in error.fields)
        problem = Problem(f"expected the secret {fields}, found none", hint=f"looked for it in {looked_in(error)}")
        raise ConfigError([problem], source=_place(path, error)) from error
    except SyntaxError as error:
        raise UsageError(f"expected Python, got {error.msg}", where=f"{error.filename}:{error.lineno}") from error
    except SystemExit as error:
        message = "expected a file that runs to its end, it left by `exit`"
        raise UsageError(message, where=_place(path, error)) from error
    except Exception as error:
        words = str(error).partition("\n")[0]
        text = f"{type(error).__name__}: {words}" if words else type(error).__name__
        raise UsageError(f"the file stopped with {text}", where=_place(path, error)) from error


def _place(path: Path, error: BaseException) -> str:
    """`file.py:12`, the innermost line of the file itself."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
