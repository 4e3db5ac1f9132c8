"""A key that is changed in its store while a run goes on, and one that is refused for good."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asking import Api, ask, failing, ok
from headrace.errors import RefusedError
from headrace.plan.model import Auth, RetryPolicy
from headrace.secrets import Secret
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

NO_RETRY = RetryPolicy(max_retries=0)
KINDS: dict[str, dict[str, Any]] = {
    "bearer": {"token": None},
    "basic": {"username": "api", "password": None},
    "api_key": {"name": "X-Api-Key", "api_key": None, "location": "header"},
}


class Store:
    """Has the values of a secret one after the other, the last one for ever."""

    def __init__(self, *values: str) -> None:
        self.reads = 0
        self._values = list(values)

    def __call__(self, name: str) -> str:
        assert name == "the.key"
        self.reads += 1
        return self._values.pop(0) if len(self._values) > 1 else self._values[0]


def auth(kind: str = "bearer", value: str = "key-0001", name: str | None = "the.key") -> Auth:
    return Auth(kind, {field: Secret(value, name) if said is None else said for field, said in KINDS[kind].items()})


def wants(*keys: str) -> Callable[[Request], Reply]:
    """Answers who brings one of `keys` as a bearer."""
    return lambda came: ok() if came.headers["authorization"].removeprefix("Bearer ") in keys else failing(401)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_was_changed_is_taken_over(kind: str) -> None:
    """No attempt is used up for it, and the next requests begin with the new one."""
    api, store = Api(failing(401), ok()), Store("key-0002")
    outcome = ask(api, auth(kind), look_up=store, policy=NO_RETRY, times=3)
    assert outcome.values == [{"items": [1]}] * 3
    assert (store.reads, len(api.came), len(outcome.traces)) == (1, 4, 3)
    shown = [dict(came.headers) for came in api.came]
    assert shown[0] != shown[1] == shown[2] == shown[3]


def test_many_that_are_refused_read_it_once() -> None:
    api, store = Api(wants("key-0002")), Store("key-0002")
    assert ask(api, auth(), look_up=store, times=8, together=True).values == [{"items": [1]}] * 8
    assert store.reads == 1


@pytest.mark.parametrize("values", [("key-0001",), ("key-0002",), ("key-0002", "key-0001")])
def test_a_refusal_that_lasts_is_an_error_and_no_storm(values: tuple[str, ...]) -> None:
    """The store is read once for each value that it has; one that came back was refused before."""
    api, store = Api(failing(401)), Store(*values)
    outcome = ask(api, auth(), look_up=store, times=8)
    assert all(isinstance(error, RefusedError) for error in outcome.values)
    assert store.reads <= 2
    assert len(api.came) <= 8 + store.reads
    assert "key-000" not in outcome.said


def test_a_key_that_is_changed_twice() -> None:
    api, store = (
        Api(wants("key-0001"), wants("key-0002"), wants("key-0002"), wants("key-0003")),
        Store("key-0002", "key-0003"),
    )
    assert ask(api, auth(), look_up=store, times=3).values == [{"items": [1]}] * 3


def test_a_store_that_fails_leaves_the_refusal() -> None:
    def broken(_: str) -> str:
        raise OSError("no such file")

    outcome = ask(Api(failing(401)), auth(), look_up=broken)
    assert isinstance(outcome.error, RefusedError)
    assert "OSError" not in outcome.said


def test_what_no_store_has_is_not_looked_for() -> None:
    store = Store("key-0002")
    assert isinstance(ask(Api(failing(401)), auth(name=None), look_up=store).error, RefusedError)
    assert store.reads == 0


def test_headrace_run_takes_over_a_key_that_is_changed_in_its_file(tmp_path: Path) -> None:
    secrets = tmp_path / ".dlt" / "secrets.toml"
    secrets.parent.mkdir(mode=0o700)
    secrets.touch(mode=0o600)
    secrets.write_text('[sources.shop]\nkey = "first-key-1"\n')
    keys: list[str] = []

    def answer(request: Request) -> Reply:
        page = int(request.param("page") or 0)
        keys.append(request.headers["authorization"].removeprefix("Bearer "))
        if page == 2:
            secrets.write_text('[sources.shop]\nkey = "second-key-2"\n')
        if page >= 2 and keys[-1] != "second-key-2":
            return failing(401)
        return ok({"items": [{"id": page}], "next": str(page + 1) if page < 4 else None})

    with Server(answer) as server:
        (tmp_path / "shop.yaml").write_text(
            f"""
client:
  base_url: {server.url}
  auth: {{type: bearer, token: 'dlt.secrets["sources.shop.key"]'}}
resources:
  - name: items
    primary_key: id
    write_disposition: merge
    endpoint:
      path: items
      data_selector: items
      paginator: {{type: cursor, cursor_path: next, cursor_param: page}}
"""
        )
        done = subprocess.run(
            [sys.executable, "-m", "headrace", "run", "shop.yaml", "--json"],
            cwd=tmp_path, env={**os.environ, "DLT_DATA_DIR": str(tmp_path / "data")}, text=True, capture_output=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert keys == ["first-key-1"] * 3 + ["second-key-2"] * 3
    assert "-key-" not in done.stdout + done.stderr
