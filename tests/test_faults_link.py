"""A link that is slow and far and loses packets: everything comes, and nothing is given up before its time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crashing import Forks, Trial, World, forks
from headrace.sim.server import Server
from slow_link import Link, over

#: 300 ms there and back and 64 kbit/s, ten times as fast; a packet is sent again after two times that way.
LINK = Link(delay_s=0.015, bytes_a_s=80_000, again_s=0.06)


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


class Long(World):
    """Its rows are long, so that a page takes some packets."""

    def row(self, number: int, **more: int) -> dict[str, Any]:
        return {**super().row(number, **more), "text": f"{number:04} " * 200}


def test_a_link_that_is_slow_and_loses_packets(forked: Forks, tmp_path: Path) -> None:
    world = Long(merged=40, appended=40)
    client = {"limits": {"timeout_s": 6}}
    with Server(world) as server, over(LINK, server.url) as (url, link):
        made = Trial(tmp_path / "t", url, forked, client=client, resources=("merged", "appended"))
        code = made.run("--json")
    assert code == 0, made.err.read_text()
    report = json.loads(made.out.read_text())
    assert [resource["retries"] for resource in report["resources"]] == [{}, {}]
    assert made.judge(world) == []
    assert world.again == 0
    assert link.back.counts["lost"] > 3
    assert link.back.counts["overtaken"] > 3
