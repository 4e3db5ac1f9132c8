"""BYTES -> COLUMNS: one split per page, strict columnar reading, and an exact path beside it."""

from headrace.decode.columns import read_columns
from headrace.decode.conceal import conceal
from headrace.decode.digits import were_rounded
from headrace.decode.exact import load_exact, shallow, to_rows
from headrace.decode.keyed_hash import KeyedHash
from headrace.decode.odd import Odd
from headrace.decode.page import PageSplitter
from headrace.decode.rewrite import add_values, append_each, append_values, edit_values
from headrace.decode.shaper import Shaper

__all__ = [
    "KeyedHash",
    "Odd",
    "PageSplitter",
    "Shaper",
    "add_values",
    "append_each",
    "append_values",
    "conceal",
    "edit_values",
    "load_exact",
    "read_columns",
    "shallow",
    "to_rows",
    "were_rounded",
]
