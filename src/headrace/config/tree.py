"""From what the user wrote to a plain tree that the option models can check.

Four things happen here, because a model sees a value without its place:

* references become secrets and settings; digits in a secret field become text, and the place is remembered for a
  warning;
* short forms become mappings (a resource that is a text, an endpoint that is a path, a paginator that is a name);
* objects are taken over where they may stand (see `adopt`), and are reported elsewhere; functions too;
* braces are checked where placeholders may stand.

A finding here silences what the models say about the same place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from headrace.config.adopt import FAMILIES, Adopt, NotAdoptedError, is_object, long_form, what
from headrace.config.field import nearest
from headrace.config.foreign import Foreign, ReadyResource
from headrace.config.function import is_function
from headrace.config.options import PARAM_KINDS, SECRET_FIELDS
from headrace.config.place import Finding, Place, kind_of_place, path_text
from headrace.config.placeholder import PlaceholderError, parse
from headrace.secrets import Secret

_REFERENCE: Final = re.compile(r"""\s*dlt\.(secrets|config)\[\s*(["'])(.+?)\2\s*\]\s*""")
#: Free data in which `{secret: x}` is a reference; elsewhere it is data.
_MAPPING_REFERENCES: Final = frozenset({"auth", "headers", "client headers", "params"})
#: Free data whose texts, keys too, may hold placeholders (client headers may not, as in dlt).
_TEMPLATED: Final = frozenset({"params", "headers", "json", "data"})
#: Kinds of place whose keys are the user's own, so that nothing inside is an option.
_FREE: Final = frozenset({*_TEMPLATED, "client headers", "auth"})
#: Kinds of place in which functions and objects pass, for the models to judge.
_OPEN: Final = frozenset(
    {
        "hint",
        "columns",
        "column",
        "write_disposition",
        "schema_contract",
        "nested hints",
        "steps",
        "step",
        "actions",
        "action",
        "incremental",
        "windows",
    }
)
_PLAIN: Final = (str, bool, int, float, Secret, date, time, Decimal, UUID)
#: Deeper data is a mistake, or a YAML anchor that contains itself.
_MAX_DEPTH: Final = 64
#: Python refuses to write longer numbers as text (4300 digits); no key is that long.
_MAX_SECRET_BITS: Final = 8192

ResolveSecret: TypeAlias = Callable[[str], str]
ResolveSetting: TypeAlias = Callable[[str], Any]


@dataclass
class Tree:
    """A plain copy of what the user wrote; `digits` are the places of secrets that came as whole numbers."""

    root: Any
    findings: list[Finding] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)


def plain_tree(
    raw: Any,
    resolve_secret: ResolveSecret,
    *,
    resolve_setting: ResolveSetting | None = None,
    adopt: Adopt | None = None,
) -> Tree:
    """Copy `raw` into a plain tree, short forms written out, references resolved, objects taken over."""
    tree = Tree(None)
    tree.root = _Walker(tree, resolve_secret, resolve_setting, adopt).walk(raw, ())
    return tree


class _Walker:
    def __init__(
        self, tree: Tree, resolve_secret: ResolveSecret, resolve_setting: ResolveSetting | None, adopt: Adopt | None
    ) -> None:
        self._tree = tree
        self._resolve_secret = resolve_secret
        self._resolve_setting = resolve_setting
        self._adopt = adopt

    def _find(self, place: Place, message: str, hint: str | None = None) -> None:
        self._tree.findings.append(Finding(place, message, hint))

    def walk(self, value: Any, place: Place, inside: str = "") -> Any:
        """`inside` is the kind of free data around (`json`, `params`, `open` ...), empty where options stand."""
        if len(place) > _MAX_DEPTH:
            # only the outer 3 steps: the path of a ring says nothing more
            self._find(place[:3], f"expected at most {_MAX_DEPTH} levels, got more or an anchor that contains itself")
            return None
        if isinstance(value, str):
            value = self._reference(str.__str__(value), place)
        kind = inside or kind_of_place(place)
        if not inside:
            value = self._written_out(value, place, kind)
        if isinstance(value, Foreign | ReadyResource):
            return value
        if isinstance(value, Mapping) and not is_object(value):
            if inside in _MAPPING_REFERENCES and set(value) == {"secret"} and isinstance(value["secret"], str):
                return self._secret(value["secret"], place)
            return self._mapping(value, place, kind)
        if isinstance(value, list | tuple):
            copy = [self.walk(element, (*place, index), inside) for index, element in enumerate(value)]
            return tuple(copy) if inside == "open" and isinstance(value, tuple) else copy
        return self._leaf(value, place, "open" if kind in _OPEN else kind)

    def _written_out(self, value: Any, place: Place, kind: str) -> Any:
        """The long form of a short form, and what stands for an object."""
        if kind == "endpoint" and isinstance(value, str):
            return {"path": value}
        if kind == "action" and is_function(value):
            return {"action": value}
        if kind == "param" or kind not in FAMILIES or isinstance(value, Secret):
            return value
        if kind == "resource" and place[0] != "resources":
            return value
        return self._taken_over(value, place, kind)

    def _taken_over(self, value: Any, place: Place, kind: str) -> Any:
        if kind == "auth" and isinstance(value, Mapping) and not is_object(value):
            # the others get it with its references resolved; the second walk finds nothing more
            value = self._mapping(value, place, kind)
        try:
            return long_form(kind, value, self._adopt)
        except NotAdoptedError as error:
            self._find(place, error.message, error.hint)
            return None

    def _mapping(self, value: Mapping[Any, Any], place: Place, kind: str) -> dict[str, Any]:
        inside = kind if kind in _FREE else "open" if kind in _OPEN or kind == "open" else ""
        copy: dict[str, Any] = {}
        for key, element in value.items():
            if not isinstance(key, str):
                hint = f"put it in quotes: `'{key}'`" if isinstance(key, int | float) else None
                self._find((*place, str(key)), f"expected text as key, got {key!r}", hint)
                continue
            at = (*place, str(key))
            if kind in _TEMPLATED:
                self._braces(key, at)
            copy[str(key)] = self._param(element, at) if kind == "params" else self.walk(element, at, inside)
        return copy

    def _param(self, value: Any, place: Place) -> Any:
        """A value of `params`: something to send, a field of a parent, or a watermark."""
        if isinstance(value, Mapping) and not is_object(value) and set(value) != {"secret"}:
            kind = value.get("type")
            if isinstance(kind, str) and kind in PARAM_KINDS:
                return self.walk(value, place, "open")
            known = " or ".join(f"`type: {name}`" for name in PARAM_KINDS)
            self._find(
                place,
                f"expected a value to send, or a mapping with {known}, got another mapping",
                nearest(kind, tuple(PARAM_KINDS)),
            )
            return None
        if is_object(value) or not (value is None or isinstance(value, (*_PLAIN, Mapping, list, tuple))):
            return self._taken_over(value, place, "param")
        return self.walk(value, place, "params")

    def _leaf(self, value: Any, place: Place, kind: str) -> Any:
        """`kind` is that of the free data around, or of the place itself."""
        if isinstance(value, str):
            if kind in _TEMPLATED or kind == "path":
                self._braces(value, place)
            return value
        if value is None or isinstance(value, _PLAIN):
            return self._digits(value, place) if _is_secret_field(place) else value
        if type(value).__module__.partition(".")[0] == "jsonpath_ng":
            return self._compiled_path(value, place)
        if kind == "open" or (kind == "data" and isinstance(value, bytes)):
            return value
        self._find(place, f"expected plain data, got {what(value)}")
        return None

    def _compiled_path(self, path: Any, place: Place) -> str:
        """A compiled path as text; dlt takes either wherever it takes one."""
        from jsonpath_ng.ext import parse as compile_path  # late: 60 ms

        text = str(path)
        try:
            same = compile_path(text) == path
        except Exception:  # noqa: BLE001  jsonpath-ng raises bare exceptions; not every path has a text that it reads
            same = False
        if not same:
            self._find(place, "expected a path as text, got a compiled one that has none")
        return text

    def _reference(self, value: str, place: Place) -> Any:
        """What a text refers to, or the text."""
        reference = _REFERENCE.fullmatch(value)
        if reference is None:
            return value
        if reference[1] == "secrets":
            return self._secret(reference[3], place)
        return self._setting(reference[3], place)

    def _secret(self, name: str, place: Place) -> Secret:
        try:
            text = str(self._resolve_secret(name))
            if not text:
                self._find(place, f"expected the secret `{name}`, got empty text")
            return Secret(text, name)
        except LookupError as error:
            looked = str(error.args[0]) if error.args else ""
            self._find(place, f"expected the secret `{name}`, found none", looked or None)
            return Secret("")

    def _setting(self, name: str, place: Place) -> Any:
        if self._resolve_setting is None:
            self._find(place, f"expected the value itself, got a reference to the setting `{name}`")
            return None
        try:
            return self._resolve_setting(name)
        except LookupError as error:
            looked = str(error.args[0]) if error.args else ""
            self._find(place, f"expected the setting `{name}`, found none", looked or None)
            return None

    def _digits(self, value: Any, place: Place) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _MAX_SECRET_BITS:
            self._tree.digits.append(path_text(place))
            return Secret(str(value))
        return value

    def _braces(self, text: str, place: Place) -> None:
        try:
            parse(text)
        except PlaceholderError as error:
            self._find(place, str(error), error.hint)


def _is_secret_field(place: Place) -> bool:
    return bool(place) and place[-1] in SECRET_FIELDS and kind_of_place(place[:-1]) == "auth"
