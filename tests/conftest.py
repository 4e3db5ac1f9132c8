"""Properties try the same examples in every run, so that a failure is a change's and not the day's or the machine's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from postgres import AbsentError, Postgres, serving

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests that ask for it; they are skipped where it cannot be had."""
    try:
        with serving() as server:
            yield server
    except AbsentError as reason:
        pytest.skip(str(reason))
