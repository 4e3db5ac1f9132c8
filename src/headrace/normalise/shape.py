"""The shape of a resource's records as learned from those read exactly: which JSON kinds came at which path.

A shape is what the fast path may expect. It only ever grows: `observe` merges one more record into it. It knows nothing
of tables; the layout (room `normalise`) decides which of its paths the fast path may read, and as what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

#: Python type of a decoded value -> JSON kind. Null is no kind: it says nothing about a path.
KINDS: Final[dict[type, str]] = {
    bool: "bool", int: "int", float: "float", str: "text", dict: "object", list: "list",
}  # fmt: skip


@dataclass
class Node:
    """One path: the kinds seen there, the fields of its objects in order of arrival, the items of its lists."""

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, Node] = field(default_factory=dict)
    item: Node | None = None


def observe(node: Node, value: Any) -> None:
    """Merge `value` into the shape at `node`."""
    kind = KINDS.get(type(value))
    if kind is None:
        return
    node.kinds.add(kind)
    if kind == "object":
        for key, item in value.items():
            observe(node.fields.setdefault(key, Node()), item)
    elif kind == "list":
        node.item = node.item or Node()
        for item in value:
            observe(node.item, item)
