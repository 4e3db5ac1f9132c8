"""From a raw configuration to a `RestConfig`: references resolved, defaults merged, all problems at once.

A secret is named, not written: `dlt.secrets["x"]` as text, or `{secret: x}`. Where it is looked for is the caller's
business (`resolve_secret`), so this room needs neither dlt nor the environment.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from headrace.config.adopt import Adopt
from headrace.config.defaults import merge_defaults
from headrace.config.foreign import ReadyResource
from headrace.config.graph import graph_findings
from headrace.config.options import RestConfig
from headrace.config.place import Finding, path_text
from headrace.config.problem import findings_of, problems_of, shown
from headrace.config.tree import plain_tree
from headrace.errors import ConfigError, Problem


class HeadraceWarning(UserWarning):
    """Something that works now and is likely to surprise later."""


def validate(
    raw: Mapping[str, Any],
    *,
    resolve_secret: Callable[[str], str],
    source: str | None = None,
    adopt: Adopt | None = None,
    resolve_setting: Callable[[str], Any] | None = None,
) -> RestConfig:
    """The checked configuration, `resource_defaults` merged into its resources; `raw` is left as it is.

    `resolve_secret` gives the text of a named secret and raises `LookupError` with the places where it looked;
    `resolve_setting` does the same for `dlt.config["x"]` in a text, whatever type the setting has. `source` names the
    file, for messages. `adopt(family, value)` makes a mapping of options or a `Foreign` of a value that is no plain
    data of ours (families `auth`, `paginator`, `session`, `resource`, `incremental`), None when it does not know it;
    without it, such values are problems. Raises `ConfigError` with every problem, in the order of the file. Warns with
    `HeadraceWarning` about a secret that came as a number.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError([Problem(f"expected a mapping, got {shown(raw, show=False)}")], source=source)
    tree = plain_tree(raw, resolve_secret, resolve_setting=resolve_setting, adopt=adopt)
    findings = [*tree.findings, *_unknown(_model_findings(tree.root), tree.findings)]
    findings += _unknown([*_repeated_names(tree.root), *graph_findings(tree.root)], findings)
    if findings:
        raise ConfigError(problems_of(findings, raw), source=source)
    defaults = tree.root.get("resource_defaults")
    resources = [
        resource if isinstance(resource, ReadyResource) else merge_defaults(defaults, resource)
        for resource in tree.root["resources"]
    ]
    config = RestConfig.model_validate({**tree.root, "resources": resources})
    config._source = source  # noqa: SLF001  a private attribute of our own model: no option, so not in its schema
    for path in tree.digits:
        warnings.warn(
            f"the secret at `{path}` came as a number and is used as text; leading zeros may be lost. "
            'use `headrace.secret("name")`, or a reference in a file',
            HeadraceWarning,
            stacklevel=2,
        )
    return config


def _model_findings(root: Any) -> list[Finding]:
    try:
        RestConfig.model_validate(root)
    except ValidationError as error:
        return findings_of(error.errors(include_url=False))
    return []


def _unknown(found: Sequence[Finding], known: Sequence[Finding]) -> list[Finding]:
    """What was found, without what is known already of the same place or of one around it."""
    places = {finding.place for finding in known}
    return [
        finding
        for finding in found
        if not any(finding.place[:depth] in places for depth in range(len(finding.place) + 1))
    ]


def _repeated_names(root: Mapping[str, Any]) -> list[Finding]:
    first: dict[str, int] = {}
    findings = []
    resources = root.get("resources")
    for index, resource in enumerate(resources if isinstance(resources, list) else []):
        name = resource.get("name") if isinstance(resource, dict) else getattr(resource, "name", None)
        if not isinstance(name, str):
            continue
        if name in first:
            at = path_text(("resources", first[name]))
            message = f"expected a name of its own, got {shown(name)} a second time"
            findings.append(Finding(("resources", index, "name"), message, f"`{at}` has it too"))
        first.setdefault(name, index)
    return findings
