"""Endpoint texts with `{name}` placeholders: compiled once, rendered for each call.

Four kinds of text are rendered, each its own way:

* path: a value is one segment, so everything but letters, digits and `-._~` is percent-quoted;
* query parameters and headers: a value is text, quoted later by whoever sends it;
* json: a string that is exactly one placeholder becomes the value with its type (dlt does the same), any other is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from headrace.config.placeholder import split
from headrace.secrets import Secret

Values = Mapping[str, Any]
#: Segments that any URL library takes for steps in the path, quoted or not.
_STEPS: Final = frozenset({"", ".", ".."})
#: What `requests` leaves as it is in an address (its `requote_uri`).
_AS_REQUESTS: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Template:
    """One text; `parts` are (literal, name) pairs in order, name None where only a literal stands."""

    parts: tuple[tuple[str, str | None], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in order, each once."""
        return tuple(dict.fromkeys(name for _, name in self.parts if name is not None))

    @property
    def is_one_placeholder(self) -> bool:
        """Whether the text is exactly one placeholder."""
        return len(self.parts) == 1 and not self.parts[0][0] and self.parts[0][1] is not None

    def render(self, values: Values) -> str:
        """The text with its values as text."""
        return "".join(literal + ("" if name is None else as_text(values[name])) for literal, name in self.parts)

    def render_path(self, values: Values) -> str:
        """The text with its values as quoted path segments."""
        return "".join(literal + ("" if name is None else _in_path(name, values[name])) for literal, name in self.parts)

    def render_value(self, values: Values) -> Any:
        """The value itself when the text is one placeholder, otherwise the text."""
        if self.is_one_placeholder:
            value = values[self.parts[0][1] or ""]
            return value.reveal() if isinstance(value, Secret) else value
        return self.render(values)


def compile_text(text: str) -> Template:
    """Compile `text`. Raises `PlaceholderError` when its braces are no placeholders."""
    return Template(split(text))


def compile_tree(node: Any) -> Any:
    """A JSON document with every text, keys too, replaced by its template."""
    if isinstance(node, str):
        return compile_text(node)
    if isinstance(node, Mapping):
        return {compile_text(key): compile_tree(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [compile_tree(element) for element in node]
    return node


def render_tree(node: Any, values: Values) -> Any:
    """The document that a compiled tree gives for `values`; secrets are revealed."""
    if isinstance(node, Template):
        return node.render_value(values)
    if isinstance(node, Mapping):
        return {key.render(values): render_tree(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [render_tree(element, values) for element in node]
    return node.reveal() if isinstance(node, Secret) else node


def names_in(node: Any) -> Iterator[str]:
    """The placeholders of a compiled tree in order; a name may come twice."""
    if isinstance(node, Template):
        yield from node.names
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from key.names
            yield from names_in(value)
    elif isinstance(node, list):
        for element in node:
            yield from names_in(element)


def _in_path(name: str, value: Any) -> str:
    """A value in a path: one segment, but for the fields of a parent's row and watermarks, which may be whole paths."""
    return quote(as_text(value), safe=_AS_REQUESTS if is_context(name) else "")


def is_context(name: str) -> bool:
    """Whether a placeholder is one of dlt's contexts: `resources.<name>.<field>`, `incremental.<value>`."""
    return name.startswith(("resources.", "incremental."))


def as_text(value: Any) -> str:
    """A value as `requests` sends it: `str(value)`, so true is `True`."""
    return value.reveal() if isinstance(value, Secret) else str(value)


def is_segment(value: Any) -> bool:
    """Whether a value can stand as a segment of a path; empty text, `.` and `..` cannot."""
    return as_text(value) not in _STEPS
