"""Skipped calls through dlt: what is loaded, what is remembered, what is told, and where a skip is an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt
import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.config import HeadraceWarning
from headrace.errors import RefusedError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import read_database, refused
from skipping import (
    HOUR_S,
    MERGED,
    ONE_FOR_ALL,
    PER_DOMAIN,
    SCD2,
    Change,
    Service,
    config,
    loaded,
    run,
)


def test_one_bad_domain_does_not_stop_the_others(tmp_path: Path) -> None:
    """Everything of the others is there, the warning and the report say what is not and why."""
    service = Service(closed={"b": 0})
    words = "resource `events`: 1 call was skipped: resources.domains.name=b: 403 b is not yours"
    with pytest.warns(HeadraceWarning, match=words):
        target, report = run(tmp_path, service, lambda url: config(url, MERGED))
    assert loaded(target) == [row for row in service.truth() if row[0] != "b"]
    (skip,) = report.of("events").skipped
    assert (dict(skip.params), skip.status, skip.rows) == ({"resources.domains.name": "b"}, 403, 0)
    assert report.of("domains").skipped == []


def test_several_are_told_in_one_warning(tmp_path: Path) -> None:
    service = Service(closed={"a": 0, "c": 3})
    words = r"2 calls were skipped: resources.domains.name=a: 403 a is not yours \(first of 2\)"
    with pytest.warns(HeadraceWarning, match=words):
        target, report = run(tmp_path, service, lambda url: config(url, MERGED))
    assert [skip.rows for skip in report.of("events").skipped] == [0, 3]
    # what came before the refusal is true, and kept
    assert [row for row in loaded(target) if row[0] == "c"] == ["c0", "c1", "c2"]


@pytest.mark.parametrize("incremental", [PER_DOMAIN, ONE_FOR_ALL], ids=["per parent", "one for all"])
@pytest.mark.parametrize("closed", [0, 3, 6])
def test_a_watermark_stays_until_the_call_is_done(incremental: Any, closed: int, tmp_path: Path) -> None:
    """What was skipped is found by the next run, though there was more of the other domains meanwhile."""
    service = Service(hours=4, closed={"b": closed})

    def configured(url: str) -> dict[str, Any]:
        return config(url, MERGED, incremental=incremental)

    with pytest.warns(HeadraceWarning, match="b is not yours"):
        run(tmp_path, service, configured)
    service.hours, service.closed = 6, {}
    target, report = run(tmp_path, service, configured)
    assert loaded(target) == service.truth()
    assert report.of("events").skipped == []
    if incremental is PER_DOMAIN:
        # two events of the last hour again, and four new ones; all of the domain that was skipped
        assert report.of("events").rows == 2 * 6 + 12


def test_windows_stay_until_they_are_complete(tmp_path: Path) -> None:
    """A window in the middle is refused: those that follow are not taken for settled, though they were asked for."""
    windows = {"param_start": "since", "param_end": "until", "start": 0, "end": 12 * HOUR_S, "size": "1h"}
    service = Service(hours=12, closed={"b": 10})

    def configured(url: str) -> dict[str, Any]:
        return config(url, MERGED, windows=windows)

    with pytest.warns(HeadraceWarning, match="1 call was skipped"):
        target, _ = run(tmp_path, service, configured)
    assert [row for row in loaded(target) if row[0] == "b"] == [f"b{number}" for number in range(10)]
    service.closed = {}
    target, report = run(tmp_path, service, configured)
    assert loaded(target) == service.truth()
    assert report.of("events").rows == 24 - 10


@pytest.mark.parametrize(
    ("events", "endpoint", "closed", "reason"),
    [
        ({"write_disposition": "replace"}, {}, 0, "`write_disposition: replace` of `events`"),
        (SCD2, {}, 0, "`strategy: scd2` of `events`"),
        ({**MERGED, "merge_key": "n"}, {}, 0, "the `merge_key` of `events`"),
        ({}, {"incremental": PER_DOMAIN}, 3, "the next run would append its rows once more"),
        ({"write_disposition": "merge"}, {"incremental": PER_DOMAIN}, 3, "the next run would append its rows"),
        ({}, {"incremental": ONE_FOR_ALL}, 0, "the one watermark of all its calls would have to move and to stay"),
    ],
)
def test_where_a_skip_would_lose_or_double_rows_it_is_an_error(
    events: Mapping[str, Any], endpoint: Mapping[str, Any], closed: int, reason: str, tmp_path: Path
) -> None:
    service = Service(closed={"b": closed})
    with refused(RefusedError) as found:
        run(tmp_path, service, lambda url: config(url, events, **endpoint))
    text = str(found[0])
    assert 'got 403 Forbidden ({"message": "b is not yours"}) from GET http://' in text
    assert f"; the call cannot be skipped, because {reason}" in text
    assert "hint: declare " in text


def test_a_refused_replace_leaves_what_is_there(tmp_path: Path) -> None:
    service = Service()
    target, _ = run(tmp_path, service, lambda url: config(url, {"write_disposition": "replace"}))
    service.closed = {"c": 3}
    with refused(RefusedError):
        run(tmp_path, service, lambda url: config(url, {"write_disposition": "replace"}))
    assert loaded(target) == service.truth()


def test_rows_that_would_be_appended_once_more_stop_nothing_before_they_come(tmp_path: Path) -> None:
    service = Service(closed={"b": 0})
    with pytest.warns(HeadraceWarning, match="skipped"):
        run(tmp_path, service, lambda url: config(url, {}, incremental=PER_DOMAIN))
    service.closed = {}
    target, _ = run(tmp_path, service, lambda url: config(url, {}, incremental=PER_DOMAIN))
    assert loaded(target) == service.truth()


def test_a_merge_into_files_appends(tmp_path: Path) -> None:
    """Where a destination cannot merge, rows that came before the refusal would stand there twice."""
    target = dlt.pipeline(
        "files", destination=dlt.destinations.filesystem(str(tmp_path / "files")), pipelines_dir=str(tmp_path / "work")
    )
    with Server(Service(closed={"b": 3})) as server, refused(RefusedError) as found:
        target.run(rest_api_source(config(server.url, MERGED, incremental=PER_DOMAIN), clock=TurnedClock()))
    assert "the next run would append its rows once more" in str(found[0])


RECIPIENTS = {"name": "recipients", "endpoint": {"path": "recipients/{resources.events.id}"}}


def test_a_dependent_is_loaded_for_what_came(tmp_path: Path) -> None:
    service = Service(closed={"b": 3})
    with pytest.warns(HeadraceWarning, match="skipped"):
        target, _ = run(tmp_path, service, lambda url: config(url, MERGED, {**RECIPIENTS, **MERGED}))
    rows = read_database(target).rows("recipients")
    assert sorted(row["id"] for row in rows) == sorted(f"{event}-{n}" for event in loaded(target) for n in range(2))
    assert "b2-0" in {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("hints", "endpoint", "reason"),
    [
        ({"write_disposition": "replace"}, {}, "`write_disposition: replace` of `recipients`"),
        (MERGED, {"incremental": {"cursor_path": "id"}}, "the one watermark of `recipients` would pass rows"),
    ],
)
def test_a_dependent_that_counts_on_all_rows_makes_its_parent_whole(
    hints: Mapping[str, Any], endpoint: Mapping[str, Any], reason: str, tmp_path: Path
) -> None:
    """Rows of the parent that did not come lead to no calls of the dependent."""
    dependent = {"name": "recipients", "endpoint": {**RECIPIENTS["endpoint"], **endpoint}, **hints}  # type: ignore[dict-item]
    with refused(RefusedError) as found:
        run(tmp_path, Service(closed={"b": 0}), lambda url: config(url, MERGED, dependent))
    assert reason in str(found[0])


def test_what_is_not_loaded_need_not_be_whole(tmp_path: Path) -> None:
    """The dependent that replaces is not selected."""
    dependent = {**RECIPIENTS, "write_disposition": "replace"}
    with pytest.warns(HeadraceWarning, match="skipped"):
        run(
            tmp_path,
            Service(closed={"b": 0}),
            lambda url: config(url, MERGED, dependent),
            lambda source: source.with_resources("domains", "events"),
        )


def applied(source: Any) -> Any:
    source.events.apply_hints(write_disposition="replace")
    return source


def renamed(source: Any) -> Any:
    return [source.domains, applied(source).events.with_name("happened")]


@pytest.mark.parametrize(("change", "name"), [(applied, "events"), (renamed, "happened")])
def test_hints_of_the_run_count(change: Change, name: str, tmp_path: Path) -> None:
    """Whoever puts `replace` on the resource, whatever its name is by then."""
    with refused(RefusedError) as found:
        run(tmp_path, Service(closed={"b": 0}), lambda url: config(url, MERGED), change)
    assert f"`write_disposition: replace` of `{name}`" in str(found[0])


def test_resources_without_their_source_are_skipped_as_well(tmp_path: Path) -> None:
    """Resources in a list, loaded by themselves."""
    service = Service(closed={"b": 0})
    with pytest.warns(HeadraceWarning, match="skipped"):
        target, _ = run(
            tmp_path, service, lambda url: config(url, MERGED), lambda source: list(source.resources.values())
        )
    assert loaded(target) == [row for row in service.truth() if row[0] != "b"]


def test_rows_as_dictionaries_are_skipped_too(tmp_path: Path) -> None:
    """A step of the user's takes the rows; one watermark for all then moves behind the engine's back."""

    def change(source: Any) -> Any:
        source.events.add_map(lambda row: {**row, "mapped": True})
        return source

    service = Service(closed={"b": 3})
    with pytest.warns(HeadraceWarning, match="skipped"):
        target, report = run(tmp_path, service, lambda url: config(url, MERGED), change)
    assert loaded(target) == sorted([*(row for row in service.truth() if row[0] != "b"), "b0", "b1", "b2"])
    assert [skip.rows for skip in report.of("events").skipped] == [3]
    with refused(RefusedError) as found:
        run(tmp_path, service, lambda url: config(url, MERGED, incremental=ONE_FOR_ALL), change)
    assert "the one watermark of all its calls" in str(found[0])


def test_a_watermark_stays_where_rows_are_dictionaries(tmp_path: Path) -> None:
    """Pages that wait when the call is skipped do not move it either."""

    def change(source: Any) -> Any:
        source.events.add_map(lambda row: {**row, "mapped": True})
        return source

    service = Service(closed={"b": 6})
    with pytest.warns(HeadraceWarning, match="skipped"):
        run(tmp_path, service, lambda url: config(url, MERGED, incremental=PER_DOMAIN), change)
    service.closed = {}
    target, report = run(tmp_path, service, lambda url: config(url, MERGED, incremental=PER_DOMAIN), change)
    assert loaded(target) == service.truth()
    # two events of the last hour again of each of the others, and all of the one that was skipped
    assert report.of("events").rows == 2 * 2 + 10


def test_a_transformer_of_the_user_may_count_on_all_rows(tmp_path: Path) -> None:
    def change(source: Any) -> Any:
        @dlt.transformer(data_from=source.events, write_disposition="replace")
        def sizes(rows: Any) -> Any:
            yield [{"size": len(rows)}]

        source.resources.add(sizes)
        return source

    with refused(RefusedError) as found:
        run(tmp_path, Service(closed={"b": 0}), lambda url: config(url, MERGED), change)
    assert "`write_disposition: replace` of `sizes`" in str(found[0])


def test_the_list_of_domains_itself_is_never_skipped(tmp_path: Path) -> None:
    class Closed(Service):
        def __call__(self, _: Request) -> Reply:
            return Reply(403, b"no")

    with refused(RefusedError) as found:
        run(tmp_path, Closed(), lambda url: config(url, MERGED))
    assert str(found[0]).startswith("expected 200, got 403 Forbidden (no) from GET http://")
    assert "skipped" not in str(found[0])
