"""Snapshots of a domain and of a link, and tops by column (Short.io's API, domain and link statistics, column top).

Their oddities are the service's: numbers as texts, a city's id as a number here and a text there, `refhost` in one
snapshot and `referer` in the other, a 500 for the one column that needs a filter.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.message import Reply
from headrace.sim.shortio.instants import iso
from headrace.sim.shortio.places import CITIES, CODES, COUNTRIES
from headrace.sim.shortio.records import text_of
from headrace.sim.shortio.refusals import broken
from headrace.sim.shortio.scope import scope_of
from headrace.sim.shortio.series import INTERVALS, points

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask
    from headrace.sim.shortio.records import Click
    from headrace.sim.shortio.scope import Scope

__all__ = ["COLUMNS", "domain_statistics", "link_statistics", "top"]

#: Column of a top -> field of a click.
COLUMNS: Final = {
    "browser": "browser",
    "browser_version": "browser_version",
    "country": "country",
    "city": "geoname_id",
    "os": "os",
    "social": "social",
    "refhost": "refhost",
    "path": "path",
    "path_404": "path",
    "ab_path": "ab_path",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "goal_completed": "goal_completed",
    "method": "method",
    "proto": "proto",
    "st": "st",
    "human": "human",
}
_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_FROM_NOTHING: Final = "999.00"


def top(ask: Ask) -> Reply:
    """A bare array of a column's values, most clicks first."""
    domain = ask.domain()
    ask.needed("column")
    column = ask.one_of("column", None, COLUMNS)
    limit = ask.integer("limit", ask.world.doubts.top_default_limit, 1)
    scope = scope_of(ask, domain)
    if column == "human" and not scope.by_human:
        raise broken("Internal Server Error")
    clicks = scope.counted()
    if column == "path_404":
        clicks = [click for click in clicks if click.body.fields["st"] == 404]
    scores = _scores(clicks, COLUMNS[column])
    prefix = str(ask.given.get("prefix", ""))
    rows = [
        {"column": _plain(value), "displayName": _shown(column, value), "score": _score(ask, score)}
        for value, score in scores
        if _plain(value).startswith(prefix)
    ][:limit]
    return Reply(body=text_of(rows).encode(), page=0, rows=range(len(rows)))


def domain_statistics(ask: Ask) -> Reply:
    """One object of totals, changes against the stretch before, and break-downs."""
    domain = ask.domain()
    scope = scope_of(ask, domain)
    links = [link for link in domain.links if (scope.start_ms or 0) <= link.created_ms < scope.end_ms]
    clicks, humans = scope.clicks(), scope.counted()
    earlier = scope.before()
    before, human_before = (earlier.clicks(), earlier.counted()) if earlier else ([], [])
    links_before = 0
    if earlier and earlier.start_ms is not None:
        links_before = sum(earlier.start_ms <= link.created_ms < earlier.end_ms for link in domain.links)
    clicks_per_link, per_link_before = _ratio(len(clicks), len(links)), _ratio(len(before), links_before)
    body = {
        "clicks": len(clicks),
        "humanClicks": len(humans),
        "prevClicks": len(before),
        "prevHumanClicks": len(human_before),
        "links": len(links),
        "clicksPerLink": f"{clicks_per_link:.2f}",
        "humanClicksPerLink": f"{_ratio(len(humans), len(links)):.2f}",
        "prevClicksChange": _change(len(clicks), len(before)),
        "humanClicksChange": _change(len(humans), len(human_before)),
        "humanClicksChangePositive": len(humans) >= len(human_before),
        "linksChange": _change(len(links), links_before),
        "linksChangePositive": len(links) >= links_before,
        "clicksPerLinkChange": _change(clicks_per_link, per_link_before),
        "interval": _interval(scope),
    }
    if not ask.flag("skipTops"):
        body |= _breakdowns(humans, referer="refhost", city=int)
        body |= {name: _rows(humans, name, name) for name in _UTM}
    return _snapshot(ask, scope, body)


def link_statistics(ask: Ask) -> Reply:
    """One object of totals and break-downs of a link."""
    link = ask.link()
    scope = scope_of(ask, ask.world.domains[link.domain_id], link)
    clicks, humans = scope.clicks(), scope.counted()
    if scope.period == "total" and not ask.world.doubts.link_totals_under_total:
        clicks, humans = [], []
    earlier = scope.before()
    body: dict[str, Any] = {
        "totalClicks": len(clicks),
        "humanClicks": len(humans),
        "totalClicksChange": _change(len(clicks), len(earlier.clicks()) if earlier else 0),
        "humanClicksChange": _change(len(humans), len(earlier.counted()) if earlier else 0),
        "interval": _interval(scope),
    }
    if not ask.flag("skipTops"):
        body |= _breakdowns(humans, referer="referer", city=str)
    return _snapshot(ask, scope, body)


def _snapshot(ask: Ask, scope: Scope, body: dict[str, Any]) -> Reply:
    """The chart is filled only when an interval was asked for."""
    interval = ask.one_of("clicksChartInterval", None, INTERVALS)
    data = points(scope, interval) if interval else []
    body["clickStatistics"] = {"datasets": [{"data": data}]}
    return Reply(body=text_of(body).encode(), page=0, rows=range(1))


def _breakdowns(clicks: list[Click], *, referer: str, city: type[int | str]) -> dict[str, Any]:
    return {
        "browser": _rows(clicks, "browser", "browser"),
        "country": [
            {"country": CODES.get(code, code), "countryName": COUNTRIES.get(code, code), "score": score}
            for code, score in _scores(clicks, "country")
        ],
        "city": [
            {"city": city(number), "name": name, "countryCode": code, "score": score}
            for number, score in _scores(clicks, "geoname_id")
            for name, code in [CITIES.get(number, (None, None))]
        ],
        "os": _rows(clicks, "os", "os"),
        "referer": _rows(clicks, "refhost", referer),
        "social": _rows(clicks, "social", "social"),
    }


def _rows(clicks: list[Click], field: str, name: str) -> list[dict[str, Any]]:
    return [{name: value, "score": score} for value, score in _scores(clicks, field)]


def _scores(clicks: list[Click], field: str) -> list[tuple[Any, int]]:
    """Values with their number of clicks, most first; clicks without a value count nowhere."""
    counts = Counter(click.body.fields.get(field) for click in clicks)
    found = [(value, count) for value, count in counts.items() if value not in (None, "")]
    return sorted(found, key=lambda one: (-one[1], _plain(one[0])))


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(column: str, value: Any) -> str:
    if column == "city":
        return CITIES.get(value, (str(value), ""))[0]
    return COUNTRIES.get(value, str(value)) if column == "country" else _plain(value)


def _score(ask: Ask, score: int) -> str | int:
    return str(score) if ask.world.doubts.score_as == "text" else score


def _ratio(clicks: int, links: int) -> float:
    return clicks / links if links else 0.0


def _change(now: float, before: float) -> str:
    """Percent, as a text; from nothing to something is a number of its own."""
    if not before:
        return _FROM_NOTHING if now else "0"
    return f"{(now - before) / before * 100:.2f}"


def _interval(scope: Scope) -> dict[str, str | None]:
    earlier = scope.before()
    if scope.start_ms is None or earlier is None or earlier.start_ms is None:
        return dict.fromkeys(("startDate", "endDate", "prevStartDate", "prevEndDate"))
    return {
        "startDate": iso(scope.start_ms),
        "endDate": iso(scope.end_ms - 1),
        "prevStartDate": iso(earlier.start_ms),
        "prevEndDate": iso(earlier.end_ms - 1),
    }
