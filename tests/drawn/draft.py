"""What a case is drawn into: drafts of its resources, and the facts that say what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drawn.auths import Auth
    from drawn.spot import Spot


@dataclass(frozen=True)
class Fresh:
    """A value that is made anew for each configuration, from the case's address."""

    make: Callable[[str], Any]


def built(tree: Any, url: str) -> Any:
    """A copy of a tree, with everything made that is to be made."""
    if isinstance(tree, Fresh):
        return tree.make(url)
    if isinstance(tree, dict):
        return {name: built(value, url) for name, value in tree.items()}
    return [built(value, url) for value in tree] if isinstance(tree, list) else tree


@dataclass
class Draft:
    """One resource in the making: what is configured, and where it is served.

    `filtered` is whether it has an incremental; `parent` names the resource that it depends on.
    """

    name: str
    spot: Spot
    resource: dict[str, Any] = field(default_factory=dict)
    endpoint: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    filtered: bool = False

    def of_endpoint(self, name: str, values: Mapping[str, Any]) -> None:
        """More params, headers or JSON."""
        self.endpoint[name] = {**self.endpoint.get(name, {}), **values}


@dataclass
class Drawing:
    """A case in the making. `facts`: dimension -> what was drawn, once for each resource."""

    number: int
    seed: int
    dice: Random
    auth: Auth
    facts: dict[str, list[str]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    ready: list[Any] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """The first step of all paths of the case, and the beginning of its resources' names."""
        return f"c{self.number}"

    def note(self, dimension: str, *found: str) -> None:
        self.facts.setdefault(dimension, []).extend(found)

    def one(self, dimension: str, table: Mapping[str, Any]) -> Any:
        """An entry of a table, noted."""
        name = self.dice.choice(sorted(table))
        self.note(dimension, name)
        return table[name]

    def chance(self, share: float) -> bool:
        return self.dice.random() < share
