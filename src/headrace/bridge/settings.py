"""dlt's runtime settings for requests, where somebody set them: defaults for what a configuration leaves open.

They are looked up as dlt does it (environment, `config.toml`, the sections of the running source), so a project that
tuned dlt finds its values here. What nobody set stays with headrace's own defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.bridge.secrets import setting
from headrace.errors import ConfigError, Problem


@dataclass(frozen=True)
class RuntimePolicy:
    """Fields of `RetryPolicy` and of `Limits` that dlt's settings name; a declared option wins over each."""

    retry: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)


def runtime_policy(sections: tuple[str, ...] = ()) -> RuntimePolicy:
    """What dlt's `runtime.request_*` settings say; `sections` are those of the source, the widest first.

    Raises `ConfigError` for a value that is no number of the right kind, naming all of them.
    """
    problems: list[Problem] = []

    def number(name: str, least: float, *, whole: bool = False) -> float | None:
        value = setting(f"runtime.{name}", sections)
        if value is None:
            return None
        try:
            read = float(value)
            if read >= least and read < float("inf") and not (whole and read % 1):
                return read
        except (TypeError, ValueError):
            pass
        kind = "a whole number" if whole else "a number"
        message = f"expected {kind} of {least:g} or more, got {value!r}"
        problems.append(Problem(message, f"runtime.{name}", "look at dlt's config.toml and the environment"))
        return None

    attempts = number("request_max_attempts", 1, whole=True)
    retry = {
        "max_retries": None if attempts is None else int(attempts) - 1,
        "backoff_factor": number("request_backoff_factor", 0),
        "max_wait_s": number("request_max_retry_delay", 0),
    }
    timeout_s = number("request_timeout", 0.001)
    if problems:
        raise ConfigError(problems, source="dlt's settings")
    return RuntimePolicy(
        {name: value for name, value in retry.items() if value is not None},
        {} if timeout_s is None else {"timeout_s": timeout_s},
    )
