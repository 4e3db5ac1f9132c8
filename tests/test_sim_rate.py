"""The simulator's limiters let through what they promise, and say so in the dialect that was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.sim.message import Reply, Request
from headrace.sim.rate import LIMITERS, SAYINGS, Rate, RateLimited, Verdict

gaps = st.lists(st.floats(0, 2), min_size=1, max_size=60)


@pytest.mark.parametrize("kind", LIMITERS)
@given(gaps=gaps, requests=st.integers(1, 6), per_s=st.sampled_from([0.5, 1.0, 3.0]))
def test_no_window_has_more_than_promised(kind: Any, gaps: list[float], requests: int, per_s: float) -> None:
    """In a window of its own a fixed limiter passes `requests`, a sliding one in any, a bucket twice that in any."""
    limiter = LIMITERS[kind](Rate(requests, per_s, kind=kind))
    now, passed = 1_700_000_000.0, []
    for gap in gaps:
        now += gap
        verdict = limiter.take(now)
        assert verdict.remaining >= 0
        assert verdict.reset_s >= 0
        if verdict.passes:
            passed.append(now)
    for moment in passed:
        begin = moment // per_s * per_s if kind == "fixed" else moment
        count = sum(begin <= other < begin + per_s for other in passed)
        assert count <= (2 * requests if kind == "bucket" else requests)


@pytest.mark.parametrize("kind", LIMITERS)
def test_who_waits_for_the_reset_passes(kind: Any) -> None:
    limiter = LIMITERS[kind](Rate(3, 1.0, kind=kind))
    now = 1_700_000_000.25
    assert [limiter.take(now).passes for _ in range(4)] == [True, True, True, False]
    assert limiter.take(now + limiter.take(now).reset_s + 1e-6).passes


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ("none", ()),
        ("seconds", (("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "4"), ("X-RateLimit-Reset", "3"))),
        ("epoch", (("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "4"), ("X-RateLimit-Reset", "103"))),
        ("mailgun", (("X-Request-Limit", "10"), ("X-Request-Remaining", "4"), ("X-Request-Reset", "102500"))),
        ("draft_7", (("RateLimit", "limit=10, remaining=4, reset=3"), ("RateLimit-Policy", "10;w=5"))),
        ("draft_10", (("RateLimit", '"default";r=4;t=3'), ("RateLimit-Policy", '"default";q=10;w=5'))),
    ],
)
def test_what_is_left_is_said(headers: str, said: tuple[tuple[str, str], ...]) -> None:
    assert said == SAYINGS[headers](Rate(10, 5.0), Verdict(passes=True, remaining=4, reset_s=2.5), 100.0)


def test_a_refusal_has_no_rows_and_may_say_when_to_come_back() -> None:
    answer = RateLimited(lambda _: Reply(rows=range(3), resource="events"), Rate(1, 5.0, retry_after=True), lambda: 101)
    first, second = (answer(Request("GET", "/", "/")) for _ in range(2))
    assert (first.status, first.resource, second.status, second.resource) == (200, "events", 429, None)
    assert second.headers == (("Retry-After", "4"),)
