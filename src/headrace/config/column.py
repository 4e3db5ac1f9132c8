"""Column hints: checked as dlt checks them when it makes the table, and handed over as they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, PlainValidator, Tag, WrapValidator, model_validator
from pydantic.json_schema import SkipJsonSchema

from headrace.config.field import Name, Options, expected, option

DataType = Literal["text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"]


class ColumnHints(Options):
    """Hints of one column; keys that begin with `x-` pass as they are."""

    data_type: DataType | None = option(None, about="type of the column; found from the values when absent")
    nullable: bool | None = option(None, about="whether it may be null")
    precision: int | None = option(None, about="digits, bits or bytes, as the type has it", example=38)
    scale: int | None = option(None, about="digits after the point", example=9)
    timezone: bool | None = option(None, about="whether a timestamp has a zone")
    description: str | None = option(None, about="what stands in it")
    primary_key: bool | None = option(None, about="part of the key that identifies a row")
    merge_key: bool | None = option(None, about="part of the key whose rows are replaced together")
    unique: bool | None = option(None, about="no value comes twice")
    sort: bool | None = option(None, about="rows are sorted by it, where a destination does that")
    partition: bool | None = option(None, about="the table is partitioned by it, where a destination does that")
    cluster: bool | None = option(None, about="the table is clustered by it, where a destination does that")
    hard_delete: bool | None = option(None, about="rows in which it is set are deleted by a merge")
    dedup_sort: Literal["asc", "desc"] | None = option(None, about="which of rows with one key a merge keeps")
    incremental: bool | None = option(None, about="marks the cursor; set by dlt")
    row_key: bool | None = option(None, about="marks the id of a row; set by dlt")
    parent_key: bool | None = option(None, about="marks the id of the row above; set by dlt")
    root_key: bool | None = option(None, about="marks the id of the row at the top; set by dlt")
    variant: bool | None = option(None, about="marks values of another type; set by dlt")
    name: Name | None = option(None, about="name of the column; in a list of columns it is required")

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, hints: Any) -> Any:
        if not isinstance(hints, Mapping):
            return hints
        return {key: value for key, value in hints.items() if not str(key).startswith("x-")}


class NamedColumnHints(ColumnHints):
    """Hints of one column in a list."""

    name: Name = option(about="name of the column")


def _as_it_came(value: Any, check: Callable[[Any], Any]) -> Any:
    """A mapping that a model has checked, and not the model."""
    check(value)
    return value


def _other(value: object) -> Any:
    """A pydantic model or an Arrow schema passes: dlt reads columns out of it."""
    if isinstance(value, tuple) and all(isinstance(column, Mapping) and "name" in column for column in value):
        return value
    if value is None or isinstance(value, str | bytes | int | float | tuple):
        raise expected("column hints: a mapping of column name to hints, or a list of mappings that have a `name`")
    return value


def _form(value: Any) -> str:
    return "<by name>" if isinstance(value, Mapping) else "<in a list>" if isinstance(value, list) else "<other>"


Column = Annotated[ColumnHints, WrapValidator(_as_it_came)]
NamedColumn = Annotated[NamedColumnHints, WrapValidator(_as_it_came)]
Columns = Annotated[
    Annotated[dict[str, Column], Tag("<by name>")]
    | Annotated[list[NamedColumn], Tag("<in a list>")]
    | Annotated[SkipJsonSchema[Annotated[Any, PlainValidator(_other)]], Tag("<other>")],
    Discriminator(_form),
]
