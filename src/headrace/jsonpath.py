"""Selectors into a JSON document: compile once, find often.

Plain selectors (`items`, `paging.next`, `$.data[0].rows`, `['client-info'].id`) are steps that the page splitter can
follow without building objects. Everything else that dlt accepts (wildcards, filters, unions) is left to jsonpath-ng,
the library that dlt itself uses, on the decoded document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from headrace.errors import ConfigError, Problem


class _Missing:
    """The type of `MISSING`: a selector found nothing (which is not the same as finding null)."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()

_STEP: Final = re.compile(
    r"""(?:^|\.)(?P<key>[A-Za-z_@][\w@-]*)      # name after a dot or at the start
      | \[(?P<index>\d+)\]                      # [0]
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]  # ['client-info']
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class JsonPath:
    """A compiled selector; `steps` is None when only jsonpath-ng can follow it."""

    text: str
    steps: tuple[str | int, ...] | None

    @property
    def is_root(self) -> bool:
        """Whether it selects the document itself (`$`)."""
        return self.steps == ()

    def __str__(self) -> str:
        return self.text

    def find(self, document: Any) -> Any:
        """The selected value, `MISSING` when there is none, a list of all when a non-plain selector finds several."""
        if self.steps is None:
            found = [match.value for match in _jsonpath_ng(self.text).find(document)]
            if not found:
                return MISSING
            return found[0] if len(found) == 1 else found
        step: Any
        for step in self.steps:
            if not isinstance(document, dict if isinstance(step, str) else list):
                return MISSING
            try:
                document = document[step]
            except (KeyError, IndexError):
                return MISSING
        return document


@lru_cache(maxsize=256)
def compile_path(text: str) -> JsonPath:
    """Compile `text`. Raises `ConfigError` when it is no JSONPath."""
    steps = _plain_steps(text)
    if steps is None:
        _jsonpath_ng(text)
    return JsonPath(text, steps)


def _plain_steps(text: str) -> tuple[str | int, ...] | None:
    """The steps of a plain selector, None for any other."""
    rest = text.strip()
    rest = rest.removeprefix("$")
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None or (position == 0 and rest.startswith(".") and not text.strip().startswith("$")):
            return None
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["quoted"] if match["quoted"] is not None else match["key"])
        position = match.end()
    return tuple(steps) if rest or text.strip() == "$" else None


@lru_cache(maxsize=256)
def _jsonpath_ng(text: str) -> Any:
    from jsonpath_ng.ext import parse  # late: 60 ms, and plain selectors never need it

    try:
        return parse(text)
    except Exception as error:
        # jsonpath-ng raises bare Exception subclasses of its lexer and parser
        raise ConfigError([Problem(f"expected a JSONPath, got {text!r}")]) from error
