"""What no option shows alone: who needs whom, and options of one resource that contradict each other.

All of it is looked at with `resource_defaults` merged in, and told at the place where it was written. What is wrong in
itself is told by the models, so nothing here expects the tree to be well formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.config.field import nearest
from headrace.config.foreign import Foreign, ReadyResource
from headrace.config.function import is_function
from headrace.config.hint import TableHints
from headrace.config.place import Finding, Place
from headrace.config.placeholder import Field, PlaceholderError, parse

_TEXTS: Final = ("params", "json", "data", "headers")
#: Hints that dlt lets be functions of the row, if `table_name` is one.
_HINTS: Final = (*TableHints.model_fields, "nested_hints")


def graph_findings(root: Mapping[str, Any]) -> list[Finding]:
    """What is wrong between the resources of a tree, each finding once."""
    written = root.get("resources")
    resources = written if isinstance(written, list) else []
    names = list(dict.fromkeys(name for name in map(_name, resources) if name))
    defaults = _mapping(root.get("resource_defaults"))
    entries = [
        _Entry.of(index, resource, defaults)
        for index, resource in enumerate(resources)
        if isinstance(resource, Mapping) and isinstance(resource.get("name"), str)
    ]
    findings: list[Finding] = []
    for entry in entries:
        findings += entry.wrong_parents(names)
        findings += entry.wrong_watermarks()
        findings += entry.wrong_resolved()
        findings += entry.wrong_beside_others()
    findings += _rings(entries)
    # a wrong default is found in each resource, and told once
    return list({(finding.place, finding.message): finding for finding in reversed(findings)}.values())


@dataclass
class _Entry:
    """One resource with its defaults merged in; `unclear` when a text of it could not be read."""

    name: str
    place: Place
    options: Mapping[str, Any]
    endpoint: Mapping[str, Any]
    own: Mapping[str, Any]
    own_endpoint: Mapping[str, Any]
    default_endpoint: Mapping[str, Any]
    fields: list[tuple[str, Place, Field]] = field(default_factory=list)
    unclear: bool = False

    @classmethod
    def of(cls, index: int, own: Mapping[str, Any], defaults: Mapping[str, Any]) -> _Entry:
        own_endpoint, default_endpoint = _mapping(own.get("endpoint")), _mapping(defaults.get("endpoint"))
        endpoint = {**default_endpoint, **own_endpoint}
        for key in ("params", "json"):
            if isinstance(own_endpoint.get(key), Mapping):
                endpoint[key] = {**_mapping(default_endpoint.get(key)), **own_endpoint[key]}
        entry = cls(
            own["name"],
            ("resources", index),
            {**defaults, **own},
            endpoint,
            own,
            own_endpoint,
            default_endpoint,
        )
        entry._read()
        return entry

    def _read(self) -> None:
        if isinstance(self.own_endpoint.get("path"), str):
            self._collect("path", self.own_endpoint["path"], self.at("path"))
        for part in _TEXTS:
            said = self.endpoint.get(part)
            if part in {"params", "json"} and isinstance(said, Mapping):
                for key, value in said.items():
                    self._collect(part, {key: value}, self.at(part, key)[:-1])
            else:
                self._collect(part, said, self.at(part))

    def _collect(self, part: str, node: Any, place: Place) -> None:
        if isinstance(node, str):
            try:
                self.fields += [(part, place, found) for _, found in parse(node) if found is not None]
            except PlaceholderError:
                self.unclear = True
        elif isinstance(node, Mapping):
            for key, value in node.items():
                self._collect(part, key, (*place, key))
                if not (part == "params" and isinstance(value, Mapping)):
                    self._collect(part, value, (*place, key))
        elif isinstance(node, list | tuple):
            for index, element in enumerate(node):
                self._collect(part, element, (*place, index))

    def at(self, part: str, key: str | None = None) -> Place:
        """Where an option of the endpoint was written: by the resource or among the defaults."""
        own = self.own_endpoint.get(part)
        is_own = part in self.own_endpoint if key is None else isinstance(own, Mapping) and key in own
        top = self.place if is_own or part not in self.default_endpoint else ("resource_defaults",)
        return (*top, "endpoint", part) if key is None else (*top, "endpoint", part, key)

    def option_at(self, name: str) -> Place:
        return (*(self.place if name in self.own else ("resource_defaults",)), name)

    @property
    def resolved(self) -> dict[str, Mapping[str, Any]]:
        """Parameters of type `resolve`."""
        return {name: value for name, value in self._typed_params() if value["type"] == "resolve"}

    def _typed_params(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, value in _mapping(self.endpoint.get("params")).items():
            if isinstance(value, Mapping) and value.get("type") in ("resolve", "incremental"):
                yield name, value

    def parents(self) -> Iterator[tuple[str, Place]]:
        """The resources whose rows are needed, with the place that says so."""
        for name, value in self.resolved.items():
            if isinstance(value.get("resource"), str):
                yield value["resource"], (*self.at("params", name), "resource")
        for _, place, found in self.fields:
            if found.parent is not None:
                yield found.parent[0], place

    def wrong_parents(self, names: Sequence[str]) -> Iterator[Finding]:
        for parent, place in self.parents():
            if parent == self.name:
                yield Finding(place, f"expected another resource as parent, got `{parent}` itself")
            elif parent not in names:
                others = [name for name in names if name != self.name]
                hint = nearest(parent, others) or (f"known are {', '.join(others)}" if others else None)
                yield Finding(place, f"expected the name of a resource as parent, got `{parent}`", hint)
        if self.options.get("include_from_parent") and not any(self.parents()) and not self.unclear:
            yield Finding(
                self.option_at("include_from_parent"),
                "expected a parent to include fields from, found none",
                "name it by a placeholder like `{resources.<parent>.<field>}`",
            )

    def wrong_watermarks(self) -> Iterator[Finding]:
        watermarks = [
            name
            for name, value in _mapping(self.endpoint.get("params")).items()
            if isinstance(value, Foreign) or (isinstance(value, Mapping) and value.get("type") == "incremental")
        ]
        for name in watermarks:
            held = self.endpoint["params"][name]
            if isinstance(held, Foreign) and getattr(held.value, "end_value", None) is not None:
                hint = "write it as `endpoint.incremental`"
                yield Finding(self.at("params", name), "expected an incremental without `end_value`", hint)
        for name in watermarks[1:]:
            hint = f"`{watermarks[0]}` is the first one"
            yield Finding(self.at("params", name), "expected one incremental in an endpoint, got another", hint)
        if self.endpoint.get("incremental") is None:
            for _, place, found in self.fields:
                if found.context == "incremental":
                    hint = (
                        "write the parameter of type `incremental` as `endpoint.incremental`"
                        if watermarks
                        else "say in `endpoint.incremental` which field grows: `{cursor_path: updated_at}`"
                    )
                    yield Finding(
                        place, f"expected `incremental` in the endpoint for `{{{found.name}}}`, found none", hint
                    )
        for part, place, found in self.fields:
            if part == "path" and found.name in watermarks:
                hint = "write `{incremental.start_value}` in the path, and `endpoint.incremental`"
                yield Finding(place, f"expected a plain value for `{{{found.name}}}`, got an incremental", hint)

    def wrong_resolved(self) -> Iterator[Finding]:
        in_path = {found.name for part, _, found in self.fields if part == "path"}
        for name, value in self.resolved.items():
            if name not in in_path and not self.unclear:
                hint = f'to send it otherwise, write `"{{resources.{value.get("resource")}.{value.get("field")}}}"`'
                yield Finding(self.at("params", name), f"expected `{{{name}}}` in the path, found none", hint)
        for part, place, found in self.fields:
            if part != "path" and found.name in self.resolved:
                value = self.resolved[found.name]
                hint = f"write `{{resources.{value.get('resource')}.{value.get('field')}}}`"
                message = f"expected `{{{found.name}}}` in the path only: its value is of type `resolve`"
                yield Finding(place, message, hint)

    def wrong_beside_others(self) -> Iterator[Finding]:
        if self.endpoint.get("json") and self.endpoint.get("data"):
            yield Finding(self.at("data"), "expected `json` or `data`, got both", "a request has one body")
        functions = [name for name in _HINTS if _is_row_function(self.options.get(name))]
        if functions and not is_function(self.options.get("table_name")):
            yield Finding(
                self.option_at(functions[0]),
                f"expected `table_name` to be a function too, because `{functions[0]}` is one",
                "a hint that changes from row to row needs a table that does",
            )


def _rings(entries: Sequence[_Entry]) -> Iterator[Finding]:
    """One finding for each ring of parents, at the place that closes it."""
    parents: dict[str, dict[str, Place]] = {}
    for entry in entries:
        for parent, place in entry.parents():
            parents.setdefault(entry.name, {}).setdefault(parent, place)
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> Iterator[Finding]:
        for parent, place in parents.get(name, {}).items():
            if parent in way and parent != name:
                ring = " -> ".join((*way[way.index(parent) :], parent))
                yield Finding(place, f"expected parents that do not need each other, got {ring}")
            elif parent not in done and parent not in way:
                yield from follow(parent, (*way, parent))
        done.add(name)

    for name in parents:
        if name not in done:
            yield from follow(name, (name,))


def _is_row_function(hint: Any) -> bool:
    """Whether a hint is a function of the row; a class is a model of the columns."""
    return is_function(hint) and not isinstance(hint, type)


def _name(resource: Any) -> str:
    name = resource.get("name") if isinstance(resource, Mapping) else None
    if isinstance(resource, ReadyResource):
        name = resource.name
    return name if isinstance(name, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
