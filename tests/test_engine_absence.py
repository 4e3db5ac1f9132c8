"""Which rows vanished: the decision against a plain model of it, and the calls that it is told of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine import Absences, Asked, Verdict
from headrace.engine.absence import Scope

#: A row that stood: id, key, scope (a fixed value, the parent's), listings that lacked it.
Stood = tuple[str, str | None, tuple[str | None, str | None], int | None]


@dataclass(frozen=True)
class Case:
    """What stood, the keys that came with their scopes, and the calls."""

    stood: tuple[Stood, ...]
    came: dict[str, Scope]
    asked: Asked


def table(rows: Iterable[tuple[Any, ...]], *kinds: pa.DataType) -> pa.Table:
    rows = list(rows)
    columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(kinds)]
    return pa.Table.from_arrays(columns, names=[f"c{at}" for at in range(len(kinds))])


def decide(case: Case, folder: Path) -> tuple[Verdict, dict[str, tuple[int, bool]]]:
    """What is decided, however many rows are compared one by one."""
    few, some, none = (decide_with(case, folder, one_by_one) for one_by_one in (99, 3, 0))
    assert few == some == none
    return few


def decide_with(case: Case, folder: Path, one_by_one: int) -> tuple[Verdict, dict[str, tuple[int, bool]]]:
    text = pa.string()
    absences = Absences(folder, keys=1, fixed=1, kept=1, one_by_one=one_by_one)
    rows = list(case.stood)
    for part in (rows[:2], rows[2:]):
        absences.stand(table(((id_, key, *scope, missed) for id_, key, scope, missed in part), *[text] * 4, pa.int64()))
    absences.come(table(((key, *scope) for key, scope in case.came.items()), text, text, text))
    assert absences.stray(case.asked) is None
    verdict = absences.settle(case.asked)
    found = {row["id"]: (row["missed"], row["gone"]) for part in absences.lacking(2) for row in part.to_pylist()}
    absences.close()
    return verdict, found


def expected(case: Case) -> tuple[Verdict, dict[str, tuple[int, bool]]]:
    """The same, row by row."""
    asked, looked_for = case.asked, 0
    lacking: dict[str, tuple[str, int, int]] = {}
    for id_, key, scope, missed in case.stood:
        after = None
        if scope in asked.whole and scope not in asked.broken:
            after = asked.after
        elif scope not in asked.broken and scope[:1] in asked.about:
            after = asked.orphans_after
        if key is None or None in scope or after is None:
            continue
        looked_for += 1
        if key not in case.came:
            least, most, allowed = lacking.get(key, (id_, 0, 0))
            lacking[key] = min(least, id_), max(most, (missed or 0) + 1), max(allowed, after)
    found = {id_: (missed, missed >= after) for id_, missed, after in lacking.values()}
    gone = sum(is_gone for _, is_gone in found.values())
    return Verdict(looked_for, gone, len(found) - gone), found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scopes = st.tuples(st.sampled_from("AB"), st.sampled_from("xy"))
    whole = draw(st.frozensets(scopes, max_size=4))
    broken = draw(st.frozensets(scopes, max_size=2))
    made = sorted(whole | broken)
    stood = draw(
        st.lists(
            st.tuples(
                st.none() | st.sampled_from("abcdef"),
                scopes | st.tuples(st.none() | st.sampled_from("AB"), st.none() | st.sampled_from("xyz")),
                st.none() | st.integers(0, 2),
            ),
            max_size=8,
        )
    )
    came = draw(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(made))) if made else {}
    about = frozenset({(fixed,) for fixed, _ in made} | draw(st.frozensets(st.tuples(st.sampled_from("AB")))))
    after = draw(st.integers(1, 3))
    asked = Asked(whole, broken, about, after, draw(st.none() | st.integers(after, 4)))
    return Case(tuple((f"id{at}", *row) for at, row in enumerate(stood)), came, asked)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_decides_as_the_model_does(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    assert decide(case, tmp_path_factory.getbasetemp()) == expected(case)


@settings(max_examples=50, deadline=None)
@given(cases())
def test_nothing_is_gone_of_calls_that_did_not_end(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    """Whatever else happens: no row of a broken call, and none that came."""
    _, found = decide(case, tmp_path_factory.getbasetemp())
    for id_, key, scope, _ in case.stood:
        if scope in case.asked.broken or key in case.came:
            assert id_ not in found


@pytest.mark.parametrize("one_by_one", [0, 9])
def test_a_listing_without_scope(tmp_path: Path, one_by_one: int) -> None:
    absences = Absences(tmp_path, keys=2, one_by_one=one_by_one)
    rows = [("1", "a", "x", None), ("2", "a", "y", None), ("3", None, "z", None)]
    absences.stand(table(rows, *[pa.string()] * 3, pa.int64()))
    absences.come(table([("a", "y")], pa.string(), pa.string()))
    asked = Asked(frozenset({()}))
    assert absences.stray(asked) is None
    assert absences.settle(asked) == Verdict(looked_for=2, gone=1)
    assert [part.to_pylist() for part in absences.lacking(9)] == [[{"id": "1", "missed": 1, "gone": True}]]


@pytest.mark.parametrize("one_by_one", [0, 9])
def test_a_row_of_no_call_is_found(tmp_path: Path, one_by_one: int) -> None:
    """It says that rows have values of their own where the call's are looked for."""
    for scopes, stray in (({("x",), (None,)}, None), ({("x",)}, (None,)), ({(None,)}, ("x",))):
        absences = Absences(tmp_path, keys=1, kept=1, one_by_one=one_by_one)
        absences.come(table([("a", "x"), ("b", None)], pa.string(), pa.string()))
        assert absences.stray(Asked(frozenset(scopes))) == stray
        absences.close()


@pytest.mark.parametrize(
    ("looked_for", "gone", "most", "is_too_much"),
    [(19, 19, 0, False), (20, 20, 0.5, True), (40, 20, 0.5, False), (41, 21, 0.5, True), (20, 20, 1, False)],
)
def test_many_at_once_are_too_much(looked_for: int, gone: int, most: float, is_too_much: bool) -> None:
    assert Verdict(looked_for, gone).is_too_much(most) is is_too_much
