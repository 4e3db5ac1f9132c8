"""`include` and `exclude`: which clicks a statistics call looks at (Short.io's API, common parameters).

    {"include": {"human": true}, "exclude": {"statuses": [404], "dt": ["2026-03-01", "2026-03-02"]}}

A click passes when it has one of the values for every name included, and none of those excluded. Unknown names are
dropped in silence, as Fastify does with properties that its schema does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headrace.sim.shortio.instants import read
from headrace.sim.shortio.period import zone_asked
from headrace.sim.shortio.places import CODES
from headrace.sim.shortio.records import Click
from headrace.sim.shortio.refusals import invalid

if TYPE_CHECKING:
    from headrace.sim.shortio.ask import Ask

__all__ = ["FIELDS", "filters", "names_human"]

Test = Callable[[Click], bool]

#: Name of the filter -> field of the click. `human` is one boolean, `dt` two moments, all others are lists.
FIELDS: Final = {
    "countries": "country",
    "browsers": "browser",
    "browserVersions": "browser_version",
    "socials": "social",
    "paths": "path",
    "refhosts": "refhost",
    "utmSources": "utm_source",
    "utmMediums": "utm_medium",
    "utmCampaigns": "utm_campaign",
    "statuses": "st",
    "protos": "proto",
    "methods": "method",
    "human": "human",
}


def filters(ask: Ask) -> tuple[Test, ...]:
    """What a click must pass, all of it."""
    keeps_null = ask.world.doubts.exclude_keeps_null
    tests = [_included(ask, name, values) for name, values in _asked(ask, "include")]
    tests += [_excluded(_included(ask, name, v), name, keeps_null=keeps_null) for name, v in _asked(ask, "exclude")]
    return tuple(tests)


def names_human(ask: Ask) -> bool:
    """Whether bots are filtered by the request itself; where they are not, most counts leave them out."""
    return any(name == "human" for place in ("include", "exclude") for name, _ in _asked(ask, place))


def _asked(ask: Ask, place: str) -> list[tuple[str, Any]]:
    given = ask.given.get(place)
    if given is None or ask.request.method == "GET":
        return []
    if not isinstance(given, dict):
        raise invalid(f"body/{place} must be object")
    return [(name, values) for name, values in given.items() if name == "dt" or name in FIELDS]


def _included(ask: Ask, name: str, values: Any) -> Test:
    if name == "dt":
        start, end = _instants(ask, values)
        return lambda click: start <= click.dt_ms <= end
    if name == "human":
        if not isinstance(values, bool):
            raise invalid(f"body/{name} must be boolean")
        wanted: frozenset[Any] = frozenset({values})
    elif isinstance(values, list):
        wanted = frozenset(values)
    else:
        raise invalid(f"body/{name} must be array")
    field = FIELDS[name]
    if name == "countries":  # asked for by code, whatever a click shows
        return lambda click: CODES.get(click.body.fields[field], click.body.fields[field]) in wanted
    return lambda click: click.body.fields.get(field) in wanted


def _excluded(test: Test, name: str, *, keeps_null: bool) -> Test:
    if keeps_null or name == "dt":
        return lambda click: not test(click)
    field = FIELDS[name]
    return lambda click: click.body.fields.get(field) is not None and not test(click)


def _instants(ask: Ask, values: Any) -> tuple[int, int]:
    zone = zone_asked(ask)
    try:
        start, end = (read(value, zone, ask.world.doubts.zone_reading) for value in values)
    except (TypeError, ValueError):
        raise invalid('body/dt must match format "date-time"') from None
    return start, end
