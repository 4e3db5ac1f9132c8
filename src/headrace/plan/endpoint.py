"""One endpoint with its texts compiled: what stays to be filled in for each call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode

from headrace.config.foreign import Foreign
from headrace.config.incremental import IncrementalParam, ResolveParam
from headrace.config.options import EndpointOptions
from headrace.config.placeholder import Field
from headrace.jsonpath import JsonPath, compile_path
from headrace.message import Pairs
from headrace.plan.template import Template, Values, as_text, compile_text, compile_tree, names_in, render_tree

_FORM: Final = "application/x-www-form-urlencoded"
#: dlt's pattern (rest_client/detector.py, `single_entity_path`); the alphabet is that of OpenAPI.
_LAST_PLACEHOLDER: Final = re.compile(r"\{[a-zA-Z0-9.\-_]+\}")


@dataclass(frozen=True)
class EndpointTemplate:
    """`place` is for messages, `said` the path as it was written.

    `bound` holds values of path placeholders that came from the endpoint's own `params`; `aliases` are those
    that stand for a field of a parent's row (dlt's `resolve` parameters). `fallback` is the path that calls have when
    the first one is refused with one of `fallback_statuses`. `is_single`: the last segment of the path
    has a placeholder, which dlt takes for the address of one object. `idempotent`: its requests may be made twice.
    """

    place: str
    said: str
    method: str
    path: Template
    params: Any
    headers: Any
    json: Any
    data: Any
    bound: Mapping[str, Any]
    aliases: Mapping[str, ResolveParam]
    is_single: bool
    idempotent: bool = True
    fallback: Template | None = None
    fallback_statuses: frozenset[int] = frozenset()

    @property
    def uses(self) -> dict[str, str]:
        """Every placeholder -> the first place that uses it: path, params, headers, json, data."""
        found: dict[str, str] = {}
        for part in ("path", "params", "headers", "json", "data"):
            for name in names_in(getattr(self, part)):
                if not (part == "path" and name in self.bound):
                    found.setdefault(name, f"{self.place}.{part}")
        return found

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the source that need a value, each once."""
        return tuple(name for name in self.uses if not self.is_late(name))

    @property
    def late(self) -> tuple[str, ...]:
        """The placeholders whose values only a run knows: a parent's fields, the watermark."""
        return tuple(name for name in self.uses if self.is_late(name))

    @property
    def parent_fields(self) -> dict[str, list[tuple[str, JsonPath]]]:
        """Parent -> the placeholders that it fills, each with the place in its rows; the first one used comes first."""
        found: dict[str, list[tuple[str, JsonPath]]] = {}
        for name in self.late:
            alias = self.aliases.get(name)
            parent = (alias.resource, alias.field) if alias else Field(name).parent
            if parent is not None:
                found.setdefault(parent[0], []).append((name, compile_path(parent[1])))
        return found

    def is_late(self, name: str) -> bool:
        """Whether only a run knows the value of a placeholder."""
        return name in self.aliases or bool(Field(name).context)

    def given_params(self, values: Values, added: Mapping[str, Any]) -> dict[str, Any]:
        """Query parameters by name, filled in but not text yet; `added` replace."""
        nodes = {**{key.render(values): node for key, node in self.params.items()}, **added}
        return {
            name: [_filled(one, values) for one in node] if isinstance(node, list | tuple) else _filled(node, values)
            for name, node in nodes.items()
        }

    def render_headers(self, values: Values) -> Pairs:
        """The endpoint's own headers; None is left out, and a text whose placeholders leave it empty."""
        pairs = []
        for name, node in self.headers.items():
            text = node.render(values) if isinstance(node, Template) else as_text(node)
            if node is not None and (text or not (isinstance(node, Template) and node.names)):
                pairs.append((name.render(values), text))
        return tuple(pairs)

    def render_json(self, values: Values) -> Any:
        """The body, None for no body."""
        return render_tree(self.json, values)

    def render_data(self, values: Values) -> tuple[bytes | None, str | None]:
        """The body of `data` and its content type, as `requests` makes them; None where there is none."""
        if not self.data:
            return None, None
        if isinstance(self.data, bytes):
            return self.data, None
        if isinstance(self.data, Template):
            return self.data.render(values).encode(), None
        pairs = self.data.items() if isinstance(self.data, Mapping) else self.data
        fields = [
            (_rendered(name, values), _rendered(value, values))
            for name, said in pairs
            for value in (said if isinstance(said, list | tuple) else [said])
            if value is not None
        ]
        return urlencode(fields).encode(), _FORM


def as_pairs(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Query parameters as `requests` sends them: None is left out, a list repeats its name."""
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield name, as_text(one)


def _filled(node: Any, values: Values) -> Any:
    return node.render(values) if isinstance(node, Template) else node


def _rendered(node: Any, values: Values) -> str:
    return node.render(values) if isinstance(node, Template) else as_text(node)


def compile_endpoint(place: str, options: EndpointOptions) -> EndpointTemplate:
    """Compile the texts of an endpoint whose braces were checked by `config.validate`."""
    path = compile_text(options.path or "")
    said = options.params or {}
    aliases = {name: value for name, value in said.items() if isinstance(value, ResolveParam)}
    params = {name: value for name, value in said.items() if name not in aliases}
    bound = {name: params.pop(name) for name in path.names if _binds(params.get(name))}
    return EndpointTemplate(
        place=place,
        said=options.path or "",
        method=options.method,
        path=path,
        params=compile_tree({name: value for name, value in params.items() if not _is_watermark(value)}),
        headers=compile_tree(options.headers or {}),
        json=compile_tree(options.json_body),
        data=options.data if isinstance(options.data, bytes) else compile_tree(options.data),
        bound=bound,
        aliases=aliases,
        idempotent=options.method == "GET" if options.idempotent is None else options.idempotent,
        fallback=compile_text(options.fallback.path) if options.fallback else None,
        fallback_statuses=frozenset(options.fallback.statuses if options.fallback else ()),
        is_single=_LAST_PLACEHOLDER.search(PurePosixPath(options.path or "").name) is not None,
    )


def _is_watermark(value: Any) -> bool:
    return isinstance(value, IncrementalParam | Foreign)


def _binds(value: Any) -> bool:
    """Whether a value of `params` fills the path placeholder of its name: no list, no placeholder."""
    if isinstance(value, str):
        return not compile_text(value).names
    return value is not None and not isinstance(value, list) and not _is_watermark(value)
