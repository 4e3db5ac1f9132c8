"""Secrets as dlt's stores have them: as text, and in none of dlt's own files."""

from __future__ import annotations

from pathlib import Path

import dlt
import pytest

from canaries import contents
from headrace import rest_api_source
from headrace.bridge.secrets import resolve_secret
from headrace.clock import TurnedClock
from headrace.sim.message import Reply
from headrace.sim.server import Server
from loading import pipeline


@pytest.mark.parametrize("text", ["00123", "true", '{"a": 1}', "1e5", "plain"])
def test_a_secret_is_text_as_it_was_written(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", text)
    assert resolve_secret("some_key") == text


def test_a_secret_that_is_a_number_becomes_text() -> None:
    dlt.secrets["number_key"] = 5
    assert resolve_secret("number_key") == "5"


def test_dlts_trace_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays on the disk after each run, a successful one too."""
    monkeypatch.setenv("API_KEY", "key-that-no-file-may-hold")
    target = pipeline(tmp_path, "traced")
    with Server(lambda _: Reply(body=b'[{"id": 1}]')) as server:
        config = {
            "client": {"base_url": server.url, "auth": {"type": "bearer", "token": 'dlt.secrets["api_key"]'}},
            "resources": [{"name": "things", "endpoint": {"path": "things", "paginator": "single_page"}}],
        }
        target.run(rest_api_source(config, clock=TurnedClock()))
    assert list(tmp_path.rglob("trace.pickle"))
    assert [data for data in contents(tmp_path) if b"key-that-no-file-may-hold" in data] == []
