"""A process that has imported everything and forks for each scene: a process each, at a fraction of the cost.

Reads one JSON object a line (id, scene, engine, folder, seconds), writes the verdict, a JSON object a line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent


@contextmanager
def stage() -> Iterator[Any]:
    """A function that plays a scene: `(id, number of the scene, engine, folder, seconds) -> Verdict`."""
    from catalogue.play import Verdict

    command = [sys.executable, "-m", "catalogue.stage"]
    path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "PYTHONPATH": path}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **quiet}
    ) as process:
        assert process.stdin
        assert process.stdout

        def play(fault: str, number: int, engine: str, folder: Path, seconds: float = 240.0) -> Verdict:
            order = {"fault": fault, "number": number, "engine": engine, "folder": str(folder), "seconds": seconds}
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            fields = json.loads(process.stdout.readline())
            return Verdict(**{**fields, "leaks": tuple(fields["leaks"]), "wrong": tuple(fields["wrong"])})

        yield play
        process.stdin.close()


def serve() -> None:
    """Play what is ordered, one scene after the other."""
    for name in ("duckdb", "dlt.sources.rest_api", "headrace.command.run", "headrace.command.pipeline"):
        import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asdict(_forked(json.loads(line)))) + "\n")
        sys.stdout.flush()


def _forked(order: dict[str, Any]) -> Any:
    from catalogue.play import Verdict
    from catalogue.row import rows

    folder = Path(order["folder"])
    folder.mkdir(parents=True)
    result = folder.with_suffix(".json")
    child = os.fork()
    if child == 0:
        _play(rows()[order["fault"]].scenes[order["number"]], order, folder, result)
    end = time.monotonic() + order["seconds"]
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)
    if result.exists():
        fields = json.loads(result.read_text(encoding="utf-8"))
        result.unlink()
        return Verdict(**fields)
    ended = "endless" if time.monotonic() > end else "killed"
    return Verdict(ended, wrong=(f"the scene is {ended}",), seconds=order["seconds"])


def _play(scene: Any, order: dict[str, Any], folder: Path, result: Path) -> None:
    from catalogue.play import Verdict, play

    for number in (1, 2):
        os.dup2(os.open(folder / f"stream{number}.txt", os.O_WRONLY | os.O_CREAT), number)
    try:
        verdict = play(scene, order["engine"], folder)
    except BaseException:  # noqa: BLE001 - told by the parent
        verdict = Verdict("crash", wrong=(traceback.format_exc(),))
    partial = result.with_suffix(".part")
    partial.write_text(json.dumps(asdict(verdict)), encoding="utf-8")
    partial.rename(result)
    os._exit(0)


if __name__ == "__main__":
    serve()
