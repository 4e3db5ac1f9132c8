"""Retry-After: seconds or a date; whatever makes no sense counts as absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.message import Response
from headrace.transport.retry_after import retry_after

#: Wed, 15 Nov 2023 08:00:00 GMT
WALL = 1_700_035_200.0


def rest(value: str | None, date: str | None = None) -> float | None:
    pairs = {"retry-after": value, "date": date}
    return retry_after(Response(429, {k: v for k, v in pairs.items() if v is not None}, b"", "https://host/"), WALL)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        (" 120 ", 120.0),
        ("999999999", 999_999_999.0),
        ("Wed, 15 Nov 2023 08:00:30 GMT", 30.0),
        ("Wednesday, 15-Nov-23 08:00:30 GMT", 30.0),
        ("Wed Nov 15 08:00:30 2023", 30.0),
        ("Wed, 15 Nov 2023 07:59:30 GMT", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("2, 5", None),
        ("Wed, 15 Nov 2023 08:00:30 GMT, Wed, 15 Nov 2023 08:01:00 GMT", None),
        ("99999999999", None),
        ("٣", None),
        ("Wed, 15 Nov 99999 08:00:30 GMT", None),
    ],
)
def test_values(value: str | None, seconds: float | None) -> None:
    """The grammar of RFC 9110, section 10.2.3, and faults H02 to H05."""
    assert rest(value) == seconds


def test_a_date_is_measured_by_the_servers_own_clock() -> None:
    """H03: our clock may be wrong by a day; the difference of the server's two dates is not."""
    assert rest("Thu, 16 Nov 2023 09:00:05 GMT", date="Thu, 16 Nov 2023 09:00:00 GMT") == 5.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_a_rest_or_none(value: str, date: str) -> None:
    """No text of a server breaks the run."""
    seconds = rest(value, date)
    assert seconds is None or seconds > 0
