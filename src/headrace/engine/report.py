"""What a run did, counted while it does it: read by the progress display, the summary and `--json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.decode import Odd
from headrace.engine.skip import Skip
from headrace.plan import Privacy
from headrace.transport import Gates, Slowdown

#: What is counted of rows that came.
_OF_ROWS: Final = ("pages", "rows", "exact_rows", "replaced", "repeated", "keyless", "superseded", "marked", "tables")
#: Waits at gates that are shorter in all are not worth a word.
_NOTICED_S: Final = 0.1


@dataclass
class ResourceReport:
    """Counts of one resource. Written by one event loop and one worker at a time, read by anyone at any moment.

    `rows` are rows as the API served them; `superseded` those of them that a later row with the same key replaced;
    `keyless` those that lack the declared key; `exact_rows` those that took the exact path. `retries` counts by cause.
    `replaced` are characters that are none and became U+FFFD, `repeated` keys that an object named again.
    `doubts` say why rows may be missing although paging ended, `skipped` which calls were not done. `appended` says
    that a first load needed no merge. `tables` are rows handed to the destination by table.
    `kept_pages` were fetched by an earlier run, begun at `continued_s` (seconds since 1970); `unkept_pages` came so
    fast that keeping them was not worth it. `dropped` and `hashed` are fields that are not stored as they come,
    `secret` those that no setting keeps.
    `marked` are rows that vanished at the API, `unmarked` says why some were not looked for (`deletions`).
    """

    name: str
    requests: int = 0
    pages: int = 0
    rows: int = 0
    bytes: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    wait_s: float = 0.0
    exact_rows: int = 0
    replaced: int = 0
    repeated: int = 0
    keyless: int = 0
    superseded: int = 0
    dropped: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    doubts: list[str] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    appended: bool = False
    marked: int = 0
    unmarked: list[str] = field(default_factory=list)
    kept_pages: int = 0
    unkept_pages: int = 0
    continued_s: float | None = None
    tables: dict[str, int] = field(default_factory=dict)
    done: bool = False

    def begin_again(self) -> None:
        """It is walked once more from its beginning: what there is to say of calls is said anew."""
        self.done = False
        for said in (self.doubts, self.skipped, self.gone):
            said.clear()

    def counts(self) -> dict[str, Any]:
        """What is counted so far of rows that came, for `count_again`."""
        return {name: copy(getattr(self, name)) for name in _OF_ROWS}

    def count_again(self, counts: Mapping[str, Any]) -> None:
        """What came since `counts` will come once more."""
        for name, count in counts.items():
            setattr(self, name, copy(count))

    def count(self, odd: Odd) -> None:
        """What was changed of the text that came."""
        self.replaced += odd.replaced
        self.repeated += odd.repeated

    def hides(self, privacy: Privacy) -> None:
        """Say which fields are not stored as they come."""
        self.dropped, self.hashed, self.secret = privacy.dropped, privacy.hashed, privacy.secret

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "name": self.name,
            "requests": self.requests,
            "pages": self.pages,
            "rows": self.rows,
            "bytes": self.bytes,
            "retries": dict(self.retries),
            "wait_s": round(self.wait_s, 3),
            "exact_rows": self.exact_rows,
            "replaced_characters": self.replaced,
            "repeated_keys": self.repeated,
            "keyless_rows": self.keyless,
            "superseded_rows": self.superseded,
            "dropped_fields": list(self.dropped),
            "hashed_fields": list(self.hashed),
            "doubts": list(self.doubts),
            "skipped": [skip.as_dict() for skip in self.skipped],
            "gone": list(self.gone),
            "appended": self.appended,
            "marked_rows": self.marked,
            "unmarked": list(self.unmarked),
            "kept_pages": self.kept_pages,
            "tables": dict(self.tables),
        }


@dataclass
class Report:
    """The reports of all resources of a run, by name, in the order of the plan; `gates` are those that it passed."""

    resources: dict[str, ResourceReport] = field(default_factory=dict)
    gates: list[Gates] = field(default_factory=list)

    def counts(self) -> dict[str, dict[str, Any]]:
        """What is counted so far of rows that came, by resource, for `count_again`."""
        return {name: resource.counts() for name, resource in self.resources.items()}

    def count_again(self, counts: Mapping[str, Mapping[str, Any]]) -> None:
        """What came since `counts` will come once more."""
        for name, resource in self.resources.items():
            resource.count_again(counts.get(name) or ResourceReport(name).counts())

    @property
    def skews(self) -> dict[str, float]:
        """Hosts -> by how many seconds this machine's clock is ahead of theirs, where they do not agree."""
        return {host: ahead_s for gates in self.gates for host, ahead_s in gates.skews().items()}

    @property
    def slowdowns(self) -> list[Slowdown]:
        """The hosts that held up the run, and by how much."""
        return [
            slowdown
            for gates in self.gates
            for slowdown in gates.slowdowns()
            if slowdown.paced_s + slowdown.rested_s >= _NOTICED_S
        ]

    def of(self, resource: str) -> ResourceReport:
        """The report of one resource, begun when it is first asked for."""
        return self.resources.setdefault(resource, ResourceReport(resource))
