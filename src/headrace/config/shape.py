"""Fields of rows that an API spells in several ways: what they are called, and in which form they are stored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from headrace.config.field import Options, Scalar, expected, option


def _names(value: object) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise expected("the name of a field, or a list of names")
    return names


OtherNames = Annotated[list[str], PlainValidator(_names, json_schema_input_type=str | list[str])]


class FieldOptions(Options):
    """One field of the rows, at any depth; other names stand at the same level."""

    form: Literal["timestamp", "json", "text", "list"] | None = option(
        None,
        about="`timestamp`: a date in any spelling (RFC 2822, ISO 8601, Go's) or seconds or milliseconds since 1970; "
        "`json`: kept as JSON, text that holds JSON opened; `text`: numbers and objects as they are spelt; `list`: a "
        "lone value is a list of one",
        alias="as",
        dlt="ours",
        example="timestamp",
    )
    names: OtherNames | None = option(
        None, about="other names of the field, the first that is there", alias="from", dlt="ours", example="envelop"
    )
    default: Scalar | None = option(
        None, about="value of rows that lack the field, before its form; a row with null has it", dlt="ours", example=""
    )
    copy_of: Annotated[str, Field(min_length=1)] | None = option(
        None, about="another field, which is stored once more under this name", dlt="ours", example="timestamp"
    )
