"""What is in a page is bounded before it is read; large pages of plain rows are read as ever."""

from __future__ import annotations

import pytest

from headrace.decode import PageSplitter
from headrace.decode.bounds import MAX_CONTAINERS, MAX_EXACT_VALUES, MAX_ROW_VALUES, MAX_VALUES
from headrace.errors import AnswerError
from headrace.jsonpath import compile_path
from headrace.message import Response


def splitter(selector: str = "items") -> PageSplitter:
    return PageSplitter(compile_path(selector), (), resource="things", fingerprint=False)


def page(rows: bytes) -> Response:
    return Response(200, {}, b'{"items":[' + rows + b"]}", "https://api.example.com/things")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (b"{}," * MAX_CONTAINERS + b"{}", "got more than 3,000,000 objects and lists, the most of a page"),
        (b"[" * (3 * MAX_CONTAINERS), "got more than 3,000,000 objects and lists, the most of a page"),
        (b"1," * MAX_VALUES + b"1,1", "got more than 20,000,000 values, the most of a page"),
        (
            b"12," * MAX_EXACT_VALUES + b"1,1",
            "got more than 3,000,000 values, the most of a page that is no plain list of objects",
        ),
        (
            b'{"v":[' + b"12," * MAX_EXACT_VALUES + b"1]},2",
            "got more than 3,000,000 values, the most of a page that is no plain list of objects",
        ),
        (b'{"v":[' + b"1," * MAX_ROW_VALUES + b"1,1]}", "got more than 300,000 values in one row, the most of a page"),
        (b'{"v":NaN},{"v":"' + b"x" * 100_000_000 + b'"}', "got more than 100,000,000 bytes, the most of a page that"),
    ],
    ids=["objects", "brackets", "values", "scalars as rows", "a scalar among rows", "one row", "to be read exactly"],
)
def test_too_much_is_refused_with_the_limit_and_the_place(rows: bytes, text: str) -> None:
    with pytest.raises(AnswerError) as caught:
        splitter().split(page(rows))
    assert caught.value.message.startswith(text)
    assert caught.value.where == "resource `things`, https://api.example.com/things"
    assert str(caught.value.hint).startswith("ask for smaller pages, and declare `data_selector`")
    assert caught.value.retries == 0


@pytest.mark.parametrize("fields", [1, 60])
def test_a_large_page_of_plain_rows_is_read(fields: int) -> None:
    """Twenty thousand rows of 60 fields, or 400,000 of one: more than is read without being counted."""
    row = b'{"id":1,' + b",".join(b'"f%d":"a text, with {commas} and [brackets]"' % n for n in range(fields)) + b"}"
    count = 10_000_000 // len(row)
    found = splitter().split(page(b",".join([row] * count)))
    assert len(found.records) == count
    assert found.records[0] == found.records[-1] == row


def test_rows_at_the_root_are_bounded_too() -> None:
    body = b"[" + b"12," * MAX_EXACT_VALUES + b"1,1]"
    with pytest.raises(AnswerError, match="no plain list of objects"):
        splitter("$").split(Response(200, {}, body, "https://api.example.com/things"))
