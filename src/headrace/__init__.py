"""Runs dlt REST API configurations, columnar and concurrent, and ends with exactly the rows that the API had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.bridge.secrets import secret
    from headrace.bridge.source import check_connection, rest_api, rest_api_resources, rest_api_source
    from headrace.config import HeadraceWarning

__version__ = "0.1.0"
__all__ = [
    "HeadraceWarning",
    "__version__",
    "check_connection",
    "rest_api",
    "rest_api_resources",
    "rest_api_source",
    "secret",
]

_HOMES = {
    "HeadraceWarning": "headrace.config",
    "check_connection": "headrace.bridge.source",
    "rest_api": "headrace.bridge.source",
    "rest_api_resources": "headrace.bridge.source",
    "rest_api_source": "headrace.bridge.source",
    "secret": "headrace.bridge.secrets",
}


def __getattr__(name: str) -> Any:
    # late: dlt takes a second to import, and the command line's help must not wait for it
    if name in _HOMES:
        from importlib import import_module

        from headrace.uncollected import uncollected

        with uncollected():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
