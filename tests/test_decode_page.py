"""The page splitter: any bytes give a page or a named error, and the fast split equals the exact one."""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.decode import PageSplitter, load_exact
from headrace.decode.depth import LEVELS
from headrace.errors import AnswerError, DecodeError
from headrace.jsonpath import MISSING, compile_path
from headrace.message import Page, Response
from nasty_json import examples, random_sets

URL = "https://api.example.com/v1/items"
PAGES = (
    b'{"items":[{"id":1,"a":"x"},{"id":2,"b":[1,{"c":null}]}],"paging":{"next":"abc","n":12345678901234567890123}}',
    '{"items":[{"id":"\u00e9\\ud83d\\ude00"}],"more":true,"paging":{"next":null}}'.encode(),
    b'{ "items" : [ ],\n "paging" : {} }',
    b'{"data":{"items":[{"a":1.0}],"n":1e2},"items":[[1],"x",null,3]}',
    b'[{"id":1},{"id":2}]',
    b'{"error":{"code":500}}',
    b"null",
)
#: What is inserted into pages: words that parsers disagree about, structure, and what is too long or too deep.
SPLINTERS = (
    b"NaN", b"-Infinity", b"\xff", b'"\\ud800"', b"1e999", b"{", b"}", b"[", b"]", b",", b'"', b"null", b"\xef\xbb\xbf",
    b"1" * 5000, b"[" * 2000, b'{"a":' * 1200, b"\x00", b"\\", b'"items"', b'"items":[]', b'"items":null,', b"<html>",
)  # fmt: skip
ASKS = (
    ("items", ("paging.next", "more")), ("items", ()), ("data.items", ("data.n",)), ("$", ()), (None, ("paging.next",)),
    ("items", ("paging.n", "paging")), ("items", ("$",)), ("items[*]", ()),
)  # fmt: skip


def split(
    body: bytes, selector: str | None = "items", wants: tuple[str, ...] = (), *, allow_null: bool = False
) -> Page:
    return splitter(selector, wants, allow_null=allow_null).split(answer(body))


def splitter(selector: str | None = "items", wants: tuple[str, ...] = (), *, allow_null: bool = False) -> PageSplitter:
    path = None if selector is None else compile_path(selector)
    return PageSplitter(path, [compile_path(want) for want in wants], resource="things", allow_null=allow_null)


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status, {}, body, URL)


def exactly(selector: str | None, wants: tuple[str, ...]) -> PageSplitter:
    made = splitter(selector, wants)
    made._decoder = None  # the fast split is tried only with a decoder
    return made


def outcome(made: PageSplitter, body: bytes) -> tuple[Any, ...]:
    """What a split gives, records and values as Python objects; an error as its type and text."""
    try:
        page = made.split(answer(body))
    except AnswerError as error:
        return type(error), str(error)
    assert page.facts.row_count == len(page.records)
    assert bool(page.facts.fingerprint) == bool(page.records)
    return repr([load_exact(record) for record in page.records]), repr(dict(page.facts.values))


def edited(dice: Random, body: bytes) -> bytes:
    """`body` cut, with bytes changed, missing, or splinters put in."""
    for _ in range(dice.randint(0, 3)):
        at = dice.randint(0, len(body))
        body = dice.choice((
            body[:at],
            body[:at] + dice.choice(SPLINTERS) + body[at:],
            body[:at] + body[at + dice.randint(1, 5) :],
            body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :],
        ))  # fmt: skip
    return body


@random_sets(1500)
def test_any_bytes_give_a_page_or_an_answer_error_and_both_splits_agree(dice: Random) -> None:
    ask = dice.choice(ASKS)
    body = edited(dice, dice.choice(PAGES))
    assert outcome(splitter(*ask), body) == outcome(exactly(*ask), body), f"{ask} of {body[:300]!r}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["items", "data", "next", "a"]) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=examples(300), deadline=None, derandomize=True, database=None)
@given(
    document=json_values, ask=st.sampled_from((("items", ()), ("data.items", ("next",)), ("items", ("next", "a.next"))))
)
def test_page_without_declared_key_is_never_empty(document: Any, ask: tuple[str, tuple[str, ...]]) -> None:
    """Rows come from the declared place alone; where that is missing or null there is an error, not an empty page."""
    selector, wants = ask
    rows = compile_path(selector).find(document)
    body = json.dumps(document).encode()
    if rows is MISSING or rows is None:
        with pytest.raises(AnswerError, match="expected rows at"):
            split(body, selector, wants)
        return
    page = split(body, selector, wants)
    assert [json.loads(record) for record in page.records] == (rows if isinstance(rows, list) else [rows])
    for want in wants:
        assert page.facts.values[want] == compile_path(want).find(document)


@pytest.mark.parametrize("key", ['quo"te', "back\\slash", "line\nbreak", "", "été", "f0", "a.b"])
def test_rows_are_found_under_any_key(key: str) -> None:
    """Also under one that the fast split has no type for."""
    found = splitter(None)
    body = json.dumps({"meta": 1, key: [{"a": 1}]}).encode()
    for _ in range(2):
        assert [json.loads(record) for record in found.split(answer(body)).records] == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"results":[1,2]}', 2),
        (b'{"meta":{"data":[1]},"x":[1,2]}', 1),
        (b"[1,2,3]", 3),
        (b'{"id":1}', 1),
        (b'{"x":{"y":[1,2]}}', 2),
    ],
)
def test_place_of_rows_is_found_by_dlts_rule(body: bytes, count: int) -> None:
    assert len(split(body, None).records) == count


def test_place_found_on_first_page_holds_for_later_ones() -> None:
    found = splitter(None)
    found.split(answer(b'{"rows":[1]}'))
    with pytest.raises(AnswerError) as caught:
        found.split(answer(b'{"items":[1]}'))
    assert caught.value.message == "expected rows at `rows`, got no such key in an object with `items`"
    assert caught.value.retries == 1


WHERE = f" at resource `things`, {URL}"


@pytest.mark.parametrize(
    ("body", "kind", "text", "retries"),
    [
        (b"", DecodeError, f"expected JSON, got an empty body with status 200{WHERE}", 1),
        (b" \n ", DecodeError, f"expected JSON, got an empty body with status 200{WHERE}", 1),
        (
            b"<!DOCTYPE html><p>log in",
            DecodeError,
            f"expected JSON, got an HTML or XML page that begins '<!DOCTYPE html><p>log in'{WHERE}\n"
            "hint: a login page, a proxy or a wrong `base_url` answers like this",
            1,
        ),
        (
            b'{"items":[{"id":1},{"i',
            DecodeError,
            "expected JSON, got text that breaks at character 20: "
            f"""'{{"items":[{{"id":1}},{{"i'{WHERE}""",
            3,
        ),
        (
            b'{"items":[1,]}',
            DecodeError,
            # Python 3.13 points at the comma, those before at what follows it
            f"expected JSON, got text that breaks at character {11 if sys.version_info >= (3, 13) else 12}: "
            f"""'{{"items":[1,]}}'{WHERE}""",
            3,
        ),
        (
            b'{"items":[1],',
            DecodeError,
            f"""expected JSON, got text that ends early at character 13: '{{"items":[1],'{WHERE}\n"""
            "hint: the answer was cut or is not JSON",
            3,
        ),
        (
            b'{"error":"internal error"}',
            AnswerError,
            "expected rows at `items`, got an error object in an answer with a status of success: "
            f"`error`: internal error{WHERE}",
            0,
        ),
        (
            b'{"items":null}',
            AnswerError,
            f"expected rows at `items`, got null{WHERE}\n"
            "hint: if the API says null for an empty list, set `allow_null_data: true` on the endpoint",
            0,
        ),
        (
            b'{"count":2,"results":[1],"page":{"rows":[]}}',
            AnswerError,
            f"expected rows at `items`, got no such key in an object with `count`, `results`, `page`{WHERE}\n"
            "hint: a list was found at `results`, `page.rows`: set `data_selector` to it",
            0,
        ),
        (
            b"[1]",
            AnswerError,
            f"expected rows at `items`, got a list as the whole answer{WHERE}\nhint: try `data_selector: $`",
            0,
        ),
        (b"{}", AnswerError, f"expected rows at `items`, got no such key in an object with no keys{WHERE}", 0),
        (b"7", AnswerError, f"expected rows at `items`, got no such key in a int{WHERE}", 0),
    ],
)
def test_what_came_instead_of_rows_is_named(body: bytes, kind: type, text: str, retries: int) -> None:
    with pytest.raises(AnswerError) as caught:
        split(body)
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert caught.value.retries == retries


@pytest.mark.parametrize("body", [b'{"error":"x"}', b'{"items":null}', b'{"results":[1]}'])
def test_wrong_shape_after_a_good_page_is_asked_again_once(body: bytes) -> None:
    pages = splitter()
    pages.split(answer(b'{"items":[1]}'))
    with pytest.raises(AnswerError) as caught:
        pages.split(answer(body))
    assert caught.value.retries == 1


def test_null_is_an_empty_page_only_where_declared() -> None:
    assert list(split(b'{"items":null}', allow_null=True).records) == []
    with pytest.raises(AnswerError):
        split(b"{}", allow_null=True)


def test_invalid_utf8_and_byte_order_mark_are_read() -> None:
    assert [load_exact(record) for record in split(b'\xef\xbb\xbf{"items":[1]}').records] == [1]
    assert [load_exact(record) for record in split(b'{"items":["a\xff"]}').records] == ["a\ufffd"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"NaN", None),
        (b"-Infinity", None),
        (b"1e400", None),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'"\\ud800x"', "\ufffdx"),
        (b'{"\\udc00":1}', {"\ufffd": 1}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\u0000"', "\x00"),
    ],
)
def test_exact_path_keeps_what_strict_parsers_refuse(text: bytes, value: Any) -> None:
    assert load_exact(text) == value


@pytest.mark.parametrize("sign", ["", "-"])
def test_integer_is_exact_as_far_as_python_goes_and_then_text(sign: str) -> None:
    for count in (20, 308, 4000):
        assert load_exact(f"{sign}{'7' * count}".encode()) == int(f"{sign}{'7' * count}")
    for count in (4301, 5000):
        assert load_exact(f"{sign}{'7' * count}".encode()) == f"{sign}{'7' * count}"


def test_depth_ends_in_text_or_in_an_error() -> None:
    depth = 200_000  # Python 3.13 reads some thousand levels
    found = load_exact(b"[" * depth + b"]" * depth)
    for _ in range(LEVELS):
        (found,) = found
    assert found == "[" * (depth - LEVELS) + "]" * (depth - LEVELS)
    with pytest.raises(DecodeError) as caught:
        load_exact(b"[" * depth)
    assert caught.value.message == "expected JSON, got text that opens more than 250 levels and does not close them"


def test_fingerprint_tells_pages_apart() -> None:
    one, other, same = (
        split(body).facts.fingerprint for body in (b'{"items":[1]}', b'{"items":[2]}', b'{"items":[1]}')
    )
    assert one == same != other


def test_answers_are_among_the_facts_for_a_pager_that_reads_them() -> None:
    """Only there: holding whole answers costs memory."""
    asked = answer(b'{"items":[{"a":1},2]}')
    plain = splitter().split(asked)
    assert (plain.facts.response, list(plain.facts.records)) == (None, [])
    reading = PageSplitter(compile_path("items"), [], resource="things", answers=True)
    for body in (asked.body, b'{"items":[{"a":1},2],"n":NaN}'):
        page = reading.split(answer(body))
        assert page.facts.response == answer(body)
        assert page.facts.records is page.records
        assert page.facts.row_count == 2


def test_a_splitter_that_is_asked_for_less_needs_no_whole_document() -> None:
    """A detecting pager wants the envelope of the first page; later pages are split without decoding them."""
    made = splitter(None, ("$",))
    first, second = (answer(b'{"rows": [{"a":%d}], "next_token": "t%d"}' % (number, number)) for number in (1, 2))
    assert made.split(first).facts.values["$"]["next_token"] == "t1"
    assert made._decoder is None
    made.want([compile_path("next_token")])
    page = made.split(second)
    assert made._decoder is not None
    assert page.facts.values == {"next_token": "t2"}
    assert list(page.records) == [b'{"a":2}']


def test_entries_of_an_object_are_rows() -> None:
    """A map has rows too; an empty one has none, and something else than a map is an error."""

    def rows(body: bytes) -> list[Any]:
        splitter = PageSplitter(compile_path("$"), (), resource="items", entries=("id", "count"))
        return [json.loads(record) for record in splitter.split(Response(200, {}, body, URL)).records]

    assert rows(b'{"a":1,"b":null,"7":{"x":2}}') == [
        {"id": "a", "count": 1}, {"id": "b", "count": None}, {"id": "7", "count": {"x": 2}},
    ]  # fmt: skip
    assert rows(b"{}") == []
    with pytest.raises(AnswerError, match="expected an object, whose entries are the rows, got a list"):
        rows(b'[{"a":1}]')
