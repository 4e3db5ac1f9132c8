"""Values that are no plain data: objects, names of kinds that only dlt knows, credentials that dlt looks up.

What becomes of them is the caller's business (`adopt`): a mapping in our options, a `Foreign`, or None when it does not
know the value either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from headrace.config.field import nearest
from headrace.config.foreign import Foreign, ReadyResource
from headrace.config.function import is_function
from headrace.config.kinds import AUTH_KINDS, PAGING_KINDS
from headrace.secrets import Secret

#: `adopt(family, value)`; raises `LookupError` with the places where it looked for credentials in vain, and
#: `ValueError` with a text for the reader (without a secret) when it knows the value and cannot take it.
Adopt: TypeAlias = Callable[[str, Any], Any]

#: Kind of place -> the family of values that may stand there.
FAMILIES: Final[Mapping[str, str]] = {
    "auth": "auth",
    "paginator": "paginator",
    "session": "session",
    "resource": "resource",
    "param": "incremental",
}
_EXPECTED: Final[Mapping[str, str]] = {
    "auth": "credentials: a mapping, the name of a kind, or an auth object of dlt's",
    "paginator": "a paginator: a mapping, the name of a kind, or a paginator object of dlt's",
    "session": "a `requests` session",
    "resource": "a mapping, text, or a dlt resource",
    "incremental": "a value to send, or an `Incremental` of dlt's",
}


class NotAdoptedError(Exception):
    """Nobody knows the value; `message` and `hint` are for the reader."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def is_object(value: Any) -> bool:
    """Whether it is an object of dlt or requests, or of a class made from theirs.

    dlt's auth objects are mappings too, so this is asked before anything else is.
    """
    owner = value if isinstance(value, type) else type(value)
    modules = {base.__module__.partition(".")[0] for base in owner.__mro__}
    return bool(modules & {"dlt", "requests"}) and not isinstance(value, str)


def long_form(kind: str, value: Any, adopt: Adopt | None) -> Any:
    """A value of a place of `kind` as a plain mapping, a `Foreign`, or as it is when its model is to judge it.

    Raises `NotAdoptedError`.
    """
    family = FAMILIES[kind]
    if value is None or isinstance(value, Foreign | ReadyResource):
        return value
    if isinstance(value, Mapping) and not is_object(value):
        return _known_elsewhere(family, value, adopt)
    if isinstance(value, str):
        return _word(family, value, adopt)
    if isinstance(value, bool | int | float | list | tuple):
        return value
    found = _ask(adopt, family, value)
    if found is None:
        raise NotAdoptedError(f"expected {_EXPECTED[family]}, got {what(value)}", _hint(value))
    if family == "resource":
        return ReadyResource(name=found.name, resource=found)
    return found


def what(value: Any) -> str:
    """An object by its class, for messages."""
    if isinstance(value, type):
        return f"the class `{value.__name__}`"
    if is_function(value) and not is_object(value):
        return "a function"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} `{name}` object"


def _hint(value: Any) -> str | None:
    return f"an object is made by a call: `{value.__name__}(...)`" if isinstance(value, type) else None


def _ask(adopt: Adopt | None, family: str, value: Any) -> Any:
    if adopt is None:
        return None
    try:
        return adopt(family, value)
    except LookupError as error:
        looked = str(error.args[0]) if error.args else None
        raise NotAdoptedError("expected credentials in the configuration of dlt, found none", looked) from None
    except ValueError as error:
        # an auth object's own words may name its values
        message = "expected options that this auth takes, got others" if family == "auth" else str(error)
        raise NotAdoptedError(message) from None


def _word(family: str, word: str, adopt: Adopt | None) -> Any:
    if family == "resource":
        return {"name": word, "endpoint": {"path": word}}
    if family == "paginator" and word in PAGING_KINDS:
        return {"type": word}
    found = _ask(adopt, family, word)
    if found is not None:
        return found
    if family == "paginator":
        return {"type": word}
    if family == "auth":
        raise _unknown_auth(word)
    raise NotAdoptedError(f"expected {_EXPECTED[family]}, got text")


def _unknown_auth(word: str) -> NotAdoptedError:
    """The word may be a key that somebody wrote there: only what is a kind, or nearly, is shown."""
    if word in AUTH_KINDS:
        return NotAdoptedError(
            f"expected credentials for `{word}`, got its name alone", f"{_MAPPING} `{{type: {word}, ...}}`"
        )
    near = nearest(word, tuple(AUTH_KINDS))
    return NotAdoptedError(
        "expected credentials as a mapping, or the name of a kind, got text",
        near or f"{_MAPPING} `{{type: bearer, token: ...}}`",
    )


_MAPPING: Final = "write a mapping:"


def _known_elsewhere(family: str, value: Mapping[str, Any], adopt: Adopt | None) -> Any:
    """A mapping whose kind, or whose missing values, others may know."""
    kinds = {"auth": AUTH_KINDS, "paginator": PAGING_KINDS}.get(family)
    if kinds is None or not value:
        return value
    kind = value.get("type", "bearer" if family == "auth" else None)
    if not isinstance(kind, str):
        return value
    if kind in kinds and not _lacks(kinds[kind], value):
        return value
    found = _ask(adopt, family, _revealed(value))
    return value if found is None else found


def _lacks(model: Any, value: Mapping[str, Any]) -> bool:
    """Whether dlt would look for a value in its configuration, or gets an object that our options do not have."""
    required = {name for name, field in model.model_fields.items() if field.is_required() and name != "type"}
    return "session" in value or (bool(required - set(value)) and set(value) <= set(model.model_fields))


def _revealed(value: Any) -> Any:
    """Plain data as dlt takes it: secrets are texts."""
    if isinstance(value, Mapping):
        return {key: _revealed(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_revealed(element) for element in value]
    return value.reveal() if isinstance(value, Secret) else value
