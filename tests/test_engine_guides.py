"""Both guides' configurations, word for word, against their simulators: DuckDB holds the truth, row by row.

The expectation is made here from the simulator's rows, with dlt's naming for names and nothing else of the engine.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention

from guide_texts import EMAIL, LINKS
from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.engine import Report
from headrace.sim import Guides, GuidesSim, page_faults
from loading import Database, pipeline, read_database

NAMING = NamingConvention()
named = cache(NAMING.normalize_path)
joined = cache(NAMING.shorten_fragments)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def configuration(guide: str, sim: GuidesSim) -> dict[str, Any]:
    """A guide's dictionary with the simulator's address and keys in place of the example's."""
    text = guide.replace("https://api.example.com", sim.url)
    text = text.replace('dlt.secrets["private_key"]', repr(sim.private_key))
    text = text.replace('dlt.secrets["api_key"]', repr(sim.api_key))
    config: dict[str, Any] = ast.literal_eval(text.strip())
    return config


def run(guides: Guides, target: dlt.Pipeline) -> tuple[GuidesSim, Report]:
    """Load both guides from a new simulator; gives it (stopped, with its ledger) and the counts."""
    report, clock = Report(), TurnedClock()
    with guides.serve() as sim:
        target.run(rest_api_source(configuration(EMAIL, sim), name="email", report=report, clock=clock))
        params = {"domain_id": list(guides.domain_ids)}
        source = rest_api_source(configuration(LINKS, sim), name="links", params=params, report=report, clock=clock)
        with pytest.warns(HeadraceWarning, match="rows lack the declared key"):
            target.run(source)
    return sim, report


# The truth: a tree for each row, its columns under "" and its child tables by name.


def tree(row: Mapping[str, Any], table: str) -> dict[str, Any]:
    """A row of the API as columns without nulls, and its lists as child rows in order."""
    columns: dict[str, Any] = {}
    found: dict[str, Any] = {"": columns}
    for path, value in leaves(row):
        names = [named(key) for key in path]
        if isinstance(value, list):
            child = joined(table, *names)
            rows = [tree(item if isinstance(item, dict) else {"value": item}, child) for item in value]
            if rows:
                found[child] = rows
        elif value is not None:
            is_moment = isinstance(value, str) and MOMENT.fullmatch(value)
            columns[joined(*names)] = datetime.fromisoformat(value.replace("Z", "+00:00")) if is_moment else value
    return found


def leaves(row: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def stored_trees(database: Database, root: str) -> list[dict[str, Any]]:
    """The rows of `root` with their child rows, in the same form, from DuckDB."""
    return list(_trees(database, root).values())


def _trees(database: Database, table: str) -> dict[str, dict[str, Any]]:
    """Trees by `_dlt_id`, in order of the place in the parent's list; ids that do not fit together are refused."""
    own = {row["_dlt_id"]: row for row in sorted(database.rows(table), key=lambda row: row.get("_dlt_list_idx", 0))}
    assert len(own) == len(database.tables[table][1]), f"{table} has an id twice"
    found: dict[str, dict[str, Any]] = {
        key: {"": {name: cell for name, cell in row.items() if not name.startswith("_dlt_")}}
        for key, row in own.items()
    }
    for child in _children(database, table):
        for key, (row, item) in _trees_with_rows(database, child).items():
            parent = row["_dlt_parent_id"]
            siblings = found[parent].setdefault(child, [])
            assert row["_dlt_list_idx"] == len(siblings)
            assert row["_dlt_root_id"] == own[parent].get("_dlt_root_id", parent), key
            siblings.append(item)
    return found


def _trees_with_rows(database: Database, table: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    rows = {row["_dlt_id"]: row for row in database.rows(table)}
    return {key: (rows[key], item) for key, item in _trees(database, table).items()}


def _children(database: Database, table: str) -> list[str]:
    """Tables below `table` and below no nearer one."""
    below = [name for name in database.tables if name.startswith(f"{table}__")]
    return [name for name in below if not any(name.startswith(f"{other}__") for other in below if other != name)]


def as_text(found: Any) -> str:
    """A tree as text that does not depend on the order of columns; equal instants are equal."""
    if isinstance(found, dict):
        return "{" + ", ".join(f"{key}: {as_text(found[key])}" for key in sorted(found)) + "}"
    if isinstance(found, list):
        return "[" + ", ".join(map(as_text, found)) + "]"
    if isinstance(found, datetime):
        return repr(found.timestamp())
    return repr(found)


def assert_holds_the_truth(database: Database, guides: Guides) -> None:
    """Every row of every resource is there once, with all its values, and nothing else is."""
    for resource in ("domains", "events", "links"):
        assert_same(resource, guides.rows(resource), database, guides.count(resource))
    clicks = ({"domain_id": number} | row for number in guides.domain_ids for row in guides.rows("clicks", number))
    assert_same("clicks", clicks, database, guides.count("clicks"))


def assert_same(resource: str, truth: Iterator[Mapping[str, Any]], database: Database, count: int) -> None:
    stored = Counter(map(as_text, stored_trees(database, resource)))
    expected = Counter(as_text(tree(row, resource)) for row in truth)
    assert stored.total() == count
    missing, extra = expected - stored, stored - expected
    assert (list(missing)[:1], list(extra)[:1]) == ([], [])


def assert_served_once(sim: GuidesSim, guides: Guides) -> None:
    """No row was fetched twice in this run: a page is asked again only after an answer that gave no row."""
    for label in ("domains", "events", "links", *(f"clicks/{number}" for number in guides.domain_ids)):
        assert sim.ledger.served_again(label) == 0, label
    assert sim.ledger.served_count("events") == guides.events


@pytest.mark.parametrize(
    ("count", "faulty_runs"), [(1, (False, False)), (1, (True,)), (500, (False, True)), (20_000, (True,))]
)
def test_each_run_ends_with_exactly_the_rows_of_the_apis(
    count: int, faulty_runs: tuple[bool, bool], tmp_path: Path
) -> None:
    target = pipeline(tmp_path, "guides")
    for faulty in faulty_runs:
        guides = Guides(
            events=count, clicks=max(count // 4, 1), domains=min(count, 1500), links=min(count, 700),
            faults=page_faults(count) if faulty else (),
        )  # fmt: skip
        sim, report = run(guides, target)
        assert_holds_the_truth(read_database(target), guides)
        assert_served_once(sim, guides)
        met = sum(times for name, times in sim.ledger.faults().items() if name != "slow")
        retries = sum(sum(resource.retries.values()) for resource in report.resources.values())
        assert bool(met) == faulty
        # a request that was sent ahead, past the end, is taken back: its fault then causes no retry
        assert met - 1 <= retries <= met
        for name in ("domains", "events", "links", "clicks"):
            assert report.of(name).rows == guides.count(name)
            assert report.of(name).superseded == 0
            assert report.of(name).exact_rows <= 64 * 6
        assert report.of("clicks").keyless == guides.count("clicks")


@pytest.mark.parametrize(
    "variant",
    [{"tail": "new_once", "end": "missing"}, {"end": "empty", "gap_at": 1, "new_keys": False, "gzip": True}],
    ids=["a new cursor once, no token", "a gap, an empty token, compressed, no new keys"],
)
def test_every_end_that_the_guides_leave_open(variant: dict[str, Any], tmp_path: Path) -> None:
    guides = Guides(events=500, clicks=200, **variant)
    target = pipeline(tmp_path, "guides")
    sim, _ = run(guides, target)
    assert_holds_the_truth(read_database(target), guides)
    assert_served_once(sim, guides)
