"""Slots of a host for which they are too many, against models of such hosts, in rounds of as many requests as slots."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from headrace.transport.pace import Passage
from headrace.transport.slots import Slots

MOST = 8
#: The number of a request of a round, and of those in it -> whether it is answered.
Host = Callable[[int, int], bool]


def rounds(slots: Slots, host: Host, times: int, begin: int = 0, *, unfinished: bool = False) -> int:
    """So many rounds, a second each; how many connections were broken off, or answers `unfinished`."""
    broken = 0
    for moment in range(begin + 1, begin + times + 1):
        number = slots.now
        for each in range(number):
            passage = Passage(moment)
            if host(each, number):
                slots.answered(passage, moment + 0.5)
            else:
                broken += 1
                slots.broken(passage, number, moment + 0.5, unfinished=unfinished)
    return broken


def takes(connections: int) -> Host:
    return lambda each, _: each < connections


@pytest.mark.parametrize("connections", range(1, MOST + 1))
def test_as_many_as_the_host_takes_are_found(connections: int) -> None:
    """And few requests above that are tried: at first, and then ever more seldom."""
    slots = Slots(MOST)
    rounds(slots, takes(connections), 300)
    assert abs(slots.now - connections) <= 1
    assert rounds(slots, takes(connections), 1000, 300) <= 30


@pytest.mark.parametrize("answers", range(1, MOST + 1))
def test_as_many_as_end_in_time_on_a_slow_link_are_found(answers: int) -> None:
    """With one more none of them does, so that nobody may have been answered before."""
    slots = Slots(MOST)
    rounds(slots, lambda _, number: number <= answers, 300, unfinished=True)
    assert abs(slots.now - answers) <= 1
    assert rounds(slots, lambda _, number: number <= answers, 1000, 300, unfinished=True) <= 70


def test_an_answer_that_is_alone_and_does_not_end_takes_no_slots() -> None:
    slots = Slots(MOST)
    for moment in range(1, 20):
        slots.broken(Passage(moment), 1, moment + 0.5, unfinished=True)
    assert slots.now == MOST


def test_a_host_that_is_down_keeps_its_slots() -> None:
    slots = Slots(MOST)
    rounds(slots, takes(MOST), 10)
    rounds(slots, takes(0), 1000, 10)
    assert slots.now >= MOST // 2
    rounds(slots, takes(MOST), 40, 1010)
    assert slots.now == MOST


def test_connections_that_are_lost_by_chance_take_no_slots() -> None:
    chance = random.Random(7)
    slots = Slots(MOST)
    rounds(slots, lambda _, __: chance.random() > 0.01, 2000)
    assert slots.now == MOST


def test_a_host_that_takes_fewer_after_a_while_and_all_again() -> None:
    slots = Slots(MOST)
    rounds(slots, takes(MOST), 2000)
    rounds(slots, takes(2), 200, 2000)
    assert slots.now <= 3
    rounds(slots, takes(MOST), 2000, 2200)
    assert slots.now == MOST


def test_there_is_always_one() -> None:
    slots = Slots(MOST)
    rounds(slots, lambda _, __: slots.now % 2 == 0, 500)
    chance = random.Random(1)
    rounds(slots, lambda _, __: chance.random() > 0.6, 500, 500)
    assert slots.now >= 1


def test_those_that_were_under_way_before_a_change_count_once() -> None:
    """A burst of eight, of which two are answered, is one reason to halve, not three."""
    slots = Slots(MOST)
    for each in range(MOST):
        (slots.answered if each < 2 else lambda passage, at: slots.broken(passage, MOST, at))(Passage(1.0), 2.0)
    assert slots.now == MOST // 2
