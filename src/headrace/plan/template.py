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

from headrace.config.placeholder import Field, parse
from headrace.secrets import Secret

Values = Mapping[str, Any]
#: Segments that any URL library takes for steps in the path, quoted or not.
_STEPS: Final = frozenset({"", ".", ".."})
#: What `requests` leaves as it is in an address (its `requote_uri`).
_AS_REQUESTS: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Template:
    """One text; `parts` are (literal, placeholder) pairs in order, None where only a literal stands."""

    parts: tuple[tuple[str, Field | None], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders' names, in order, each once."""
        return tuple(dict.fromkeys(field.name for _, field in self.parts if field is not None))

    @property
    def only(self) -> Field | None:
        """The placeholder, when the text is nothing else and takes its value as it is."""
        literal, field = self.parts[0] if len(self.parts) == 1 else ("", None)
        return field if field is not None and not literal and field.is_plain else None

    def render(self, values: Values) -> str:
        """The text with its values as text."""
        return "".join(literal + ("" if field is None else _text(field, values)) for literal, field in self.parts)

    def render_path(self, values: Values) -> str:
        """The text with its values in a path: one segment each, but for fields of a parent and watermarks.

        Those may be whole paths, so only what cannot stand in an address is quoted in them, as `requests` does it.
        """
        return "".join(
            literal + ("" if field is None else quote(_text(field, values), safe=_AS_REQUESTS if field.context else ""))
            for literal, field in self.parts
        )

    def render_value(self, values: Values) -> Any:
        """The value itself when the text is one placeholder, otherwise the text."""
        if self.only is not None:
            value = values[self.only.name]
            return value.reveal() if isinstance(value, Secret) else value
        return self.render(values)


def _text(field: Field, values: Values) -> str:
    value = values[field.name]
    return as_text(value) if field.is_plain else field.render(value.reveal() if isinstance(value, Secret) else value)


def compile_text(text: str) -> Template:
    """Compile `text`. Raises `PlaceholderError` when its braces are no placeholders."""
    return Template(parse(text))


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


def as_text(value: Any) -> str:
    """A value as `requests` sends it: `str(value)`, so true is `True`."""
    return value.reveal() if isinstance(value, Secret) else str(value)


def is_segment(value: Any) -> bool:
    """Whether a value can stand as a segment of a path; empty text, `.` and `..` cannot."""
    return as_text(value) not in _STEPS
