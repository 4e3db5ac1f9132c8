"""Hints that are dlt's own business: checked as far as dlt checks them, and handed over as they came.

Nearly each of them may be a function of the row in place of a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import PlainValidator, WrapValidator, model_validator

from headrace.config.column import Columns
from headrace.config.field import Name, Options, expected, nearest, option, told
from headrace.config.function import OrFunction

Check = Callable[[Any], Any]

Disposition = Literal["append", "replace", "merge", "skip"]
Strategy = Literal["delete-insert", "scd2", "upsert", "insert-only", "cdc"]
Evolution = Literal["evolve", "discard_value", "freeze", "discard_row"]
TableFormat = Literal["iceberg", "delta", "hive", "native"]
FileFormat = Literal["preferred", "jsonl", "typed-jsonl", "insert_values", "parquet", "csv", "reference", "model"]

#: Strategy of a merge -> the keys that it takes (dlt/common/schema/typing.py, `T...StrategyDict`).
STRATEGIES: Final[Mapping[str, frozenset[str]]] = {
    "delete-insert": frozenset({"deduplicated", "source_filter", "destination_scope"}),
    "scd2": frozenset(
        {
            "validity_column_names",
            "active_record_timestamp",
            "boundary_timestamp",
            "row_version_column_name",
            "source_filter",
            "destination_scope",
        }
    ),
    "upsert": frozenset({"skip_unchanged_rows", "row_version_column_name", "source_filter"}),
    "insert-only": frozenset(),
    "cdc": frozenset({"skip_unchanged_rows", "row_version_column_name", "source_filter", "destination_scope"}),
}


def _names(value: object) -> str | list[str]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list | tuple) and all(isinstance(element, str) and element for element in value):
        return list(value)
    raise expected("a column name or a list of column names")


def _word_or_mapping(words: tuple[str, ...], what: str) -> Callable[[Any, Check], Any]:
    """A validator for a hint that is one of `words` or a mapping; both are handed over as they came."""

    def validate(value: Any, check: Check) -> Any:
        if isinstance(value, Mapping):
            check(value)
        elif not (isinstance(value, str) and value in words):
            raise expected(f"{what}, one of {', '.join(words)}", hint=nearest(value, words))
        return value

    return validate


def _as_it_came(value: Any, check: Check) -> Any:
    """A mapping that a model has checked, and not the model."""
    check(value)
    return value


class DispositionOptions(Options):
    """A write disposition in its long form."""

    disposition: Disposition = option(about="what a load does with the rows of the table", example="merge")
    strategy: Strategy | None = option(None, about="how rows are merged", example="upsert")
    deduplicated: bool | None = option(None, about="keys are distinct already (`delete-insert`)")
    validity_column_names: list[str] | None = option(None, about="names of the two columns of validity (`scd2`)")
    active_record_timestamp: Any = option(None, about="end of validity of a row that holds (`scd2`)")
    boundary_timestamp: Any = option(None, about="the moment between two versions of a row (`scd2`)")
    row_version_column_name: str | None = option(None, about="column that changes with the row")
    source_filter: str | None = option(None, about="SQL condition for the rows that are merged")
    destination_scope: str | None = option(None, about="SQL condition for rows that may be deleted or retired")
    skip_unchanged_rows: bool | None = option(None, about="equal rows are not written again")

    @model_validator(mode="after")
    def _keys_of_the_strategy(self) -> DispositionOptions:
        allowed = {"disposition", "strategy", *STRATEGIES.get(self.strategy or "", ())}
        wrong = next((name for name in type(self).model_fields if name in self.model_fields_set - allowed), None)
        if wrong is not None:
            takers = [f"`{strategy}`" for strategy, keys in STRATEGIES.items() if wrong in keys]
            raise told(f"expected no `{wrong}` for this strategy", hint=f"it belongs to {', '.join(takers)}")
        return self


class ContractOptions(Options):
    """A schema contract in its long form."""

    tables: Evolution | None = option(None, about="new tables", example="evolve")
    columns: Evolution | None = option(None, about="new columns", example="freeze")
    data_type: Evolution | None = option(None, about="values of another type", example="discard_value")


Names = Annotated[str | list[str], PlainValidator(_names, json_schema_input_type=str | list[str])]
WriteDisposition = Annotated[
    DispositionOptions,
    WrapValidator(
        _word_or_mapping(get_args(Disposition), "a write disposition"),
        json_schema_input_type=Disposition | DispositionOptions,
    ),
]
Contract = Annotated[
    ContractOptions,
    WrapValidator(
        _word_or_mapping(get_args(Evolution), "a schema contract"), json_schema_input_type=Evolution | ContractOptions
    ),
]
References = list[dict[str, Any]]


class TableHints(Options):
    """Hints of one table."""

    write_disposition: Annotated[WriteDisposition, OrFunction] | None = option(
        None,
        about="append, replace, merge or skip, or a mapping with `disposition`; dlt's default is append",
        example="merge",
        also="function",
    )
    primary_key: Annotated[Names, OrFunction] | None = option(
        None, about="column or columns that identify a row", example="id", also="function"
    )
    merge_key: Annotated[Names, OrFunction] | None = option(
        None, about="column or columns whose rows are replaced together", example="day", also="function"
    )
    columns: Annotated[Columns, OrFunction] | None = option(
        None,
        about="column hints, as dlt takes them",
        also="pydantic model or function",
        example={"created_at": {"data_type": "timestamp"}},
    )
    references: Annotated[References, OrFunction] | None = option(
        None, about="references to other tables, as dlt takes them", also="function"
    )
    schema_contract: Annotated[Contract, OrFunction] | None = option(
        None, about="what becomes of tables, columns and types that are new", example="evolve", also="function"
    )
    table_format: Annotated[TableFormat, OrFunction] | None = option(
        None, about="format of the table, where a destination has several", example="iceberg", also="function"
    )
    file_format: Annotated[FileFormat, OrFunction] | None = option(
        None, about="format of the files that are loaded", example="parquet", also="function"
    )


class NestedHints(TableHints):
    """Hints of one nested table."""

    parent_table_name: Annotated[Name, OrFunction] | None = option(
        None, about="the table above, where none has rows", also="function"
    )


#: By name of the nested table.
AllNestedHints = dict[str, Annotated[NestedHints, WrapValidator(_as_it_came)]]
