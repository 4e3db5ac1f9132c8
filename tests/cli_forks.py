"""Runs command lines in forks of one process that has imported everything: a real process each, at a tenth the cost.

Reads one JSON object a line (arguments, cwd, environ, out, err), writes the exit code a line. Each fork has its own
working folder, environment and streams, so that dlt, which keeps such things for a whole process, starts fresh.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module

_TIME_LIMIT_S = 300


def serve() -> None:
    from headrace.cli import main

    for name in ("duckdb", "headrace.command.run", "headrace.command.pipeline", "headrace.command.pyfile"):
        import_module(name)
    for line in sys.stdin:
        case = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(_TIME_LIMIT_S)
            os.chdir(case["cwd"])
            os.environ.clear()
            os.environ.update(case["environ"])
            for number, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(case[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            code = 99
            try:
                code = main(case["arguments"])
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
