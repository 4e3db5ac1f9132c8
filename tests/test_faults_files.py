"""What a run leaves on the disk is for its owner alone, and what a file says stays words."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import pickletools
import stat
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.command.private_files import private_files
from headrace.sim.message import Reply
from headrace.sim.server import Server

FILE = """
client: {{base_url: "{url}"}}
resources:
  - name: things
    endpoint: {{path: things, data_selector: items, paginator: single_page}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    err = io.StringIO()
    return main(["run", *arguments], out=io.StringIO(), err=err), err.getvalue()


def test_files_of_a_run_are_for_their_owner_alone(home: Path) -> None:
    before = os.umask(0o022)
    os.umask(before)
    with Server(lambda _: Reply(body=b'{"items": [{"id": 1}]}')) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        known = set(home.rglob("*"))
        code, text = run("things.yaml", "--to", "duckdb:///rows.duckdb", "--dataset", "data")
    assert code == 0, text
    made = set(home.rglob("*")) - known
    assert home / "rows.duckdb" in made
    assert {str(path.relative_to(home)) for path in made if path.stat().st_mode & 0o077} == set()
    after = os.umask(before)
    assert after == before


def test_what_is_made_afterwards_is_as_before(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "within").touch()
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"), private_files():
        fail()
    (tmp_path / "after").touch()
    assert stat.S_IMODE((tmp_path / "within").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "after").stat().st_mode) != 0o600


def with_secrets(home: Path, mode: int, folder: str = ".") -> Path:
    secrets = home / folder / ".dlt" / "secrets.toml"
    secrets.parent.mkdir(parents=True)
    secrets.write_text('api_key = "x"\n')
    secrets.chmod(mode)
    return secrets


@pytest.mark.parametrize(("mode", "warned"), [(0o640, True), (0o660, True), (0o600, False), (0o400, False)])
def test_secrets_that_the_group_can_read_are_told(mode: int, warned: bool, home: Path) -> None:
    with_secrets(home, mode)
    (home / "broken.yaml").write_text("client: {}\n")
    code, text = run("broken.yaml")
    assert code == 2
    assert (f".dlt/secrets.toml can be read by others (mode {mode:o}): `chmod 600" in text) is warned


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
@pytest.mark.parametrize("place", ["here", "at home"])
def test_secrets_that_everybody_can_read_are_refused(
    mode: int, place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is asked for; with the command that closes them, behind which the same run works."""
    secrets = with_secrets(home, mode)
    if place == "at home":
        (home / "elsewhere").mkdir()
        monkeypatch.chdir(home / "elsewhere")
    asked = []
    with Server(lambda request: asked.append(request) or Reply(body=b'{"items": [{"id": 1}]}')) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        code, text = run(str(home / "things.yaml"), "--to", "duckdb:///rows.duckdb", "--dataset", "data")
        assert (code, asked) == (2, [])
        assert "error: expected secrets that their owner alone can read, got " in text
        assert f"secrets.toml with mode {mode:o}\nhint: `chmod 600 " in text
        secrets.chmod(0o600)
        code, text = run(str(home / "things.yaml"), "--to", "duckdb:///rows.duckdb", "--dataset", "data")
    assert code == 0, text


class Planted:
    """A pickle of it makes a file when somebody reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_no_run_leaves_or_reads_a_pickle(home: Path) -> None:
    """A pickle runs code when it is read: there is none behind a run, and none of another's is looked at."""
    statuses = iter([200, 400, 200])

    def answer(_: object) -> Reply:
        return Reply(next(statuses), b'{"items": [{"id": 1}]}')

    with Server(answer) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url) + "name: things\n")
        for expected in (0, 3, 0):
            work = home / "dlt" / "pipelines" / "things"
            work.mkdir(parents=True, exist_ok=True)
            (work / "trace.pickle").write_bytes(pickle.dumps(Planted(home / "made")))
            code, text = run("things.yaml", "--to", "duckdb:///rows.duckdb", "--dataset", "data")
            assert code == expected, text
            files = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
            assert [path for path in files if path.suffix in (".pickle", ".pkl") or is_pickle(path)] == []
            trace = json.loads((work / "trace.json").read_text())
            assert "extract" in {step["step"] for step in trace["steps"]}
            assert stat.S_IMODE((work / "trace.json").stat().st_mode) == 0o600
    assert not (home / "made").exists()


def is_pickle(path: Path) -> bool:
    """Whether a whole pickle stands at its beginning; nothing of it is carried out."""
    try:
        with path.open("rb") as file:
            return file.read(1) == b"\x80" and bool(list(pickletools.genops(path.read_bytes())))
    except ValueError:
        return False


@pytest.mark.parametrize(
    "text",
    [
        "client: !!python/object/apply:os.system ['touch made']\nresources: []\n",
        "client: {base_url: !!python/name:os.system }\nresources: []\n",
        "client: {base_url: \"{{ ''.__class__ }}\"}\nresources: [a]\n",
        'client: {base_url: "{client.__class__}"}\nresources: [a]\n',
        "client: {base_url: 'https://a.example.com'}\nresources: [{name: a, processing_steps: [{map: 'os.system'}]}]\n",
    ],
    ids=["yaml object", "yaml name", "template", "format", "function by its name"],
)
def test_a_file_cannot_run_code(text: str, home: Path) -> None:
    (home / "hostile.yaml").write_text(text)
    code, told = run("hostile.yaml")
    assert code == 2, told
    assert not (home / "made").exists()
    assert "this should not happen" not in told


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/b", "..", "a\\b"])
def test_names_are_no_paths(name: str, home: Path) -> None:
    """Of a pipeline on the command line, of a resource in a file: nothing is written beside the folders of the run."""
    with Server(lambda _: Reply(body=b'{"items": [{"id": 1}]}')) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        folder = home / "work"
        folder.mkdir()
        os.chdir(folder)
        run("../things.yaml", "--name", name, "--to", "duckdb:///rows.duckdb", "--dataset", "data")
        text = FILE.format(url=server.url).replace("name: things", f"name: '{name}'")
        (home / "named.yaml").write_text(text)
        run("../named.yaml", "--to", "duckdb:///rows.duckdb", "--dataset", "data")
    beside = {path.name for path in home.iterdir()} - {"work", "dlt", "things.yaml", "named.yaml"}
    assert beside == set()
    assert not Path("/outside").exists()


@pytest.mark.parametrize("what", ["folder", "database"])
def test_what_cannot_be_written_is_said_before_the_first_request(
    what: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where a folder would be made: refused to root, too."""
    (home / "blocked").touch()
    with Server(lambda _: Reply(body=b'{"items": [{"id": 1}]}')) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        to = "duckdb:///rows.duckdb"
        if what == "folder":
            monkeypatch.setenv("DLT_DATA_DIR", str(home / "blocked" / "dlt"))
        else:
            to = "duckdb:///blocked/rows.duckdb"
        code, text = run("things.yaml", "--to", to, "--dataset", "data")
        asked = len(server.ledger.requests)
    assert (code, asked) == (2, 0), text
    assert "blocked" in text
    assert "should not happen" not in text


@pytest.mark.parametrize("fault", ["nothing", "refused"])
def test_a_drive_without_locks_is_said_before_the_first_request(
    fault: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network drives refuse locks; on others two can hold one."""

    def flock(_file: int, _how: int) -> None:
        if fault == "refused":
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    with Server(lambda _: Reply(body=b'{"items": [{"id": 1}]}')) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        code, text = run("things.yaml", "--to", "duckdb:///rows.duckdb", "--dataset", "data")
        asked = len(server.ledger.requests)
    assert (code, asked) == (2, 0), text
    assert "error: expected a folder in which files can be written and locked, got `" in text
    assert "DLT_DATA_DIR" in text
