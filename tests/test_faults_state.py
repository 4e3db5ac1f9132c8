"""The state of a pipeline that was cut, edited or written by another release: found again, or a named error."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headrace.cli import main
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

FILE = """
client: {{base_url: "{url}", retry: {{max_retries: 0}}}}
resources:
  - name: things
    primary_key: id
    write_disposition: merge
    endpoint:
      path: things
      data_selector: items
      paginator: single_page
      incremental: {{cursor_path: at, start_param: since, initial_value: 0}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    return tmp_path


class Api:
    """Rows with a rising `at`, those from `since` on."""

    def __init__(self) -> None:
        self.count = 5
        self.since: list[str | None] = []

    def __call__(self, request: Request) -> Reply:
        self.since.append(request.param("since"))
        first = int(request.param("since") or 0)
        return Reply(body=json.dumps({"items": [{"id": n, "at": n} for n in range(first, self.count)]}).encode())


def run() -> tuple[int, str]:
    err = io.StringIO()
    code = main(["run", "things.yaml", "--to", "duckdb:///rows.duckdb", "--dataset", "data"], out=err, err=err)
    return code, err.getvalue()


def cut(text: str) -> str:
    return text[: len(text) // 2]


def emptied(text: str) -> str:
    return text[:0]


def newer(text: str) -> str:
    return json.dumps({**json.loads(text), "_state_engine_version": 9999})


def edited(text: str) -> str:
    state: Any = json.loads(text)
    for source in state["sources"].values():
        source["resources"]["things"]["incremental"]["at"]["last_value"] = 2
    return json.dumps(state)


@pytest.mark.parametrize("harm", [cut, emptied, newer, edited])
def test_harm_to_the_state_file_loses_and_doubles_nothing(harm: Callable[[str], str], home: Path) -> None:
    """The next run is whole, or ends with one line; removing the working folder, it goes on from the destination."""
    api = Api()
    with Server(api) as server:
        (home / "things.yaml").write_text(FILE.format(url=server.url))
        assert run()[0] == 0
        [state] = (home / "dlt" / "pipelines" / "things").glob("state.json")
        state.write_text(harm(state.read_text()))
        api.count = 8
        code, text = run()
        if code:
            assert text.startswith("error: ")
            assert "this should not happen" not in text
            assert "Traceback" not in text
            folder = state.parent
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            code, text = run()
        assert code == 0, text
        assert api.since[-1] in ("4", "2", "0")
    with duckdb.connect(str(home / "rows.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT list(id ORDER BY id) FROM data.things").fetchone() == (list(range(8)),)
