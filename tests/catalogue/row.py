"""One row of the catalogue, and all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from catalogue.scene import Scene

#: Why a row has neither scene nor test: there is no such surface, it is not promised, or not shown yet;
#: `reason` says more.
Standing = Literal["kept", "absent", "not promised", "open"]


@dataclass(frozen=True)
class Row:
    """A fault. `tests` are node ids below `tests/`; `reason` is needed where `standing` is not `kept`."""

    id: str
    fault: str
    scenes: Sequence[Scene] = ()
    tests: Sequence[str] = ()
    standing: Standing = "kept"
    reason: str = ""
    #: What of the requirement is not there, though no row is lost or doubled; empty where all is.
    lacks: str = ""


@cache
def rows() -> Mapping[str, Row]:
    """All rows by their ids, in the order of the catalogue."""
    from catalogue import crashes, meaning, network, paging, privacy, statuses, values

    found: list[Row] = []
    for part in (network, statuses, paging, values, meaning, crashes, privacy):
        found.extend(part.ROWS)
    assert len({row.id for row in found}) == len(found)
    return {row.id: row for row in found}
