"""Where dlt looked for a secret or setting, as one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.exceptions import ConfigFieldMissingException, LookupTrace
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext


def looked_in(error: ConfigFieldMissingException) -> str:
    """The places dlt tried: ``environment variable `API_KEY`, `.dlt/secrets.toml` ``; files are named though absent."""
    return ", ".join(dict.fromkeys([*_variables(error), *_files()])) or "no secret store"


def _variables(error: ConfigFieldMissingException) -> Iterator[str]:
    """One environment variable a field, the most general of those that count, and other stores without files."""
    keys: dict[str, str] = {}
    with_files = {
        provider.name for provider in Container()[PluggableRunContext].providers.providers if provider.locations
    }
    for trace in _flat(error.traces):
        if trace.provider == "Environment Variables":
            field = trace.key.rpartition("__")[2]
            keys[field] = min(keys.get(field, trace.key), trace.key, key=_generality)
        elif not trace.provider_location and trace.provider not in with_files:
            yield trace.provider
    yield from (f"environment variable `{key}`" for key in keys.values())


def _generality(key: str) -> tuple[bool, int]:
    """Short keys first, but those of a destination before bare `CREDENTIALS__...`."""
    return not key.startswith("DESTINATION__"), len(key)


def _files() -> Iterator[str]:
    """The secret files that dlt reads, there or not."""
    for provider in Container()[PluggableRunContext].providers.providers:
        if provider.supports_secrets:
            yield from (f"`{_shown(place)}`" for place in provider.locations)


def _flat(traces: Mapping[str, Any]) -> Iterator[LookupTrace]:
    """The single look-ups of all fields; a field that is a configuration itself has its own beneath."""
    for entries in traces.values():
        for entry in entries:
            if isinstance(entry, LookupTrace):
                yield entry
            else:
                yield from _flat(entry.traces)


def _shown(place: str) -> str:
    path, folder = Path(place).absolute(), Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
