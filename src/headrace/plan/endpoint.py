"""One endpoint with its texts compiled: what stays to be filled in for each call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.config.options import EndpointOptions
from headrace.message import Pairs
from headrace.plan.template import Template, Values, as_text, compile_text, compile_tree, names_in, render_tree


@dataclass(frozen=True)
class EndpointTemplate:
    """`bound` holds values of path placeholders that came from the endpoint's own `params`; `place` is for messages."""

    place: str
    method: str
    path: Template
    params: Any
    headers: Any
    json: Any
    bound: Mapping[str, Any]

    @property
    def uses(self) -> dict[str, str]:
        """The parameters that need a value -> the first place that uses each: path, params, headers, json."""
        found: dict[str, str] = {}
        for part, node in (
            ("path", self.path),
            ("params", self.params),
            ("headers", self.headers),
            ("json", self.json),
        ):
            for name in names_in(node):
                if not (part == "path" and name in self.bound):
                    found.setdefault(name, f"{self.place}.{part}")
        return found

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that need a value, each once."""
        return tuple(self.uses)

    def render_params(self, values: Values) -> Iterator[tuple[str, str]]:
        """Query parameters as `requests` sends them: None is left out, a list repeats its name."""
        for key, node in self.params.items():
            name = key.render(values)
            for value in node if isinstance(node, list) else [node]:
                rendered = value.render(values) if isinstance(value, Template) else value
                if rendered is not None:
                    yield name, as_text(rendered)

    def render_headers(self, values: Values) -> Pairs:
        """The endpoint's own headers; None is left out."""
        rendered = ((name.render(values), node) for name, node in self.headers.items() if node is not None)
        return tuple(
            (name, node.render(values) if isinstance(node, Template) else as_text(node)) for name, node in rendered
        )

    def render_json(self, values: Values) -> Any:
        """The body, None for no body."""
        return render_tree(self.json, values)


def compile_endpoint(place: str, options: EndpointOptions) -> EndpointTemplate:
    """Compile the texts of an endpoint whose braces were checked by `config.validate`."""
    path = compile_text(options.path or "")
    params = dict(options.params or {})
    bound = {name: params.pop(name) for name in path.names if _binds(params.get(name))}
    return EndpointTemplate(
        place=place,
        method=options.method,
        path=path,
        params=compile_tree(params),
        headers=compile_tree(options.headers or {}),
        json=compile_tree(options.json_body),
        bound=bound,
    )


def _binds(value: Any) -> bool:
    """Whether a value of `params` fills the path placeholder of its name: no list, no placeholder."""
    if isinstance(value, str):
        return not compile_text(value).names
    return value is not None and not isinstance(value, list)
