"""Counts of the simulated Short.io: series, tops, totals, snapshots, and their oddities."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.sim.shortio import iso, moment
from shortio_calls import DAY, NOW, Calls, T

HOUR = 3_600_000


def busy() -> Calls:
    """Two links, one of them on a reused path, bots, a 404."""
    calls = Calls()
    calls.old = calls.world.add_link(calls.id, "Spring", T - 9 * DAY)
    calls.visit(T - 8 * DAY, "/spring")
    calls.world.delete_link(calls.old)
    calls.new = calls.world.add_link(calls.id, "Spring", T - HOUR)
    calls.quiet = calls.world.add_link(calls.id, "quiet", T - 40 * DAY)
    calls.visit(T - DAY, "/Spring")  # before the new link was there
    for place in range(6):
        calls.visit(T + place, "/SPRING", human=place > 1, country="FR" if place == 5 else "DE")
    calls.visit(T + HOUR, "/nowhere", st=404)
    return calls


def test_totals_are_a_map_of_human_clicks() -> None:
    """Of links that are there: zero is absent, unknown ids too; a reused path begins anew."""
    calls = busy()
    path = f"/statistics/domain/{calls.id}/link_clicks"
    ids = f"{calls.old.id},{calls.new.id},{calls.quiet.id},lnk_x"
    assert calls.get(path, ids=ids) == (200, {calls.new.id: 4})
    assert calls.truth.link_clicks(calls.id) == {calls.new.id: 4}
    assert calls.get(path, ids=ids, startDate=iso(T + 3), endDate=iso(T + 4)) == (200, {calls.new.id: 2})
    assert calls.truth.link_clicks(calls.id, T + 3, T + 5) == {calls.new.id: 2}
    assert calls.get(path)[1]["message"] == "querystring must have required property 'ids'"
    assert calls.get(path, ids=ids, startDate="2026-08-31T00:00:00")[0] == 400


def test_totals_by_path_need_the_moment_of_creation() -> None:
    calls = busy()
    path = f"/statistics/domain/{calls.id}/link_clicks"
    since = [{"path": "Spring", "createdAt": iso(T - 9 * DAY)}, {"path": "/Spring", "createdAt": iso(T - 9 * DAY)}]
    assert calls.post(path, {"pathsDates": since}) == (200, {"Spring": 6})
    late = [{"path": "Spring", "createdAt": iso(T + 4)}]
    assert calls.post(path, {"pathsDates": late}) == (200, {"Spring": 2})
    assert calls.post(path, {"pathsDates": late}, endDate=iso(T + 4)) == (200, {"Spring": 1})
    status, said = calls.post(path, {"pathsDates": [{"path": "Spring"}]})
    assert (status, said["message"]) == (400, "body/pathsDates/0 must have required property 'createdAt'")


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["link", "delete", "click", "click", "bot", "late"]), st.sampled_from("xXy")),
        max_size=30,
    ),
    strict=st.booleans(),
)
def test_counts_equal_the_truth(steps: list[tuple[str, str]], strict: bool) -> None:
    """Links come and go while clicks come in, paths are used again, case matters or not: one minute a step."""
    calls = Calls()
    calls.domain.row["caseSensitive"] = strict
    for kind, path in steps:
        calls.world.advance(60)
        held = calls.domain.paths.get(calls.domain.path_key(path))
        if kind == "link" and held is None:
            calls.world.add_link(calls.id, path)
        elif kind == "delete" and held is not None:
            calls.world.delete_link(held)
        elif kind in ("click", "bot", "late"):
            arrives = calls.world.now_ms + (15 * 60_000 if kind == "late" else 0)
            calls.visit(calls.world.now_ms, f"/{path}", human=kind != "bot", arrives_ms=arrives)
    end = iso(calls.world.now_ms)
    ids = ",".join([*(row["idString"] for row in calls.truth.links(calls.id, ever=True)), "lnk_x"])
    found = calls.get(f"/statistics/domain/{calls.id}/link_clicks", ids=ids)
    assert found == (200, calls.truth.link_clicks(calls.id))
    points = calls.statistics("by_interval", endDate=end)["clicksStatistics"]
    assert {point["x"]: int(point["y"]) for point in points if point["y"] != "0"} == calls.truth.days(calls.id)
    tops = calls.statistics("top", column="path", endDate=end)
    assert {row["column"]: int(row["score"]) for row in tops} == calls.truth.top(calls.id, "path")
    snapshot = calls.statistics("", endDate=end)
    assert snapshot["clicks"] == len(calls.truth.clicks(calls.id))
    assert snapshot["humanClicks"] == sum(calls.truth.days(calls.id).values())


def test_series_have_every_day_and_texts() -> None:
    calls = busy()
    points = calls.statistics("by_interval")["clicksStatistics"]
    assert [point["x"][:10] for point in points] == [f"2026-08-{day:02d}" for day in range(1, 32)] + ["2026-09-01"]
    assert {point["x"]: int(point["y"]) for point in points if point["y"] != "0"} == calls.truth.days(calls.id)
    assert calls.truth.days(calls.id)["2026-08-31T00:00:00.000Z"] == 5


def test_series_count_what_the_filter_says() -> None:
    """Humans only, unless the request has a word on bots."""
    calls = busy()
    bots = calls.statistics("by_interval", include={"human": False})["clicksStatistics"]
    assert sum(int(point["y"]) for point in bots) == 2
    french = calls.statistics("by_interval", include={"countries": ["FR"]})["clicksStatistics"]
    assert sum(int(point["y"]) for point in french) == 1


@pytest.mark.parametrize(
    ("interval", "first", "second", "count"),
    [
        ("hour", "2026-08-01T00:00:00.000Z", "2026-08-01T01:00:00.000Z", 31 * 24 + 13),
        ("week", "2026-07-27T00:00:00.000Z", "2026-08-03T00:00:00.000Z", 6),
        ("month", "2026-08-01T00:00:00.000Z", "2026-09-01T00:00:00.000Z", 2),
    ],
)
def test_intervals(interval: str, first: str, second: str, count: int) -> None:
    points = busy().statistics("by_interval", clicksChartInterval=interval)["clicksStatistics"]
    assert (points[0]["x"], points[1]["x"], len(points)) == (first, second, count)


def test_days_of_a_zone_follow_its_clock() -> None:
    """Also where a day has 23 hours."""
    calls = Calls()
    calls.visit(moment("2026-03-29T21:30:00Z"))  # 23:30 in Berlin, on the day of the change
    body = {"tz": "Europe/Berlin", "startDate": "2026-03-28", "endDate": "2026-03-31"}
    points = calls.statistics("by_interval", **body)["clicksStatistics"]
    assert points == [
        {"x": "2026-03-28T00:00:00.000+01:00", "y": "0"},
        {"x": "2026-03-29T00:00:00.000+01:00", "y": "1"},
        {"x": "2026-03-30T00:00:00.000+02:00", "y": "0"},
        {"x": "2026-03-31T00:00:00.000+02:00", "y": "0"},
    ]


def test_tops_are_scored_in_texts() -> None:
    calls = busy()
    assert calls.statistics("top", column="path") == [
        {"column": "/SPRING", "displayName": "/SPRING", "score": "4"},
        {"column": "/Spring", "displayName": "/Spring", "score": "1"},
        {"column": "/nowhere", "displayName": "/nowhere", "score": "1"},
        {"column": "/spring", "displayName": "/spring", "score": "1"},
    ]
    assert {row["column"]: int(row["score"]) for row in calls.statistics("top", column="country")} == calls.truth.top(
        calls.id, "country"
    )
    assert [row["column"] for row in calls.statistics("top", column="path_404")] == ["/nowhere"]
    assert [row["column"] for row in calls.statistics("top", column="path", prefix="/n", limit=1)] == ["/nowhere"]
    assert calls.statistics("top", column="city")[0]["displayName"] == "Berlin"
    assert calls.statistics("top", column="goal_completed") == []


def test_the_column_human_breaks_without_its_filter() -> None:
    calls = busy()
    path = f"/statistics/domain/{calls.id}/top"
    assert calls.post(path, {"column": "human"})[0] == 500
    found = calls.statistics("top", column="human", include={"human": False})
    assert [(row["column"], row["score"]) for row in found] == [("false", "2")]
    assert calls.post(path, {})[1]["message"] == "body must have required property 'column'"
    assert calls.post(path, {"column": "x"})[1]["message"] == "body/column must be equal to one of the allowed values"


def test_snapshot_of_a_domain() -> None:
    """By POST and by GET; totals count bots, break-downs do not; the chart comes when asked for."""
    calls = busy()
    body = {"startDate": iso(T), "endDate": iso(T + DAY - 1)}
    found = calls.statistics("", **body)
    got = calls.get(f"/statistics/domain/{calls.id}", period="custom", tz="UTC", **body)
    assert got == (200, found)
    assert {name: found[name] for name in ("clicks", "humanClicks", "prevClicks", "links", "prevClicksChange")} == {
        "clicks": 7,
        "humanClicks": 5,
        "prevClicks": 1,
        "links": 0,
        "prevClicksChange": "600.00",
    }
    assert found["interval"] == {
        "startDate": iso(T),
        "endDate": iso(T + DAY - 1),
        "prevStartDate": iso(T - DAY),
        "prevEndDate": iso(T - 1),
    }
    assert found["city"] == [{"city": 2950159, "name": "Berlin", "countryCode": "DE", "score": 5}]
    assert found["country"][1] == {"country": "FR", "countryName": "France", "score": 1}
    assert found["clickStatistics"] == {"datasets": [{"data": []}]}
    chart = calls.statistics("", clicksChartInterval="day", skipTops=True, **body)
    assert [point["y"] for point in chart["clickStatistics"]["datasets"][0]["data"]] == ["5", "0"]
    assert "city" not in chart


def test_a_change_from_nothing_is_999() -> None:
    calls = busy()
    found = calls.statistics("", startDate=iso(T - 20 * DAY), endDate=iso(NOW))
    assert (found["prevClicks"], found["prevClicksChange"]) == (0, "999.00")
    assert calls.statistics("", startDate=iso(T - 20 * DAY), endDate=iso(T - 19 * DAY))["prevClicksChange"] == "0"


def test_snapshot_and_series_of_a_link() -> None:
    """The id of a city is a text here, referrers have another key; totals are 0 under `total`."""
    calls = busy()
    calls.visit(T + 9, "/spring", refhost="news.example.test")
    path = f"/statistics/link/{calls.new.id}"
    body: dict[str, Any] = {"period": "custom", "startDate": iso(T - DAY), "endDate": iso(NOW), "tz": "UTC"}
    status, found = calls.post(path, body)
    assert (status, found["totalClicks"], found["humanClicks"]) == (200, 7, 5)
    assert calls.get(path, **body)[1] == found
    assert found["city"][0]["city"] == "2950159"
    assert found["referer"] == [{"referer": "news.example.test", "score": 1}]
    total = calls.post(path, {"period": "total"})[1]
    assert (total["totalClicks"], total["humanClicks"], set(total["interval"].values())) == (0, 0, {None})
    points = calls.post(f"{path}/by_interval", body)[1]["clicksStatistics"]
    assert sum(int(point["y"]) for point in points) == 5
    assert calls.post("/statistics/link/lnk_x", body) == (404, {"error": "Link not found"})


def test_documented_calls_that_are_not_there() -> None:
    calls = busy()
    assert calls.post(f"/statistics/link/{calls.new.id}/top", {}) == (404, {"error": "Link undefined not found"})
    path = f"/statistics/domain/{calls.id}/top_by_interval"
    assert calls.post(path, {})[1]["message"] == f"Route POST:{path} not found"
