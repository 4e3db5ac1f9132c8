"""Configurations for public APIs load equally through headrace and through dlt: see `dialects`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dialects import DIALECTS, Dialect
from headrace.sim.message import Request
from parity import assert_same

RUNS = 2
#: Headers that are no credentials.
PLAIN = ("host", "accept", "content-type", "content-length", "user-agent")
OPEN_TO_ALL = ("pokeapi", "world bank")


def named(dialect: Dialect) -> str:
    return dialect.name


@pytest.mark.parametrize("dialect", DIALECTS, ids=named)
def test_a_dialect_loads_equally(dialect: Dialect, tmp_path: Path) -> None:
    """And rightly: the rows of each table are counted after each run, and the service would not take just anything."""
    contest = assert_same(
        [dialect.answering(run) for run in range(RUNS)], dialect.config, folder=tmp_path, source_args=dialect.options
    )
    for stands, wanted in zip(contest.stands, dialect.rows, strict=True):
        for stand in stands:
            found = {table: len(stand.database.tables[table][1]) for table in wanted if table in stand.database.tables}
            assert found == wanted
    assert_guarded(dialect, contest.stands[0][1].requests)


def assert_guarded(dialect: Dialect, requests: Sequence[Request]) -> None:
    """None of these would be answered without its credentials, or with another parameter."""
    answer = dialect.answering(0)
    for request in requests:
        if request.path.endswith("/token"):
            assert answer(replace(request, body=b"grant_type=client_credentials")).status == 401
            continue
        assert answer(replace(request, query=(*request.query, ("pagenumber", "2")))).status == 400, request
        headers = {name: value for name, value in request.headers.items() if name in PLAIN}
        query = tuple((name, value) for name, value in request.query if name != "api_key")
        if dialect.name not in OPEN_TO_ALL:
            assert answer(replace(request, headers=headers, query=query)).status in {401, 403}, request


def test_there_are_many() -> None:
    assert len(DIALECTS) == len({dialect.name for dialect in DIALECTS}) == 26
