"""Windows of rows that come oldest first, in steps and behind crashes: where they are cut, they stay cut.

A window that was handed on in part, or as a whole, must be the same window in every later walk, though others go before
and behind it at another pace: with a longer one rows would be taken for loaded that are not, with a shorter one rows
that are loaded would come again, as pages that nobody asked for yet.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine import Errand, KeptPages, ResourceReport, Standing, Step, Steps, Waiting, errands
from headrace.engine.walk import walk_all
from headrace.errors import TransportError
from headrace.keep import Keeper
from headrace.message import Page, Request
from headrace.plan import Plan
from headrace.transport import Transport
from test_engine_order import DAY, LINK, PAGE, history, ordered, times
from turned_loop import AtOnce
from walking import Api, Settled, in_no_time, plan_of

NOW_S = 1e10


class Walks:
    """Walks of one pipeline; `stored` are its packages, `fetched` how often each request was answered."""

    def __init__(self, folder: Path, plan: Plan, api: Api) -> None:
        self._folder = folder
        self._plan = plan
        self._api = api
        self.stored: dict[str, list[Any]] = {}
        self.fetched: Counter[str] = Counter()
        self.steps = 0

    def process(self, dice: Random, *, packages: float = math.inf, in_steps: bool = True) -> bool:
        """Walk until all is stored, so many packages, or a request that fails; whether all is."""
        keeper = Keeper(self._folder, share=math.inf, executor=AtOnce())
        try:
            kept = None
            resource = self._plan.resources[0]
            while packages > 0:
                packages -= 1
                standing = Standing({}, max(self.stored, default=""), set(self.stored))
                if kept is None:
                    report = ResourceReport("items")
                    kept = KeptPages(resource, self._plan, keeper, report, standing=standing, now_s=NOW_S)
                else:
                    kept.go_on(standing)
                if self._package(kept, report, dice, in_steps=in_steps):
                    return True
        except TransportError:
            pass
        finally:
            keeper.close()
        return False

    def _package(self, kept: KeptPages, report: ResourceReport, dice: Random, *, in_steps: bool) -> bool:
        """One package, which may be lost between its note and its load, as a run is that is killed there."""
        steps = Steps(lambda: 0.0)
        steps.begin(self._plan.limits, ())
        found: list[Any] = []

        async def take(_: Errand, page: Page) -> None:
            if not page.loaded:
                found.extend(page.records)

        async def walk() -> bool:
            limits, transport = self._plan.limits, self._transport()
            calls = errands(self._plan.resources[0], ledger=Settled(NOW_S), cuts=kept.cuts)
            async with transport:
                step = Step(steps, kept) if in_steps else None
                return await walk_all(
                    self._plan.resources[0], calls, Waiting(limits), transport, report, take, kept=kept, step=step
                )

        is_whole, _ = in_no_time(walk())
        self.steps += 1
        load_id = f"{self.steps:06}"
        kept.note(load_id, is_whole=is_whole)
        if not (is_whole and in_steps):  # another resource breaks off
            kept.note_step(load_id, NOW_S)
        if dice.random() < 0.2:
            raise TransportError("killed")
        self.stored[load_id] = found
        return is_whole

    def _transport(self) -> Transport:
        plan = self._plan
        return Transport(retry=plan.retry, limits=plan.limits, origins=plan.origins, send=self._api.send)


def paced(dice: Random) -> Callable[[Request], float]:
    """Latencies that let another walker be first each time."""
    return lambda _: dice.choice((0.01, 0.1, dice.random()))


def failing(answer: Any, dice: Random) -> Any:
    """Answers that fail now and then, and end the walk."""

    def answered(params: Mapping[str, str], url: str) -> Any:
        return (500, {}, {}) if dice.random() < 0.02 else answer(params, url)

    return answered


FEW = times().map(lambda found: found[: 12 * PAGE])


@settings(max_examples=40, deadline=None)
@given(
    found=FEW,
    size=st.sampled_from((None, "4d", "36d")),
    in_flight=st.integers(1, 8),
    pages=st.integers(1, 4),
    resolution=st.sampled_from((None, "1s")),
    seed=st.integers(0, 10_000),
)
def test_every_row_is_stored_whatever_came_between(
    found: list[float], size: str | None, in_flight: int, pages: int, resolution: str | None, seed: int
) -> None:
    dice = Random(seed)
    cut_by = {**ordered(**({"size": size} if size else {})), "resolution": resolution}
    plan = plan_of(LINK, cut_by, in_flight=in_flight, step_pages=pages)
    with tempfile.TemporaryDirectory() as folder:
        walks = Walks(
            Path(folder), plan, Api(failing(history(found, shuffled=dice if resolution else None), dice), paced(dice))
        )
        while not walks.process(dice, packages=dice.choice((1, 2, math.inf))):
            pass
        rows = {record for stored in walks.stored.values() for record in stored}
    assert len(rows) == len(found)


@pytest.mark.parametrize("seed", [0, 11, 52, 78, 115, 120, 155, 194])
def test_what_is_loaded_whole_is_loaded_once(seed: int) -> None:
    """Later walks, behind steps of other resources, find the same windows: no row comes a second time, nor a page."""
    dice = Random(seed)
    found = bursts(dice)
    plan = plan_of(LINK, {**ordered(), "resolution": None}, in_flight=dice.randint(1, 8))
    api = Api(history(found), paced(dice))
    with tempfile.TemporaryDirectory() as folder:
        walks = Walks(Path(folder), plan, api)
        while not walks.process(dice, in_steps=False):
            pass
        asked = len(api.asked)
        for _ in range(3):
            walks.process(dice, in_steps=False)
        rows = [record for stored in walks.stored.values() for record in stored]
    assert len(rows) == len(set(rows)) == len(found)
    assert len(api.asked) == asked


def bursts(dice: Random) -> list[float]:
    """Times of rows in bursts and gaps."""
    found: list[float] = []
    for _ in range(dice.randint(0, 4)):
        middle, width = dice.randrange(40 * DAY), dice.choice((1, 3, 60, DAY, 40 * DAY))
        found += [middle + dice.random() * width for _ in range(dice.choice((1, 9, 40, 120)))]
    return sorted(round(time, 3) for time in found if time < 40 * DAY)
