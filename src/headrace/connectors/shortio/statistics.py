"""Counts as Short.io makes them: series by day, and snapshots of the last 30 days. Most count human clicks alone."""

from __future__ import annotations

from typing import Any, Final

from headrace.connectors.shortio.settings import Settings
from headrace.connectors.shortio.shape import LAST_30_DAYS, Resource, columns, nested, of_domain, of_link

#: What clicks can be counted by; `human` alone is a failure of the server, and `ab_path` is often empty.
COLUMNS: Final = [
    *("browser", "browser_version", "country", "city", "os", "social", "refhost", "path", "path_404", "ab_path"),
    *("utm_source", "utm_medium", "utm_campaign", "goal_completed", "method", "proto", "st"),
]
_POINT: Final = columns(timestamp="x", bigint="y")
_TOPS: Final = {
    name: nested(text=f"{fields}", bigint="score")
    for name, fields in {
        "browser": "browser",
        "country": "country country_name",
        "city": "city name country_code",
        "os": "os",
        "social": "social",
    }.items()
}
_INTERVAL: Final = columns(
    timestamp="interval__start_date interval__end_date interval__prev_start_date interval__prev_end_date"
)

#: Without dates the answer may be of the last 30 days.
_ALL_TIME: Final = {"startDate": "2010-01-01T00:00:00.000Z", "endDate": "2100-01-01T00:00:00.000Z"}


def _series(settings: Settings, path: str) -> dict[str, Any]:
    """Whole days, in UTC: dates without a time exclude the last one."""
    return {
        "path": f"{settings.statistics_url}/statistics/{path}/by_interval",
        "method": "POST",
        "idempotent": True,
        "json": {"period": "custom", "tz": "UTC", "clicksChartInterval": "day"},
        "data_selector": "clicksStatistics",
        "windows": {
            "body_path_start": "startDate",
            "body_path_end": "endDate",
            "format": "date",
            "start": f"-{settings.retention}",
            "overlap": "2d",
        },
    }


def domain_days(settings: Settings) -> Resource:
    """Human clicks of each domain by day, days that are over."""
    return of_domain(
        "domain_days",
        _series(settings, "domain/{domain}"),
        write_disposition="merge",
        primary_key=["domain_id", "x"],
        columns=_POINT,
    )


def link_days(settings: Settings) -> Resource:
    """Human clicks of each link by day, days that are over."""
    return of_link(
        "link_days",
        _series(settings, "link/{link}"),
        write_disposition="merge",
        primary_key=["link_id", "x"],
        columns=_POINT,
    )


def domain_statistics(settings: Settings) -> Resource:
    """Clicks of each domain in the last 30 days, and by what they came."""
    return of_domain(
        "domain_statistics",
        {
            "path": f"{settings.statistics_url}/statistics/domain/{{domain}}",
            "params": LAST_30_DAYS,
            "data_selector": "$",
        },
        write_disposition="replace",
        columns={**columns(bigint="clicks human_clicks links"), **_INTERVAL},
        fields={"city[*].city": {"as": "text"}},
        nested_hints=_TOPS,
    )


def link_statistics(settings: Settings) -> Resource:
    """Clicks of each link in the last 30 days, and by what they came."""
    return of_link(
        "link_statistics",
        {"path": f"{settings.statistics_url}/statistics/link/{{link}}", "params": LAST_30_DAYS, "data_selector": "$"},
        write_disposition="replace",
        columns={**columns(bigint="total_clicks human_clicks"), **_INTERVAL},
        fields={"city[*].city": {"as": "text"}},
        nested_hints=_TOPS,
    )


def link_clicks(settings: Settings) -> Resource:
    """Human clicks of each link of all time, links without any left out: a map from link to count, by 150 links."""
    return of_link(
        "link_clicks",
        {
            "path": f"{settings.statistics_url}/statistics/domain/{{domain}}/link_clicks",
            "params": {"ids": "{link}", **_ALL_TIME},
            "data_selector": "$",
            "entries": {"key": "link_id", "value": "clicks"},
            "batch": 150,
        },
        include_from_parent={"DomainId": "domain_id"},
        write_disposition="replace",
        columns=columns(text="link_id", bigint="domain_id clicks"),
    )


def tops(settings: Settings) -> Resource:
    """Human clicks of each domain in the last 30 days by the values of each column, one call a column."""
    return of_domain(
        "tops",
        {
            "path": f"{settings.statistics_url}/statistics/domain/{{domain}}/top",
            "method": "POST",
            "idempotent": True,
            "json": {**LAST_30_DAYS, "column": "{dimension}", "limit": 1000},
            "data_selector": "$",
        },
        write_disposition="replace",
        columns=columns(text="dimension value display_name", bigint="score"),
        fields={"value": {"from": "column", "as": "text"}},
    )
