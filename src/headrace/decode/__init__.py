"""BYTES -> COLUMNS: one split per page, strict columnar reading, and an exact path beside it."""

from headrace.decode.columns import read_columns
from headrace.decode.exact import load_exact, shallow, to_rows
from headrace.decode.page import PageSplitter
from headrace.decode.rewrite import add_values, append_values, drop_keys, edit_values

__all__ = [
    "PageSplitter",
    "add_values",
    "append_values",
    "drop_keys",
    "edit_values",
    "load_exact",
    "read_columns",
    "shallow",
    "to_rows",
]
