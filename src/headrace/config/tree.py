"""From what the user wrote to a plain tree that the option models can check.

Four things happen here, because a model sees a value without its place:

* secret references become `Secret`; digits in a secret field become text, and the place is remembered for a warning;
* short forms become mappings (a resource that is a text, an endpoint that is a path, a paginator that is a name);
* what dlt knows and headrace does not run yet is reported by name, and dlt's objects are;
* braces are checked where placeholders may stand.

A finding here silences what the models say about the same place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from headrace.config.known import NOT_YET, Place, kind_of_place, not_yet, path_text
from headrace.config.options import SECRET_FIELDS
from headrace.config.placeholder import PlaceholderError, split
from headrace.secrets import Secret

_REFERENCE: Final = re.compile(r"""\s*dlt\.(secrets|config)\[\s*(["'])(.+?)\2\s*\]\s*""")
#: Kinds of place where `{secret: x}` is a reference; elsewhere it is data.
_MAPPING_REFERENCES: Final = frozenset({"auth", "headers", "client headers", "params"})
#: Kinds of place whose texts may hold placeholders (client headers may not, as in dlt).
_TEMPLATED: Final = frozenset({"endpoint path", "params", "headers", "json"})
#: Kinds of place whose keys are the user's own, so that nothing inside is an option.
_FREE: Final = frozenset({"params", "headers", "client headers", "json", "auth"})
_PLAIN: Final = (str, bool, int, float, Secret, date, time, Decimal, UUID)
#: Deeper data is a mistake, or a YAML anchor that contains itself.
_MAX_DEPTH: Final = 64
#: Python refuses to write longer numbers as text (4300 digits); no key is that long.
_MAX_SECRET_BITS: Final = 8192


@dataclass(frozen=True)
class Finding:
    """One thing wrong at one place, before it is put into words for the reader."""

    place: Place
    message: str
    hint: str | None = None


@dataclass
class Tree:
    """A plain copy of what the user wrote; `digits` are the places of secrets that came as whole numbers."""

    root: Any
    findings: list[Finding] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)


def plain_tree(raw: Any, resolve_secret: Callable[[str], str]) -> Tree:
    """Copy `raw` into a plain tree, short forms written out and references resolved."""
    tree = Tree(None)
    tree.root = _Walker(tree, resolve_secret).walk(raw, ())
    return tree


class _Walker:
    def __init__(self, tree: Tree, resolve_secret: Callable[[str], str]) -> None:
        self._tree = tree
        self._resolve_secret = resolve_secret

    def _find(self, place: Place, message: str, hint: str | None = None) -> None:
        self._tree.findings.append(Finding(place, message, hint))

    def walk(self, value: Any, place: Place, inside: str = "") -> Any:  # noqa: PLR0911  one for each type
        """`inside` is the kind of free data around (`json`, `params` ...), empty where options stand."""
        if len(place) > _MAX_DEPTH:
            # only the outer 3 steps: the path of a ring says nothing more
            self._find(place[:3], f"expected at most {_MAX_DEPTH} levels, got more or an anchor that contains itself")
            return None
        kind = inside or kind_of_place(place)
        if not inside:
            value = self._written_out(value, place, kind)
        if _is_object(value):
            self._foreign(value, place)
            return None
        if isinstance(value, Mapping):
            if inside in _MAPPING_REFERENCES and set(value) == {"secret"} and isinstance(value["secret"], str):
                return self._resolve(value["secret"], place)
            return self._mapping(value, place, kind)
        if isinstance(value, list | tuple):
            return [self.walk(element, (*place, index), inside) for index, element in enumerate(value)]
        if isinstance(value, str):
            return self._text(str(value), place, inside)
        if value is None or isinstance(value, _PLAIN):
            return self._digits(value, place) if _is_secret_field(place) else value
        self._foreign(value, place)
        return None

    def _written_out(self, value: Any, place: Place, kind: str) -> Any:
        """The long form of a short form."""
        if kind == "auth" and isinstance(value, str):
            message = not_yet("credentials given as one word are")
            self._find(place, message, "write a mapping: `{type: bearer, token: ...}`")
            return None
        if not isinstance(value, str) or _REFERENCE.fullmatch(value):
            return value
        if kind == "resource" and place[0] == "resources":
            return {"name": value, "endpoint": {"path": value}}
        if kind == "endpoint":
            return {"path": value}
        return {"type": value} if kind == "paginator" else value

    def _mapping(self, value: Mapping[Any, Any], place: Place, kind: str) -> dict[str, Any]:
        free = kind if kind in _FREE else ""
        if kind == "headers" and place[0] == "client":
            free = "client headers"
        copy: dict[str, Any] = {}
        for key, element in value.items():
            if not isinstance(key, str):
                self._find((*place, str(key)), f"expected text as key, got {key!r}", f"put it in quotes: `'{key}'`")
                continue
            at = (*place, str(key))
            if key in NOT_YET.get(kind, ()):
                if element is not None and element is not False:
                    self._find(at, not_yet(f"`{key}` is"))
                continue
            if kind == "params" and _type_of(element) in NOT_YET["params type"]:
                self._find(at, not_yet(f"a parameter of type `{element['type']}` is"))
                continue
            if kind in {"params", "json"}:
                self._braces(key, at)
            copy[str(key)] = self.walk(element, at, free)
        if kind == "auth" and _type_of(copy) in NOT_YET["auth type"]:
            self._find(place, not_yet(f"auth of type `{copy['type']}` is"))
        return copy

    def _text(self, value: str, place: Place, inside: str) -> Any:
        reference = _REFERENCE.fullmatch(value)
        if reference is None:
            templated = "endpoint path" if kind_of_place(place[:-1]) == "endpoint" and place[-1] == "path" else inside
            if templated in _TEMPLATED:
                self._braces(value, place)
            return value
        if reference[1] == "config":
            self._find(place, not_yet("`dlt.config[...]` in a text is"), "write the value itself")
            return value
        return self._resolve(reference[3], place)

    def _resolve(self, name: str, place: Place) -> Secret:
        try:
            text = str(self._resolve_secret(name))
            if not text:
                self._find(place, f"expected the secret `{name}`, got empty text")
            return Secret(text)
        except LookupError as error:
            looked = str(error.args[0]) if error.args else ""
            self._find(place, f"expected the secret `{name}`, found none", looked or None)
            return Secret("")

    def _digits(self, value: Any, place: Place) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _MAX_SECRET_BITS:
            self._tree.digits.append(path_text(place))
            return Secret(str(value))
        return value

    def _braces(self, text: str, place: Place) -> None:
        try:
            split(text)
        except PlaceholderError as error:
            self._find(place, str(error), error.hint)

    def _foreign(self, value: Any, place: Place) -> None:
        owner = value if isinstance(value, type) else type(value)
        if _is_object(value):
            self._find(place, not_yet(f"`{owner.__name__}` objects are"), "write it as plain data")
        elif callable(value):
            self._find(place, not_yet("functions and classes in a configuration are"))
        else:
            self._find(place, f"expected plain data, got a `{owner.__name__}` object")


def _is_object(value: Any) -> bool:
    """Whether it is an object of dlt or requests; dlt's auth objects are mappings too, so this is asked first."""
    owner = value if isinstance(value, type) else type(value)
    return owner.__module__.partition(".")[0] in {"dlt", "requests"} and not isinstance(value, str)


def _type_of(value: Any) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _is_secret_field(place: Place) -> bool:
    return bool(place) and place[-1] in SECRET_FIELDS and kind_of_place(place[:-1]) == "auth"
