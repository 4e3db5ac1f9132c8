"""One place of a service for drawn configurations: it pages, signs and filters as said, and takes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialects.dialect import Asked, Refused, answer
from drawn.auths import Auth
from drawn.page import Pages
from drawn.rows import Rows
from drawn.wraps import Wrap
from headrace.sim.message import Reply


def number_of(key: Any) -> int:
    """Number of a row by its id, which may be a text."""
    try:
        return int(str(key).removeprefix("k"))
    except ValueError:
        raise Refused(400, f"no key: {key}") from None


@dataclass
class Spot:
    """What a place insists on, and how it serves its rows.

    `steps` are the path behind the case's prefix: None is the parent's key, `*` is what the cursor says. `key` reads
    the parent's key elsewhere. `json` is the body without what the pager sets, `...` where anything may stand; `data`
    is a form or a text. `refuses` is the status for every third parent. `clock` is how rows' times are written where
    they can be asked for by time. `detail` is whether it is one object, and no list.
    """

    steps: tuple[str | None, ...]
    method: str
    wrap: Wrap
    pages: Pages
    rows: Rows
    auth: Auth
    detail: bool = False
    params: dict[str, list[str]] = field(default_factory=dict)
    also: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    data: Any = None
    key: Callable[[Asked], Any] | None = None
    refuses: int = 0
    clock: str = ""

    def wants_param(self, name: str, value: Any) -> None:
        """A parameter that must come like this."""
        values = value if isinstance(value, list) else [] if value is None else [value]
        self.params[name] = [str(one) for one in values]

    def wants_json(self, **values: Any) -> None:
        """More of the body."""
        self.json = {**(self.json or {}), **values}

    def since_of(self, clock: str) -> None:
        """Rows may be asked for from a time on."""
        self.clock = clock
        self.also |= {"since", "until"}

    def match(self, asked: Asked) -> list[str] | None:
        """What stands in the path where it is open; None when it is another place."""
        given = asked.steps[1:]
        if len(given) != len(self.steps) or not self.steps:
            return None
        if any(step not in {None, "*", have} for step, have in zip(self.steps, given, strict=True)):
            return None
        return [have for step, have in zip(self.steps, given, strict=True) if step in {None, "*"}]

    def answer(self, asked: Asked, open_steps: list[str]) -> Reply:
        """One page, or the object."""
        self.auth.guard(asked)
        self._check(asked)
        parent = None
        if None in self.steps:
            parent = number_of(open_steps.pop(0))
        elif self.key is not None:
            parent = number_of(self.key(asked))
        if self.detail and parent is not None:
            return answer({**self.rows.one(asked.run, parent), "id": asked.steps[-1]})
        if self.refuses and parent is not None and parent % 3 == 0:
            return answer({"state": "gone", "items": []}, self.refuses)
        rows = self.rows.of(asked.run, parent)
        if self.clock:
            low, high = self._range(asked, open_steps)
            rows = [row for row in rows if _within(row.get("updated"), low, high)]
        page = self.pages.cut(asked, rows)
        return answer(self.wrap.make(page.rows, page.about), headers=page.headers)

    def _check(self, asked: Asked) -> None:
        if asked.method != self.method:
            raise Refused(405, f"expected {self.method}")
        asked.only(*self.params, *self.pages.params, *self.also, *self.auth.params)
        for name, values in self.params.items():
            if asked.values(name) != values:
                raise Refused(400, f"expected {name}={values}, got {asked.values(name)}")
        for name, value in self.headers.items():
            asked.needs(name, value)
        if self.json is not None:
            self._check_json(asked.body())
        if self.data is not None:
            raw = asked.form_pairs() if isinstance(self.data, list) else asked.text()
            if raw != self.data:
                raise Refused(400, f"expected {self.data}, got {raw}")

    def _check_json(self, body: dict[str, Any]) -> None:
        for path in self.pages.body:
            body.pop(path.split(".")[0], None)
        wanted = {name: body.get(name) if value is ... else value for name, value in (self.json or {}).items()}
        if body != wanted:
            raise Refused(400, f"expected {wanted}, got {body}")

    def _range(self, asked: Asked, open_steps: list[str]) -> tuple[Any, Any]:
        """From when on, and until when, as it is asked for in one place or another; None is no bound."""
        lower: Any = asked.params.get("since", "").removeprefix("from ").removeprefix("v")
        if "*" in self.steps:
            lower = open_steps[-1]
        elif "x-since" in asked.headers:
            lower = asked.headers["x-since"].removeprefix("v")
        elif self.json is not None and "since" in self.json:
            lower = asked.body()["since"]
            if isinstance(lower, int) != (self.clock == "epoch"):
                raise Refused(400, f"expected another type, got {lower!r}")
        upper = asked.params.get("until", "").removeprefix("v")
        return tuple(
            None if bound == "" else int(bound) if self.clock == "epoch" else bound for bound in (lower, upper)
        )


def _within(value: Any, low: Any, high: Any) -> bool:
    """Rows without a time are always within."""
    return value is None or ((low is None or value >= low) and (high is None or value <= high))
