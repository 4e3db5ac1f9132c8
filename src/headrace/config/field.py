"""How one option is declared, and the value types that several options share.

An option is declared once, with `option(...)`: type, default, description, example, whether it is a secret, and where
it stands against dlt. The loader, the masks, the JSON Schema and the reference pages are made from that declaration.

Every value that may come in more than one form has ONE validator here. A pydantic union would give one error for each
member, and the reader would have to find out which of them was meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from headrace.errors import ConfigError
from headrace.jsonpath import compile_path
from headrace.secrets import Secret

#: A value of a parameter or query parameter.
Scalar: TypeAlias = str | int | float | bool

#: Python values that dlt users put into `params` and that `requests` sends as `str(value)`.
_SENT_AS_TEXT: Final = (date, time, Decimal, UUID)


class Options(BaseModel):
    """Base of all option models: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def option(
    default: Any = ...,
    *,
    about: str,
    example: Any = None,
    dlt: str = "same",
    secret: bool = False,
    also: str = "",
    **others: Any,
) -> Any:
    """Declare one option; without `default` it is required.

    `dlt` is `same`, `ours`, or `stricter: ` / `looser: ` with the reason. `also` names what may stand there beside
    plain data (`function`); no file can hold it. `others` are pydantic's (`ge`, `min_length`, `alias`).
    """
    extra: dict[str, Any] = {"dlt": dlt, "secret": secret, "also": also}
    examples = None if example is None else [example]
    return Field(default, description=about, examples=examples, json_schema_extra=extra, **others)


def expected(what: str, *, hint: str | None = None, show: bool = True) -> PydanticCustomError:
    """The error `expected {what}, got ...`; `show` false keeps the value itself out of the text."""
    return PydanticCustomError("expected", "expected {what}", {"what": what, "hint": hint, "show": show})


def told(message: str, *, hint: str | None = None) -> PydanticCustomError:
    """The error `message`, where more is to be said than what came."""
    return PydanticCustomError("told", "{message}", {"message": message, "hint": hint})


def nearest_word(value: object, known: Sequence[str]) -> str | None:
    """The known word that may have been meant."""
    found = get_close_matches(value.lower(), known, n=1, cutoff=0.6) if isinstance(value, str) else []
    return found[0] if found else None


def nearest(value: object, known: Sequence[str]) -> str | None:
    """The hint that names the known word that may have been meant."""
    word = nearest_word(value, known)
    return f"did you mean `{word}`?" if word else None


def _secret(value: object) -> Secret:
    """Whole numbers are taken by `reference.validate`, which warns and names the place."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and value:
        return Secret(value)
    raise expected("a secret as text or as a reference", show=False)


def _password(value: object) -> Secret:
    """Some APIs take a key as user, with no password."""
    return Secret("") if value == "" else _secret(value)


def _user(value: object) -> str | Secret:
    """Some APIs take a key as password, with no user."""
    return "" if value == "" else _text_or_secret(value)


def _text_or_secret(value: object) -> str | Secret:
    if isinstance(value, Secret) or (isinstance(value, str) and value):
        return value
    raise expected("text")


def _header(value: object) -> str | Secret | None:
    if value is None or isinstance(value, str | Secret):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise expected("text", show=False)


def _query_value(value: object) -> Any:
    """A value of `endpoint.params`: None is not sent, a list is sent as the same name several times."""
    if isinstance(value, list):
        return [_query_scalar(element) for element in value]
    return _query_scalar(value)


def _query_scalar(value: object) -> Any:
    if value is None or isinstance(value, str | int | float | bool | Secret):
        return value
    if isinstance(value, _SENT_AS_TEXT):
        return str(value)
    raise expected("text, a number, true or false, or a list of these")


def _parameter_value(value: object) -> Any:
    """A value of the top-level `params`: one scalar, or a list of them for one call each."""
    elements = value if isinstance(value, list) else [value]
    if not elements or not all(isinstance(element, str | int | float | bool) for element in elements):
        raise expected("text, a number, or a list of these that is not empty")
    return value


def _included(value: object) -> Any:
    """Fields of a parent's row: their names, or the names of their columns beside them."""
    names = [*value, *value.values()] if isinstance(value, Mapping) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise expected("a list of fields, or a mapping of fields to columns, like `{id: account_id}`")
    return value


def _body(value: object) -> Any:
    """A form, or a body as it is; pairs keep their order and may repeat a name."""
    if isinstance(value, str | bytes | Mapping):
        return value
    if isinstance(value, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        return [tuple(pair) for pair in value]
    raise expected("a mapping, a list of pairs, text or bytes", show=False)


def _json_path(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise expected("a path in the answer, like `data.items`")
    try:
        compile_path(value)
    except ConfigError as error:
        raise expected("a JSONPath, like `data.items` or `$.results[*]`") from error
    return value


def _json_path_or_none(value: object) -> str | None:
    """Empty text is none, as in dlt."""
    return None if value is None or value == "" else _json_path(value)


def _base_url(value: object) -> str:
    """An absolute address without credentials, query or fragment; a slash at the end makes no difference."""
    if not isinstance(value, str) or not value.strip():
        raise expected("the address of the API, like `https://api.example.com`")
    text = value.strip()
    if "{" in text or "}" in text:
        raise expected("an address without placeholders", hint="put placeholders into `path`")
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise expected("a valid address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        bare = text.partition("://")[2] or text
        show = "@" not in text
        raise expected(
            "an address with `https://`", hint=f"write `https://{bare.lstrip('/')}`" if show else None, show=show
        )
    if parts.username is not None or parts.password is not None:
        raise expected("an address without user and password", hint="put them into `client.auth`", show=False)
    if parts.query or parts.fragment:
        raise expected("an address without `?` or `#`", hint="put query parameters into `endpoint.params`", show=False)
    return text


_SecretForm: TypeAlias = str | dict[str, str]

#: Text that is not empty.
Name = Annotated[str, Field(min_length=1)]
SecretText = Annotated[Secret, PlainValidator(_secret, json_schema_input_type=_SecretForm)]
TextOrSecret = Annotated[str | Secret, PlainValidator(_text_or_secret, json_schema_input_type=_SecretForm)]
Password = Annotated[Secret, PlainValidator(_password, json_schema_input_type=_SecretForm)]
User = Annotated[str | Secret, PlainValidator(_user, json_schema_input_type=_SecretForm)]
HeaderValue = Annotated[str | Secret | None, PlainValidator(_header, json_schema_input_type=_SecretForm)]
QueryValue = Annotated[Any, PlainValidator(_query_value, json_schema_input_type=Any)]
Body = Annotated[
    dict[str, Any] | list[tuple[Any, Any]] | str | bytes,
    PlainValidator(_body, json_schema_input_type=dict[str, Any] | list[tuple[str, Any]] | str),
]
ParameterValue = Annotated[
    Scalar | list[Scalar], PlainValidator(_parameter_value, json_schema_input_type=Scalar | list[Scalar])
]
IncludedFields = Annotated[
    list[str] | dict[str, str], PlainValidator(_included, json_schema_input_type=list[str] | dict[str, str])
]
JsonPathText = Annotated[str, PlainValidator(_json_path, json_schema_input_type=str)]
OptionalPathText = Annotated[str | None, PlainValidator(_json_path_or_none, json_schema_input_type=str | None)]
BaseUrl = Annotated[str, PlainValidator(_base_url, json_schema_input_type=str)]
