"""Command lines in forks of one process that has imported everything; a fork can end, or be refused, at a given step.

A step is what outlasts the process, or announces it: a file opened for writing, renamed, linked, removed or synced, a
folder made or removed, bytes appended to what is kept, a statement for the database. Python reports most of them itself
(audit events); taps before a few functions report the others.

Reads one JSON object a line, writes one a line: {"code": exit code, "process": its number}.

    arguments, cwd, environ, out, err    as in `cli_forks.py`
    crash_at                             end the process without a word before this step, from 0
    crash_behind                         ... or where steps came whose names have these texts, one after the other
    torn                                 ... or in the middle of it, where it appends bytes
    fail_at, errno                       the step raises that error instead, once
    kill_after_s                         kill it then, wherever it is
    threads, more_mb                     so many threads may begin, so much may be added to the address space
    most_kb                              no file may grow beyond that: the system refuses it (EFBIG)
    no_tmp                               there is no folder for temporary files
    limit_s                              end it then, by SIGALRM; 300 without it
    pid                                  file for the number of the process, which somebody else may kill
    steps                                file for the names of the steps
    lose, seed, of, note                 when it ends, however that is, the power is lost: what was written into the
                                         folder `of` and not synced goes, see `lost_writes.py`; `note` is a file for it
    boot                                 the name of the time since the machine began, another one behind such a loss
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from lost_writes import Watched, lose

_exit = os._exit
_TIME_LIMIT_S = 300
_CRASHED = 137
#: Bytes of a file that is small enough to be put aside with others: some of these tests are.
_SMALL = 2500
#: What a run imports, late ones too: 0.2 s of it, spared to each fork.
_USED = (
    "duckdb", "pyarrow.dataset", "typer.main", "pendulum.locales.en.locale", "dlt._workspace.cli._plugins",
    "dlt.destinations.impl.duckdb.duck", "headrace.cli", "headrace.command.run", "headrace.command.pipeline",
    "headrace.command.signals", "headrace.command.summary",
)  # fmt: skip
#: What dlt asks of types, thousands of times a run and with the same answers: a fifth of what a run costs.
_ABOUT_TYPES = frozenset({
    "extract_inner_hint", "extract_inner_type", "extract_supertype", "extract_type_if_modifier", "is_generic_alias",
    "is_credentials_inner_hint", "is_literal_type", "is_newtype_type", "is_optional_type", "is_secret_hint",
    "is_subclass", "is_union_type", "is_valid_configspec_field",
})  # fmt: skip
_PATHS = {"os.rename": 1, "os.link": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0, "os.truncate": 0}


class Steps:
    """The steps of this process, counted; one of them is its last, or fails."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._case = case
        self._names = Path(case["steps"]).open("w", encoding="utf-8") if "steps" in case else None  # noqa: SIM115
        self._folder = str(Path(case["cwd"]).parent)
        self._awaited = list(case.get("crash_behind", ()))
        self._count = 0
        self._lock = threading.Lock()
        self._watched = Watched(Path(case["of"]), Path(case["note"])) if "lose" in case else None

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python says what it is about to do."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self._at("open", path)
        elif event in _PATHS:
            self._at(event, arguments[_PATHS[event]])

    def _at(self, name: str, path: Any) -> None:
        if isinstance(path, str) and path.startswith(self._folder) and path != self._case.get("steps"):
            self.step(f"{name} {path.removeprefix(self._folder)}")

    def step(self, name: str, begin: Any = None) -> None:
        """One step is about to be done; `begin` does half of it."""
        with self._lock:
            number, self._count = self._count, self._count + 1
        if self._names is not None:
            self._names.write(name + "\n")
            self._names.flush()
        if self._awaited and self._awaited[0] in name:
            del self._awaited[0]
            if not self._awaited:
                self.end(_CRASHED)
        if number == self._case.get("crash_at"):
            if self._case.get("torn") and begin is not None:
                begin()
            self.end(_CRASHED)
        if number == self._case.get("fail_at"):
            raise OSError(self._case["errno"], os.strerror(self._case["errno"]), name)

    def sync(self, file: int) -> None:
        """Sync a file or a folder."""
        self.step("sync")
        if self._watched is not None:
            self._watched.synced(file)  # which is as good as the disk here

    def end(self, code: int) -> None:
        """End the process without a word."""
        if self._watched is not None:
            self._watched.end()
        _exit(code)


def watch(case: dict[str, Any]) -> None:
    """Count the steps of this process."""
    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

    from headrace.keep import Disk

    steps = Steps(case)
    append, execute = Disk.append, DuckDbSqlClient.execute_query

    def tapped_append(self: Any, file: int, data: bytes) -> None:
        steps.step("append", lambda: os.write(file, data[: len(data) // 2]))
        append(self, file, data)

    def tapped_execute(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        steps.step("sql " + " ".join(str(query).split())[:80])
        return execute(self, query, *arguments, **named)

    for name in ("begin_transaction", "commit_transaction"):
        before = getattr(DuckDbSqlClient, name)

        def tapped(self: Any, name: str = name, before: Any = before) -> Any:
            steps.step(f"sql {name}")
            return before(self)

        setattr(DuckDbSqlClient, name, tapped)
    Disk.append = tapped_append  # type: ignore[method-assign]
    DuckDbSqlClient.execute_query = tapped_execute
    os.fsync, os._exit = steps.sync, steps.end  # type: ignore[assignment]
    sys.addaudithook(steps.audit)


def starve(case: dict[str, Any]) -> None:
    """Have the system give no more than that. Root's threads are not limited by the system, so Python refuses them."""
    if "more_mb" in case:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + (case["more_mb"] << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if "most_kb" in case:
        most = case["most_kb"] << 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if case.get("no_tmp"):
        tempfile.tempdir = None
        tempfile._candidate_tempdir_list = list  # type: ignore[attr-defined]
    if "threads" in case:
        left, begin = iter(range(case["threads"])), threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if next(left, None) is None:
                raise RuntimeError("can't start new thread")
            begin(thread)

        threading.Thread.start = start  # type: ignore[method-assign]


def child(case: dict[str, Any]) -> None:
    """Run the command line of a case, and end."""
    from headrace.cli import main
    from headrace.keep import checkpoint

    signal.alarm(case.get("limit_s", _TIME_LIMIT_S))
    os.setpgid(0, 0)
    if "pid" in case:
        Path(case["pid"]).write_text(str(os.getpid()), encoding="utf-8")
    os.chdir(case["cwd"])
    os.environ.clear()
    os.environ.update(case["environ"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(case[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    code = 99
    try:
        starve(case)
        if "boot" in case:
            checkpoint.Checkpoint.__init__.__kwdefaults__["boot"] = lambda: case["boot"]
            checkpoint._SMALL = _SMALL  # type: ignore[misc]
        if not {"steps", "crash_at", "crash_behind", "fail_at", "lose"}.isdisjoint(case):
            watch(case)
        code = main(case["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def warm_up() -> None:
    """Have all forks begin with what is the same in each."""
    for name in _USED:
        import_module(name)
    known: dict[Any, Any] = {}
    for module in [module for name, module in sys.modules.items() if name.startswith("dlt.")]:
        for name in _ABOUT_TYPES & vars(module).keys():
            asked = vars(module)[name]
            setattr(module, name, known.setdefault(asked, remembered(asked)))
    # pages of memory that the collector looks into would be copied for each fork
    gc.collect()
    gc.freeze()


def remembered(ask: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which computes each answer once, except for arguments that cannot be looked up."""
    known = cache(ask)

    @wraps(ask)
    def answer(*arguments: Any, **named: Any) -> Any:
        try:
            return known(*arguments, **named)
        except TypeError:
            return ask(*arguments, **named)

    return answer


def serve() -> None:
    warm_up()
    for line in sys.stdin:
        case = json.loads(line)
        process = os.fork()
        if process == 0:
            child(case)
        if "kill_after_s" in case:
            time.sleep(case["kill_after_s"])
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if "lose" in case:
            lose(Path(case["of"]), Path(case["note"]), case["lose"], case["seed"])
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status), "process": process}) + "\n")
        sys.stdout.flush()
    gc.unfreeze()


if __name__ == "__main__":
    serve()
