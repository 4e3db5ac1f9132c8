"""Every doubt about Short.io is a switch, and every switch changes an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

import headrace.sim.shortio
from headrace.sim.message import Request
from headrace.sim.shortio import Doubts, Key, Rates, Shortio, iso
from shortio_calls import DAY, NOW, Calls, T

MINUTE = 60_000


def instants(rows: list[dict[str, Any]]) -> list[str]:
    return [row["dt"][17:] for row in rows]


def three(calls: Calls) -> Calls:
    """Clicks at :00.001, :00.002 and :00.003."""
    for ms in (1, 2, 3):
        calls.visit(T + ms)
    return calls


def cut_cursor(calls: Calls) -> Any:
    calls.visit(T + 1500)
    calls.visit(T + 500)
    return instants(calls.clicks(beforeDate=iso(T + 1600)))


def capped(calls: Calls) -> Any:
    return calls.post(f"/statistics/domain/{calls.id}/last_clicks", {"limit": 3})[0]


def ties(calls: Calls) -> Any:
    """Whether one tie of 20 comes in the same order twice."""
    for number in range(20):
        calls.visit(T, f"/{number}")
    one, two = (calls.clicks(limit=20 + extra) for extra in range(2))
    return one == two


def many_clicks(calls: Calls) -> Any:
    for ms in range(40):
        calls.visit(T + ms)
    return len(calls.clicks())


def lone(calls: Calls) -> Any:
    calls.visit(T)
    return type(calls.clicks()).__name__


def without_period(calls: Calls) -> Any:
    calls.visit(NOW - 31 * DAY)
    status, rows = calls.post(f"/statistics/domain/{calls.id}/last_clicks", {})
    return status, len(rows)


def hidden(calls: Calls) -> Any:
    calls.domain.row["hideVisitorIp"] = True
    calls.visit(T)
    return calls.clicks()[0].get("ip", "absent")


def cached(calls: Calls) -> Any:
    calls.visit(NOW - MINUTE)
    calls.clicks()
    calls.visit(NOW - MINUTE)
    calls.world.advance(30)
    return len(calls.clicks())


def old(calls: Calls) -> Any:
    calls.visit(NOW - 400 * DAY)
    return len(calls.clicks(startDate="2024-01-01"))


def nulls(calls: Calls) -> Any:
    calls.visit(T, browser=None)
    return len(calls.clicks(exclude={"browsers": ["Chrome"]}))


def under_total(calls: Calls) -> Any:
    link = calls.world.add_link(calls.id, "x", T)
    calls.visit(T + 1, "/x")
    return calls.post(f"/statistics/link/{link.id}", {"period": "total"})[1]["totalClicks"]


def shifted(calls: Calls) -> Any:
    """Of clicks at each hour from 4 to 12 in UTC, those since 6, which is asked with +05:00 beside a zone of +03:00."""
    for hour in range(4, 13):
        calls.visit(T + (hour - 10) * 60 * MINUTE)
    rows = calls.clicks(tz="Europe/Istanbul", startDate="2026-08-31T11:00:00+05:00", endDate=iso(T + DAY), limit=99)
    return len(rows)


def link_ids(calls: Calls) -> Any:
    path = f"/statistics/domain/{calls.id}/link_clicks"
    return calls.get(path, ids="a,b,c")[0]


def zeros(calls: Calls) -> Any:
    link = calls.world.add_link(calls.id, "x")
    return list(calls.get(f"/statistics/domain/{calls.id}/link_clicks", ids=link.id)[1].values())


def after_deletion(calls: Calls) -> Any:
    """What is listed when the first link goes between two pages."""
    links = [calls.world.add_link(calls.id, str(place), T + place) for place in range(4)]
    first = calls.links(limit=2, dateSortOrder="asc")
    calls.world.delete_link(links[0])
    second = calls.links(limit=2, dateSortOrder="asc", pageToken=first["nextPageToken"])
    return [row["path"] for row in first["links"] + second["links"]]


def old_token(calls: Calls) -> Any:
    for place in range(3):
        calls.world.add_link(calls.id, str(place))
    token = calls.links(limit=2)["nextPageToken"]
    calls.world.advance(3600)
    return calls.get("/api/links", domain_id=calls.id, pageToken=token)[0]


def last_token(calls: Calls) -> Any:
    return calls.links().get("nextPageToken", "missing")


def full_last_page(calls: Calls) -> Any:
    for place in range(2):
        calls.world.add_link(calls.id, str(place))
    return calls.links(limit=2)["nextPageToken"] is None


def sixty_links(calls: Calls) -> Any:
    for place in range(60):
        calls.world.add_link(calls.id, str(place), T + place)
    page = calls.links()
    return len(page["links"]), page["links"][0]["path"]


def created_between(calls: Calls) -> Any:
    for ms in range(3):
        calls.world.add_link(calls.id, str(ms), T + ms)
    page = calls.links(afterDate=iso(T), beforeDate=iso(T + 2), dateSortOrder="asc")
    return [row["path"] for row in page["links"]]


def archived(calls: Calls) -> Any:
    calls.world.add_link(calls.id, "x", archived=True)
    return len(calls.links()["links"])


def counted(calls: Calls) -> Any:
    for place in range(3):
        calls.world.add_link(calls.id, str(place))
    return calls.links(limit=2)["count"]


def id_kind(calls: Calls) -> Any:
    link = calls.world.add_link(calls.id, "x")
    row = calls.get(f"/links/{link.row['id']}")[1]
    return type(row["id"]).__name__


def ruled(calls: Calls) -> Any:
    link = calls.world.add_link(calls.id, "x")
    calls.world.advance(1)
    calls.world.set_rules(link, countries=[{"country": "DE", "originalURL": "https://de.example.test/"}])
    return calls.links()["links"][0]["updatedAt"] == iso(NOW)


def tagged(calls: Calls) -> Any:
    link = calls.world.add_link(calls.id, "x")
    calls.world.advance(1)
    calls.world.update_link(link, tags=["new"])
    return calls.links()["links"][0]["updatedAt"] == iso(NOW)


def unknown_url(calls: Calls) -> Any:
    return calls.get("/links/multiple-by-url", domain=calls.domain.host, originalURL="https://no.example.test/")[0]


def public_key(calls: Calls) -> Any:
    service = Shortio(calls.world, keys=[Key("pk_x", kind="public")], rates=Rates(None, None))
    return service.api(Request("GET", "/api/domains", "/api/domains", (), {"authorization": "pk_x"})).status


def top(calls: Calls, values: int = 12) -> Any:
    for number in range(values):
        calls.visit(T, f"/{number}")
    return calls.statistics("top", column="path")


def series(calls: Calls) -> Any:
    (shape,) = calls.statistics("by_interval").items()
    return shape[0], type(shape[1]).__name__


#: switch -> another value, what to look at, what is seen by default, what with the other value
SWITCHES: dict[str, tuple[Any, Callable[[Calls], Any], Any, Any]] = {
    "before_inclusive": (
        *(True, lambda calls: instants(three(calls).clicks(beforeDate=iso(T + 2)))),
        *(["00.001Z"], ["00.002Z", "00.001Z"]),
    ),
    "after_inclusive": (
        *(True, lambda calls: instants(three(calls).clicks(afterDate=iso(T + 2)))),
        *(["00.003Z"], ["00.003Z", "00.002Z"]),
    ),
    "start_inclusive": (False, lambda calls: len(three(calls).clicks(startDate=iso(T + 1))), 3, 2),
    "end_inclusive": (False, lambda calls: len(three(calls).clicks(endDate=iso(T + 3))), 3, 2),
    "cursor_unit_ms": (1000, cut_cursor, ["01.500Z", "00.500Z"], ["00.500Z"]),
    "cursors_ignored": (
        *(("total", "custom"), lambda calls: len(three(calls).clicks(beforeDate=iso(T + 2)))),
        *(1, 3),
    ),
    "clicks_max_limit": (2, lambda calls: len(three(calls).clicks(limit=99)), 3, 2),
    "clicks_default_limit": (35, many_clicks, 30, 35),
    "clicks_order": (
        *("oldest", lambda calls: instants(three(calls).clicks(limit=2))),
        *(["00.003Z", "00.002Z"], ["00.001Z", "00.002Z"]),
    ),
    "tie_order": ("stable", ties, False, True),
    "clicks_shape": ("lone", lone, "list", "dict"),
    "default_period": ("last7", lambda calls: (calls.visit(NOW - 8 * DAY), without_period(calls)[1])[1], 1, 0),
    "click_country": (
        *("name", lambda calls: (calls.visit(T), calls.clicks(include={"countries": ["DE"]})[0]["country"])[1]),
        *("DE", "Germany"),
    ),
    "click_ua": (False, lambda calls: (calls.visit(T), "ua" in calls.clicks()[0])[1], True, False),
    "hidden_ip": ("empty", hidden, None, ""),
    "dt_in_tz": (
        *(False, lambda calls: (calls.visit(T), calls.clicks(tz="America/Sao_Paulo")[0]["dt"])[1]),
        *("2026-08-31T07:00:00.000-03:00", "2026-08-31T10:00:00.000Z"),
    ),
    "zone_reading": ("instant", shifted, 9, 7),
    "cache_s": (20.0, cached, 1, 2),
    "retention_days": (None, old, 0, 1),
    "exclude_keeps_null": (False, nulls, 1, 0),
    "series_key": ("nested", series, ("clicksStatistics", "list"), ("clickStatistics", "dict")),
    "score_as": ("number", lambda calls: top(calls)[0]["score"], "1", 1),
    "top_default_limit": (11, lambda calls: len(top(calls)), 10, 11),
    "link_totals_under_total": (True, under_total, 0, 1),
    "link_clicks_max_ids": (2, link_ids, 200, 400),
    "link_clicks_zeros": (True, zeros, [], [0]),
    "token_kind": ("position", after_deletion, ["0", "1", "2", "3"], ["0", "1", "3"]),
    "token_lifetime_s": (600.0, old_token, 200, 400),
    "end_token": ("missing", last_token, None, "missing"),
    "full_last_page_token": (True, full_last_page, True, False),
    "links_default_limit": (10, sixty_links, (50, "59"), (10, "59")),
    "links_default_order": ("asc", sixty_links, (50, "59"), (50, "0")),
    "created_inclusive": (False, created_between, ["0", "1", "2"], ["1"]),
    "archived_listed": (False, archived, 1, 0),
    "count_of": ("all", counted, 2, 3),
    "link_id_kind": ("number", id_kind, "str", "int"),
    "rules_move_updated_at": (True, ruled, True, False),
    "updated_at_ignores": (("tags", "FolderId"), tagged, False, True),
    "unknown_url_is_404": (False, unknown_url, 404, 200),
    "public_key_status": (401, public_key, 403, 401),
}
#: Switches that do nothing alone.
PAIRED = {"clicks_over_limit": ({"clicks_max_limit": 2}, "refuse", capped, 200, 400)}


def test_every_switch_has_a_case() -> None:
    assert SWITCHES.keys() | PAIRED.keys() == {one.name for one in fields(Doubts)}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_an_answer(name: str) -> None:
    other, scene, by_default, otherwise = SWITCHES[name]
    assert scene(Calls()) == by_default
    assert scene(Calls(**{name: other})) == otherwise


@pytest.mark.parametrize("name", PAIRED)
def test_a_switch_changes_an_answer_beside_another(name: str) -> None:
    beside, other, scene, by_default, otherwise = PAIRED[name]
    assert scene(Calls(**beside)) == by_default
    assert scene(Calls(**beside, **{name: other})) == otherwise


@pytest.mark.parametrize(
    ("name", "value", "scene", "seen"),
    [
        ("clicks_shape", "wrapped", lambda calls: list(three(calls).clicks()), ["clicks"]),
        ("hidden_ip", "absent", hidden, "absent"),
        ("hidden_ip", "masked", hidden, "0.0.0.0"),  # noqa: S104 - no bind
        ("zone_reading", "digits", shifted, 5),
        ("series_key", "clickStatistics", series, ("clickStatistics", "list")),
        ("end_token", "empty", last_token, ""),
        ("cursors_ignored", (), lambda calls: len(three(calls).clicks(period="total", beforeDate=iso(T + 2))), 1),
    ],
)
def test_third_values_of_switches(name: str, value: Any, scene: Callable[[Calls], Any], seen: Any) -> None:
    assert scene(Calls(**{name: value})) == seen


def test_the_package_shows_all_switches_with_their_defaults() -> None:
    rows = [line.split() for line in str(headrace.sim.shortio.__doc__).splitlines()]
    shown = {row[0]: row[1] for row in rows if len(row) > 2}
    for one in fields(Doubts):
        default = f'"{one.default}"' if isinstance(one.default, str) else str(one.default).replace("'", '"')
        assert shown[one.name] == default


def test_a_switch_has_the_values_that_it_has() -> None:
    with pytest.raises(ValueError, match=r"expected one of \('key', 'position'\) for token_kind, got 'postion'"):
        Doubts(token_kind="postion")  # type: ignore[arg-type]
