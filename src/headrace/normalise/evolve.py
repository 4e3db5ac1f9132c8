"""Tables whose columns grow while they are read: rows of the exact path as Arrow, all parts in the final columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

import pyarrow as pa

from headrace.errors import AnswerError
from headrace.normalise.rules import Column, Rules

#: Digits enough for any decimal that Arrow holds.
_WIDE: Final = Context(prec=80)


def rows_to_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column], rules: Rules) -> pa.Table:
    """Rows as dlt's normaliser made them, as one Arrow table with all `columns`, null where a row lacks one."""
    return values_to_table({name: [row.get(name) for row in rows] for name in columns}, columns, rules)


def values_to_table(values: Mapping[str, list[Any]], columns: Mapping[str, Column], rules: Rules) -> pa.Table:
    """The values of all `columns`, as Python has them, as one Arrow table."""
    return pa.table({name: _to_array(values[name], column, rules) for name, column in columns.items()})


def arrow_schema(columns: Mapping[str, Column], rules: Rules) -> pa.Schema:
    """`columns` as Arrow has them."""
    return pa.schema(
        [
            pa.field(name, rules.arrow_type(column), nullable=column.get("nullable", True))
            for name, column in columns.items()
        ]
    )


def conform(table: pa.Table, schema: pa.Schema, constants: Mapping[str, str] | None = None) -> pa.Table:
    """`table` with exactly the columns of `schema`: what it lacks has the value in `constants`, or is null.

    Raises `AnswerError` where a column may not be null: Arrow would keep the null, and fail when it is written.
    """
    fitted = fit(table, schema, constants)
    for wanted, got in zip(schema, fitted.schema, strict=True):
        if got.nullable and not wanted.nullable:
            raise AnswerError(
                f"expected a value in every row in column `{got.name}`, which is declared `nullable: false`, "
                f"got none in {fitted.column(got.name).null_count} of {table.num_rows} rows"
            )
    return fitted


def fit(table: pa.Table, schema: pa.Schema, constants: Mapping[str, str] | None = None) -> pa.Table:
    """The same, but a column that may not be null is one that may where a row has none."""
    columns, fields = [], []
    for field in schema:
        at = table.schema.get_field_index(field.name)
        if at >= 0:
            values = _cast(table.column(at), field.type)
        elif constants and field.name in constants:
            values = pa.repeat(constants[field.name], table.num_rows)
        else:
            values = pa.nulls(table.num_rows, field.type)
        columns.append(values)
        fields.append(field if field.nullable or not values.null_count else field.with_nullable(nullable=True))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Parts of one table as one: null where a part lacks a column, doubles where some have integers."""
    try:
        return pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        doubles = {field.name for table in tables for field in table.schema if pa.types.is_floating(field.type)}
        return pa.concat_tables([_widened(table, doubles) for table in tables], promote_options="default")


def _widened(table: pa.Table, names: Collection[str]) -> pa.Table:
    for at, field in enumerate(table.schema):
        if field.name in names:
            table = table.set_column(at, field.name, _cast(table.column(at), pa.float64()))
    return table


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """`values` as `kind`; an integer becomes the nearest double, as it does in dlt."""
    return values.cast(kind, safe=not (pa.types.is_integer(values.type) and pa.types.is_floating(kind)))


def _to_array(values: list[Any], column: Column, rules: Rules) -> pa.Array:
    kind = rules.arrow_type(column)
    if column["data_type"] == "json":
        values = [None if value is None else rules.json_text(value) for value in values]
    elif column["data_type"] == "text":
        values = [value if value is None or type(value) is str else str(value) for value in values]
    elif column["data_type"] == "double":  # a column that widened may have integers, of which Arrow takes few
        values = [float(value) if type(value) is int else value for value in values]
    if pa.types.is_decimal(kind):
        values = [None if value is None else _rounded(Decimal(value), kind.scale) for value in values]
    return pa.array(values, kind)


def _rounded(value: Decimal, scale: int) -> Decimal:
    """`value` with `scale` digits after the point, half up, as the destination would round it."""
    return value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_WIDE)
