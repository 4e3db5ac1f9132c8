"""BYTES -> COLUMNS: one split per page, strict columnar reading, and an exact path beside it."""

from headrace.decode.columns import read_columns
from headrace.decode.exact import load_exact, to_rows
from headrace.decode.page import PageSplitter
from headrace.decode.rewrite import add_values, append_values, drop_keys, texts_for_json

__all__ = [
    "PageSplitter",
    "add_values",
    "append_values",
    "drop_keys",
    "load_exact",
    "read_columns",
    "texts_for_json",
    "to_rows",
]
