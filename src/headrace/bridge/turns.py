"""Resources that write one table: in which order they do it.

dlt puts the rows of several resources into one table as they come, page by page. Here they come resource by resource:
a run waits until the one before it is handed over, and begins with the columns that this one settled. So a type does
not depend on which answer came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import dlt

from headrace.bridge.first import current_pipeline

if TYPE_CHECKING:
    from headrace.bridge.run import ResourceRun


@dataclass(frozen=True)
class Turn:
    """A run's place among those that write its table in one load: 0 is the first, which has none `before` it.

    `alone` says that no load of this process wrote the table before.
    """

    number: int
    before: ResourceRun | None
    alone: bool


@dataclass
class _Last:
    """The last run that took a turn at a table."""

    load_id: str
    number: int
    run: ref[ResourceRun]


#: By working folder of the pipeline and table; a few words each.
_last: dict[tuple[str, str], _Last] = {}


def take_turn(run: ResourceRun, table: str) -> Turn:
    """The place of `run` behind those that came to `table` before; called while dlt extracts."""
    load_id: str = dlt.current.load_package_state()["load_id"]
    place = (current_pipeline().working_dir, table)
    last = _last.get(place)
    number = last.number + 1 if last is not None and last.load_id == load_id else 0
    _last[place] = _Last(load_id, number, ref(run))
    return Turn(number, last.run() if last is not None and number else None, alone=last is None)
