"""The command line: arguments, streams, exit codes. What the commands do stands in `headrace.command`.

Nothing heavy is imported before a command needs it: `headrace --help` answers in under 0.15 s, of which typer's import
is half (its rich markup would double that), while dlt and what stands on it take a second.

Exit codes (`headrace.errors`): 0 complete, 1 something failed or is doubted, 2 wrong use or configuration, 3 refused,
75 locked or told to rest, 130 and 143 stopped by a signal.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer

from headrace import __version__
from headrace.command.shortage import shortage
from headrace.command.signals import stopped_by_signal
from headrace.command.terminal import Terminal
from headrace.errors import ConfigError, HeadraceError
from headrace.secrets import mask
from headrace.uncollected import uncollected

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sim_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
app.add_typer(sim_app, name="sim", help="Run HTTP simulators, for anyone's tests.")

_FILE: Final = (
    "configuration: .yaml, .yml, .toml, .json, or .py that defines `source` or `config`; or a connector: mailgun, "
    "shortio"
)
_PARAM: Final = "value of a {placeholder}, or option of a connector, as name=value; repeat it for several values"
File = Annotated[Path, typer.Argument(metavar="FILE", help=_FILE, show_default=False)]
Param = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help=_PARAM, show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]
Privacy = Annotated[
    str | None,
    typer.Option(
        metavar="drop|hash|keep", help="what becomes of fields that are private or personal", show_default=False
    ),
]
_RANGE: Final = "in this run windows of time {}, as 2026-03-01, a time, or -3d; RESOURCE=... for one resource"
Since = Annotated[
    list[str] | None,
    typer.Option("--since", metavar="MOMENT", help=_RANGE.format("begin here"), show_default=False),
]
Until = Annotated[
    list[str] | None, typer.Option("--until", metavar="MOMENT", help=_RANGE.format("end here"), show_default=False)
]


def _version(asked: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if asked:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit


@app.callback()
def _headrace(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version and leave")
    ] = False,
) -> None:
    """Run dlt REST API configurations, and end with exactly the rows that the API had."""


@app.command()
def demo(
    context: typer.Context,
    events: Annotated[int, typer.Option(min=0, help="events that the simulator holds")] = 10_000,
    keep: Annotated[
        Path | None, typer.Option(metavar="PATH", help="folder for the database, in place of a temporary one")
    ] = None,
) -> None:
    """See it work: no key, no network.

    Starts the simulators of both guides' APIs, loads them into DuckDB, compares, and shows the figures.
    """
    terminal: Terminal = context.obj

    def act() -> int:
        from headrace.command.demo import demonstrate

        return demonstrate(events, keep, terminal)

    raise typer.Exit(_guarded(act, terminal))


@app.command()
def check(context: typer.Context, file: File, *, param: Param = None, as_json: Json = False) -> None:
    """Say all that is wrong with a configuration.

    Nothing is requested.
    """
    terminal: Terminal = context.obj

    def act() -> int:
        opened = _opened(file, param, None, terminal)
        resources = len(opened.plan.resources)
        if as_json:
            terminal.data(json.dumps({"ok": True, "file": str(file), "problems": []}))
        else:
            things = "1 resource" if resources == 1 else f"{resources} resources"
            terminal.data(f"{file}: no problems, {things}")
        return 0

    def failed(error: HeadraceError) -> dict[str, Any]:
        return {"ok": False, "file": str(file), "problems": _problems(error)}

    raise typer.Exit(_guarded(act, terminal, failed if as_json else None))


@app.command()
def plan(context: typer.Context, file: File, *, param: Param = None, as_json: Json = False) -> None:
    """Show what would be asked for, in which order.

    Nothing is requested.
    """
    terminal: Terminal = context.obj

    def act() -> int:
        from headrace.command.plan_text import plan_text
        from headrace.plan import describe

        described = describe(_opened(file, param, None, terminal).plan)
        terminal.data(json.dumps(described, default=str) if as_json else plan_text(described))
        return 0

    raise typer.Exit(_guarded(act, terminal, _error_object if as_json else None))


@app.command()
def run(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    file: File,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="DESTINATION",
            help="duckdb:///x.duckdb, or the name or import path of a dlt destination; <pipeline>.duckdb when absent",
        ),
    ] = None,
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="dataset; <pipeline>_dataset when absent")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="pipeline; the name of the source or file")] = None,
    param: Param = None,
    privacy: Privacy = None,
    since: Since = None,
    until: Until = None,
    resource: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="load this resource only; repeat it for several")
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="wait so long for another run of the pipeline, or for the database, as 10m; not at all",
            show_default=False,
        ),
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="go on where keys or types are declared otherwise than before")
    ] = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no summary")] = False,
) -> None:
    """Load into DuckDB or any dlt destination."""
    terminal: Terminal = context.obj

    def act() -> int:
        with uncollected():
            from headrace.command.parameter import parse_wait
            from headrace.command.run import Asked
            from headrace.command.run import run as load
            from headrace.command.summary import summary

        asked = Asked(
            file,
            to,
            dataset,
            name,
            param or (),
            privacy,
            since or (),
            until or (),
            resource or (),
            quiet=quiet,
            wait_s=parse_wait(wait),
            accepts_changes=accept_changes,
        )
        outcome = load(asked, terminal)
        if as_json:
            terminal.data(json.dumps(outcome.as_dict(), default=str))
        elif not quiet:
            terminal.data(summary(outcome))
        for doubt in outcome.doubts if quiet or as_json else ():
            terminal.note(f"doubt: {doubt}")
        for skip in outcome.skipped if quiet or as_json else ():
            terminal.note(f"skipped: {skip}")
        return outcome.exit_code

    raise typer.Exit(_guarded(act, terminal, _error_object if as_json else None))


_PASSED_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@sim_app.command(context_settings=_PASSED_ON)
def guides(context: typer.Context) -> None:
    """The e-mail and the links service of the guides; `guides --help` lists the options."""
    _simulate("guides", context)


@sim_app.command(context_settings=_PASSED_ON)
def mailgun(context: typer.Context) -> None:
    """Mailgun: events, logs, suppressions, lists, two regions; `mailgun --help` lists the options."""
    _simulate("mailgun", context)


@sim_app.command(context_settings=_PASSED_ON)
def shortio(context: typer.Context) -> None:
    """Short.io: links, clicks, statistics; `shortio --help` lists the options."""
    _simulate("shortio", context)


def _simulate(service: str, context: typer.Context) -> None:
    from headrace.sim.__main__ import main as simulate

    raise typer.Exit(simulate([service, *context.args]))


def main(
    arguments: Sequence[str] | None = None,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> int:
    """Run one command and give its exit code; streams and environment default to those of the process."""
    terminal = Terminal(out or sys.stdout, err or sys.stderr, os.environ if environ is None else environ)
    for stream in (terminal.out, terminal.err):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a row that the terminal cannot show must not end a run
    command = typer.main.get_command(app)
    with redirect_stdout(terminal.out), redirect_stderr(terminal.err):
        try:
            # without the standalone mode the parser raises, and its errors can be told in our words
            code = command.main(args=arguments, prog_name="headrace", standalone_mode=False, obj=terminal)
            terminal.out.flush()
        except SystemExit as leaving:
            code = leaving.code
        except BrokenPipeError:
            # who reads stdout has enough; point it elsewhere, or the flush at exit complains
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except Exception as error:  # noqa: BLE001 - raised again where it is not the parser's
            code = _wrong_call(error, terminal)
    code = code if isinstance(code, int) else 0
    if out is None and err is None and "dlt" in sys.modules:
        _leave(code, terminal)
    return code


def _leave(code: int, terminal: Terminal) -> None:
    """End the process now.

    A run that failed may leave threads in the midst of a batch: dlt stops its event loop and does not wait for them. At
    the interpreter's end they print errors of their own, or abort the process in C++ code (measured with Ctrl-C). After
    success all is closed, who asked to be told of the end is told, and what Python would still do, taking a thousand
    modules apart, takes 0.2 s.
    """
    if not code:
        atexit._run_exitfuncs()  # noqa: SLF001 - the interpreter's own, which runs them once
    terminal.out.flush()
    terminal.err.flush()
    os._exit(code)


def _wrong_call(error: Exception, terminal: Terminal) -> int:
    """Tell an error of the argument parser. Which library that is, depends on typer's version: known by its method."""
    words = getattr(error, "format_message", None)
    if words is None:
        raise error
    text = words()
    if text:
        terminal.note(f"error: {text[:1].lower()}{text[1:].rstrip('.')}")
        context = getattr(error, "ctx", None)
        terminal.note(f"hint: {context.command_path if context else 'headrace'} --help")
    return int(getattr(error, "exit_code", 2))


def _opened(file: Path, param: Sequence[str] | None, privacy: str | None, terminal: Terminal) -> Any:
    from headrace.command.opened import Given, open_file
    from headrace.command.parameter import parse_params
    from headrace.command.terminal import warnings_shown

    with uncollected():
        import headrace.bridge.plan  # noqa: F401 - `open_file` needs it
    with warnings_shown(terminal), redirect_stdout(terminal.err):
        return open_file(file, Given(parse_params(param or ()), privacy))


def _guarded(
    act: Callable[[], int], terminal: Terminal, failed: Callable[[HeadraceError], dict[str, Any]] | None = None
) -> int:
    """The exit code of `act`; errors are told on stderr, and on stdout as JSON where `failed` makes an object."""
    _quiet_dlt()
    with stopped_by_signal():
        try:
            return act()
        except KeyboardInterrupt as stop:
            number = getattr(stop, "signal_code", signal.SIGINT)
            _tell(f"stopped by {signal.Signals(number).name}", terminal, stop)
            return 128 + int(number)
        except BrokenPipeError:
            raise
        except HeadraceError as error:
            if failed is not None:
                terminal.data(json.dumps(failed(error), default=str))
            _tell(str(error), terminal, error)
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - a bug of ours, if nothing lacks: told in one line as well
            unknown = shortage(error) or HeadraceError(
                f"this should not happen: {type(error).__name__}: {error}",
                hint="`HEADRACE_TRACEBACK=1` shows where; tell the project",
            )
            if failed is not None:
                terminal.data(json.dumps(failed(unknown), default=str))
            _tell(str(unknown), terminal, error)
            return unknown.exit_code


def _tell(text: str, terminal: Terminal, error: BaseException) -> None:
    if terminal.environ.get("HEADRACE_TRACEBACK") == "1":
        import traceback

        terminal.note("".join(traceback.format_exception(error)).rstrip())
    terminal.note(f"error: {text}")
    for line in terminal.afterwords:
        terminal.note(line)


def _error_object(error: HeadraceError) -> dict[str, Any]:
    kind = type(error).__name__
    told: dict[str, Any] = {"kind": kind, "message": error.message, "where": error.where, "hint": error.hint}
    if isinstance(error, ConfigError):
        told["problems"] = _problems(error)
    return {"complete": False, "exit_code": error.exit_code, "error": told}


def _problems(error: HeadraceError) -> list[dict[str, Any]]:
    """Every problem of a configuration; another error counts as one."""
    if not isinstance(error, ConfigError):
        return [{"message": error.message, "path": error.where or "", "hint": error.hint}]
    return [
        {"message": mask(one.message), "path": one.path, "hint": mask(one.hint) if one.hint else None}
        for one in error.problems
    ]


def _quiet_dlt() -> None:
    """Before dlt is imported: nothing is sent home, and its log stays out of our output unless asked for."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    # where a resource fails, dlt stops its event loop under the others, which asyncio then complains about
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
