"""Connectors: what the command line says becomes options; each is a configuration that checks, and a source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace.command.opened import Given, open_file
from headrace.connectors import CONNECTORS, Connector
from headrace.connectors.connector import source_of
from headrace.errors import UsageError


def made_up(
    *,
    api_key: str | None = None,
    region: str = "us",
    streams: Sequence[str] = (),
    deep: bool = False,
    privacy: str = "",
) -> dict[str, Any]:
    return {"region": region, "streams": streams, "deep": deep, "privacy": privacy, "key": api_key}


MADE_UP = Connector("made_up", made_up)


def test_texts_become_what_the_function_takes() -> None:
    said = {"region": ["eu"], "streams": ["a, b", "c", 7], "deep": ["yes"]}
    expected = {"region": "eu", "streams": ["a", "b", "c", "7"], "deep": True, "privacy": "hash", "key": None}
    assert MADE_UP.configured(said, "hash") == expected


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            {"streem": ["a"]},
            "connector `made_up` has no option `streem`\nhint: did you mean `streams`?",
        ),
        ({"x": ["a"]}, "connector `made_up` has no option `x`\nhint: known are region, streams, deep"),
        ({"region": ["us", "eu"]}, "expected one value for `--param region`, got 2"),
        ({"deep": ["maybe"]}, "expected true or false for `--param deep`, got `maybe`"),
        (
            {"api_key": ["x"]},
            "expected no `api_key` in `--param`\nhint: it belongs in `.dlt/secrets.toml` or the environment",
        ),
        ({"privacy": ["x"]}, "expected no `privacy` in `--param`\nhint: see `--privacy`"),
    ],
)
def test_what_it_does_not_take_is_said(said: dict[str, list[str]], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        MADE_UP.configured(said)
    assert str(caught.value) == error


@pytest.mark.parametrize("name", CONNECTORS)
def test_each_is_data_that_checks_and_a_source_of_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SOURCES__{name.upper()}__API_KEY", "a-key-of-somebody")
    config = CONNECTORS[name].configured({})
    assert json.loads(json.dumps(config)) == config
    opened = open_file(Path(name), Given({}, None))
    assert opened.pipeline_name == opened.name == name
    source = source_of(name, config)
    assert (source.name, list(source.resources)) == (name, [each.name for each in opened.plan.resources])
