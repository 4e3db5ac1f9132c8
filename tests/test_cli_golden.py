"""The command line as data: `golden/cli/*.yaml`, one case a file, files and arguments -> output and exit code.

`UPDATE_GOLDEN=1 pytest tests/test_cli_golden.py` rewrites what is expected; the difference is reviewed like code.

A case: `why` it is there; `dlt`, the first release for which it holds; `shared` files of `golden/cli/shared/`, with
`replace` applied to their text; `files` of its own; `sim` (arguments of `Guides`, `faults` and `rate`), or `mailgun`
(of `mailgun` below); `held` (a DuckDB file that another process has open); `args`; `env`.
`<url>`, `<host>`, `<folder>` and `<pid>` stand for what differs from run to run, `<n>` for times.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from headrace.sim import Fault, Guides, Rate
from headrace.sim.mailgun import Mailgun, World
from headrace.sim.mailgun.clock import Clock

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "cli"
CASES = sorted(GOLDEN.glob("*.yaml"))
KEYS = (
    "why",
    "dlt",
    "shared",
    "replace",
    "files",
    "sim",
    "mailgun",
    "held",
    "args",
    "env",
    "exit_code",
    "stdout",
    "stderr",
)
PRIVATE_KEY, API_KEY, WRONG_KEY = Guides.key, Guides.api_key, "a-key-that-is-wrong"
SECRETS = [
    *(PRIVATE_KEY, API_KEY, WRONG_KEY),
    *(World().key.secret, World().add_key("basic").secret),
    *(base64.b64encode(f"api:{key}".encode()).decode() for key in (PRIVATE_KEY, WRONG_KEY)),
]
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


@pytest.fixture(scope="module")
def forks():
    command = [sys.executable, str(HERE / "cli_forks.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


@contextmanager
def held(database: Path):
    """The database file open in another process."""
    code = "import duckdb, sys; kept = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.stdin.close()


def run_case(case, folder, forks):
    """Exit code, stdout and stderr as they came, and what stands in for what in them."""
    work, home = folder / "work", folder / "home"
    work.mkdir()
    home.mkdir()
    names = {str(work): "<folder>", str(home): "<home>"}
    with ExitStack() as stack:
        if "sim" in case:
            options = dict(case["sim"] or {})
            faults = [Fault(**fault) for fault in options.pop("faults", [])]
            rate = Rate(**options.pop("rate")) if "rate" in options else None
            names[stack.enter_context(Guides(**options, faults=faults, rate=rate).serve()).url] = "<url>"
        elif "mailgun" in case:
            names |= stack.enter_context(mailgun(**(case["mailgun"] or {})))
        else:
            names["https://api.example.com"] = "<url>"
        texts = dict(case.get("files", {}))
        for name in case.get("shared", []):
            texts[name] = (GOLDEN / "shared" / name).read_text()
            for old, new in case.get("replace", {}).items():
                assert old in texts[name], f"{old!r} is not in {name}"
                texts[name] = texts[name].replace(old, new)
        for name, text in texts.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(_real(text, names))
        if "held" in case:
            names[f"process {stack.enter_context(held(work / case['held']))} "] = "process <pid> "
        env = case.get("env", {})
        environ = {
            "HOME": str(home),
            "DLT_DATA_DIR": str(home / "dlt"),
            "PATH": "/nowhere",
            "PRIVATE_KEY": PRIVATE_KEY,
            "API_KEY": API_KEY,
            **{name: _real(value, names) for name, value in env.items() if value is not None},
        }
        asked = {
            "arguments": [_real(argument, names) for argument in case["args"]],
            "cwd": str(work),
            "environ": {name: value for name, value in environ.items() if env.get(name, "") is not None},
            "out": str(folder / "out"),
            "err": str(folder / "err"),
        }
        forks.stdin.write(json.dumps(asked) + "\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
    return code, (folder / "out").read_text(), (folder / "err").read_text(), names


@contextmanager
def mailgun(domains=(), eu_domains=(), role="admin", disabled=()):
    """What stands for what where two regions of Mailgun are served: domains of ten events and one bounce each."""
    world = World(clock=Clock(None))
    now = world.clock.now
    key = world.key if role == "admin" else world.add_key(role)
    for account, names in ((world.us, domains), (world.eu, eu_domains)):
        for name in names:
            domain = account.add_domain(name, state="disabled" if name in disabled else "active")
            domain.fill([now - 7200 - 60 * number for number in range(10)])
            domain.bounces.put({"address": f"ann@{name}", "code": "550", "error": "", "created_at": ""})
    with Mailgun(world).serve() as sim:
        yield {sim.url: "<url>", sim.eu_url: "<eu url>", key.secret: "<key>"}


def _real(text, names):
    for real, placeholder in names.items():
        text = text.replace(placeholder, real)
    return text


def _placeholders(text, names):
    for real, placeholder in names.items():
        text = text.replace(real, placeholder)
    text = re.sub(r"(/var/dlt|<home>/\.dlt)/secrets", "<global>/secrets", text)  # dlt's place depends on the user
    text = re.sub(r"\b\d+\.\d s\b", "<n> s", text)
    text = re.sub(r"(slowed +)127\.0\.0\.1", r"\1<host>", text)
    # bytes: of a page that was named ahead and is not needed, more or less may have come
    text = re.sub(r'("(?:seconds|wait_s|bytes)": )[\d.]+', r"\1<n>", text)
    return re.sub(r"(process <pid> )\(python[\d.]*\)", r"\1(python)", text)


def _numbers(release):
    return [int(part) for part in release.split(".")[:2]]


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def write_case(path, case):
    ordered = {key: case[key] for key in KEYS if key in case}
    path.write_text(yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path, tmp_path, forks):
    case = yaml.safe_load(path.read_text())
    assert set(case) <= set(KEYS)
    if "dlt" in case and _numbers(version("dlt")) < _numbers(case["dlt"]):
        pytest.skip(f"dlt before {case['dlt']} does otherwise")
    code, out, err, names = run_case(case, tmp_path, forks)
    leaked = [secret for secret in SECRETS if secret in out + err]
    assert not leaked
    assert "Traceback" not in err
    got = {"exit_code": code, "stdout": _placeholders(out, names), "stderr": _placeholders(err, names)}
    if UPDATE:
        write_case(path, {**case, **got})
    assert {key: case.get(key) for key in got} == got or UPDATE


def test_every_case_is_named_and_reasoned():
    assert len(CASES) > 40
    assert [path.stem for path in CASES if not yaml.safe_load(path.read_text()).get("why")] == []
