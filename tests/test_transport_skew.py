"""How far clocks are apart, by what an answer says."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from headrace.message import Response
from headrace.transport.skew import ahead_of

WALL = 1_700_035_200.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("behind_s", "age", "ahead_s"),
    [
        (0, None, 0),
        (59, None, 0),
        (-59, None, 0),
        (61, None, 61),
        (DAY, None, DAY),
        (-DAY, None, -DAY),
        (8 * DAY, None, 0),
        (-8 * DAY, None, 0),
        (DAY, "86400", 0),
        (DAY, "3600", DAY - 3600),
        (DAY, "old", DAY),
        (DAY, "9999999999", DAY),
    ],
)
def test_a_date_and_an_age(behind_s: float, age: str | None, ahead_s: float) -> None:
    headers = {"date": formatdate(WALL - behind_s, usegmt=True), **({} if age is None else {"age": age})}
    assert ahead_of(Response(200, headers, b"", "https://host/"), WALL) == ahead_s


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_that_tells_no_time(date: str | None) -> None:
    headers = {} if date is None else {"date": date}
    assert ahead_of(Response(200, headers, b"", "https://host/"), WALL) is None
