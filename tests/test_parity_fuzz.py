"""Drawn rows through headrace and through stock dlt, twice: equal tables, columns, rows, stored schema and state.

Every case is a resource of its own in a pipeline that loads many. hypothesis draws the same cases in every run;
`HEADRACE_SEED` draws others, `HEADRACE_EXAMPLES` multiplies how many. A failure shows the case. What differs on purpose
is levelled by `test_parity` and `rounding`, or left out by `fuzz_cases`, and asserted in `test_engine_odd_values`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

from fuzz_cases import Case, cases, loads
from loading import Database, load_dlt, load_ours, pipeline
from nasty_json import FIRST_SEED, examples
from rounding import as_rounded, variants_of, without_variants
from test_parity import comparable, of_root, stored_schema

CASES_A_BATCH = 60


@dataclass(frozen=True)
class Surroundings:
    """What the cases of a batch share: arguments of the source, capabilities of the destination, keys left out."""

    source: dict[str, Any] = field(default_factory=dict)
    capabilities: dict[str, Any] = field(default_factory=dict)
    without_keys: tuple[str, ...] = ()


#: Names that differ in case alone are one name to DuckDB, though not to these naming conventions; and one of them
#: keeps a point, by which dlt cannot name a file.
CASED = ("ID", "A", "x.y")
BATCHES = (
    Surroundings(),
    Surroundings(source={"max_table_nesting": 2, "root_key": True}),
    Surroundings(source={"schema_contract": {"columns": "discard_value"}}, capabilities={"max_identifier_length": 40}),
    Surroundings(capabilities={"naming_convention": "sql_cs_v1"}, without_keys=CASED),
    Surroundings(capabilities={"naming_convention": "direct", "max_column_identifier_length": 20}, without_keys=CASED),
)


def drawn(batch: int) -> dict[str, Case]:
    """The cases of one batch by the names of their resources."""
    found: list[Case] = []
    capabilities = dlt.destinations.duckdb(**BATCHES[batch % len(BATCHES)].capabilities).capabilities()
    options: dict[str, Any] = {"suppress_health_check": list(HealthCheck), "deadline": None, "database": None}

    @seed(FIRST_SEED * 1_000_003 + batch)
    @settings(max_examples=CASES_A_BATCH, phases=[Phase.generate], derandomize=False, **options)
    @given(cases(without_keys=BATCHES[batch % len(BATCHES)].without_keys))
    def collect(case: Case) -> None:
        assume(loads(case, capabilities))
        found.append(case)

    collect()
    return {f"case{number}": case for number, case in enumerate(found)}


@dataclass(frozen=True)
class Outcome:
    """What a pipeline holds after a run."""

    database: Database
    schema: dict[str, Any]
    state: Any


def outcomes(
    load: Callable[..., None], folder: Path, found: dict[str, Case], surroundings: Surroundings
) -> list[Outcome]:
    """What a pipeline holds after each of the two runs; whole numbers that ours keeps in a variant, rounded."""
    target = pipeline(folder, load.__name__, **surroundings.capabilities)
    hints = {name: case.hints for name, case in found.items()}
    made = []
    for run in range(2):
        load(target, {name: case.runs[run] for name, case in found.items()}, hints=hints, source=surroundings.source)
        variants = variants_of(target)
        assert not variants or load is load_ours
        stored = without_variants(stored_schema(target), variants)
        made.append(Outcome(as_rounded(target), stored, target.state.get("sources")))
    return made


@pytest.fixture(scope="module")
def aside() -> Iterator[Executor]:
    """A process beside this one, for stock dlt."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("batch", range(examples(len(BATCHES))))
def test_drawn_cases(batch: int, aside: Executor, tmp_path: Path) -> None:
    found = drawn(batch)
    surroundings = BATCHES[batch % len(BATCHES)]
    stock = aside.submit(outcomes, load_dlt, tmp_path, found, surroundings)
    ours = outcomes(load_ours, tmp_path, found, surroundings)
    assert_equal(found, ours, stock.result())


def assert_equal(found: dict[str, Case], ours: Sequence[Outcome], stock: Sequence[Outcome]) -> None:
    for run, (mine, theirs) in enumerate(zip(ours, stock, strict=True)):
        assert mine.state == theirs.state
        for name, case in found.items():
            one, other = (comparable(each.database, name, with_ids=case.ids_by_dlt) for each in (mine, theirs))
            assert one == other, f"rows of {name}, run {run}: {case.shown()}"
            one, other = (of_root(each.schema, name) for each in (mine, theirs))
            level(one, other, name)
            assert one == other, f"schema of {name}, run {run}: {case.shown()}"


def level(mine: dict[str, Any], theirs: dict[str, Any], root: str) -> None:
    """Make equal what differs on purpose in two stored schemas."""
    if root not in mine or root not in theirs:
        return
    hints, expected = mine[root][0], theirs[root][0]
    if hints["write_disposition"] == "append":
        # a first merge is an append, and stored as one until the next
        assert expected["write_disposition"] in {"append", "merge"}
        hints["write_disposition"] = expected["write_disposition"]
    for facts in (hints, expected):
        if "max_nesting" in (flags := facts.get("x-normalizer", {})):
            # where a contract discards all rows, dlt forgets that the table has some
            flags.pop("seen-data", None)
