"""Secrets and settings by dlt's own resolution: environment, `.dlt/secrets.toml`, `.dlt/config.toml`, vaults.

Always read as text: dlt's dictionary access guesses a type, and makes 123 of a key `00123`.
"""

from __future__ import annotations

from typing import Any

import dlt
from dlt.common.configuration.container import Container
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.configuration.utils import deserialize_value

from headrace.bridge.places import looked_in
from headrace.secrets import Secret


def secret(name: str) -> Secret:
    """The secret `name` from dlt's secret stores, as text that no output shows.

    Raises `LookupError` with the places where it was looked for.
    """
    return Secret(resolve_secret(name), name)


def resolve_secret(name: str, sections: tuple[str, ...] = ()) -> str:
    """The value of the secret `name` as text, most specific section first.

    Raises `LookupError` with the places where it was looked for.
    """
    for depth in range(len(sections), -1, -1):
        # asked for as text it would be no secret to dlt, whose trace, a file that stays, then holds its value
        value = dlt.secrets.get(".".join((*sections[:depth], name)))
        if value is not None:
            return str(deserialize_value(name, value, str))
    raise LookupError(f"looked for it in {_places(name)}")


def read_again(name: str) -> str:
    """The value of the secret `name` as it is now in the environment or the file, where dlt remembers what it was.

    May be called in any thread. Raises `LookupError` where it is not there, and what reading the file raises.
    """
    *sections, key = name.split(".")
    for store in Container()[PluggableRunContext].context.initial_providers():
        value = store.get_value(key, str, None, *sections)[0] if store.supports_secrets else None
        if value is not None:
            return str(deserialize_value(key, value, str))
    raise LookupError(f"looked for it in {_places(name)}")


def resolve_setting(name: str) -> Any:
    """The value of the dlt setting `name`. Raises `LookupError` when nobody set it."""
    value = dlt.config.get(name)
    if value is None:
        raise LookupError("looked for it in `.dlt/config.toml` and the environment")
    return value


def setting(name: str, sections: tuple[str, ...] = ()) -> Any:
    """The dlt configuration value `name`, most specific section first; None when nobody set it."""
    for depth in range(len(sections), -1, -1):
        value = dlt.config.get(".".join((*sections[:depth], name)))
        if value is not None:
            return value
    return None


def _places(name: str) -> str:
    """Where dlt looked, as `environment variable X, secrets.toml (path)`."""
    try:
        dlt.secrets[name]
    except ConfigFieldMissingException as error:
        return looked_in(error)
    return "dlt's secret stores"
