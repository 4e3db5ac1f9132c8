"""What a way to page is: a paginator as it is configured, and how a service serves by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator

from dialects.dialect import Asked, opaque, opened, whole
from drawn.wraps import Wrap

Read = Callable[[Asked], Any]


@dataclass(frozen=True)
class Cut:
    """One page: its rows, and what is said beside them in the body and in headers."""

    rows: list[Any]
    about: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pages:
    """A way to page: `config` makes the paginator's value anew, None where it is found by looking.

    `params` are the query parameters that it sends, `body` the paths that it sets in a JSON body. `form` is how it is
    configured: a mapping, one word, an object of dlt's, something of the user's own.
    """

    kind: str
    how: str
    config: Callable[[], Any]
    cut: Callable[[Asked, list[Any]], Cut]
    params: Sequence[str] = ()
    body: Sequence[str] = ()
    form: str = "mapping"

    @property
    def has_state(self) -> bool:
        """Whether an object is configured, and not a mapping or a word."""
        return isinstance(self.config(), BasePaginator)


@dataclass(frozen=True)
class Setting:
    """What a pager is drawn for: how rows are wrapped, whether there is a body, rows on a page."""

    dice: Random
    wrap: Wrap
    post: bool
    size: int


@dataclass(frozen=True)
class Sent:
    """A value that a pager sends: the option that names the place, the name, and how to read it."""

    option: str
    name: str
    in_body: bool

    def read(self, asked: Asked) -> Any:
        """The value as it came, None when it did not."""
        if not self.in_body:
            return asked.params.get(self.name)
        found: Any = asked.body() if asked.text() else {}
        for step in self.name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def places(self) -> dict[str, list[str]]:
        """The pager's query parameters and places in the body, if this is all."""
        return {"params": [] if self.in_body else [self.name], "body": [self.name] if self.in_body else []}

    def __str__(self) -> str:
        return ", in the body" if self.in_body else ""


def sent(at: Setting, kind: str, names: Sequence[str], paths: Sequence[str]) -> Sent:
    """A parameter, or a place in the body where there is one."""
    in_body = at.post and at.dice.random() < 0.6
    if in_body:
        return Sent(f"{kind}_body_path", at.dice.choice(paths), in_body=True)
    return Sent(f"{kind}_param", at.dice.choice(names), in_body=False)


def put(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set a value at a dotted path. A quoted name is one name, dots and all."""
    names = [path.strip("'")] if path.startswith("'") else path.split(".")
    inner = document
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
    inner[names[-1]] = value
    return document


def span(asked: Asked, name: str, rows: list[Any], size: int) -> tuple[list[Any], str | None]:
    """The page behind an opaque cursor, and the next cursor."""
    start = whole(opened(asked.params.get(name)), 0)
    return rows[start : start + size], opaque(start + size) if start + size < len(rows) else None


def following(asked: Asked, cursor: str, style: str) -> str:
    """The next page's address: absolute, a path, or only its query."""
    link = asked.link(**{**{name: asked.values(name) for name in asked.params}, "at": cursor})
    if style == "absolute":
        return link
    return link.removeprefix(asked.origin) if style == "path" else link[link.index("?") :]
