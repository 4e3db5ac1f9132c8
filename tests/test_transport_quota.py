"""What headers say about a rate limit, in the dialects of the wild, and what is no such thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.message import Response
from headrace.transport.quota import Quota, quotas_in

WALL = 1_700_000_000.25
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # WALL without its fraction


def said(headers: dict[str, str], wall: float = WALL) -> list[Quota]:
    answer = Response(200, {name.lower(): value for name, value in headers.items()}, b"", "https://api.example.com/")
    return list(quotas_in(answer, wall))


def three(reset: str, prefix: str = "X-RateLimit", **more: str) -> dict[str, str]:
    return {f"{prefix}-Limit": "60", f"{prefix}-Remaining": "59", f"{prefix}-Reset": reset, **more}


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("12", 12),
        ("12.5", 12.5),
        ("0", 0),
        ("1700000012", 11.75),
        ("1700000012.5", 12.25),
        ("1700000012500", 12.25),  # Mailgun
        ("1600000000", 0),
        ("Tue, 14 Nov 2023 22:13:32 GMT", 11.75),
        ("2023-11-14T22:13:32Z", 11.75),
        ("6m0s", 360),  # OpenAI
        ("1h2m3.5s", 3723.5),
        ("20ms", 0.02),
    ],
)
@pytest.mark.parametrize("prefix", ["X-RateLimit", "X-Rate-Limit", "X-Request", "RateLimit"])
def test_reset_is_a_wait_a_moment_or_a_duration(reset: str, seconds: float, prefix: str) -> None:
    [quota] = said(three(reset, prefix))
    assert (quota.remaining, quota.limit, quota.window_s) == (59, 60, None)
    assert quota.reset_s == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("wall", "seconds"),
    [(WALL, 11.75), (WALL + 0.7, 11.05), (WALL + 5, 11), (WALL - 5, 12), (WALL + 86400, 11), (0, 12)],
)
def test_a_wrong_clock_of_ours_does_not_matter(wall: float, seconds: float) -> None:
    """The answer's `Date` knows the second, our clock at the most where in it we are."""
    [quota] = said(three("1700000012", Date=DATE), wall)
    assert quota.reset_s == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    ("headers", "quotas"),
    [
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, [Quota("ratelimit 100", 50, 5, 100)]),
        (
            {"RateLimit": "limit=100, remaining=50, reset=5", "RateLimit-Policy": "10;w=1, 100;w=60"},
            [Quota("ratelimit 100", 50, 5, 100, 60)],
        ),
        (
            {"RateLimit": '"default";r=50;t=30', "RateLimit-Policy": '"default";q=100;w=60'},
            [Quota('"default"', 50, 30, 100, 60)],
        ),
        (
            {
                "RateLimit": '"burst";r=5;t=1, "day";r=900;t=7200',
                "RateLimit-Policy": '"burst";q=10;w=1, "day";q=1000;w=86400;pk=:cHJvamVjdA==:',
            },
            [Quota('"burst"', 5, 1, 10, 1), Quota('"day"', 900, 7200, 1000, 86400)],
        ),
        ({"RateLimit": '"default";r=0', "RateLimit-Policy": '"default";q=9;w=3'}, [Quota('"default"', 0, 3, 9, 3)]),
        (
            {"RateLimit-Limit": "10, 10;w=1, 50;w=60", "RateLimit-Remaining": "9", "RateLimit-Reset": "1"},
            [Quota("ratelimit-limit 10", 9, 1, 10, 1)],
        ),
        (
            {**three("3"), "RateLimit-Policy": "60;w=60"},
            [Quota("x-ratelimit-limit 60", 59, 3, 60, 60)],
        ),
        (
            {
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-reset-requests": "1s",
            },
            [Quota("x-ratelimit-limit-requests 60", 59, 1, 60)],
        ),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "2"}, [Quota("x-ratelimit-limit None", 7, 2)]),
    ],
)
def test_dialects(headers: dict[str, str], quotas: list[Quota]) -> None:
    assert said(headers) == quotas


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"},  # nobody knows until when
        three("soon"),
        three(""),
        three("-5"),
        {**three("5"), "X-RateLimit-Remaining": "-1"},  # how some say that there is no limit
        {**three("5"), "X-RateLimit-Limit": "0"},
        {"RateLimit": '"default";r=50'},
        {"RateLimit": "limit=100"},
        {"RateLimit-Policy": '"default";q=100;w=60'},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    assert said(headers) == []


names = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy", "Date"]
texts = st.text(st.sampled_from('0123456789.;=,"abmnrtwqsh -:GMT'), max_size=24)


@given(st.dictionaries(st.sampled_from(names), texts))
def test_no_header_raises(headers: dict[str, str]) -> None:
    for quota in said(headers):
        assert quota.remaining >= 0
        assert quota.reset_s >= 0
