"""`headrace run mailgun` twice, the second time with nothing new: its seconds, and what it asked of the simulator.

The streams are those of the connector by default. Both runs are processes of their own, so imports count; the requests
are those that the simulator's ledger holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO, Any

__all__ = ["told_of", "twice"]


def told_of(ledger: Any, begin: int) -> dict[str, Any]:
    """Requests of a ledger from number `begin` on: by stream, and the most of one domain for events."""
    labels = [entry.resource or "" for entry in ledger.requests[begin:]]
    of_domains = Counter(label for label in labels if label.startswith("events/"))
    return {
        "requests": len(labels),
        "requests_by_stream": dict(Counter(label.partition("/")[0] for label in labels)),
        "most_of_events_of_a_domain": max(of_domains.values(), default=0),
    }


def twice(place: dict[str, str], folder: Path, ask: IO[str], answer: IO[str]) -> dict[str, Any]:
    """Load, load again, and say how the second run went; `ask` and `answer` lead to the simulator's process."""
    told: dict[str, Any] = {}
    for run in ("first", "again"):
        command = [sys.executable, "-m", "headrace", "run", "mailgun", "--json", "--param", f"base_url={place['url']}"]
        command += ["--to", f"duckdb:///{folder / 'x.duckdb'}"]
        environment = {
            **os.environ,
            "SOURCES__MAILGUN__API_KEY": place["key"],
            "DLT_DATA_DIR": str(folder),
        }
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
        summary = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{run} run: exit code {process.returncode}\n{summary}")
        ask.write("\n")
        ask.flush()
        told = {
            "streams": [each["name"] for each in json.loads(summary)["resources"]],
            f"{run}_s": round(seconds, 2),
            f"{run}_cpu_s": round(used.ru_utime + used.ru_stime, 2),
            **json.loads(answer.readline()),
        }
    return told
