"""Finished sources: a connector is a function that gives a dlt source, and its configuration as data.

`CONNECTORS` has them by name; `headrace run NAME` runs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.connectors.connector import Connector
from headrace.connectors.mailgun import mailgun, mailgun_config
from headrace.connectors.shortio import create_view, shortio, shortio_config

__all__ = ["CONNECTORS", "Connector", "mailgun", "mailgun_config", "shortio", "shortio_config"]

#: Every connector by its name.
CONNECTORS: Final[Mapping[str, Connector]] = {
    each.name: each
    for each in (Connector("mailgun", mailgun_config), Connector("shortio", shortio_config, create_view))
}
