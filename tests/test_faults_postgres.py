"""A database that fails at the end of a transaction: what is committed and what is not, the next run sets right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crash_power import places
from crashing import Forks, Trial, World, forks
from headrace.sim.server import Server
from lost_writes import KINDS
from postgres import AbsentError, Postgres, query, serving
from postgres_proxy import Lost, between

TO = ("--to", "postgres", "--dataset", "data")


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as made:
        yield made


@contextmanager
def own_server() -> Iterator[Postgres]:
    """One that may be killed; tests are skipped where there is none."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(serving())
        except AbsentError as absent:
            pytest.skip(str(absent))
        yield made


def wrong(address: str, world: World) -> list[str]:
    """Tables that have not exactly the rows of the API: appended ones once a load."""
    loads = query(address, "SELECT count(DISTINCT _dlt_load_id) FROM data.appended")[0][0]
    numbers = [(number,) for number in range(world.merged)]
    parts = [(of, number) for of in range(world.merged) for number in range(2)]
    appended = sorted([(number,) for number in range(world.appended)] * loads)
    expected = {
        "id FROM data.merged": numbers,
        "value FROM data.merged__tags": numbers,
        '"of", id FROM data.parts': parts,
        "id FROM data.appended": appended,
        "value FROM data.appended__tags": appended,
    }
    return [text for text, rows in expected.items() if sorted(query(address, f"SELECT {text}")) != rows]


@dataclass
class Widening(World):
    """Its rows have two columns more from some moment on."""

    wide: bool = False

    def row(self, number: int, **more: int) -> dict[str, Any]:
        return {**super().row(number, **more), **({"more": "new", "other": 7} if self.wide else {})}


@pytest.mark.parametrize(
    ("lost", "number"), [*(("answer", number) for number in range(0, 11, 2)), ("request", 1), ("request", 5)]
)
def test_an_end_of_a_transaction_that_is_lost(
    lost: Lost, number: int, postgres: Postgres, forked: Forks, tmp_path: Path
) -> None:
    """The connection breaks before the database knows of the end, or before the run knows that it was reached."""
    address, world = postgres.new_database(), World()
    with Server(world) as server, between(postgres.port, at=number, lost=lost) as proxy:
        made = Trial(tmp_path / "t", server.url, forked)
        made.loads_into(address.replace(f":{postgres.port}/", f":{proxy.port}/"))
        made.finish(*TO, most=2)
        assert proxy.commits > number
    assert wrong(address, world) == []


@pytest.mark.parametrize("table", ["merged", "parts", "appended", "appended__tags"])
def test_a_run_that_is_killed_behind_the_end_of_a_transaction(
    table: str, postgres: Postgres, forked: Forks, tmp_path: Path
) -> None:
    """Nothing but the database knows that the rows are there."""
    address, world = postgres.new_database(), World()
    with Server(world) as server:
        made = Trial(tmp_path / "t", server.url, forked)
        made.loads_into(address)
        assert made.run(*TO, crash_behind=[f"/started_jobs/{table}.", f".pending_transitions/{table}."]) == 137
        made.finish(*TO)
    assert wrong(address, world) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [".pending_transitions/appended.", ".pending_transitions/parts.", "/loaded/"])
def test_a_machine_that_loses_power_while_the_database_does_not(
    behind: str, kind: str, postgres: Postgres, forked: Forks, tmp_path: Path
) -> None:
    """dlt's files say less than the database, or nothing; a first run, and one that merges."""
    address, world = postgres.new_database(), World()
    with Server(world) as server:
        made = Trial(tmp_path / "t", server.url, forked)
        made.loads_into(address)
        for seed in range(2):
            lost = {"lose": kind, "seed": seed, **places(made)}
            assert made.run(*TO, crash_behind=["/started_jobs/", behind], boot=f"boot {seed}", **lost) == 137
            assert made.run(*TO, boot=f"boot {seed + 1}") == 0, made.err.read_text()
            assert wrong(address, world) == []


@pytest.mark.parametrize("table", ["merged", "appended", "_dlt_loads"])
def test_a_server_that_is_killed_at_the_end_of_a_transaction(table: str, forked: Forks, tmp_path: Path) -> None:
    """A trigger that waits for the end kills the server that runs it; the first run has made the tables."""
    world = World()
    with own_server() as postgres, Server(world) as server:
        address = postgres.new_database()
        made = Trial(tmp_path / "t", server.url, forked)
        made.loads_into(address)
        assert made.run(*TO) == 0, made.err.read_text()
        query(
            address,
            f"""CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                    'kill -9 $(head -n 1 {postgres.data}/postmaster.pid) ' || pg_backend_pid());
                RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON data.{table} DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION die()""",
        )
        world.merged += 4
        assert made.run(*TO) == 1
        postgres.start()
        query(address, f"DROP TRIGGER at_the_end ON data.{table}")
        made.finish(*TO)
        assert wrong(address, world) == []


@pytest.mark.parametrize(
    ("is_first", "number"), [*((True, number) for number in (2, 4, 7, 11)), *((False, number) for number in (1, 2, 4))]
)
def test_a_migration_that_fails_half_way(
    is_first: bool, number: int, postgres: Postgres, forked: Forks, tmp_path: Path
) -> None:
    """One statement that makes or changes a table is refused: of the first load, or of one that adds columns."""
    address, world = postgres.new_database(), Widening()
    with Server(world) as server:
        made = Trial(tmp_path / "t", server.url, forked)
        made.loads_into(address)
        if not is_first:
            made.finish(*TO)
        query(
            address,
            f"""CREATE SEQUENCE made;
            CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('public.made') = {number} THEN RAISE 'no more tables today'; END IF; END $$;
            CREATE EVENT TRIGGER refuses ON ddl_command_start EXECUTE FUNCTION refuse()""",
        )
        world.wide = not is_first
        code = made.run(*TO)
        # without the table for its lease, the first that it makes, a run goes on
        assert code == int((is_first, number) != (True, 2))
        assert "no more tables today" in made.err.read_text()
        made.finish(*TO)
        if world.wide:
            column = query(address, "SELECT DISTINCT more, other FROM data.merged")
            assert column == [("new", 7)]
    assert wrong(address, world) == []
