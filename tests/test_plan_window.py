"""Windows that remember, settle and know the retention: what a run lists, what it keeps, what it says is gone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.bridge.window import WindowLedger
from headrace.engine import Errand, ResourceReport, errands
from headrace.errors import ConfigError, UsageError
from headrace.message import Request
from headrace.moment import FORMS, form_of
from headrace.plan import Mark, Plan, Windows, ranged
from walking import plan_of

HOUR = 3600
DAY = 86400
NOW = 1_772_582_400.0  # 2026-03-04T00:00:00Z
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}


def windows(start: Any = timedelta(days=-3), **others: Any) -> Windows:
    return Windows("from", "to", start, **others)


def length(**parts: float) -> timedelta:
    return timedelta(**parts)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


@pytest.mark.parametrize(
    ("form", "start", "said"),
    [
        (None, 0, 1772582401),
        (None, 1_772_582_400_000, 1772582401234),
        (None, 0.0, 1772582401.234),
        (None, "2026-01-01", "2026-03-04"),
        (None, date(2026, 1, 1), "2026-03-04"),
        (None, "2026-01-01T00:00:00Z", "2026-03-04T00:00:01Z"),
        (None, "2026-01-01T00:00:00.000Z", "2026-03-04T00:00:01Z"),
        (None, "2026-01-01T00:00:00+02:00", "2026-03-04T02:00:01+02:00"),
        (None, "2026-01-01T00:00:00", "2026-03-04T00:00:01"),
        (None, datetime(2026, 1, 1, tzinfo=timezone.utc), "2026-03-04T00:00:01+00:00"),
        (None, "Thu, 01 Jan 2026 00:00:00 +0000", "Wed, 04 Mar 2026 00:00:01 +0000"),
        (None, "Thu, 01 Jan 2026 00:00:00 GMT", "Wed, 04 Mar 2026 00:00:01 GMT"),
        (None, timedelta(days=-3), "2026-03-04T00:00:01Z"),
        ("seconds", timedelta(days=-3), 1772582401),
        ("decimal_seconds", "2026-01-01", 1772582401.234),
        ("milliseconds", timedelta(days=-3), 1772582401234),
        ("date", timedelta(days=-3), "2026-03-04"),
        ("datetime", "2026-01-01", "2026-03-04T00:00:01Z"),
        ("datetime_ms", timedelta(days=-3), "2026-03-04T00:00:01.234Z"),
        ("rfc2822", "2026-01-01", "Wed, 04 Mar 2026 00:00:01 +0000"),
        ("rfc2822_days", timedelta(days=-3), "Wed, 04 Mar 2026 00:00:00 +0000"),
        ("rfc1123", timedelta(days=-3), "Wed, 04 Mar 2026 00:00:01 GMT"),
    ],
)
def test_bounds_are_said_in_the_declared_form_or_that_of_start(form: str | None, start: Any, said: Any) -> None:
    assert form_of(form, start).say(NOW + 1.2345) == said


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(sorted(FORMS)))
def test_a_form_cuts_down_by_less_than_its_unit(milliseconds: int, name: str) -> None:
    form, moment_s = FORMS[name], milliseconds / 1000
    said = ms_of(form.say(moment_s), name)
    assert said == round(form.cut(moment_s) * 1000)
    assert 0 <= milliseconds - said < form.unit_s * 1000


def ms_of(said: Any, form: str) -> int:
    """What an API reads, in milliseconds since 1970."""
    if form in {"rfc2822", "rfc2822_days", "rfc1123"}:
        return round(parsedate_to_datetime(said).timestamp() * 1000)
    if form in {"date", "datetime", "datetime_ms"}:
        found = datetime.fromisoformat(said.replace("Z", "+00:00"))
        return round(found.replace(tzinfo=timezone.utc).timestamp() * 1000)
    return int(said) if form == "milliseconds" else round(float(said) * 1000)


def test_bounds_go_to_the_query_or_into_the_body() -> None:
    request = Request("POST", "https://api.example.com", json={"range": {"tz": "UTC"}})
    both = Windows(None, "to", 0, body_path_start="range.from", format="milliseconds")
    asked = both.ask(request, NOW, NOW + 60)
    assert asked.json == {"range": {"tz": "UTC", "from": 1772582400000}}
    assert asked.params == (("to", "1772582460000"),)


DAILY = {"reread_every": length(days=1), "reread_span": length(days=5)}
TWO_DAYS = {"retention": length(days=2)}


@pytest.mark.parametrize(
    ("options", "mark", "expected"),
    [
        # a first run: from the start, whatever the overlap; remembered is what is settled
        ({}, Mark(), (-3 * DAY, 0, 0)),
        ({"settle": length(minutes=30), "overlap": length(hours=1)}, Mark(), (-3 * DAY, 0, -1800)),
        # what is ten minutes old, and settles later than that
        ({"end": length(minutes=-10)}, Mark(), (-3 * DAY, -600, -600)),
        ({"end": length(minutes=-10), "settle": length(minutes=30)}, Mark(), (-3 * DAY, -600, -1800)),
        # an end that is still to come is no reason to remember the future
        ({"end": length(days=1)}, Mark(), (-3 * DAY, DAY, 0)),
        # later runs: from what is remembered, less the overlap; a relative start is that of first runs alone
        ({"overlap": length(hours=1)}, Mark(NOW - DAY), (-DAY - HOUR, 0, 0)),
        ({"overlap": length(hours=1)}, Mark(NOW - 9 * DAY), (-9 * DAY - HOUR, 0, 0)),
        ({"start": moment(NOW - 3 * DAY), "overlap": length(days=9)}, Mark(NOW - DAY), (-3 * DAY, 0, 0)),
        # nothing older than the retention
        (TWO_DAYS, Mark(), (-2 * DAY, 0, 0)),
        ({**TWO_DAYS, "overlap": length(days=9)}, Mark(NOW - DAY), (-2 * DAY, 0, 0)),
        ({**TWO_DAYS, "resolution": length(minutes=1)}, Mark(), (-2 * DAY + 60, 0, 0)),
        # after a gap that nobody can fill it goes on
        (TWO_DAYS, Mark(NOW - 9 * DAY), (-2 * DAY, 0, 0)),
        # a look further back: when it is due, a tenth sooner too, to the retention or the declared span
        ({**DAILY, "retention": length(days=2), "reread_span": None}, Mark(NOW - HOUR), (-2 * DAY, 0, 0)),
        (DAILY, Mark(NOW - HOUR, NOW - 22 * HOUR), (-5 * DAY, 0, 0)),
        (DAILY, Mark(NOW - HOUR, NOW - 21 * HOUR), (-HOUR, 0, 0)),
        ({**DAILY, "start": moment(NOW - DAY)}, Mark(NOW - HOUR), (-DAY, 0, 0)),
        # a range of this run alone: remembered where it leaves no hole, and it never looks far back
        ({"since": moment(NOW - 2 * DAY), "overlap": length(hours=1)}, Mark(NOW - DAY), (-2 * DAY, 0, 0)),
        ({"since": moment(NOW - DAY), "overlap": length(hours=1)}, Mark(NOW - DAY), (-DAY, 0, None)),
        ({"since": length(hours=-1), "until": length(minutes=-1)}, Mark(NOW - DAY), (-HOUR, -60, None)),
        ({"since": moment(NOW - 5 * DAY), "until": length(days=-2)}, Mark(NOW - DAY), (-5 * DAY, -2 * DAY, -2 * DAY)),
        ({"since": length(days=-9)}, Mark(), (-9 * DAY, 0, 0)),
        ({"since": length(days=-1)}, Mark(), (-DAY, 0, None)),
        ({"until": length(days=-1)}, Mark(), (-3 * DAY, -DAY, -DAY)),
        ({**DAILY, "until": length(hours=-1)}, Mark(NOW - DAY), (-DAY, -HOUR, -HOUR)),
    ],
)  # fmt: skip
def test_what_a_run_lists_and_remembers(options: Any, mark: Mark, expected: Any) -> None:
    start, end, settled = expected
    span = windows(**{"start": length(days=-3), **options}).span(NOW, mark)
    assert (span.start - NOW, span.end - NOW) == (start, end)
    assert (None if span.settled is None else span.settled - NOW) == settled


@pytest.mark.parametrize(
    ("options", "mark", "gone"),
    [
        ({}, Mark(NOW - 9 * DAY), None),
        (TWO_DAYS, Mark(), None),
        (TWO_DAYS, Mark(NOW - DAY), None),
        (TWO_DAYS, Mark(NOW - 3 * DAY), (-3 * DAY, -2 * DAY)),
        ({**TWO_DAYS, "start": moment(NOW - 4 * DAY)}, Mark(), (-4 * DAY, -2 * DAY)),
        ({**TWO_DAYS, "start": moment(NOW - 4 * DAY)}, Mark(NOW - 3 * DAY), (-3 * DAY, -2 * DAY)),
        ({**TWO_DAYS, "since": length(days=-30)}, Mark(NOW - DAY), (-30 * DAY, -2 * DAY)),
        ({**TWO_DAYS, "since": length(days=-30), "until": length(days=-9)}, Mark(), (-30 * DAY, -9 * DAY)),
        # a range that was listed to its end is missed by nobody
        ({**TWO_DAYS, "start": "2026-02-01", "end": "2026-02-05"}, Mark(1_770_249_600), None),
    ],
)  # fmt: skip
def test_what_a_run_comes_too_late_for(options: Any, mark: Mark, gone: Any) -> None:
    span = windows(**{"start": length(days=-3), **options}).span(NOW, mark)
    assert (None if span.gone is None else tuple(moment - NOW for moment in span.gone)) == gone


def test_a_range_that_is_gone_is_said_before_it_is_asked_for() -> None:
    plan = plan_of(
        CURSOR, {"param_start": "from", "param_end": "to", "start": "2026-01-01T00:00:00Z", "retention": "3d"}
    )
    report = ResourceReport("items")
    ledger = WindowLedger({"windows": {"{}": NOW - 5 * DAY}}, lambda: NOW, report)
    calls = errands(plan.resources[0], ledger=ledger)
    text = "rows between 2026-02-27T00:00:00Z and 2026-03-01T00:00:00Z are older than 3 days: gone at the API"
    with pytest.warns(UserWarning, match=f"resource `items`: {text}"):
        (errand,) = calls
    assert report.gone == [text]
    assert dict(errand.call.request.params)["from"] == "2026-03-01T00:00:00Z"


def test_an_end_before_the_start_is_wrong() -> None:
    with pytest.raises(UsageError, match="`since` 2026-03-05"):
        windows(since="2026-03-05").span(NOW, Mark())
    with pytest.raises(UsageError, match="`start` 2026-03-05"):
        windows("2026-03-05").span(NOW, Mark())
    assert windows(until="2026-01-01").span(NOW, Mark(NOW - DAY)).is_empty


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("soon", "expected a moment as `since`, got 'soon'"),
        ({"item": "-3d"}, "did you mean `items`?"),
        ({"items": True}, "expected a moment as `since`, got True"),
    ],
)
def test_wrong_ranges_of_a_run(said: Any, expected: str) -> None:
    plan = plan_of(CURSOR, {"param_start": "from", "param_end": "to", "start": 0})
    with pytest.raises(UsageError) as caught:
        ranged(plan, said, None)
    assert expected in str(caught.value)
    with pytest.raises(UsageError, match="expected a resource with `windows`"):
        ranged(plan_of(CURSOR), {"items": 0}, None)
    with pytest.raises(UsageError, match="found none"):
        ranged(plan_of(CURSOR), 0, None)


@pytest.mark.parametrize("option", [{"settle": "30m"}, {"resolution": "1s"}, {"reread_every": "1d", "retention": "3d"}])
@pytest.mark.parametrize("hints", [{}, {"primary_key": "id"}, {"write_disposition": "merge"}])
def test_rows_that_are_listed_again_need_a_merge(option: Any, hints: Any) -> None:
    options = {"param_start": "from", "param_end": "to", "start": 0}
    with pytest.raises(ConfigError, match=f"`{next(iter(option))}` lists rows more than once"):
        plan_of(CURSOR, {**options, **option}, hints=hints)
    with pytest.warns(UserWarning, match="stored twice"):
        plan_of(CURSOR, {**options, "overlap": "1h"}, hints=hints)


#: Kinds of ends of a run: it is done, it fails and nothing is loaded, or its call is skipped after some windows.
ENDS = ("done", "done", "done", "failed", "skipped")


@dataclass
class Service:
    """Rows as (time, moment of arrival), in milliseconds; it cuts bounds and times to `unit` and takes them or not."""

    rows: Sequence[tuple[int, int]]
    unit: int
    bounds: str
    retention: int | None
    listed: set[int] = field(default_factory=set)

    def list(self, start: int, end: int, now: int) -> set[int]:
        """Numbers of rows."""
        oldest = None if self.retention is None else now - self.retention
        assert oldest is None or start >= oldest, "the API refuses what is older than it keeps"
        low, high = start // self.unit, end // self.unit
        low += self.bounds[0] == "("
        high -= self.bounds[1] == ")"
        return {
            number
            for number, (time, arrives) in enumerate(self.rows)
            if low <= time // self.unit <= high and arrives <= now and (oldest is None or time >= oldest)
        }


def run(service: Service, plan: Plan, state: dict[str, Any], now: int, dice: Random, end: str) -> list[str]:
    """One run at `now` (milliseconds); what it said is gone."""
    report = ResourceReport("items")
    ledger = WindowLedger(state, lambda: now / 1000, report)
    form = plan.resources[0].windows.format  # type: ignore[union-attr]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calls = list(errands(plan.resources[0], ledger=ledger))
    found: set[int] = set()
    for call in calls:
        parts = cut(call, service.rows, dice)
        for part in parts[: dice.randrange(len(parts)) if end == "skipped" else len(parts)]:
            asked = dict(part.call.request.params)
            found |= service.list(ms_of(asked["from"], str(form)), ms_of(asked["to"], str(form)), now)
            assert part.complete is not None
            part.complete()
    if end != "failed":
        service.listed |= found
        ledger.keep()
    return report.gone


def cut(call: Errand, rows: Sequence[tuple[int, int]], dice: Random) -> list[Errand]:
    """The windows of a call, cut where they may be, best beside rows."""
    whole = call.window
    assert whole is not None
    unit = whole.stride.unit_s
    low, high = int(whole.start // unit) + 1, int(whole.end // unit)
    near = {time // 1000 // unit + dice.choice((0, 1)) for time, _ in dice.choices(rows, k=dice.choice((0, 1, 20)))}
    cuts = sorted(at * unit for at in near if low <= at <= high)
    bounds = [whole.start, *(at for at in cuts if whole.start < at < whole.end), whole.end]
    return [whole.errand_of(replace(whole, start=start, end=end)) for start, end in pairwise(bounds)]


BASE = int(NOW) * 1000
DURATIONS = (0, 1, 60, 1800, 3600)


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    unit=st.sampled_from((1, 1000, 60_000)),
    bounds=st.sampled_from(("[)", "[]", "(]", "()")),
    form=st.sampled_from(("seconds", "decimal_seconds", "milliseconds", "datetime", "datetime_ms", "rfc2822")),
    overlap=st.sampled_from(DURATIONS),
    settle=st.sampled_from(DURATIONS),
    held_back=st.sampled_from((None, 30, 3000)),
    retention=st.sampled_from((None, 5 * HOUR, DAY)),
    reread=st.booleans(),
    starts=st.sampled_from(("absolute", "relative")),
)
def test_what_settles_is_listed(  # noqa: PLR0913, PLR0917 - the sides of the case
    seed: int,
    unit: int,
    bounds: str,
    form: str,
    overlap: int,
    settle: int,
    held_back: int | None,
    retention: int | None,
    reread: bool,
    starts: str,
) -> None:
    """For any bounds and resolution of the API, any delays below overlap and settling together, any times of runs,
    failures, skips and backfills: every row was listed by a run that kept it, or is said to be gone."""
    dice = Random(seed)
    length_ms = 12 * HOUR * 1000
    rows = []
    for _ in range(60):
        second = dice.randrange(-length_ms // 8, length_ms) // 1000
        time = BASE + 1000 * (second // dice.choice((1, 60)) * 60) + dice.choice((0, 1, 500, 999))
        latest = 1000 * (overlap + settle)
        rows.append((time, time + dice.choice((0, latest, dice.randrange(latest + 1)))))
    first = BASE + dice.randrange(HOUR * 1000)
    options: dict[str, Any] = {
        "param_start": "from",
        "param_end": "to",
        "start": moment(BASE / 1000) if starts == "absolute" else "-2h",
        "format": form,
        "overlap": overlap,
        "settle": settle,
        "resolution": unit / 1000,
        "end": None if held_back is None else f"-{held_back}s",
        "retention": retention,
        **({"reread_every": "1h", "reread_span": "3h"} if reread else {}),
    }
    plan = plan_of(CURSOR, options)
    service = Service(rows, unit, bounds, None if retention is None else 1000 * retention)
    begun = BASE if starts == "absolute" else first - 2 * HOUR * 1000
    state: dict[str, Any] = {}
    now, moments, was_done, gone = first, [], False, False
    for turn in range(dice.randrange(1, 9)):
        known = state.get("windows", {}).get("{}")
        how = "done" if turn == 0 else dice.choice(ENDS)
        today = plan
        if turn and dice.random() < 0.2:
            since = (now - dice.randrange(6 * HOUR * 1000)) / 1000
            until = dice.choice((None, since + dice.randrange(1, 7200)))
            today = ranged(plan, moment(since), None if until is None else moment(until))
        else:
            moments.append((now, how))
        gone |= bool(run(service, today, state, now, dice, how))
        was_done |= how == "done"
        assert known is None or state["windows"]["{}"] >= known, "what is remembered never goes back"
        now += dice.choice((1, 500, 60_000, HOUR * 1000, 4 * HOUR * 1000)) + dice.randrange(1000)
        now = min((time + dice.choice((0, 1, 700)) for time, _ in rows if time >= now), default=now)
    gone |= bool(run(service, plan, state, now, dice, "done"))
    end_ms = now - 1000 * (held_back or 0)
    form_ms = round(1000 * FORMS[form].unit_s)
    edge = max(form_ms, unit)
    asked_to = end_ms // form_ms * form_ms // unit * unit
    for number, (time, arrives) in enumerate(rows):
        inside = begun <= time < asked_to and arrives <= now
        kept = retention is None or time - edge - 1000 >= first - 1000 * retention
        if inside and kept and not gone:
            late = retention is not None and not any(
                arrives <= moment <= time + 1000 * retention - edge - 1000 and how == "done"
                for moment, how in [*moments, (now, "done")]
            )
            assert late or number in service.listed, (time - BASE, arrives - BASE)
    assert state.get("windows", {}).get("{}", 0) <= (now - 1000 * settle) / 1000


@settings(max_examples=300, deadline=None)
@given(
    moments=st.lists(st.integers(1, 400_000), min_size=2, max_size=4, unique=True).map(sorted),
    unit=st.sampled_from((1, 1000, 60_000)),
    bounds=st.sampled_from(("[)", "[]", "(]", "()")),
    form=st.sampled_from(("seconds", "decimal_seconds", "milliseconds", "datetime", "datetime_ms", "rfc2822")),
    finest=st.booleans(),
    seed=st.integers(0, 9),
)
def test_no_edge_loses_a_row(moments: list[int], unit: int, bounds: str, form: str, finest: bool, seed: int) -> None:
    """Without any overlap, where runs and windows meet: rows at, just before and just behind each edge."""
    edges = {*moments, *(moment // step * step for moment in moments for step in (1000, 60_000))}
    times = sorted({BASE + edge + near for edge in edges for near in (-1, 0, 1) if edge + near >= 0})
    resolution = 0.001 if finest and unit == 1 else unit / 1000
    options = {"param_start": "from", "param_end": "to", "start": moment(NOW), "format": form, "resolution": resolution}
    plan = plan_of(CURSOR, options)
    state: dict[str, Any] = {}
    service = Service([(time, time) for time in times], unit, bounds, None)
    for at in moments:
        run(service, plan, state, BASE + at, Random(seed), "done")
    form_ms = round(1000 * FORMS[form].unit_s)
    last = (BASE + moments[-1]) // form_ms * form_ms // unit * unit
    assert {number for number, time in enumerate(times) if time < last} <= service.listed
