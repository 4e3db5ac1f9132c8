"""Times of rows, read off their bytes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.decode.moments import MomentReader
from headrace.errors import AnswerError
from headrace.jsonpath import JsonPath

READER = MomentReader(JsonPath("at", ("at",)), "events")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ZONES = st.integers(-12 * 60, 12 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SECONDS = st.integers(86400, 4 * 10**9)
TIMES = st.builds(
    lambda seconds, more, zone: datetime.fromtimestamp(seconds, zone).replace(microsecond=more),
    SECONDS,
    st.integers(0, 999_999),
    ZONES,
)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def read(*values: object) -> list[int]:
    return READER.read([json.dumps({"at": value}).encode() for value in values])


@given(st.lists(TIMES, min_size=1, max_size=20))
def test_texts_are_read_to_their_last_digit(moments: list[datetime]) -> None:
    assert read(*map(datetime.isoformat, moments)) == list(map(micros, moments))


@given(st.lists(TIMES, min_size=1, max_size=5), st.booleans())
def test_one_text_in_another_form_changes_no_other(moments: list[datetime], before: bool) -> None:
    texts = list(map(datetime.isoformat, moments))
    other = "Wed, 21 Oct 2026 07:28:00 GMT"
    expected = [micros(datetime(2026, 10, 21, 7, 28, tzinfo=timezone.utc))]
    found = read(other, *texts) if before else read(*texts, other)
    assert (found[1:] if before else found[:-1]) == list(map(micros, moments))
    assert (found[:1] if before else found[-1:]) == expected


@pytest.mark.parametrize(
    "values", [("2026-03-01",), ("2026-03-01T00:00:00",), (1772323200,), (1772323200.0,), (1772323200000,)]
)
def test_every_form_of_one_moment(values: tuple[object, ...]) -> None:
    assert read("2026-03-01T00:00:00Z", *values) == [1772323200 * 10**6] * 2
    assert read(*values) == [1772323200 * 10**6]


@pytest.mark.parametrize(
    ("value", "came"), [(None, "null"), (True, "a bool"), ("soon", "a str"), (["2026-03-01"], "a list")]
)
def test_what_is_no_time_is_an_error(value: object, came: str) -> None:
    with pytest.raises(AnswerError, match=f"expected a time under `at` of every row, got {came}"):
        read("2026-03-01T00:00:00Z", value)


def test_a_row_without_a_time_is_an_error() -> None:
    with pytest.raises(AnswerError, match="got nothing"):
        READER.read([b'{"at": "2026-03-01T00:00:00Z"}', b"{}"])
