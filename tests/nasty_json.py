"""Strategies for JSON as bad APIs write it: records as raw text, regular enough that the fast path is tried.

A data set has a template (path -> kind of value), and records that follow it with gaps, nulls and a few surprises.
Texts are written by hand, not by a JSON library, because spacing, escapes, number forms and duplicate keys matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

#: Names that collide once named as columns, are empty, have dots or capitals, or belong to dlt's own vocabulary.
KEYS = (
    "id", "a", "b", "c", "userId", "user_id", "a__b", "A", "ID", "client-info", "x.y", "été", "value", "2nd", "list",
    "x_", "HTTPServer", "@timestamp",
)  # fmt: skip

TEXTS = (
    "", "abc", "Grüße", "夏", "🎉", 'say "yes"', "C:\\temp", "tab\there", "line\nbreak", "NaN", "Infinity", "123",
    "1.5", "true", "0x1F", "null", "2024-01-01", "12:30", "{}", "\x7f", " padded ", "a" * 300,
)  # fmt: skip
MOMENTS = (
    "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123Z", "2024-06-01T12:00:00+02:00",
    "2024-01-01 10:00:00", "2024-01-01T10:00:00", "2024-01-01T10:00:00.5", "1969-12-31T23:59:59Z",
    "2024-02-29T23:59:59.999999+00:00", "9999-12-31T23:59:59Z", "2024-01-01T10:00:00.123456789Z",
)  # fmt: skip
ODD_MOMENTS = ("2024-01-01", "not a moment", "2024-13-01T00:00:00Z", "2024-01-01T10:00", "20240101T100000Z", "")
INTEGERS = ("0", "-1", "7", "2147483648", "9007199254740993", "9223372036854775807", "-9223372036854775808")
WIDE = ("9223372036854775808", "-9223372036854775809", "18446744073709551615", "1" + "0" * 30)
FLOATS = (
    "1.5", "-0.0", "0.1", "1e5", "1E-7", "1.0", "1.7976931348623157e308", "5e-324", "1e22", "123456.789",
    "0.1000000000000000055511151231257827", "2.5e-3", "1e-400",
)  # fmt: skip
SURROGATES = ('"\\ud800"', '"x\\udc00y"')


@dataclass(frozen=True)
class Nastiness:
    """What a data set may hold beyond JSON that dlt loads."""

    wide: bool = True
    surrogates: bool = True
    duplicates: bool = True
    nul: bool = True
    empty_keys: bool = True


ALL = Nastiness()
DLT_LOADS = Nastiness(wide=False, surrogates=False, duplicates=True, nul=False, empty_keys=False)


@st.composite
def _string(draw: Any, text: str) -> str:
    """`text` as JSON, its characters raw or escaped."""
    return json.dumps(text, ensure_ascii=draw(st.booleans()))


def _scalar(kind: str, nasty: Nastiness) -> st.SearchStrategy[str]:
    texts = TEXTS + (("nul\x00inside",) if nasty.nul else ())
    kinds: dict[str, st.SearchStrategy[str]] = {
        "text": st.sampled_from(texts).flatmap(_string),
        "int": st.sampled_from(INTEGERS),
        "float": st.sampled_from(FLOATS),
        "number": st.sampled_from(("1", "2", "1.5", "2.0", "-3")),
        "bool": st.sampled_from(("true", "false")),
        "moment": st.sampled_from(MOMENTS).map(json.dumps),
        "odd_moment": st.sampled_from(MOMENTS + ODD_MOMENTS).map(json.dumps),
        "numeric_text": st.sampled_from(('"1"', '"2.5"', '"x"', "3")),
        "null": st.just("null"),
    }
    if nasty.wide:
        kinds["wide"] = st.sampled_from(INTEGERS + WIDE)
    if nasty.surrogates:
        kinds["surrogate"] = st.sampled_from(('"ok"', *SURROGATES))
    return kinds[kind]


def _kinds(nasty: Nastiness) -> tuple[str, ...]:
    more = (("wide",) if nasty.wide else ()) + (("surrogate",) if nasty.surrogates else ())
    usual = ("text", "int", "float", "bool", "moment")
    return usual * 3 + ("number", "odd_moment", "numeric_text", "null", *more)


def templates(nasty: Nastiness, depth: int = 4) -> st.SearchStrategy[Any]:
    """A template: an object's fields as a dict, a list's item in a one-item list, a scalar's kind as text."""
    keys = st.sampled_from(KEYS + (("", " ") if nasty.empty_keys else ()))
    scalar = st.sampled_from(_kinds(nasty))
    if depth == 0:
        return scalar
    value = st.one_of(
        scalar, scalar, scalar,
        st.deferred(lambda: _objects(keys, nasty, depth - 1)),
        st.deferred(lambda: templates(nasty, depth - 1)).map(lambda item: [item]),
    )  # fmt: skip
    return value


def _objects(keys: st.SearchStrategy[str], nasty: Nastiness, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(keys, templates(nasty, depth), max_size=4)


def roots(nasty: Nastiness, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Templates of whole records."""
    keys = st.sampled_from(KEYS + (("", " ") if nasty.empty_keys else ()))
    return st.dictionaries(keys, templates(nasty, depth), min_size=1, max_size=6)


@st.composite
def value(draw: Any, template: Any, nasty: Nastiness) -> str:
    """JSON text of one value that follows `template`, or is null, or (one time in thirty) something else."""
    dice = draw(st.integers(0, 29))
    if dice == 0:
        return "null"
    if dice == 1:
        return draw(st.sampled_from(_kinds(nasty)).flatmap(lambda kind: _scalar(kind, nasty)))
    if dice == 2:
        return draw(st.sampled_from(("{}", "[]", '{"z":1}', "[[1]]", '[{"z":null}]', "[null]")))
    if isinstance(template, dict):
        return draw(_object(template, nasty))
    if isinstance(template, list):
        items = draw(st.lists(value(template[0], nasty), max_size=3))
        return "[" + ", ".join(items) + "]"
    return draw(_scalar(template, nasty))


@st.composite
def _object(draw: Any, template: dict[str, Any], nasty: Nastiness) -> str:
    keys = [key for key in template if draw(st.integers(0, 7))]
    if draw(st.integers(0, 9)) == 0:
        keys.reverse()
    if nasty.duplicates and keys and draw(st.integers(0, 29)) == 0:
        keys.append(keys[0])
    space = draw(st.sampled_from(("", "", " ", "\n  ")))
    fields = [f"{json.dumps(key)}:{space}{draw(value(template[key], nasty))}" for key in keys]
    return "{" + space + f",{space}".join(fields) + "}"


@st.composite
def data_sets(draw: Any, nasty: Nastiness = ALL, max_records: int = 12) -> list[str]:
    """The records of one data set as JSON text."""
    template = draw(roots(nasty))
    return draw(st.lists(_object(template, nasty), min_size=1, max_size=max_records))
