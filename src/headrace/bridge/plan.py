"""From a configuration to a plan, with what only dlt knows: secrets, settings, and objects of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.config_section_context import ConfigSectionContext

from headrace.bridge.objects import FromDlt, adopt
from headrace.bridge.secrets import resolve_secret, resolve_setting, setting
from headrace.bridge.settings import runtime_policy
from headrace.config import load_file, validate
from headrace.plan import Plan, build_plan

Scalar = str | int | float | bool
Params = Mapping[str, Scalar | Sequence[Scalar]]

SECTION: Final = "rest_api"


def plan_source(
    config: Mapping[str, Any] | str | Path,
    *,
    name: str | None = None,
    section: str | None = None,
    params: Params | None = None,
    privacy: str | None = None,
) -> tuple[Plan, str]:
    """The frozen plan of a configuration and the name of its source.

    What dlt looks up for it (credentials named by one word, settings) is looked up in the sections of that source.
    Raises `ConfigError`.
    """
    raw = load_file(Path(config)) if isinstance(config, str | Path) else config
    said = raw.get("name") if isinstance(raw, Mapping) else None
    name = name or (said if isinstance(said, str) else None) or SECTION
    sections = ("sources", section or SECTION, name)
    with Container().injectable_context(ConfigSectionContext(sections=sections)):
        return _plan(raw, config, sections, params, privacy), name


def plan_resources(
    config: Mapping[str, Any] | str | Path, *, params: Params | None = None, privacy: str | None = None
) -> Plan:
    """The frozen plan of a configuration, settings from the sections of the source that is being made.

    Raises `ConfigError`.
    """
    raw = load_file(Path(config)) if isinstance(config, str | Path) else config
    context = Container()[ConfigSectionContext]
    return _plan(raw, config, tuple(context.sections or ()), params, privacy)


def _plan(raw: Any, config: Any, sections: tuple[str, ...], params: Params | None, privacy: str | None) -> Plan:
    checked = validate(
        raw,
        resolve_secret=resolve_secret,
        resolve_setting=resolve_setting,
        source=str(config) if isinstance(config, str | Path) else None,
        adopt=adopt,
    )
    policy = runtime_policy(sections)
    session = checked.client.session.value if checked.client.session else None
    return build_plan(
        checked,
        params=params,
        privacy=privacy,
        configured=lambda parameter: setting(f"params.{parameter}", sections),
        adapters=FromDlt(),
        look_up_key=lambda: resolve_secret("privacy_key", sections),
        defaults={**policy.limits, **(policy.retry if session is None else _session_policy(session))},
    )


def _session_policy(session: Any) -> Mapping[str, Any]:
    from headrace.bridge.session import session_policy  # late: see `bridge/objects.py`

    return session_policy(session)
