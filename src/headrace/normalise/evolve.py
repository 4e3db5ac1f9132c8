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
    return pa.table(
        {name: _to_array([row.get(name) for row in rows], column, rules) for name, column in columns.items()}
    )


def conform(table: pa.Table, columns: Mapping[str, Column], rules: Rules) -> pa.Table:
    """`table` with exactly `columns` in their order and types: what it lacks is null.

    Raises `AnswerError` where a column may not be null: Arrow would keep the null, and fail when it is written.
    """
    arrays = []
    schema = pa.schema(
        [
            pa.field(name, rules.arrow_type(column), nullable=column.get("nullable", True))
            for name, column in columns.items()
        ]
    )
    for field in schema:
        index = table.schema.get_field_index(field.name)
        if index < 0:
            arrays.append(pa.nulls(table.num_rows, field.type))
        else:
            arrays.append(_cast(table.column(index), field.type))
        if not field.nullable and arrays[-1].null_count:
            raise AnswerError(
                f"expected a value in every row in column `{field.name}`, which is declared `nullable: false`, "
                f"got none in {arrays[-1].null_count} of {table.num_rows} rows"
            )
    return pa.Table.from_arrays(arrays, schema=schema)


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
    if pa.types.is_decimal(kind):
        values = [None if value is None else _rounded(Decimal(value), kind.scale) for value in values]
    return pa.array(values, kind)


def _rounded(value: Decimal, scale: int) -> Decimal:
    """`value` with `scale` digits after the point, half up, as the destination would round it."""
    return value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_WIDE)
