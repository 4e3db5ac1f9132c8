"""Refusals by Short.io as data: `golden/shortio/*.yaml`, one case a file, what is wrong -> exit code and text.

`UPDATE_GOLDEN=1 pytest tests/test_shortio_refusals.py` rewrites what is expected; the difference is reviewed like code.

A case: `why` it is there; the `key` that is used; `domains` that it is limited to; labels of routes that are `unpaid`;
`args` of the command. `<api>`, `<statistics>` and `<dead>` stand for the hosts, `<n>` for seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.sim.shortio import Key, Rates, Shortio, World

GOLDEN = Path(__file__).parent / "golden" / "shortio"
CASES = sorted(GOLDEN.glob("*.yaml"))
KEY = "sk_of_these_tests"
KEYS = ("why", "key", "domains", "unpaid", "args", "exit_code", "stderr")
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def run_case(case: dict[str, Any], folder: Path) -> tuple[int, str]:
    """The exit code and what stands on stderr."""
    world = World("2026-09-01T12:00:00.000Z")
    for _ in range(2):
        world.add_click(world.add_domain().id, world.now_ms - 3_600_000, "/a")
    limited = frozenset(case["domains"]) if "domains" in case else None
    service = Shortio(world, keys=(Key(KEY, limited),), unpaid=case.get("unpaid", ()), rates=Rates(None, None))
    with service.serve() as sim:
        names = {"<api>": sim.api_url, "<statistics>": sim.statistics_url, "<dead>": sim.dead_url}
        given = {"base_url": "<api>", "statistics_url": "<statistics>"}
        given.update(argument.split("=", 1) for argument in case.get("args", ()))
        params = [f"--param={name}={names.get(value, value)}" for name, value in given.items()]
        ran = subprocess.run(
            [sys.executable, "-m", "headrace", "run", "shortio", *params, "--quiet"],
            cwd=folder,
            env={
                "HOME": str(folder),
                "DLT_DATA_DIR": str(folder / "dlt"),  # dlt's own place for root is one for all
                "PATH": "/nowhere",
                "SOURCES__SHORTIO__API_KEY": case.get("key", KEY),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    text = ran.stderr
    for name, url in names.items():
        text = text.replace(url, name)
    # what becomes of the run is said in the last line, the same for every source
    lines = [line for line in text.splitlines(keepends=True) if line.startswith(("error: ", "hint: ", "warning: "))]
    return ran.returncode, re.sub(r"\b\d+\.\d s\b", "<n> s", "".join(lines))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    assert set(case) <= set(KEYS)
    code, text = run_case(case, tmp_path)
    assert KEY not in text
    assert "Traceback" not in text
    if UPDATE:
        case |= {"exit_code": code, "stderr": text}
        ordered = {key: case[key] for key in KEYS if key in case}
        path.write_text(yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, width=1000))
    assert (case["exit_code"], case["stderr"]) == (code, text)
