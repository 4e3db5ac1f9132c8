"""A PostgreSQL server of the tests' own, from what is installed: fresh data, loopback only, gone with the test run."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

#: Who loads. The server trusts everyone on loopback.
_USER: Final = "loader"
_START_TRIES: Final = 5
_RESTART_TRIES: Final = 100
#: Speed for safety against a loss of power. What is committed survives that the server is killed.
_FAST: Final = "-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0"


class AbsentError(Exception):
    """PostgreSQL cannot be run here; the text says why."""


@dataclass(frozen=True)
class Postgres:
    """A running server, with its files in the folder `data`."""

    port: int
    data: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """The address of a new, empty database."""
        import psycopg2  # absent where there is no PostgreSQL

        name = f"db{next(self._numbers)}"
        connection = psycopg2.connect(self._address("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        finally:
            connection.close()
        return self._address(name)

    def start(self) -> None:
        """Start it once more, after it was killed; what is left of the one before ends meanwhile."""
        for _ in range(_RESTART_TRIES):
            with suppress(AbsentError):
                _run(_programs(), _user(), "pg_ctl", *_arguments(self.data.parent, self.port), capture=False)
                return
        raise RuntimeError((self.data.parent / "log").read_text()[-500:])

    def _address(self, database: str) -> str:
        return f"postgresql://{_USER}:none@127.0.0.1:{self.port}/{database}"


def query(address: str, text: str) -> list[Any]:
    """Rows of one statement, or of the last of several; none where it gives none."""
    import psycopg2  # absent where there is no PostgreSQL

    connection = psycopg2.connect(address)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@contextmanager
def serving() -> Iterator[Postgres]:
    """A server until the context is left. It also ends when this process does, however that ends.

    Raises:
        AbsentError: there is no PostgreSQL, no driver for it, or no user to run it as.
    """
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="headrace-pg-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        _run(programs, user, "initdb", "-D", str(folder / "data"), "-U", _USER, "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        for _ in range(_START_TRIES):
            port = _free_port()
            keeper = _start(programs, user, folder, port)
            if keeper is not None:
                break
        else:
            raise AbsentError(f"the server does not start: {(folder / 'log').read_text()[-500:]}")
        try:
            yield Postgres(port, folder / "data")
        finally:
            _stop(keeper)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(programs: Path, user: str | None, folder: Path, port: int) -> subprocess.Popen[str] | None:
    """The shell that keeps the server up for as long as its standard input is open; None if the server did not start.

    The kernel closes that input with our process, so no server is left behind by a test run that was killed.
    """
    # the server lets go of our streams, so that reading them to their end does not wait for it
    script = (
        'trap "" INT; folder="$1"; shift; "$0" "$@" </dev/null >/dev/null 2>&1 || { echo no; exit; }; echo up; '
        'read -r _; "$0" -D "$folder/data" -m immediate -w stop </dev/null >/dev/null 2>&1; rm -rf "$folder"'
    )
    keeper = subprocess.Popen(
        ["sh", "-c", script, str(programs / "pg_ctl"), str(folder), *_arguments(folder, port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user, cwd="/",
    )  # fmt: skip
    assert keeper.stdout is not None
    if keeper.stdout.readline() == "up\n":
        return keeper
    _stop(keeper)
    return None


def _arguments(folder: Path, port: int) -> list[str]:
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} {_FAST}"
    return ["-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "-w", "start"]


def _stop(keeper: subprocess.Popen[str]) -> None:
    keeper.communicate()


def _programs() -> Path:
    """The folder with `initdb` and `pg_ctl`: of the search path, or of Debian's newest version."""
    try:
        import psycopg2  # noqa: F401 - asked whether it is there
    except ImportError:
        raise AbsentError("no driver: psycopg2 is not installed") from None
    found = [Path(path).resolve().parent for path in (shutil.which("initdb"), shutil.which("pg_ctl")) if path]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(debian, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), reverse=True)
    for folder in found:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise AbsentError("no PostgreSQL: neither on PATH nor below /usr/lib/postgresql")


def _user() -> str | None:
    """Whom to run it as; None is who runs the tests. It refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise AbsentError("no user to run it as: PostgreSQL refuses root, and there is neither `postgres` nor `nobody`")


def _run(programs: Path, user: str | None, name: str, *args: str, capture: bool = True) -> None:
    """Run a program. Who starts a server must not `capture`: it holds the streams for as long as it runs."""
    streams = subprocess.PIPE if capture else subprocess.DEVNULL
    done = subprocess.run(
        [str(programs / name), *args], user=user, cwd="/", stdout=streams, stderr=streams, text=True, check=False
    )
    if done.returncode:
        raise AbsentError(f"{name} failed: {(done.stderr or '')[-500:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
