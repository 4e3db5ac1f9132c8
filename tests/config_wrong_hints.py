"""Mistakes in the options of a resource beside its endpoint."""

from __future__ import annotations

from dlt.common.schema import typing as schema

from config_rows import ENDPOINT, RESOURCE, Row, fails, resource

NAMES_OF_HINTS = ["write_disposition", "primary_key", "merge_key", "columns", "schema_contract", "references"]
#: Older releases of dlt do not look at the keys of a strategy.
DROPPED = "" if hasattr(schema, "MERGE_STRATEGY_OPTIONS") else "dropped"

OF_HINTS = [
    Row("resource key", resource(primary_kye="id"), ((f"{RESOURCE}.primary_kye", "did you mean `primary_key`"),)),
    Row("key of another", resource(data_selector="x"), ((f"{RESOURCE}.data_selector", "an option of `endpoint`"),)),
    Row("nested key above", resource(parent_table_name="x"), ((f"{RESOURCE}.parent_table_name", "`nested_hints`"),)),
    Row("endpoint type", resource(endpoint=5), ((ENDPOINT, "expected a mapping or text", "got 5"),)),
    Row("disposition", resource(write_disposition="merg"), ((f"{RESOURCE}.write_disposition", "`merge`"),)),
    Row(
        "strategy",
        resource(write_disposition={"disposition": "merge", "strategy": "upsrt"}),
        ((f"{RESOURCE}.write_disposition.strategy", "did you mean `upsert`?"),),
    ),
    Row(
        "key of another strategy",
        resource(write_disposition={"disposition": "merge", "strategy": "upsert", "validity_column_names": ["a", "b"]}),
        ((f"{RESOURCE}.write_disposition", "no `validity_column_names`", "`scd2`"),),
        dlt=DROPPED,
    ),
    Row(
        "disposition key",
        resource(write_disposition={"disposition": "merge", "stratgy": "upsert"}),
        ((f"{RESOURCE}.write_disposition.stratgy", "did you mean `strategy`?"),),
    ),
    Row(
        "no disposition",
        resource(write_disposition={"strategy": "upsert"}),
        ((f"{RESOURCE}.write_disposition.disposition", "expected `disposition`"),),
    ),
    Row("key type", resource(primary_key=5), ((f"{RESOURCE}.primary_key", "expected a column name", "got 5"),)),
    Row("merge key type", resource(merge_key={}), ((f"{RESOURCE}.merge_key", "got an empty mapping"),)),
    Row(
        "columns without name",
        resource(columns=[{"data_type": "text"}]),
        ((f"{RESOURCE}.columns[0].name", "expected `name`"),),
    ),
    Row("contract", resource(schema_contract="freez"), ((f"{RESOURCE}.schema_contract", "did you mean `freeze`?"),)),
    Row(
        "contract key",
        resource(schema_contract={"table": "freeze"}),
        ((f"{RESOURCE}.schema_contract.table", "did you mean `tables`?"),),
    ),
    Row(
        "contract value",
        resource(schema_contract={"tables": "discard"}),
        ((f"{RESOURCE}.schema_contract.tables", "expected `evolve`", "got 'discard'"),),
    ),
    Row("table format", resource(table_format="icebrg"), ((f"{RESOURCE}.table_format", "did you mean `iceberg`?"),)),
    Row("file format", resource(file_format="parqet"), ((f"{RESOURCE}.file_format", "did you mean `parquet`?"),)),
    Row("references", resource(references="users"), ((f"{RESOURCE}.references", "expected a list"),)),
    Row("nested hints", resource(nested_hints=["tags"]), ((f"{RESOURCE}.nested_hints", "expected a mapping"),)),
    Row(
        "nested hint",
        resource(nested_hints={"tags": {"primry_key": "id"}}),
        ((f"{RESOURCE}.nested_hints.tags.primry_key", "did you mean `primary_key`?"),),
    ),
    Row(
        "nested value",
        resource(nested_hints={"tags": {"write_disposition": "apend"}}),
        ((f"{RESOURCE}.nested_hints.tags.write_disposition", "did you mean `append`?"),),
    ),
    Row("table name", resource(table_name=5), ((f"{RESOURCE}.table_name", "expected text", "got 5"),)),
    Row("nesting", resource(max_table_nesting="2"), ((f"{RESOURCE}.max_table_nesting", "a whole number", "'2'"),)),
    Row("selected", resource(selected=1), ((f"{RESOURCE}.selected", "true or false", "got 1"),)),
    Row("parallelized", resource(parallelized="yes"), ((f"{RESOURCE}.parallelized", "true or false"),)),
    Row("steps", resource(processing_steps={"map": fails}), ((f"{RESOURCE}.processing_steps", "expected a list"),)),
    Row(
        "step",
        resource(processing_steps=[{"fliter": fails}]),
        ((f"{RESOURCE}.processing_steps[0].fliter", "`filter`"),),
    ),
    Row(
        "no function",
        resource(processing_steps=[{"map": fails}, {"filter": "x > 1"}]),
        ((f"{RESOURCE}.processing_steps[1].filter", "expected a function"),),
    ),
    Row("include", resource(include_from_parent="id"), ((f"{RESOURCE}.include_from_parent", "expected a list"),)),
    Row(
        "include without parent",
        resource(include_from_parent=["id"]),
        ((f"{RESOURCE}.include_from_parent", "expected a parent", "{resources.<parent>.<field>}"),),
    ),
    *(
        Row(
            f"function as {hint}",
            resource(**{hint: fails}),
            ((f"{RESOURCE}.{hint}", "expected `table_name` to be a function", f"`{hint}`"),),
        )
        for hint in NAMES_OF_HINTS
    ),
]

#: What dlt finds when it makes the table.
OF_COLUMNS = [
    Row("column type", resource(columns={"a": {"data_type": "txt"}}), ((f"{RESOURCE}.columns.a.data_type", "`text`"),)),
    Row(
        "column hint", resource(columns={"a": {"nullabel": True}}), ((f"{RESOURCE}.columns.a.nullabel", "`nullable`"),)
    ),
    Row("column value", resource(columns={"a": {"precision": "9"}}), ((f"{RESOURCE}.columns.a.precision", "'9'"),)),
    Row(
        "column in a list",
        resource(columns=[{"name": "a"}, {"name": "b", "primry_key": True}]),
        ((f"{RESOURCE}.columns[1].primry_key", "did you mean `primary_key`?"),),
    ),
    Row(
        "nested column",
        resource(nested_hints={"a": {"columns": {"b": {"data_type": "jsn"}}}}),
        ((f"{RESOURCE}.nested_hints.a.columns.b.data_type", "did you mean `json`?"),),
    ),
    Row("number as columns", resource(columns=5), ((f"{RESOURCE}.columns", "expected column hints", "got 5"),)),
]
