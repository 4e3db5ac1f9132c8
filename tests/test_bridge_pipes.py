"""Resources of dlt's: parents and dependents, selection, steps that are hung on them, iteration; each against dlt."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.extract import DltResource, DltSource
from dlt.pipeline.exceptions import PipelineStepFailed

from headrace import check_connection, rest_api_resources, rest_api_source
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database
from parity import assert_same, assert_same_iteration

PAGE = 4
TEAMS = [
    {"id": number, "name": f"team {number}", "meta": {"slug": f"t-{number}"}, "tags": ["a", "b"][: number % 3]}
    for number in range(1, 11)
]


def members(team: int) -> list[dict[str, Any]]:
    return [
        {"id": 10 * team + number, "login": f"m{team}-{number}", "roles": [{"name": "r"}] * (number % 2)}
        for number in range(team % 4)
    ]


def service(request: Request) -> Reply:
    """`/teams` by pages; `/teams/<id>`, `/teams/<id>/members`, `/members/<id>/badges`, `/search` by body or query."""
    match request.path.strip("/").split("/"):
        case ["teams"]:
            return paged(TEAMS, request)
        case ["teams", number]:
            return answer(next(team for team in TEAMS if team["id"] == int(number)))
        case ["teams", slug, "members"]:
            return paged(members(int(slug.removeprefix("t-"))), request)
        case ["members", number, "badges"]:
            return answer([{"badge": f"b{number}", "n": n} for n in range(int(number) % 3)])
        case ["search"]:
            asked = json.loads(request.body) if request.body[:1] == b"{" else dict(request.query)
            team = asked.get("team", request.headers.get("x-team"))
            return answer([{"team": team, "kind": type(team).__name__, "form": request.body[:4].decode()}])
    return Reply(404, b"{}")


def paged(rows: list[dict[str, Any]], request: Request) -> Reply:
    page = int(request.param("page") or 0)
    return answer({"items": rows[page * PAGE : (page + 1) * PAGE], "total": -(-len(rows) // PAGE)})


def answer(document: Any) -> Reply:
    return Reply(body=json.dumps(document).encode())


NUMBERED = {"type": "page_number", "stop_after_empty_page": False}
PAGED: Mapping[str, Any] = {"paginator": NUMBERED, "data_selector": "items"}
Config = Callable[[str], dict[str, Any]]


def config(*resources: Any, **client: Any) -> Config:
    return lambda url: {"client": {"base_url": url, **client}, "resources": list(resources)}


def teams(**more: Any) -> dict[str, Any]:
    return {"name": "teams", "endpoint": {"path": "teams", **PAGED}, **more}


def of_teams(path: str = "teams/{resources.teams.meta.slug}/members", **more: Any) -> dict[str, Any]:
    return {"name": "members", "endpoint": {"path": path, **PAGED, **more.pop("endpoint", {})}, **more}


BADGES: Mapping[str, Any] = {
    "name": "badges",
    "include_from_parent": ["login", "roles"],
    "endpoint": {"path": "members/{resources.members.id}/badges", "data_selector": "$", "paginator": "single_page"},
}
RESOLVE = {"type": "resolve", "resource": "teams", "field": "id"}
RESOLVED = of_teams("teams/{team}/members", endpoint={"params": {"team": RESOLVE}})
SINGLE = {"name": "one", "endpoint": {"path": "teams/{resources.teams.id}"}}


def search(**endpoint: Any) -> dict[str, Any]:
    shared = {"path": "search", "data_selector": "$", "paginator": "single_page"}
    return {"name": "found", "endpoint": {**shared, **endpoint}}


FORMS: dict[str, Config] = {
    "a field in the path": config(teams(), of_teams()),
    "the dependent stands first": config(of_teams(), teams()),
    "resolve": config(teams(), RESOLVED),
    "one object by its address": config(teams(), SINGLE),
    "three levels": config(teams(), of_teams(), BADGES),
    "fields of the parent": config(teams(), of_teams(include_from_parent=["id", "name", "meta", "tags"])),
    "parameters": config(teams(), search(params={"team": "{resources.teams.id}", "{resources.teams.name}": 1})),
    "a body of the value's type": config(teams(), search(method="POST", json={"team": "{resources.teams.id}"})),
    "a body of text": config(teams(), search(method="POST", json={"team": "no {resources.teams.id!r:>3}"})),
    "a form": config(teams(), search(method="POST", data={"team": "{resources.teams.id}"})),
    "a body as it is": config(teams(), search(method="POST", data='{{"team": "{resources.teams.id}"}}')),
    "a header": config(teams(), search(headers={"X-Team": "{resources.teams.name}"})),
    "a parent that is not selected": config(teams(selected=False), of_teams(), BADGES),
    "parallelized": config(teams(parallelized=True), of_teams()),
    "two dependents": config(teams(), of_teams(), SINGLE),
    "merged": config(
        teams(primary_key="id", write_disposition="merge"), of_teams(primary_key="id", write_disposition="merge")
    ),
    "steps of the parent": config(
        teams(processing_steps=[{"filter": lambda row: row["id"] % 2, "map": lambda row: row | {"id": row["id"] + 1}}]),
        RESOLVED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_dependents(form: str, tmp_path: Path) -> None:
    assert_same(service, FORMS[form], folder=tmp_path, runs=2 if form == "merged" else 1)


@pytest.mark.parametrize("form", FORMS)
def test_iteration_gives_dictionaries(form: str) -> None:
    assert_same_iteration(service, FORMS[form], ordered=False)


#: Values that a path takes as they are, or encoded, or with a query; `100%` begins no encoding.
IN_PATHS = (
    "a/b", "/a//b", "a b", "a?b=c", "a#b", "a+b", "a;b", "@:,", "'x'", "(x)", "[x]", "a=b&c", "{x}", "é", "a\\b", "|^`",
    '<">', "~", "!$*", "%2F", "100%", "a?b=[1]&c=2%",
)  # fmt: skip


def in_paths(values: Sequence[str], folder: Path) -> list[list[str]]:
    """What both ask for, the list of values first."""

    def odd(request: Request) -> Reply:
        return answer([{"id": value} for value in values] if request.path == "/odd" else [{"n": 1}])

    alone: Mapping[str, Any] = {"data_selector": "$", "paginator": "single_page"}
    configured = config(
        {"name": "odd", "endpoint": {"path": "odd", **alone}},
        {"name": "of", "endpoint": {"path": "of/{resources.odd.id}/end", **alone}},
    )
    contest = assert_same(odd, configured, folder=folder)
    return [sorted(request.target for request in stand.requests) for stand in contest.stands[0]]


def test_values_stand_in_paths_as_with_dlt(tmp_path: Path) -> None:
    ours, theirs = in_paths(IN_PATHS, tmp_path)
    assert ours == theirs
    assert len(ours) == 1 + len(IN_PATHS)


def test_percent_sign_that_begins_no_encoding_leaves_others_alone(tmp_path: Path) -> None:
    assert in_paths(["50%41%"], tmp_path) == [["/odd", "/of/50%41%25/end"], ["/odd", "/of/50%2541%25/end"]]


@pytest.mark.skipif(not hasattr(DltResource, "add_input"), reason="this dlt keeps no places that were read")
def test_the_trace_says_where_rows_came_from(tmp_path: Path) -> None:
    contest = assert_same(service, config(teams(), of_teams(), BADGES, SINGLE), folder=tmp_path)
    ours, theirs = (inputs(target) for target in (contest.ours, contest.theirs))
    assert [place["resource_name"] for place in theirs] == ["badges", "members", "one", "teams"]
    assert ours == theirs


def inputs(target: dlt.Pipeline) -> list[Any]:
    """What the last run read, by resource."""
    loads = target.last_trace.last_extract_info.metrics.values()
    found = [place for metrics in loads for one in metrics for place in one["inputs"]]
    return sorted(found, key=lambda place: place["resource_name"])


def ready() -> Any:
    @dlt.resource(name="ready")
    def rows() -> Iterator[Any]:
        yield [{"id": 1}, {"id": 3}]
        yield [{"id": 2}]

    return rows()


def test_ready_resources_stand_beside_ours_and_above(tmp_path: Path) -> None:
    dependent = of_teams("teams/{resources.ready.id}/members", include_from_parent=["id"])
    assert_same(service, config(teams(), dependent, ready()), folder=tmp_path)


def transformed(source: DltSource) -> DltSource:
    @dlt.transformer(data_from=source.resources["teams"], name="names")
    def names(rows: list[dict[str, Any]]) -> Iterator[Any]:
        yield [{"name": row["name"]} for row in rows]

    source.resources.add(names)
    return source


def hinted(source: DltSource) -> None:
    source.resources["teams"].apply_hints(
        table_name="crews", primary_key="id", write_disposition="merge", columns={"id": {"data_type": "text"}}
    )


def put(name: str, *arguments: Any, on: str = "teams", **named: Any) -> Callable[[DltSource], None]:
    def prepare(source: DltSource) -> None:
        getattr(source.resources[on], name)(*arguments, **named)

    return prepare


PREPARED: dict[str, Callable[[DltSource], Any]] = {
    "selected": lambda source: source.with_resources("members"),
    "selected parent": lambda source: source.with_resources("teams"),
    "limited": lambda source: source.add_limit(1),
    "limited parent": put("add_limit", 2),
    "limited rows": put("add_limit", 5, count_rows=True),
    "mapped": put("add_map", lambda row: {**row, "more": row["id"] / 2}),
    "mapped dependent": put("add_map", lambda row: {**row, "more": 1}, on="members"),
    "filtered": put("add_filter", lambda row: row["id"] > 3),
    "multiplied": put("add_yield_map", lambda row: [row, {**row, "n": -1}], on="badges"),
    "transformed": transformed,
    "hinted": hinted,
    "parallelized": lambda source: source.parallelize(),
    "nested less": lambda source: setattr(source, "max_table_nesting", 0),
    "rooted": lambda source: setattr(source, "root_key", True),
}


@pytest.mark.parametrize("how", PREPARED)
def test_what_is_put_on_a_source(how: str, tmp_path: Path) -> None:
    prepare = PREPARED[how]
    assert_same(service, config(teams(), of_teams(), BADGES), folder=tmp_path, prepare=prepare)


@pytest.mark.parametrize("how", [how for how in PREPARED if how not in ("hinted", "nested less", "rooted")])
def test_what_is_put_on_a_source_shows_in_iteration(how: str) -> None:
    assert_same_iteration(service, config(teams(), of_teams(), BADGES), prepare=PREPARED[how], ordered=False)


def test_a_limit_ends_the_requests() -> None:
    asked: list[str] = []

    def endless(request: Request) -> Reply:
        asked.append(request.target)
        return answer([{"id": len(asked)}])

    with Server(endless) as server:
        endpoint = {"path": "x", "paginator": {"type": "page_number", "total_path": None}}
        source = rest_api_source(config({"name": "x", "endpoint": endpoint})(server.url)).add_limit(3)
        assert len(list(source)) == 3
    assert len(asked) < 30


def test_resources_for_a_source_of_ones_own(tmp_path: Path) -> None:
    @dlt.source(name="own")
    def own(url: str) -> Any:
        yield from rest_api_resources(config(teams(), of_teams())(url))

    with Server(service) as server:
        target = pipeline(tmp_path, "own")
        target.run(own(server.url))
    found = read_database(target)
    assert len(found.rows("teams")) == len(TEAMS)
    assert len(found.rows("members")) == sum(len(members(team["id"])) for team in TEAMS)


def test_a_connection_is_checked_by_one_page() -> None:
    with Server(service) as server:
        source = rest_api_source(config(teams(), "nothing")(server.url))
        assert check_connection(source, "teams") == (True, "")
        passed, why = check_connection(source, "nothing")
    assert not passed
    assert "404" in why


def loaded(folder: Path, of: Config, params: Any = None) -> tuple[Any, Report]:
    report = Report()
    with Server(service) as server:
        target = pipeline(folder, "several")
        target.run(rest_api_source(of(server.url), params=params, report=report))
    return read_database(target), report


def test_several_parents_are_combined(tmp_path: Path) -> None:
    kinds = {"name": "kinds", "endpoint": {"path": "teams/3/members", **PAGED}}
    both = search(params={"team": "{resources.kinds.login}-{resources.teams.id}"})
    found, _ = loaded(tmp_path, config(teams(), kinds, both))
    assert {row["team"] for row in found.rows("found")} == {
        f"{member['login']}-{team['id']}" for member in members(3) for team in TEAMS
    }


@pytest.mark.parametrize("selected", [True, False])
def test_a_parent_and_its_own_parent_are_one_descent(selected: bool, tmp_path: Path) -> None:
    both = search(params={"team": "{resources.members.login}-{resources.teams.name}"})
    found, report = loaded(tmp_path, config(teams(selected=selected), of_teams(), both))
    assert {row["team"] for row in found.rows("found")} == {
        f"{member['login']}-{team['name']}" for team in TEAMS for member in members(team["id"])
    }
    assert report.of("teams").requests == 3


def test_a_second_parent_that_is_not_selected_is_fetched_and_not_stored(tmp_path: Path) -> None:
    kinds = {"name": "kinds", "selected": False, "endpoint": {"path": "teams/3/members", **PAGED}}
    both = search(params={"team": "{resources.teams.id}-{resources.kinds.login}"})
    found, report = loaded(tmp_path, config(teams(), kinds, both))
    assert len(found.rows("found")) == 3 * len(TEAMS)
    assert report.of("kinds").requests == 1
    assert "kinds" not in found.tables


@pytest.mark.parametrize(
    "going_on",
    [
        {"incremental": {"cursor_path": "id", "initial_value": 0}},
        {"windows": {"param_start": "a", "param_end": "b", "start": 0, "end": 9, "size": 9}},
    ],
)
def test_a_second_parent_that_goes_on_must_run_itself(going_on: dict[str, Any], tmp_path: Path) -> None:
    """Fetched for its dependent alone it would not know from where."""
    kinds = {"name": "kinds", "selected": False, "endpoint": {"path": "teams/3/members", **PAGED, **going_on}}
    both = search(params={"team": "{resources.teams.id}-{resources.kinds.login}"})
    with pytest.raises(PipelineStepFailed, match="expected resource `kinds` to run too"):
        loaded(tmp_path, config(teams(), kinds, both))


def test_a_missing_field_of_a_parent_names_both(tmp_path: Path) -> None:
    with pytest.raises(PipelineStepFailed, match="expected the field `nope` in every row of resource `teams`"):
        loaded(tmp_path, config(teams(), of_teams("teams/{resources.teams.nope}/members")))


def test_bad_values_for_a_path_are_refused(tmp_path: Path) -> None:
    steps = [{"map": lambda row: {**row, "id": ".."}}]
    with pytest.raises(PipelineStepFailed, match=r"that can stand in a path, got '\.\.'"):
        loaded(tmp_path, config(teams(processing_steps=steps), RESOLVED))


@pytest.mark.parametrize("on", ["teams", "members"])
def test_several_parents_need_rows_as_they_were_fetched(on: str, tmp_path: Path) -> None:
    """A step that was hung on one of them may have changed its rows, and nobody knows where they came from then."""
    both = search(params={"team": "{resources.members.login}-{resources.teams.name}"})
    kinds = {"name": "kinds", "endpoint": {"path": "teams/3/members", **PAGED}}
    apart = {**search(params={"team": "{resources.members.login}-{resources.kinds.id}"}), "name": "apart"}
    with Server(service) as server:
        source = rest_api_source(config(teams(), of_teams(), kinds, both, apart)(server.url))
        source.resources[on].add_map(lambda row: row)
        with pytest.raises(PipelineStepFailed, match="expected the rows of resource `members` as they were fetched"):
            pipeline(tmp_path, "several").run(source)


def test_a_step_that_fails_ends_the_others_without_a_word_of_asyncio(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise ValueError("no row is good enough")

    many = config(*(teams(name=f"teams_{number}") for number in range(20)))
    with Server(service, latency_s=0.02) as server:
        source = rest_api_source(many(server.url))
        source.resources["teams_0"].add_map(fail)
        with caplog.at_level("ERROR", "asyncio"), pytest.raises(PipelineStepFailed, match="good enough"):
            pipeline(tmp_path, "ours").run(source)
        gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
