"""Raw clicks: every one of them, although none has an id.

A click's only clock counts milliseconds, and ties; nobody says whether bounds belong to a range, how many clicks a page
may have, or in which order equal instants come. Hence `keyset` paging, which reads the last instant of each page again,
windows that leave out what lies beyond their bounds, and hours that are replaced whole: late clicks and changed fields
(`goal_completed`, `human`) come in, and nothing is stored twice. `period` and `tz` are always sent: under other periods
cursors are ignored or history is cut, and other zones shift dates.
"""

from __future__ import annotations

from typing import Final

from headrace.connectors.shortio.settings import Settings
from headrace.connectors.shortio.shape import Resource, columns, of_domain

_CLICK: Final = columns(
    timestamp="dt",
    text="host path lcpath method url proto ip ref refhost social ua browser browser_version os country city "
    "geoname_id utm_source utm_medium utm_campaign utm_term utm_content ab_path goal_completed ja4",
    bigint="st",
    bool="human",
)
#: Persons, or what persons are recognised by.
PERSONAL: Final = ["ip", "ua", "ref", "ja4"]
#: A page without `limit` has so many clicks: no cap is lower.
_DEFAULT_PAGE: Final = 30
#: A year in eight parts, as many as are listed side by side. An empty one costs a call, and ten a minute are free.
_WINDOW: Final = "46d"


def clicks(settings: Settings) -> Resource:
    """All clicks of each domain, bots and hits on unknown paths too."""
    return of_domain(
        "clicks",
        {
            "path": f"{settings.statistics_url}/statistics/domain/{{domain}}/last_clicks",
            "method": "POST",
            "idempotent": True,
            "json": {"period": "custom", "tz": "UTC"},
            "data_selector": "$",
            "paginator": {
                "type": "keyset",
                "key_path": "dt",
                "key_body_path": "beforeDate",
                "format": "datetime_ms",
                "limit": settings.page_size,
                "limit_body_path": "limit",
                "least_limit": _DEFAULT_PAGE,
            },
            "windows": {
                "body_path_start": "startDate",
                "body_path_end": "endDate",
                "format": "datetime_ms",
                "start": f"-{settings.retention}",
                "end": f"-{settings.lag}",
                "retention": settings.retention,
                "overlap": settings.overlap,
                "resolution": "0.001s",
                "size": _WINDOW,
                "fixed": True,
                "time_path": "dt",
                "replace": "1h",
                "cached": "60s",
            },
        },
        write_disposition="merge",
        columns=_CLICK,
        personal=PERSONAL,
    )
