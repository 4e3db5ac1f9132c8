"""A connector: a finished source. A function makes its configuration of a few options, another its dlt source of that.

The configuration is plain data in headrace's own format, so whatever a connector does, a configuration can do. The
command line calls the same function with the texts of `--param`; what it takes is read off its signature, once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import UsageError

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource

    from headrace.clock import Clock
    from headrace.engine import Report
    from headrace.plan import Range

Config = dict[str, Any]

#: Options that are no `--param`: secrets stay off the command line, and privacy has an option of its own.
_ELSEWHERE: Final = ("api_key", "privacy_key", "privacy")
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Connector:
    """`name` is that of the source and its section of secrets; `config` makes the configuration of keyword options.

    `after` is called with the pipeline when it has loaded.

    Annotations of the options say how a text is read: a `Sequence` takes several values, or one with commas; `bool`
    takes true and false; all others are texts.
    """

    name: str
    config: Callable[..., Config]
    after: Callable[[dlt.Pipeline], object] | None = None

    def configured(self, said: Mapping[str, Sequence[str | int]], privacy: str | None = None) -> Config:
        """The configuration by options of the command line. Raises `UsageError`."""
        options = {name: self._value(name, values) for name, values in said.items()}
        return self.config(**options, **({} if privacy is None else {"privacy": privacy}))

    def _value(self, name: str, values: Sequence[str | int]) -> Any:
        annotation = self._annotation(name)
        texts = [str(value) for value in values]
        if "Sequence" in annotation:
            return [part.strip() for text in texts for part in text.split(",") if part.strip()]
        if len(texts) > 1:
            raise UsageError(f"expected one value for `--param {name}`, got {len(texts)}")
        if "bool" not in annotation:
            return texts[0]
        if texts[0].lower() not in _FLAGS:
            raise UsageError(f"expected true or false for `--param {name}`, got `{texts[0]}`")
        return _FLAGS[texts[0].lower()]

    def _annotation(self, name: str) -> str:
        known = {one.name: str(one.annotation) for one in inspect.signature(self.config).parameters.values()}
        if name in known and name not in _ELSEWHERE:
            return known[name]
        if name in _ELSEWHERE:
            hint = "see `--privacy`" if name == "privacy" else "it belongs in `.dlt/secrets.toml` or the environment"
            raise UsageError(f"expected no `{name}` in `--param`", hint=hint)
        offered = [each for each in known if each not in _ELSEWHERE]
        near = get_close_matches(name, offered, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(offered)}"
        raise UsageError(f"connector `{self.name}` has no option `{name}`", hint=hint)


def source_of(
    name: str,
    config: Config,
    *,
    since: Range | None = None,
    until: Range | None = None,
    report: Report | None = None,
    clock: Clock | None = None,
) -> DltSource:
    """The dlt source of a connector's configuration; for the arguments see `headrace.rest_api_source`.

    Secrets and settings are looked up in the sections of the connector: `sources.<name>.api_key`.
    """
    from headrace.bridge.source import rest_api_source  # late: dlt takes a second to import

    return rest_api_source(config, name=name, section=name, since=since, until=until, report=report, clock=clock)
