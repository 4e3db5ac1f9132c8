"""Where a run loads to: `--to` read, and what can be known of it before the first request."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from headrace.command.begun import finish_begun
from headrace.command.held import Held
from headrace.errors import HeadraceError, LockedError, UsageError

_HELD: Final = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_LOCKED: Final = "Could not set lock on file"
#: Seconds between two looks of one who waits.
_LOOK_S: Final = 1.0
_SUFFIXES: Final = (".duckdb", ".ddb", ".db")


@dataclass(frozen=True)
class DuckDbFile:
    """A DuckDB database file; `said` is its path as the user would write it."""

    said: str

    @property
    def path(self) -> Path:
        """Its absolute path."""
        return Path(self.said).expanduser().absolute()

    @cached_property
    def held(self) -> Held:
        """What keeps it open."""
        return Held(self.path)


@dataclass(frozen=True)
class NamedDestination:
    """Any other dlt destination: its name or import path; dlt knows its credentials."""

    name: str


Target = DuckDbFile | NamedDestination


def parse_target(said: str | None, pipeline_name: str) -> Target:
    """The target that `--to` names; without it `<pipeline name>.duckdb` in the current folder.

    `duckdb:///x.duckdb` is relative and `duckdb:////x.duckdb` absolute, as dlt has it. Raises `UsageError`.
    """
    if said is None or said in ("duckdb", "duckdb:"):
        return DuckDbFile(f"{pipeline_name}.duckdb")
    if said.startswith("duckdb:"):
        path = said.removeprefix("duckdb:")
        path = path.removeprefix("///") if path.startswith("///") else path
        if path in ("", ":memory:"):
            raise UsageError(
                "expected a DuckDB file in `--to`, got a database in memory, of which nothing would be left",
                hint="for example `--to duckdb:///x.duckdb`",
            )
        if path.startswith("//"):
            raise UsageError("expected `duckdb:///` and a path in `--to`", hint="for example `--to duckdb:///x.duckdb`")
        return DuckDbFile(path)
    if "://" in said:
        # the address is not repeated: a password may stand in it
        raise UsageError(
            "expected the name of a dlt destination or `duckdb:///x.duckdb` in `--to`, got another address",
            hint="credentials of a destination belong in `.dlt/secrets.toml` or the environment; "
            "name the destination alone, for example `--to postgres`",
        )
    if said.endswith(_SUFFIXES):
        return DuckDbFile(said)
    return NamedDestination(said)


def check_duckdb(
    target: DuckDbFile,
    wait_s: float = 0,
    waits: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Find out now what would fail after the last page: a file that cannot be written, opened or locked.

    One that another process holds is waited for, `wait_s` seconds at most; `waits` is told once for whom. A file that
    does not exist is not made, one that was begun is finished, and stays open: free `target.held` in the end. Raises
    `UsageError` or `LockedError`.
    """
    path, folder = target.path, target.path.parent
    if not folder.is_dir():
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if existing.is_dir():
            got, hint = f"there is no `{folder}`", f"mkdir -p {shlex.quote(str(folder))}"
        else:
            got, hint = f"`{existing}` is a file", "name another file: `--to duckdb:///path/x.duckdb`"
        raise UsageError(f"expected a folder for the database `{target.said}`, {got}", hint=hint)
    if path.is_dir():
        raise UsageError(f"expected a file for the database, got the folder `{target.said}`")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(
            f"expected a folder that can be written for the database `{target.said}`, got `{folder}`",
            hint="name another file: `--to duckdb:///path/x.duckdb`",
        )
    waited_s = 0.0
    while path.exists():
        finish_begun(path)
        try:
            _open(target)
        except LockedError as held:
            if waited_s >= wait_s:
                raise
            if waits is not None and not waited_s:
                waits(f"waiting for `{target.said}`: {held.message.rpartition(', ')[2]}")
        else:
            return
        sleep(_LOOK_S)
        waited_s += _LOOK_S


def _open(target: DuckDbFile) -> None:
    import duckdb

    try:
        target.held.open()
    except duckdb.Error as error:
        text = str(error)
        raise locked(text, target.said) or UsageError(
            f"expected a DuckDB database that can be written, got `{target.said}`: {first_line(text)}",
            hint="name another file: `--to duckdb:///path/x.duckdb`",
        ) from None


def locked(text: str, database: str | None = None) -> HeadraceError | None:
    """The error for DuckDB's words about a lock, None when they are about something else."""
    if _LOCKED not in text:
        return None
    holder = _HELD.search(text)
    named = re.search(r'lock on file "([^"]+)"', text)
    file = database or (named[1] if named else "the database")
    who = f"process {holder['pid']} ({Path(holder['program']).name})" if holder else "another process"
    return LockedError(f"expected to open `{file}` for writing, {who} holds it", hint="try again when that has ended")


def first_line(text: str) -> str:
    """The first line of a foreign message, without the kind in front and the full stop behind."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return re.sub(r"^(?:[A-Z][\w ]*? )?Error: ", "", line).rstrip(".")
