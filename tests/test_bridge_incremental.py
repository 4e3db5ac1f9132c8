"""Incremental loading through both engines: rows of each run, requests and state; and what headrace adds to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.extract import DltSource

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database
from parity import assert_both_fail, assert_same

HOUR = "2026-03-01T{:02}:00:00Z"
#: The first hour in seconds since 1970.
MIDNIGHT = int(datetime(2026, 3, 1, tzinfo=timezone.utc).timestamp())


def event(number: int, hour: int | None, run: int) -> dict[str, Any]:
    at, ts = (None, None) if hour is None else (HOUR.format(hour), MIDNIGHT + 3600 * hour)
    tags = [{"t": number}] * (number % 2)
    return {"id": number, "n": hour, "seen": run, "meta": {"at": at}, "at": at, "ts": ts, "tags": tags}


def events(run: int) -> list[dict[str, Any]]:
    """Two rows an hour; each run has two hours more, and the last hour of the run before again."""
    return [event(10 * hour + twin, hour, run) for hour in range(1, 4 + 2 * run) for twin in range(2)]


def service(run: int, *, descending: bool = False, gaps: bool = False) -> Callable[[Request], Reply]:
    """`/events` and `/boxes/<name>/events` by pages of three; rows from `since` on where that is asked."""

    def answer(request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        if parts == ["boxes"]:
            return reply([{"name": "a"}, {"name": "b"}])
        rows = events(run + (parts[1] == "b")) if parts[0] == "boxes" else events(run)
        if gaps:
            rows.insert(2, event(5, None, run))
            rows.append({"id": 6, "n": 3})
        if descending:
            rows.reverse()
        if since := request.param("since"):
            rows = [row for row in rows if row.get("at") and row["at"] >= since]
        page = int(request.param("page") or 0)
        return reply(rows[3 * page : 3 * page + 3])

    return answer


def reply(document: Any) -> Reply:
    return Reply(body=json.dumps(document).encode())


PAGED: Mapping[str, Any] = {"paginator": {"type": "page_number", "total_path": None}, "data_selector": "$"}


def config(endpoint: Mapping[str, Any], **resource: Any) -> Callable[[str], dict[str, Any]]:
    return lambda url: {
        "client": {"base_url": url},
        "resources": [{"name": "events", "endpoint": {"path": "events", **PAGED, **endpoint}, **resource}],
    }


START = HOUR.format(2)


def by(**settings: Any) -> dict[str, Any]:
    return {"incremental": {"cursor_path": "at", "initial_value": START, **settings}}


FORMS: dict[str, tuple[Callable[[str], dict[str, Any]], dict[str, Any]]] = {
    "a parameter": (
        config({"params": {"since": {"type": "incremental", "cursor_path": "at", "initial_value": START}}}), {},
    ),
    "an object as a parameter": (config({"params": {"since": dlt.sources.incremental("at", initial_value=START)}}), {}),
    "an object with a function and a key of its own": (
        config({"params": {"x": dlt.sources.incremental("n", initial_value=3, last_value_func=min, primary_key="id")}}),
        {},
    ),
    "start_param": (config(by(start_param="since")), {}),
    "no parameter": (config(by()), {}),
    "no first value": (config({"incremental": {"cursor_path": "at"}}), {}),
    "a placeholder": (config({**by(), "params": {"since": "{incremental.start_value}"}}), {}),
    "placeholders in a body": (
        config({**by(), "method": "POST", "json": {"a": "{incremental.last_value}", "b": 1}}),
        {},
    ),
    "converted": (config({**by(convert=str.lower), "params": {"x": "{incremental.start_value}"}}), {}),
    "a nested cursor": (config({"incremental": {"cursor_path": "meta.at", "initial_value": START}}), {}),
    "a number": (config({"incremental": {"cursor_path": "n", "initial_value": 2}}), {}),
    "lag": (config({"incremental": {"cursor_path": "n", "initial_value": 0, "lag": 1}}), {}),
    "end": (config(by(end_value=HOUR.format(4), start_param="since", end_param="until")), {}),
    "the smallest": (config({"incremental": {"cursor_path": "n", "initial_value": 3, "last_value_func": "min"}}), {}),
    "open and closed": (config(by(range_start="open", end_value=HOUR.format(4), range_end="closed")), {}),
    "keys": (config(by(), primary_key="id", write_disposition="merge"), {}),
    "no keys": (config(by(primary_key=[])), {}),
    "ascending": (config(by(end_value=HOUR.format(3), row_order="asc")), {}),
    "descending": (config(by(row_order="desc")), {"descending": True}),
    "gaps included": (config(by(on_cursor_value_missing="include")), {"gaps": True}),
    "gaps excluded": (config(by(on_cursor_value_missing="exclude")), {"gaps": True}),
    "after steps": (
        config(
            {"incremental": {"cursor_path": "m", "initial_value": 20}},
            processing_steps=[{"map": lambda row: {**row, "m": 10 * row["n"]}}],
        ),
        {},
    ),
}  # fmt: skip


def side_by_side(forms: Mapping[str, Callable[[str], dict[str, Any]]]) -> Callable[[str], dict[str, Any]]:
    """All forms as resources of one configuration, each with a path and a table of its name: see `table_of`."""

    def config_of(url: str) -> dict[str, Any]:
        resources = []
        for form, of_form in forms.items():
            [resource] = of_form(url)["resources"]
            name = table_of(form)
            resources.append({**resource, "name": name, "endpoint": {**resource["endpoint"], "path": name}})
        return {"client": {"base_url": url}, "resources": resources}

    return config_of


def table_of(form: str) -> str:
    return form.replace(" ", "_")


def test_runs_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """How many pages are asked for may differ, because they are named ahead here; what is asked of them may not."""
    serving = {table_of(form): serving for form, (_, serving) in FORMS.items()}

    def by_path(run: int) -> Callable[[Request], Reply]:
        services = {name: service(run, **each) for name, each in serving.items()}
        return lambda request: services[request.path.strip("/")](request)

    configs = side_by_side({form: config_of for form, (config_of, _) in FORMS.items()})
    contest = assert_same([by_path(run) for run in range(2)], configs, folder=tmp_path)
    for ours, theirs in contest.stands:
        assert asked(ours.requests) == asked(theirs.requests)
    assert set(ours.rows) >= set(serving)


def asked(requests: Sequence[Request]) -> set[Any]:
    return {
        (request.path, *((name, value) for name, value in request.query if name != "page"), request.body)
        for request in requests
    }


def scheduled(initial_value: Any, **settings: Any) -> dict[str, Any]:
    return {"cursor_path": "ts", "initial_value": initial_value, "allow_external_schedulers": True, **settings}


def with_moment(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "when": datetime.fromtimestamp(row["ts"], timezone.utc)}


#: Incrementals that take their range from a scheduler, and the hours that are left of it.
SCHEDULED: dict[str, tuple[Callable[[str], dict[str, Any]], set[int]]] = {
    "whole seconds": (config({"incremental": {**scheduled(0), "start_param": "x", "end_param": "y"}}), {2, 3}),
    "seconds": (config({"incremental": scheduled(0.0)}), {2, 3}),
    "a parameter": (config({"params": {"x": {"type": "incremental", **scheduled(0)}}}), {2, 3}),
    "moments": (
        config(
            {"params": {"x": dlt.sources.incremental[datetime]("when", allow_external_schedulers=True)}},
            processing_steps=[{"map": with_moment}],
        ),
        {2, 3},
    ),
    "within what is declared": (config({"incremental": scheduled(MIDNIGHT + 3 * 3600)}), {3}),
    "an earlier end": (config({"incremental": scheduled(0, end_value=MIDNIGHT + 3 * 3600)}), {2}),
    "not asked": (config({"incremental": scheduled(0, allow_external_schedulers=False)}), {1, 2, 3, 4, 5}),
}


def test_a_scheduler_gives_the_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As dlt's launcher and Airflow give it; such a run leaves no watermark."""
    monkeypatch.setenv("DLT_INTERVAL_START", HOUR.format(2))
    monkeypatch.setenv("DLT_INTERVAL_END", HOUR.format(4))
    configs = side_by_side({form: config_of for form, (config_of, _) in SCHEDULED.items()})
    contest = assert_same([service(0), service(1)], configs, folder=tmp_path)
    for ours, theirs in contest.stands:
        assert asked(ours.requests) == asked(theirs.requests)
    found = {form: {row["n"] for row in ours.rows[table_of(form)]} for form in SCHEDULED}
    assert found == {form: hours for form, (_, hours) in SCHEDULED.items()}


@pytest.mark.parametrize(
    ("initial_value", "interval", "error"),
    [(0, False, "ExternalSchedulerNotAvailable"), ("2026", True, "JoinSchedulerError")],
    ids=["no range", "a cursor of text"],
)
def test_a_range_that_cannot_be_had_fails_as_in_dlt(
    initial_value: Any, interval: bool, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if interval:
        monkeypatch.setenv("DLT_INTERVAL_START", HOUR.format(2))
        monkeypatch.setenv("DLT_INTERVAL_END", HOUR.format(4))
    found = assert_both_fail(service(0), config({"incremental": scheduled(initial_value)}), folder=tmp_path)
    for chain in (found.ours, found.theirs):
        assert error in {type(link).__name__ for link in chain}


STEPS: dict[str, Callable[[DltSource], Any]] = {
    "mapped": lambda source: source.resources["events"].add_map(lambda row: row),
    "limited": lambda source: source.resources["events"].add_limit(2),
}


def prepared(how: str) -> Callable[[DltSource], None]:
    return lambda source: STEPS[how](source) and None


@pytest.mark.parametrize("how", STEPS)
def test_steps_of_a_pipe_leave_the_state_right(how: str, tmp_path: Path) -> None:
    assert_same([service(0), service(1)], config(by(start_param="since")), folder=tmp_path, prepare=prepared(how))


def test_a_watermark_may_be_a_hint(tmp_path: Path) -> None:
    """dlt's own source fails on it, where the configuration has none."""
    with Server(service(0)) as server:
        source = rest_api_source(config({})(server.url), name="api")
        source.resources["events"].apply_hints(incremental=dlt.sources.incremental("n", initial_value=3))
        target = pipeline(tmp_path, "hinted")
        target.run(source)
    assert [row["n"] for row in read_database(target).rows("events")] == [3, 3]


def boxes(url: str, **incremental: Any) -> dict[str, Any]:
    endpoint = {"path": "boxes/{resources.boxes.name}/events", **PAGED, **by(start_param="since", **incremental)}
    return {
        "client": {"base_url": url},
        "resources": [
            {"name": "boxes", "endpoint": {"path": "boxes", "data_selector": "$", "paginator": "single_page"}},
            {"name": "events", "include_from_parent": ["name"], "endpoint": endpoint},
        ],
    }


def test_a_dependent_has_one_watermark_as_in_dlt(tmp_path: Path) -> None:
    assert_same([service(0), service(1)], boxes, folder=tmp_path)


def run(folder: Path, answer: Any, config: Callable[[str], dict[str, Any]], clock: TurnedClock | None = None) -> Any:
    with Server(answer) as server:
        target = pipeline(folder, "own")
        target.run(rest_api_source(config(server.url), name="api", report=Report(), clock=clock or TurnedClock()))
    return target


def test_each_parent_has_a_watermark_of_its_own(tmp_path: Path) -> None:
    """Box `b` is ahead of box `a`; with one watermark the late hours of `a` would be left out."""
    for number in range(2):
        target = run(tmp_path, service(number), lambda url: boxes(url, per_parent=True, primary_key="id"))
    rows = read_database(target).rows("events")
    for name, last in (("a", 1), ("b", 2)):
        wanted = [row["id"] for row in events(last) if row["at"] >= START]
        assert sorted(row["id"] for row in rows if row["_boxes_name"] == name) == sorted(wanted)
    states = target.state["sources"]["api"]["resources"]["events"]["incremental_per_parent"]["at"]
    assert sorted(state["last_value"] for state in states.values()) == [HOUR.format(5), HOUR.format(7)]


def by_hand(source: DltSource) -> DltSource:
    """A step of the user's: rows go through the pipe as dictionaries."""
    source.resources["events"].add_map(lambda row: {**row, "mapped": True})
    return source


def first_page(source: DltSource) -> DltSource:
    source.resources["events"].add_limit(1)
    return source


@pytest.mark.parametrize("first", [by_hand, first_page])
def test_each_parent_has_a_watermark_of_its_own_where_rows_are_dictionaries(first: Any, tmp_path: Path) -> None:
    """Appended, each row is there once; where a limit ends the pages the watermark stays at what was taken."""
    target = pipeline(tmp_path, "own")
    for prepared in (first, by_hand):
        report = Report()
        with Server(service(0)) as server:
            settings = boxes(server.url, per_parent=True, primary_key="id")
            target.run(prepared(rest_api_source(settings, name="api", report=report, clock=TurnedClock())))
    rows = read_database(target).rows("events")
    wanted = [(name, row["id"]) for name, last in (("a", 0), ("b", 1)) for row in events(last) if row["at"] >= START]
    assert sorted((row["_boxes_name"], row["id"]) for row in rows) == sorted(wanted)


def test_windows_tile_the_time_and_go_on(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: Request) -> Reply:
        bounds = str(request.param("from")), str(request.param("to"))
        asked.append(bounds)
        return reply([row for row in events(3) if bounds[0] <= row["at"] < bounds[1]])

    windows = {"param_start": "from", "param_end": "to", "start": HOUR.format(0), "size": "2h", "overlap": "1h"}

    def of(end: int) -> Callable[[str], dict[str, Any]]:
        endpoint = {"windows": {**windows, "end": HOUR.format(end)}, "paginator": "single_page"}
        return config(endpoint, primary_key="id", write_disposition="merge")

    later = TurnedClock(wall=MIDNIGHT + 86400)  # what has not passed yet would not be remembered
    run(tmp_path, answer, of(5), later)
    assert sorted(asked) == [(HOUR.format(a), HOUR.format(b)) for a, b in ((0, 2), (2, 4), (4, 5))]
    asked.clear()
    target = run(tmp_path, answer, of(8), later)
    assert sorted(asked) == [(HOUR.format(a), HOUR.format(b)) for a, b in ((4, 6), (6, 8))]
    found = sorted(row["id"] for row in read_database(target).rows("events"))
    assert found == [row["id"] for row in events(3) if row["n"] < 8]
