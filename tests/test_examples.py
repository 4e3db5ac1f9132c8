"""The golden cases: the shipped examples and the guides' own files, against the simulator, into DuckDB.

The YAML and the Python form of an example must give the same rows in the same tables, and these must be the rows that
the simulator has. `golden/guides/` holds the guides' code as they print it; only the address is exchanged.
"""

from __future__ import annotations

import json
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.bridge.plan import plan_source
from headrace.clock import TurnedClock
from headrace.command.opened import Given
from headrace.command.pyfile import open_pyfile
from headrace.config import HeadraceWarning, load_file
from headrace.engine import Report
from headrace.errors import ConfigError
from headrace.sim import Guides, page_faults
from loading import Database, pipeline, read_database
from test_engine_guides import NAMING, as_text, assert_holds_the_truth, stored_trees, tree

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
GUIDES = HERE / "golden" / "guides"
ADDRESS = "https://api.example.com"

#: Example -> its resources -> the private field of each.
PRIVATE = {"email": {"domains": "smtp_password", "events": None}, "links": {"links": "password", "clicks": None}}
#: Example -> parameters of its source.
PARAMS = {"email": None, "links": {"domain_id": [7, 8]}}
#: What the examples declare otherwise than dlt would guess: objects as JSON, moments as text.
DECLARED_JSON = {"user-variables"}
DECLARED_TEXT = {"expiresAt"}
#: dlt's type -> DuckDB's.
TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "json": "JSON",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("PRIVATE_KEY", Guides.key)
    monkeypatch.setenv("API_KEY", Guides.api_key)


def config_of(example: str, form: str, url: str) -> dict[str, Any]:
    """The configuration of an example; the simulator's address takes the place of the example's."""
    path = EXAMPLES / f"{example}.{form}"
    config: dict[str, Any] = load_file(path) if form == "yaml" else runpy.run_path(str(path))["config"]
    assert config["client"]["base_url"] == ADDRESS
    return {**config, "client": {**config["client"], "base_url": url}}


def load(example: str, form: str, guides: Guides, target: dlt.Pipeline, **options: Any) -> Report:
    """Load an example from a new simulator, each of whose rows it must get once."""
    report = Report()
    with guides.serve() as sim:
        config = config_of(example, form, sim.url)
        source = rest_api_source(
            config, name=example, params=PARAMS[example], report=report, clock=TurnedClock(), **options
        )
        target.run(source)
    for resource in PRIVATE[example]:
        labels = [f"clicks/{number}" for number in guides.domain_ids] if resource == "clicks" else [resource]
        assert sum(sim.ledger.served_count(label) for label in labels) == guides.count(resource)
        assert report.of(resource).rows == guides.count(resource)
    return report


def truth(resource: str, guides: Guides, private: str | None) -> Counter[str]:
    """The rows that the simulator has, as the example declares them; the field `private` left out."""
    if resource == "clicks":
        rows = ({"domain_id": number} | row for number in guides.domain_ids for row in guides.rows("clicks", number))
    else:
        rows = guides.rows(resource)
    found: Counter[str] = Counter()
    for row in rows:
        row.pop(private, None)
        for key in DECLARED_JSON & row.keys():
            row[key] = json.dumps(row[key], ensure_ascii=False, separators=(",", ":"))
        expected = tree(row, resource)
        for key in DECLARED_TEXT & row.keys():
            if row[key] is not None:
                expected[""][NAMING.normalize_path(key)] = row[key]
        found[as_text(expected)] += 1
    return found


def stored(database: Database, resource: str) -> Counter[str]:
    return Counter(map(as_text, stored_trees(database, resource)))


@pytest.mark.parametrize("example", ["email", "links"])
def test_both_forms_of_an_example_give_the_rows_of_the_api_in_every_run(example: str, tmp_path: Path) -> None:
    guides = Guides(events=500, clicks=170, domains=40, links=120)
    faulty = Guides(events=500, clicks=170, domains=40, links=120, faults=page_faults(1))
    found = {}
    for form in ("yaml", "py"):
        target = pipeline(tmp_path, form)
        for served in (guides, faulty):
            load(example, form, served, target)
            found[form] = read_database(target)
            for resource, private in PRIVATE[example].items():
                assert stored(found[form], resource) == truth(resource, guides, private)
    assert found["yaml"].tables.keys() == found["py"].tables.keys()
    for table, (columns, _) in found["yaml"].tables.items():
        assert columns == found["py"].tables[table][0]
        # ids too: they are made of keys and contents
        assert sorted(map(str, found["yaml"].rows(table))) == sorted(map(str, found["py"].rows(table)))


@pytest.mark.parametrize("example", ["email", "links"])
def test_private_fields_come_only_where_they_are_kept(example: str, tmp_path: Path) -> None:
    guides = Guides(events=1, clicks=1, domains=20, links=40)
    (resource, private), *_ = PRIVATE[example].items()
    assert private
    for privacy, expected in ((None, private), ("keep", None)):
        target = pipeline(tmp_path, f"{example}_{privacy}")
        report = load(example, "yaml", guides, target, privacy=privacy)
        database = read_database(target)
        assert report.of(resource).dropped == ((private,) if expected else ())
        assert (private in database.columns(resource)) == (privacy == "keep")
        assert stored(database, resource) == truth(resource, guides, expected)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("example", ["email", "links"])
def test_declared_columns_exist_though_they_never_come(example: str, rows: int, tmp_path: Path) -> None:
    target = pipeline(tmp_path, example)
    load(example, "yaml", Guides(events=rows, clicks=rows, domains=rows, links=rows), target)
    database = read_database(target)
    for resource in load_file(EXAMPLES / f"{example}.yaml")["resources"]:
        declared = {resource["name"]: resource["columns"]}
        for key, hints in resource.get("nested_hints", {}).items():
            declared[NAMING.shorten_fragments(resource["name"], NAMING.normalize_path(key))] = hints["columns"]
        for table, columns in declared.items():
            there = {name: (kind, nullable) for name, kind, nullable in database.tables[table][0]}
            for name, hints in columns.items():
                expected = (TYPES[hints["data_type"]], "YES" if hints["nullable"] else "NO")
                assert there[NAMING.normalize_path(name)] == expected, (table, name)


@pytest.mark.parametrize("form", ["yaml", "py"])
def test_the_retry_policy_is_that_of_the_guides(form: str) -> None:
    for example, params in PARAMS.items():
        plan, _ = plan_source(config_of(example, form, ADDRESS), params=params)
        assert (plan.retry.max_retries, plan.retry.backoff_factor) == (3, 2)
        assert plan.retry.statuses == {429, 500, 502, 503, 504}


def test_the_domain_of_clicks_is_left_to_the_user() -> None:
    with pytest.raises(ConfigError, match="--param domain_id="):
        plan_source(EXAMPLES / "links.yaml")
    plan, _ = plan_source(EXAMPLES / "links.yaml", params={"domain_id": [7, 8]})
    clicks = plan.resources[1]
    assert [call.values for call in clicks.calls()] == [{"domain_id": 7}, {"domain_id": 8}]


def test_the_files_of_the_guides_run_unchanged(tmp_path: Path) -> None:
    guides = Guides(events=400, clicks=170, domains=5, links=60)
    target = pipeline(tmp_path, "guides")
    for _ in range(2):
        with guides.serve() as sim:
            for guide in ("email", "links"):
                path = tmp_path / f"{guide}.py"
                path.write_text((GUIDES / f"{guide}.py").read_text().replace(ADDRESS, sim.url))
                opened = open_pyfile(path, Given(PARAMS[guide] or {}, None, Report()))
                if guide == "email":
                    target.run(opened.source())
                else:
                    with pytest.warns(HeadraceWarning, match="340 of 340 rows lack the declared key `id`"):
                        target.run(opened.source())
        assert_holds_the_truth(read_database(target), guides)
        assert sim.ledger.served("events") == (range(400),)
