"""Cursors that end in the midst of a listing: `headrace run` begins it again, and loads every row once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from headrace.sim.message import Reply, Request
from headrace.sim.server import Server

PAGES = 6
CONFIG = """
client:
  base_url: {url}
resources:
  - name: shops
    primary_key: id
    write_disposition: merge
    endpoint: {{path: shops, data_selector: items, paginator: single_page}}
  - name: items
    write_disposition: {disposition}
    endpoint:
      path: shops/{{resources.shops.id}}/items
      data_selector: items
      paginator: {{type: cursor, cursor_path: next, cursor_param: after}}
"""


class Shop:
    """Two listings; the cursors of the second one have a generation, which its fourth page ends, `times` times."""

    def __init__(self, times: int, *, status: int = 410) -> None:
        self.asked: list[tuple[str, int]] = []
        self._left = times
        self._status = status
        self._generation = 0

    def __call__(self, request: Request) -> Reply:
        if request.path == "/shops":
            return Reply(body=b'{"items": [{"id": "a"}, {"id": "b"}]}')
        shop = request.path.split("/")[2]
        page, _, generation = (request.param("after") or f"0.{self._generation}").partition(".")
        number = int(page)
        self.asked.append((shop, number))
        if shop == "b" and number == 3 and self._left:
            self._left -= 1
            self._generation += 1
        if shop == "b" and int(generation) != self._generation:
            return Reply(self._status, b'{"message": "this cursor has ended"}')
        following = f"{number + 1}.{self._generation}" if number + 1 < PAGES else None
        return Reply(body=json.dumps({"items": [{"shop": shop, "n": number}], "next": following}).encode())


def headrace(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DLT_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "headrace", "run", "shop.yaml", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, text=True, capture_output=True, check=False)


def rows(folder: Path) -> list[tuple[str, int]]:
    with duckdb.connect(folder / "shop.duckdb", read_only=True) as database:
        found: Sequence[tuple[str, int]] = database.execute('SELECT shop, n FROM shop_dataset."items"').fetchall()
        return sorted(found)


WHOLE = [(shop, number) for shop in "ab" for number in range(PAGES)]


@pytest.mark.parametrize("disposition", ["append", "replace", "merge"])
@pytest.mark.parametrize("times", [1, 3])
def test_every_row_is_loaded_once(disposition: str, times: int, tmp_path: Path) -> None:
    shop = Shop(times)
    with Server(shop) as server:
        (tmp_path / "shop.yaml").write_text(CONFIG.format(url=server.url, disposition=disposition))
        done = headrace(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path) == WHOLE
    assert done.stderr.splitlines() == ["the API refused a next page (410): that listing is begun again"] * times
    summary = json.loads(done.stdout)
    assert summary["complete"]
    # what came of a listing that was begun again counts once
    counts = {each["name"]: (each["rows"], each["pages"], each["tables"]) for each in summary["resources"]}
    assert counts == {"shops": (2, 1, {"shops": 2}), "items": (len(WHOLE), len(WHOLE), {"items": len(WHOLE)})}
    assert sum(name == "a" for name, _ in shop.asked) <= PAGES + times  # a listing that was complete is not asked again


@pytest.mark.parametrize("status", [400, 410])
def test_one_that_always_ends_is_an_error_and_the_same_command_goes_on(status: int, tmp_path: Path) -> None:
    shop = Shop(10**6, status=status)
    with Server(shop) as server:
        (tmp_path / "shop.yaml").write_text(CONFIG.format(url=server.url, disposition="append"))
        done = headrace(tmp_path)
        assert done.returncode == 3
        assert f"expected 200, got {status}" in done.stderr
        assert "the same command goes on where it stopped" in done.stderr
        assert len(shop.asked) < 50
        shop._left = 0
        done = headrace(tmp_path)
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path) == WHOLE


def test_a_first_page_that_is_refused_is_an_error_at_once(tmp_path: Path) -> None:
    def answer(_: Request) -> Reply:
        asked.append(1)
        return Reply(404, b"{}")

    asked: list[int] = []
    with Server(answer) as server:
        (tmp_path / "shop.yaml").write_text(CONFIG.format(url=server.url, disposition="append"))
        done = headrace(tmp_path)
    assert done.returncode == 3
    assert "begun again" not in done.stderr
    assert len(asked) == 1
