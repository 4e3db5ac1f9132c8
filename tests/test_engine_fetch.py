"""The line of batches: side by side where it may be, in order where it must be, and nothing lost when one fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from headrace.engine import Converter, Line, Spool
from headrace.engine.records import Records


class Stations:
    """A converter and a spool that write down what is asked of them; batches are told apart by their only record.

    A batch called `slow` is tried until another one was; one called `bad` cannot be read.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.tried: list[str] = []
        self.most_under_way = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._other_was_tried = threading.Event()

    def attempt(self, batch: Records) -> str:
        name = batch.raw[0].decode()
        with self._lock:
            self._under_way += 1
            self.most_under_way = max(self.most_under_way, self._under_way)
        if name == "slow":
            assert self._other_was_tried.wait(10)
        else:
            self._other_was_tried.set()
        self.tried.append(name)
        return name

    def read(self, batch: Records, attempt: str) -> str:
        assert attempt == batch.raw[0].decode()
        if attempt == "bad":
            raise ValueError(attempt)
        self.seen.append(f"read {attempt}")
        return attempt

    def finish(self, read: str) -> str:
        self.seen.append(f"finish {read}")
        return read

    def append(self, batch: str) -> None:
        self.seen.append(f"spool {batch}")
        with self._lock:
            self._under_way -= 1


def line_of(stations: Stations) -> Line:
    return Line(cast("Converter", stations), cast("Spool", stations))


def batches(*names: str) -> list[Records]:
    return [Records([name.encode()], [1]) for name in names]


async def passed(line: Line, *names: str) -> None:
    for batch in batches(*names):
        await line.put(batch)
    await line.drain()


def of(seen: list[str], verb: str) -> list[str]:
    return [text.removeprefix(verb) for text in seen if text.startswith(verb)]


def test_batches_are_tried_side_by_side_and_spooled_in_order() -> None:
    stations = Stations()
    names = ["slow", *map(str, range(8))]
    asyncio.run(passed(line_of(stations), *names))
    assert stations.tried[0] != "slow"
    assert [of(stations.seen, verb) for verb in ("read ", "finish ", "spool ")] == [names] * 3


def test_no_more_than_three_batches_are_under_way() -> None:
    stations = Stations()
    asyncio.run(passed(line_of(stations), *map(str, range(20))))
    assert stations.most_under_way <= 3


def test_what_fails_is_raised_and_nothing_after_it_is_spooled() -> None:
    stations = Stations()

    async def run() -> None:
        line = line_of(stations)
        with pytest.raises(ValueError, match="bad"):
            await passed(line, "0", "bad", "1", "2", "3", "4")
        await line.stop()

    asyncio.run(run())
    assert of(stations.seen, "spool ") == ["0"]


def test_a_line_that_is_left_waits_for_its_threads() -> None:
    stations = Stations()

    async def run() -> Any:
        line = line_of(stations)
        waiting = asyncio.create_task(passed(line, "slow", "0"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        stations.attempt(batches("other")[0])
        await line.stop()

    asyncio.run(run())
    assert of(stations.seen, "spool ")[:1] == ["slow"]
