"""Rows without a key, replaced by their time: whatever comes, goes or changes, the table is what the API has."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.bridge.keep import Keep
from headrace.bridge.plan import plan_source
from headrace.bridge.source import source_of
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.errors import AnswerError, UsageError
from headrace.moment import seconds_of
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from headrace.sim.shortio import iso
from loading import pipeline, read_database, refused

HOUR = 3600
#: A whole hour.
T = 1_700_000_000 // HOUR * HOUR
LIMIT = 4
#: Rows by domain: (seconds after T, what).
Rows = dict[int, list[tuple[float, str]]]


def service(rows: Rows) -> Any:
    """Newest first; both ends of the range belong to it, the bound does not."""

    def answer(request: Request) -> Reply:
        if request.path == "/domains":
            return Reply(body=json.dumps([{"id": domain} for domain in rows]).encode())
        body = json.loads(request.body)
        end = min(body["to"] + 1, body.get("before", body["to"] + 1))
        times = [(round((T + at) * 1000), what) for at, what in rows[body["domain"]]]
        found = sorted((row for row in times if body["from"] <= row[0] < end), reverse=True)
        page = [{"at": iso(at), "what": what, "tags": [what]} for at, what in found[: body["limit"]]]
        return Reply(body=json.dumps(page).encode())

    return answer


def config(url: str, **windows: Any) -> dict[str, Any]:
    said = {
        "body_path_start": "from", "body_path_end": "to", "format": "milliseconds", "start": "-2d",
        "time_path": "at", "replace": "1h", "overlap": "3h", **windows,
    }  # fmt: skip
    endpoint = {
        "path": "rows",
        "method": "POST",
        "json": {"domain": "{resources.domains.id}"},
        "data_selector": "$",
        "paginator": {
            "type": "keyset", "key_path": "at", "key_body_path": "before", "format": "milliseconds",
            "limit": LIMIT, "limit_body_path": "limit", "least_limit": LIMIT,
        },
        "windows": said,
    }  # fmt: skip
    return {
        "client": {"base_url": url, "retry": {"max_retries": 0}},
        "resources": [
            {"name": "domains", "endpoint": {"path": "domains", "data_selector": "$", "paginator": "single_page"}},
            {
                "name": "rows",
                "write_disposition": "merge",
                "include_from_parent": {"id": "domain"},
                "fields": {"at": {"as": "timestamp"}},
                "endpoint": endpoint,
            },
        ],
    }


def load(target: dlt.Pipeline, rows: Rows, now: float, **windows: Any) -> Report:
    """Load what there is `now`, seconds after T."""
    report = Report()
    with Server(service(rows)) as server:
        source = rest_api_source(
            config(server.url, **windows), name="api", report=report, clock=TurnedClock(wall=T + now)
        )
        target.run(source)
    return report


def stored(target: dlt.Pipeline) -> Counter[tuple[int, float, str]]:
    database = read_database(target)
    rows = database.rows("rows") if "rows" in database.tables else []
    return Counter((row["domain"], round(row["at"].timestamp() - T, 3), row["what"]) for row in rows)


def served(rows: Rows) -> Counter[tuple[int, float, str]]:
    return Counter((domain, at, what) for domain, found in rows.items() for at, what in found)


def test_the_table_is_what_the_api_has(tmp_path: Path) -> None:
    """Equal, late and changed rows, an hour that became empty, a domain that has none; again without a change."""
    target = pipeline(tmp_path, "replaced")
    rows: Rows = {1: [(-HOUR * at, "old") for at in range(1, 40)] + [(-60.5, "twin")] * 2, 2: [(-30.001, "b")], 3: []}
    load(target, rows, 0)
    assert stored(target) == served(rows)
    load(target, rows, 1)
    assert stored(target) == served(rows)
    # within the three hours that are listed again
    rows[1][0] = (-HOUR, "changed")
    del rows[1][1]
    rows[1] += [(-1, "late"), (600, "new")]
    rows[2] = []
    rows[3] = [(-HOUR, "first")]
    load(target, rows, HOUR)
    assert stored(target) == served(rows)
    tables = read_database(target)
    assert all("_window_empty" not in row for row in tables.rows("rows"))
    assert Counter(row["value"] for row in tables.rows("rows__tags")) == Counter(
        row["what"] for row in tables.rows("rows")
    )


@pytest.mark.parametrize("takes_back", [True, False])
def test_a_first_load_appends_where_a_killed_one_is_taken_back(takes_back: bool, tmp_path: Path) -> None:
    """Appended twice they would stand there twice; as `headrace run` does it, and as a pipeline does."""
    target = pipeline(tmp_path, "replaced")
    rows: Rows = {1: [(at, f"row {at}") for at in range(12)]}
    for now in (60, 3600):
        report = Report()
        with Server(service(rows)) as server:
            plan, name = plan_source(config(server.url), name="api")
            keep = Keep() if takes_back else None
            target.run(source_of(plan, name=name, report=report, clock=TurnedClock(wall=T + now), keep=keep))
        assert stored(target) == served(rows)
        assert report.of("rows").appended == (takes_back and now == 60)
        rows[1][3:5] = [(20, "late")]


def test_what_is_not_listed_again_stays(tmp_path: Path) -> None:
    """A row that vanished behind the overlap, and one that is no more asked for."""
    target = pipeline(tmp_path, "stays")
    rows: Rows = {1: [(-HOUR * 20, "old"), (-HOUR * 1.5, "young")]}
    load(target, rows, 0)
    load(target, {1: []}, HOUR)
    assert stored(target) == Counter({(1, -HOUR * 20, "old"): 1})


def test_no_rows_at_all_are_no_error(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "empty")
    load(target, {1: []}, 0)
    load(target, {1: []}, HOUR)
    assert stored(target) == Counter()


@pytest.mark.parametrize(("until", "gone"), [(-HOUR * 9.5, {-HOUR * 10}), (-HOUR * 9, {-HOUR * 10})])
def test_a_range_of_one_run_replaces_whole_steps(until: float, gone: set[float], tmp_path: Path) -> None:
    """Its last hour is listed to the end: nothing of it is lost."""
    target = pipeline(tmp_path, "range")
    rows: Rows = {1: [(-HOUR * (at / 4), "x") for at in range(1, 60)]}
    load(target, rows, 0)
    kept: Rows = {1: [row for row in rows[1] if row[0] not in gone]}
    with Server(service(kept)) as server:
        settings = config(server.url)
        source = rest_api_source(
            settings, name="api", since=T - HOUR * 10.0, until=T + until, clock=TurnedClock(wall=T + 5.0)
        )
        target.run(source)
    assert stored(target) == served(kept)


def test_far_fewer_rows_are_refused(tmp_path: Path) -> None:
    """40 of 60 rows that stand in the three hours listed again are missing: an error, and the table is as it was."""
    target = pipeline(tmp_path, "shrunk")
    rows: Rows = {1: [(-60 * at, "x") for at in range(1, 61)] + [(-HOUR * 30, "old")]}
    load(target, rows, 0)
    fewer: Rows = {1: rows[1][:20] + rows[1][-1:]}
    with refused(AnswerError) as errors:
        load(target, fewer, 1)
    error = errors[0]
    assert isinstance(error, AnswerError)
    first = seconds_of("2023-11-14T21:00:00Z", 0)
    assert first == T - HOUR
    assert error.message == (
        "expected at most 50% of the 60 rows stored from 2023-11-14T21:00:00Z to 2023-11-14T21:00:00Z to be missing "
        "when they are listed again, got 40; what is stored was left as it is"
    )
    assert stored(target) == served(rows)
    load(target, fewer, 2, most=1)
    assert stored(target) == served(fewer)


def test_dictionaries_are_refused(tmp_path: Path) -> None:
    target = pipeline(tmp_path, "dictionaries")
    with Server(service({1: [(-1, "x")]})) as server:
        source = rest_api_source(config(server.url), name="api", clock=TurnedClock(wall=T))
        source.resources["rows"].add_map(lambda row: row)
        with refused(UsageError) as errors:
            target.run(source)
    assert "as dictionaries" in str(errors[0])


def test_a_destination_that_cannot_merge_is_refused(tmp_path: Path) -> None:
    target = dlt.pipeline(
        "files", destination=dlt.destinations.filesystem(str(tmp_path / "files")), pipelines_dir=str(tmp_path / "p")
    )
    with refused(UsageError) as errors:
        load(target, {1: [(-1, "x")]}, 0)
    assert "`rows`, whose rows have no key and are replaced by their time" in str(errors[0])


def test_the_same_request_is_not_sent_by_the_next_run(tmp_path: Path) -> None:
    """The API answers what it knows from memory: ends of windows differ by the moment of the run."""
    ends: list[int] = []

    def answer(request: Request) -> Reply:
        if request.method == "POST":
            ends.append(json.loads(request.body)["to"])
        return service({1: []})(request)

    for now in (0, 7):
        with Server(answer) as server:
            settings = config(server.url, end="2023-11-14T20:00:00Z", start="2023-11-13T20:00:00Z", cached="60s")
            pipeline(tmp_path, f"cached{now}").run(
                rest_api_source(settings, name="api", clock=TurnedClock(wall=T + now))
            )
    assert ends[1] - ends[0] == 7000
