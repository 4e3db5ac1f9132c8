"""The command line as processes: what is imported, the demo, signals, a pipeline with packages left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from headrace.sim import Fault, Guides
from headrace.sim.message import Reply
from headrace.sim.server import Server

SHARED = Path(__file__).parent / "golden" / "cli" / "shared"
HEAVY = ("dlt", "duckdb", "pyarrow", "pydantic", "rich", "aiohttp", "msgspec", "yaml")


@pytest.fixture
def environ(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return {
        **os.environ,
        "HOME": str(home),
        "DLT_DATA_DIR": str(home / "dlt"),
        "PRIVATE_KEY": Guides.key,
        "API_KEY": Guides.api_key,
    }


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


SHOP = """
client:
  base_url: {url}
resources:
  - name: items
    primary_key: id
    write_disposition: merge
    endpoint:
      path: items
      data_selector: items
      paginator: {{type: cursor, cursor_path: next, cursor_param: page}}
"""
#: With Ctrl-C as in a terminal: a shell's background job ignores it, and so does all that it starts.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from headrace.cli import main
sys.exit(main())
"""


def headrace(*arguments, cwd, environ, start=subprocess.run, **options):
    command = [sys.executable, "-c", COMMAND, *arguments]
    if start is subprocess.run:
        options |= {"capture_output": True, "timeout": 300, "check": False}
    return start(command, cwd=cwd, env=environ, text=True, **options)


def put(work, name, url):
    (work / name).write_text((SHARED / name).read_text().replace("<url>", url))


def test_help_imports_nothing_heavy(work, environ):
    """`--help` answers in 0.15 s only without them; the time itself is measured, not tested."""
    code = "import sys; from headrace.cli import main; main(['--help']); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=work, env=environ, text=True, capture_output=True, check=True)
    assert set(HEAVY) & set(done.stdout.splitlines()[-1].split()) == set()


def test_a_plan_imports_neither_transport_nor_columns_and_leaves_the_collector_on(work, environ):
    put(work, "email.yaml", "https://api.example.com")
    code = (
        "import gc, io, sys; from headrace.cli import main; main(['plan', 'email.yaml'], out=io.StringIO());"
        "print(*sys.modules); print(gc.isenabled(), gc.get_freeze_count())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=work, env=environ, text=True, capture_output=True, check=True)
    modules, collector = done.stdout.splitlines()
    assert {"aiohttp", "pyarrow", "duckdb"} & set(modules.split()) == set()
    assert collector == "True 0"


def test_version_is_one_plain_line(work, environ):
    done = headrace("--version", cwd=work, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("headrace ")


def test_the_simulator_is_passed_its_own_options(work, environ):
    done = headrace("sim", "guides", "--help", cwd=work, environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--page-size" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(work, environ):
    put(work, "email.yaml", "https://api.example.com")
    with headrace("plan", "email.yaml", cwd=work, environ=environ, start=subprocess.Popen,
                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_traceback_comes_when_asked_for(work, environ):
    done = headrace("check", "nothing.yaml", cwd=work, environ={**environ, "HEADRACE_TRACEBACK": "1"})
    assert done.returncode == 2
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("error: expected a configuration file, found none at `nothing.yaml`\n")


def test_the_demo_loads_what_was_served_and_leaves_nothing_elsewhere(work, environ):
    """On a bad day: its waits (`Retry-After: 1`) are real, and the only ones in these tests."""
    done = headrace("demo", "--events", "400", "--keep", "kept", cwd=work, environ=environ)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "events: 400 served, 400 in the database" in lines
    assert "clicks: 80 served, 80 in the database" in lines
    assert any("for 429" in line for line in lines)
    assert lines[-1].startswith("next: ")
    assert Guides.key not in done.stdout + done.stderr
    with duckdb.connect(work / "kept" / "demo.duckdb", read_only=True) as connection:
        rows, ids = connection.execute("SELECT count(*), count(DISTINCT id) FROM guides.events").fetchone()
        assert (rows, ids) == (400, 400)
    assert list(Path(environ["HOME"]).rglob("*")) == []
    assert [entry.name for entry in work.iterdir()] == ["kept"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_within_seconds_and_says_how_to_continue(number, code, work, environ):
    with Guides(events=10, faults=[Fault("stall", at=None, times=None, resource="events")]).serve() as sim:
        put(work, "email.yaml", sim.url)
        with headrace("run", "email.yaml", cwd=work, environ=environ, start=subprocess.Popen,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
            while not sim.ledger.of("events"):
                assert process.poll() is None
                time.sleep(0.01)  # polls for the moment in which the run waits for an answer
            process.send_signal(number)
            out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (code, "")
    assert err.splitlines() == [
        f"error: stopped by {number.name}",
        "nothing of this run was loaded; the same command goes on where it stopped",
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_a_page_under_way_is_kept_when_a_signal_comes(times, work, environ):
    """No further one is asked for; a second signal does not wait for it."""
    asked, may_answer = [], threading.Event()

    def answer(request):
        page = int(request.param("page") or 0)
        asked.append(page)
        if page == 2 and len(asked) == 3:
            may_answer.wait(60)
        return Reply(body=json.dumps({"items": [{"id": page}], "next": str(page + 1) if page < 5 else None}).encode())

    with Server(answer) as server:
        (work / "shop.yaml").write_text(SHOP.format(url=server.url))
        with headrace("run", "shop.yaml", cwd=work, environ=environ, start=subprocess.Popen,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
            while len(asked) < 3:
                assert process.poll() is None
                time.sleep(0.01)  # polls for the moment in which the page is under way
            for _ in range(times):
                process.send_signal(signal.SIGINT)
                time.sleep(0.3)  # or the system makes one of two
            if times == 1:
                may_answer.set()
            out, err = process.communicate(timeout=100)
            may_answer.set()
        assert (process.returncode, out) == (130, "")
        assert err.splitlines() == [
            "error: stopped by SIGINT",
            "nothing of this run was loaded; the same command goes on where it stopped",
        ]
        assert asked == [0, 1, 2]
        done = headrace("run", "shop.yaml", cwd=work, environ=environ)
    assert done.returncode == 0, done.stderr
    assert asked[3:] == ([2, 3, 4, 5] if times == 1 else [1, 2, 3, 4, 5])


#: A destination that takes longer to load than anybody waits.
SLOW = """
import dlt, pathlib, time

@dlt.destination(name="slow", batch_size=0)
def slow(items, table):
    pathlib.Path("loading").touch()
    time.sleep(120)
"""


@pytest.mark.parametrize(("signals", "code"), [([signal.SIGINT], 130), ([signal.SIGTERM, signal.SIGTERM], 143)])
def test_a_signal_ends_a_load_within_seconds_and_what_was_fetched_is_kept(signals, code, work, environ):
    """After some seconds where jobs go on, and at once where the signal comes again; 60 s here, for a busy machine."""
    (work / "slow.py").write_text(SLOW)
    with Guides(events=10).serve() as sim:
        put(work, "email.yaml", sim.url)
        with headrace("run", "email.yaml", "--to", "slow.slow", cwd=work, environ={**environ, "PYTHONPATH": "."},
                      start=subprocess.Popen, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
            while not (work / "loading").exists():
                assert process.poll() is None
                time.sleep(0.05)  # polls for the moment in which the load is under way
            begin = time.monotonic()
            for number in signals:
                process.send_signal(number)
                time.sleep(0.3)  # or the system makes one of two
            out, err = process.communicate(timeout=100)
            assert time.monotonic() - begin < 60
    assert (process.returncode, out) == (code, "")
    assert err.splitlines() == [
        f"error: stopped by {signals[0].name}",
        "what was fetched is kept: run the same command again, it is loaded first",
    ]


#: Leaves a package as a run does that was stopped between fetching and loading.
EXTRACT_ONLY = """
import dlt, sys
from headrace import rest_api_source
pipeline = dlt.pipeline("email", destination=dlt.destinations.duckdb("email.duckdb"))
pipeline.extract(rest_api_source("email.yaml"))
"""


def test_packages_of_an_earlier_run_are_loaded_first_and_then_the_run_goes_on(work, environ):
    environ = {**environ, "RUNTIME__DLTHUB_TELEMETRY": "false"}
    with Guides(events=10, domains=2).serve() as sim:
        put(work, "email.yaml", sim.url)
        subprocess.run([sys.executable, "-c", EXTRACT_ONLY], cwd=work, env=environ, check=True)
        asked = len(sim.ledger.of("events"))
        done = headrace("run", "email.yaml", "--json", cwd=work, environ=environ)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "loaded 1 package of an earlier run\n"
        assert len(sim.ledger.of("events")) == 2 * asked
    facts = json.loads(done.stdout)
    assert facts["pending_packages_loaded_first"] == 1
    assert facts["tables"]["events"] == 10
    with duckdb.connect(work / "email.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM email_dataset._dlt_loads").fetchone() == (2,)


def test_a_run_imports_no_requests_of_its_own() -> None:
    """They cost a tenth of a run with nothing new, and are for sessions and paginators that were written for them."""
    code = "import sys, headrace.command.run; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
