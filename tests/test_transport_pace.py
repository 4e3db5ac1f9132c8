"""Paces: declared ones are never exceeded where they are counted, headers are obeyed, hidden limits are found."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.plan.model import Limits
from headrace.plan.model import Rate as Declared
from headrace.sim.rate import HEADERS, LIMITERS, Rate
from headrace.transport.learned import LearnedPace
from headrace.transport.pace import Pace, Passage
from limited_api import ideal_s, run_limited

#: The project's goals: time against what the limit allows, and the shares of refusals, told beforehand or learned.
TIME, TOLD, LEARNED = 1.1, 0.01, 0.05
#: 600 requests at 10 a second: a minute.
REQUESTS, TEN = 600, 10


@given(
    requests=st.integers(1, 8),
    per_s=st.sampled_from([0.5, 1.0, 7.0]),
    ways=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 3)), min_size=1, max_size=60),
)
def test_no_window_has_more_than_declared(requests: int, per_s: float, ways: list[tuple[float, float, float]]) -> None:
    """Wherever it begins, and whenever between sending and answer the server counts, if that takes 5 % of a window."""
    pace, now, counted = Pace(Declared(requests, per_s)), 0.0, []
    for sooner, later, pause in ways:
        now += pause
        while (moment := pace.opens(now)) > now:
            now = moment
        passage = Passage(now)
        pace.send(passage)
        slowest = 0.05 * per_s
        passage.answered = now + max(sooner, later) * slowest
        counted.append(now + min(sooner, later) * slowest)
    for begin in counted:
        # a hair less than the window: sums of floats are not exact
        assert sum(begin <= moment < begin + per_s - 1e-9 for moment in counted) <= requests


def test_a_late_answer_is_waited_for_a_twentieth_of_the_window() -> None:
    """Otherwise slow answers would slow down everything."""
    pace = Pace(Declared(1, 10))
    pace.send(Passage(0.0))
    assert (pace.opens(1), pace.opens(10)) == (10, 10.5)
    pace = Pace(Declared(1, 10))
    pace.send(Passage(0.0, answered=0.2))
    assert pace.opens(1) == 10.2


def test_only_the_window_is_remembered() -> None:
    """A host may allow millions in ten seconds."""
    pace = Pace(Declared(2_000_000, 10))
    for number in range(5000):
        pace.send(Passage(number / 10, number / 10))
    assert len(pace._passages) <= 106


@pytest.mark.parametrize("latency_s", [0.004, 0.15])
@pytest.mark.parametrize("kind", LIMITERS)
@pytest.mark.parametrize("headers", ["declared", *sorted(set(HEADERS) - {"none"})])
def test_a_known_limit_is_used_and_kept(headers: Any, kind: Any, latency_s: float) -> None:
    """Declared, or in the headers of whatever dialect; however the API counts."""
    told = headers != "declared"
    rate = Rate(TEN, 1.0, kind=kind, headers=headers if told else "none")
    limits = Limits() if told else Limits(rate=Declared(TEN, 1.0))
    run = run_limited(rate, REQUESTS, limits=limits, latency_s=latency_s)
    assert run.seconds <= TIME * ideal_s(rate, REQUESTS)
    assert run.refused_share < TOLD
    [slowdown] = run.gates.slowdowns()
    assert f"{TEN} requests in 1 s" in str(slowdown.by)


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("latency_s", [0.004, 0.05])
@pytest.mark.parametrize("kind", LIMITERS)
def test_a_hidden_limit_is_learned(kind: Any, latency_s: float, retry_after: bool) -> None:
    """Within a minute, the learning included."""
    rate = Rate(TEN, 1.0, kind=kind, retry_after=retry_after)
    run = run_limited(rate, REQUESTS, latency_s=latency_s)
    assert run.seconds <= TIME * ideal_s(rate, REQUESTS)
    assert run.refused_share < LEARNED
    [slowdown] = run.gates.slowdowns()
    assert "learned" in str(slowdown.by)


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(sorted(LIMITERS)),
    a_second=st.sampled_from([4, 10, 25]),
    latency_s=st.floats(0.002, 0.1),
    seed=st.integers(0, 1000),
    phase_s=st.floats(0, 1),
    retry_after=st.booleans(),
)
def test_a_long_run_settles_near_the_limit(kind: Any, a_second: int, phase_s: float, **way: Any) -> None:
    """Over three minutes: at least 0.85 of the limit, and seldom refused."""
    requests, retry_after = 180 * a_second, way.pop("retry_after")
    rate = Rate(a_second, 1.0, kind=kind, retry_after=retry_after)
    run = run_limited(rate, requests, phase_s=phase_s, **way)
    assert run.seconds <= ideal_s(rate, requests) / 0.85
    assert run.refused_share < LEARNED


def test_where_learning_is_off_a_refusal_is_a_rest_and_no_more() -> None:
    rate = Rate(TEN, 1.0)
    run = run_limited(rate, REQUESTS, limits=Limits(learn_rate=False))
    assert run.refused_share > 0.2
    assert run.gates.slowdowns()[0].paced_s == 0


def test_without_a_limit_nothing_is_slowed_down() -> None:
    run = run_limited(None, 800, latency_s=0.1, workers=8)
    assert run.seconds < 800 / 8 * 0.1 * 1.15
    [slowdown] = run.gates.slowdowns()
    assert (slowdown.paced_s, slowdown.by, run.refused_share) == (0, None, 0)


def test_requests_that_fit_into_what_is_left_do_not_wait() -> None:
    """An hour's quota is not spread over the hour, and is not overdrawn."""
    rate = Rate(500, 3600.0, headers="epoch")
    assert run_limited(rate, 400, latency_s=0.1).seconds < 6
    quota = Rate(50, 100.0, headers="seconds")
    run = run_limited(quota, 120, latency_s=0.1)
    assert run.refused_share == 0
    assert run.seconds <= ideal_s(quota, 120) + 2


def test_the_quota_is_shared_with_others() -> None:
    """Somebody else uses half of it: what remains is looked at, and few requests are refused."""
    rate = Rate(60, 60.0, headers="epoch")
    run = run_limited(rate, 90, latency_s=0.1, others=0.5)
    assert run.refused_share < TOLD
    assert run.seconds <= 2 * ideal_s(rate, 90) + 60


def passed(pace: LearnedPace, begin: float, count: int, gap_s: float) -> None:
    for place in range(count):
        pace.send(begin + place * gap_s)
        pace.accepted(Passage(begin + place * gap_s))


def test_a_burst_counts_once() -> None:
    """Eight requests under way that are refused together lower the pace as one does."""
    one, eight = LearnedPace(), LearnedPace()
    for pace, refusals in ((one, 1), (eight, 8)):
        passed(pace, 0.0, 10, 0.01)
        for place in range(refusals):
            pace.refused(Passage(0.1 + place / 1000), 0.2 + place / 1000, None, 1.0)
    assert one.rate == eight.rate
    assert (one.refusals, eight.refusals) == (1, 1)


def test_answers_that_were_under_way_at_the_first_refusal_count() -> None:
    """A refusal may overtake them; without them the first guess would be too low."""
    before, after = LearnedPace(), LearnedPace()
    passed(before, 0.0, 20, 0.01)
    before.refused(Passage(0.2), 0.3, None, 1.0)
    passed(after, 0.0, 10, 0.01)
    after.refused(Passage(0.2), 0.3, None, 1.0)
    passed(after, 0.1, 10, 0.01)
    assert before.rate == pytest.approx(after.rate)


def test_nothing_is_learned_where_nothing_passed() -> None:
    """Somebody else used the quota up before we came: rest, then ask as if nothing had been."""
    pace = LearnedPace()
    assert pace.refused(Passage(0.0), 0.1, 30.0, 1.0) == 30.0
    assert (pace.rate, pace.opens()) == (None, -math.inf)


def test_refusals_in_a_row_double_the_rest() -> None:
    pace, now, rests = LearnedPace(), 1.0, []
    passed(pace, 0.0, 100, 0.01)
    for _ in range(8):
        rests.append(pace.refused(Passage(now), now, None, 1.0))
        now += rests[-1] + 0.01
    assert rests == [1, 1, 2, 4, 8, 16, 32, 60]
    assert pace.rate == pytest.approx(100 / 65, rel=0.05)  # what passed over the time of all refusals


def test_a_run_that_asks_for_little_does_not_raise_the_pace() -> None:
    """Growth is earned by requests that the pace held back."""
    pace = LearnedPace()
    passed(pace, 0.0, 10, 0.01)
    pace.refused(Passage(0.2), 0.2, None, 1.0)
    before = pace.rate
    passed(pace, 10.0, 100, 5.0)
    assert pace.rate == before
