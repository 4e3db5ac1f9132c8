"""Selectors: plain ones are followed step by step, all others are jsonpath-ng's; both find what dlt finds."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from dlt.common.jsonpath import find_values

from headrace.decode import PageSplitter
from headrace.errors import AnswerError, ConfigError
from headrace.jsonpath import MISSING, compile_path
from headrace.message import Response

#: Whether jsonpath-ng is 1.8 or newer; before, `[*]` of a text is the text itself.
NEWER = not find_values("a[*]", {"a": "text"})

DOCUMENT = {
    "a": {"b": [1, 2], "c d": {"e": 3}},
    "a.b": 3,
    "it's": 4,
    'say "x"': 5,
    "*": 6,
    "items": [{"id": 1, "tags": ["x"], "n": None}, {"id": 2, "tags": []}],
    "empty": [],
    "nothing": {},
    "null": None,
    "s": "text",
    "@odata.nextLink": 7,
    "@id": 8,
    "client-info": 9,
    "return": 10,
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("items", ("items",)),
        (" items ", ("items",)),
        ("$.a.b", ("a", "b")),
        ("$['a']['b'][0]", ("a", "b", 0)),
        ("a.'c d'.e", ("a", "c d", "e")),
        ('a["c d"].e', ("a", "c d", "e")),
        ("['a.b']", ("a.b",)),
        ("'a.b'", ("a.b",)),
        ("['@odata.nextLink']", ("@odata.nextLink",)),
        ("@id", ("@id",)),
        ("client-info", ("client-info",)),
        ("items[1].id", ("items", 1, "id")),
        # what only jsonpath-ng can follow
        ("items[*]", None),
        ("$.items[*].tags[*]", None),
        ("items[-1]", None),
        ("items[0:1]", None),
        ("items[0,1]", None),
        ("items[*]['id','n']", None),
        ("['id','n']", None),
        ("items[?(@.id > 1)]", None),
        ("items[?id == 1].id", None),
        ("$..id", None),
        ("items.`len`", None),
        ('["it\'s"]', None),
        ("['*']", None),
        ("a.*", None),
        ("@", None),
        ("a - b", None),
        ("nothing[*]", None),
        ("s[*]", None),
    ],
)
def test_both_ways_find_what_dlt_finds(text: str, steps: tuple[str | int, ...] | None) -> None:
    if text == "items[0,1]" and not NEWER:
        pytest.skip("jsonpath-ng before 1.8 reads no lists of positions")
    path = compile_path(text)
    assert path.steps == steps
    values = find_values(text, DOCUMENT)
    assert path.first(DOCUMENT) == (values[0] if values else MISSING)
    if values:
        assert path.find(DOCUMENT) == (values[0] if len(values) == 1 else values)
    else:
        assert path.find(DOCUMENT) in (MISSING, [], None)


def test_union_operator() -> None:
    """jsonpath-ng says that it will go, as it says to users of dlt."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compile_path("(empty)|(a.b)").find(DOCUMENT) == [[], [1, 2]]


@pytest.mark.parametrize("text", ["", "$items", ".a", "a..", "2nd", "a b", "items[", "$.", "$$"])
def test_text_that_is_no_path(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a JSONPath, got"):
        compile_path(text)


@pytest.mark.parametrize(
    ("text", "document", "nothing"),
    [
        ("rows[*]", {"rows": []}, []),
        ("rows[*].item", {"rows": []}, []),
        ("rows[*].item.id", {"rows": {}}, []),
        ("rows[*].parts[*]", {"rows": [{"parts": []}, {}]}, []),
        ("rows[?(@.kind == 'a')]", {"rows": [{"kind": "b"}]}, []),
        ("rows[0:2]", {"rows": []}, []),
        ("$[*]", [], []),
        ("*", {}, []),
        ("rows[*]", {"rows": None}, None),
        ("rows[*].item", {"rows": None}, None),
        # a wrong path, not an empty list
        ("rows[*]", {}, MISSING),
        ("rows[*].item", {"rows": [{"other": 1}]}, MISSING),
        ("rows[*]", {"rows": "text"}, MISSING if NEWER else "text"),
        ("rows[0].item", {"rows": []}, MISSING),
        ("rows[-1]", {"rows": []}, MISSING),
        ("$..item", {"rows": []}, MISSING),
    ],
)
def test_nothing_is_said_or_missing(text: str, document: Any, nothing: Any) -> None:
    """dlt gives no rows for all of them; where the list that is gone through is there and empty, that is right."""
    assert compile_path(text).find(document) is nothing or compile_path(text).find(document) == nothing


def test_last_page_of_a_selector_with_wildcards_is_empty() -> None:
    splitter = PageSplitter(compile_path("rows[*].item"), [], resource="things")
    sizes = [
        len(splitter.split(Response(200, {}, body, "https://a/")).records)
        for body in (b'{"rows":[{"item":{"id":1}},{"item":{"id":2}}]}', b'{"rows":[{"item":{"id":3}}]}', b'{"rows":[]}')
    ]
    assert sizes == [2, 1, 0]
    with pytest.raises(AnswerError, match=r"expected rows at `rows\[\*\]\.item`, got no such key"):
        splitter.split(Response(200, {}, b'{"rows":[{"thing":1}]}', "https://a/"))


@pytest.mark.parametrize(
    ("selector", "body", "rows"),
    [
        ("items[*]", b'{"items":[[1,2]]}', [b"1", b"2"]),
        ("items[*]", b'{"items":[{"a":1}]}', [b'{"a": 1}']),
        ("items[*].parts", b'{"items":[{"parts":[1]},{"parts":[2,3]}]}', [b"[1]", b"[2, 3]"]),
        ("item", b'{"item":{"a":1}}', [b'{"a": 1}']),
        ("item", b'{"item":7}', [b"7"]),
        ("$", b"7", [b"7"]),
        ("items[*].id", b'{"items":[{"id":null}]}', None),
    ],
)
def test_one_match_is_the_rows_several_are_rows(selector: str, body: bytes, rows: list[bytes] | None) -> None:
    """dlt's rule: one match is the list or is put into one; null is none, which is an error here."""
    splitter = PageSplitter(compile_path(selector), [], resource="things")
    if rows is None:
        with pytest.raises(AnswerError, match="got null"):
            splitter.split(Response(200, {}, body, "https://a/"))
    else:
        assert list(splitter.split(Response(200, {}, body, "https://a/")).records) == rows
