"""COLUMNS -> DLT'S TABLES: which path becomes which column of which table, child rows, ids, and the final columns."""

from headrace.normalise.evolve import conform, rows_to_table
from headrace.normalise.ids import content_digest, content_ids, key_ids, random_ids, repeated_id
from headrace.normalise.key import Key, key_columns, key_values
from headrace.normalise.layout import Layout, build_layout
from headrace.normalise.nest import spread, with_ids
from headrace.normalise.rules import Rules, SystemColumns
from headrace.normalise.shape import Node, observe

__all__ = [
    "Key",
    "Layout",
    "Node",
    "Rules",
    "SystemColumns",
    "build_layout",
    "conform",
    "content_digest",
    "content_ids",
    "key_columns",
    "key_ids",
    "key_values",
    "observe",
    "random_ids",
    "repeated_id",
    "rows_to_table",
    "spread",
    "with_ids",
]
