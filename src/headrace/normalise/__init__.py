"""COLUMNS -> DLT'S TABLES: which path becomes which column of which table, child rows, ids, and the final columns."""

from headrace.normalise.content import row_contents
from headrace.normalise.evolve import arrow_schema, conform, fit, joined, values_to_table
from headrace.normalise.ids import child_ids, content_ids, key_ids, random_ids, repeated_id, text_ids
from headrace.normalise.key import Key, key_values, read_keys
from headrace.normalise.large import large_doubles, whole_columns
from headrace.normalise.layout import Layout, build_layout
from headrace.normalise.nest import spread
from headrace.normalise.part import Part, gather, with_ids
from headrace.normalise.rules import ExactRows, Rules, SystemColumns
from headrace.normalise.shape import Node, observe

__all__ = [
    "ExactRows",
    "Key",
    "Layout",
    "Node",
    "Part",
    "Rules",
    "SystemColumns",
    "arrow_schema",
    "build_layout",
    "child_ids",
    "conform",
    "content_ids",
    "fit",
    "gather",
    "joined",
    "key_ids",
    "key_values",
    "large_doubles",
    "observe",
    "random_ids",
    "read_keys",
    "repeated_id",
    "row_contents",
    "spread",
    "text_ids",
    "values_to_table",
    "whole_columns",
    "with_ids",
]
