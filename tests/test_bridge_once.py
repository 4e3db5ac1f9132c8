"""What dlt resolves slowly is asked once a load, however many resources there are, and only where rows came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.sim.server import Server
from loading import Pages, configuration, cursor_service, load_ours, pipeline

MERGED = {"primary_key": "id", "write_disposition": "merge"}


def extracted(target: dlt.Pipeline, pages: Pages) -> int:
    """Extract `pages`, a resource each; how many clients of the destination were made for it."""
    made: list[Any] = []
    make = target.destination.client

    def counted(*args: Any, **options: Any) -> Any:
        made.append(make(*args, **options))
        return made[-1]

    target.destination.client = counted
    try:
        with Server(cursor_service(pages)) as server:
            target.extract(rest_api_source(configuration(server.url, list(pages), **MERGED), name="rows"))
    finally:
        target.destination.client = make
    return len(made)


@pytest.mark.parametrize("resources", [1, 4])
def test_one_client_asks_for_all_resources_whether_a_load_is_the_first(resources: int, tmp_path: Path) -> None:
    pages = {f"r{number}": [['{"id":1}']] for number in range(resources)}
    assert extracted(pipeline(tmp_path, "ours"), pages) == 1


def test_no_client_is_made_where_nothing_came(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "ours")
    load_ours(target, {"a": [['{"id":1}']], "b": [['{"id":1}']]}, **MERGED)
    assert extracted(target, {"a": [[]], "b": [[]]}) == 0
