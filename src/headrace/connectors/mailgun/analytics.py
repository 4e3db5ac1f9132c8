"""What Mailgun counts itself: metrics by day and by hour, usage by day, bounces by reason.

Counts of a bucket change after the fact, when somebody opens a mail of last week: each run asks again for some days
before the last one. Buckets without events are left out of answers. Mailgun cuts the range of metrics to whole buckets;
of bounce classification nobody says so, and it is asked for whole days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final

from headrace.connectors.mailgun.settings import Settings
from headrace.connectors.mailgun.shape import Resource, body_skips, columns, resource

#: Ten at most in one query. Source: Mailgun's API, metrics.
METRICS: Final = (
    "accepted_count",
    "delivered_count",
    "permanent_failed_count",
    "temporary_failed_count",
    "opened_count",
    "unique_opened_count",
    "clicked_count",
    "unique_clicked_count",
    "complained_count",
    "unsubscribed_count",
)
DIMENSIONS: Final = ("domain",)
_METRICS: Final = "v1/analytics/metrics"
_USAGE: Final = (
    "email_validation_count",
    "email_preview_count",
    "link_validation_count",
    "seed_test_count",
    "ip_blocklist_monitoring_count",
    "domain_blocklist_monitoring_count",
    "accessibility_count",
    "image_validation_count",
    "archived_count",
    "processed_count",
)
_BOUNCES: Final = (
    "critical_bounce_count",
    "non_critical_bounce_count",
    "critical_delay_count",
    "non_critical_delay_count",
    "classified_failures_count",
    "delivered_smtp_count",
)


def metrics_daily(settings: Settings) -> Resource:
    """Counts and rates of each day by `dimensions`; kept for a year."""
    windows = {"start": "-30d", "overlap": "7d", "resolution": "1d", "retention": "364d"}
    return _counted(settings, "metrics_daily", _METRICS, "day", windows)


def metrics_hourly(settings: Settings) -> Resource:
    """Counts and rates of each hour by `dimensions`; kept for 60 days."""
    windows = {"start": "-3d", "overlap": "2d", "resolution": "1h", "retention": "59d"}
    return _counted(settings, "metrics_hourly", _METRICS, "hour", windows)


def usage_daily(settings: Settings) -> Resource:
    """What is billed beside mails, of each day; asked by the hour, Mailgun gives days all the same."""
    windows = {"start": "-30d", "overlap": "3d", "resolution": "1d", "retention": "364d"}
    whose = replace(settings, dimensions=("subaccount",) if settings.reads_all else (), metrics=_USAGE)
    return _counted(whose, "usage_daily", "v1/analytics/usage/metrics", "day", windows)


def bounce_classification(settings: Settings) -> Resource:
    """Failures of each whole day by domain and by who refused."""
    return resource(
        settings,
        "bounce_classification",
        "timestamp domain_name entity_name",
        {
            "path": "v2/bounce-classification/metrics",
            "method": "POST",
            "idempotent": True,
            "json": {
                "resolution": "day",
                "dimensions": ["timestamp", "domain.name", "entity-name"],
                "metrics": list(_BOUNCES),
                "include_subaccounts": settings.reads_all,
                "pagination": {"sort": "timestamp:asc"},
            },
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": body_skips(50),
            "windows": {
                "body_path_start": "start",
                "body_path_end": "end",
                "format": "rfc2822_days",
                "start": "-7d",
                "overlap": "3d",
            },
        },
        columns=columns(
            timestamp="timestamp",
            text="domain_name entity_name",
            bigint=" ".join(f"metrics__{name}" for name in _BOUNCES),
        ),
        fields={"timestamp": {"as": "timestamp"}, "domain_name": {"from": "domain.name"}},
    )


def pivoted(row: Mapping[str, Any]) -> dict[str, Any]:
    """A bucket with a column for each dimension and each metric; rates come as texts and become numbers."""
    made = {name: value for name, value in row.items() if name not in ("dimensions", "metrics")}
    for one in row["dimensions"]:
        made[one["dimension"]] = _moment(one["value"]) if one["dimension"] == "time" else one["value"]
    for name, value in row["metrics"].items():
        made[name] = float(value) if name.endswith("_rate") and isinstance(value, str) else value
    return made


def _moment(text: str) -> str:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat()


def _counted(settings: Settings, name: str, path: str, resolution: str, windows: Mapping[str, str]) -> Resource:
    dimensions, metrics = settings.dimensions, settings.metrics
    body: dict[str, Any] = {
        "resolution": resolution,
        "dimensions": ["time", *dimensions],
        "metrics": list(metrics),
        "include_subaccounts": settings.reads_all,
        "pagination": {"sort": "time:asc"},
    }
    rates = [metric for metric in metrics if metric.endswith("_rate")]
    counts = [metric for metric in metrics if metric not in rates]
    return resource(
        settings,
        name,
        " ".join(("time", *dimensions)),
        {
            "path": path,
            "method": "POST",
            "idempotent": True,
            "json": body,
            "data_selector": "items",
            "allow_null_data": True,
            "paginator": body_skips(1000),
            "windows": {"body_path_start": "start", "body_path_end": "end", "format": "rfc2822", **windows},
        },
        columns=columns(timestamp="time", text=" ".join(dimensions), bigint=" ".join(counts), double=" ".join(rates)),
        processing_steps=[{"map": pivoted}],
    )
