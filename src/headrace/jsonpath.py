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
    r"""(?:^|\.)(?:
          (?P<key>@?[A-Za-z_][\w@-]*)             # name at the start or after a dot
        | (?P<q>['"])(?P<quoted>[^'"\\*]+)(?P=q)  # 'client-info' there
      )
      | \[(?P<index>\d+)\]                       # [0]
      | \[(?P<b>['"])(?P<bracketed>[^'"\\*]+)(?P=b)\]  # ['client-info']
    """,
    re.VERBOSE,
)
#: What jsonpath-ng calls the steps that choose among the members of a list or an object.
_CHOOSERS: Final = frozenset({"Filter", "Slice", "Wildcard"})


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
        """The selected value, `MISSING` when there is none, a list of all when a non-plain selector finds several.

        A non-plain selector that finds nothing because the list or object that it goes through is empty gives an empty
        list, and None when null stands there: `items[*].row` of `{"items": []}` says that there are no rows.
        """
        if self.steps is None:
            path = _jsonpath_ng(self.text)
            found = [match.value for match in path.find(document)]
            if not found:
                return _nothing(path, document)
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

    def first(self, document: Any) -> Any:
        """The first selected value in the order of the document, `MISSING` when there is none."""
        if self.steps is not None:
            return self.find(document)
        return next((match.value for match in _jsonpath_ng(self.text).find(document)), MISSING)


@lru_cache(maxsize=256)
def compile_path(text: str) -> JsonPath:
    """Compile `text`. Raises `ConfigError` when it is no JSONPath."""
    steps = _plain_steps(text)
    if steps is None:
        _jsonpath_ng(text)
    return JsonPath(text, steps)


def _plain_steps(text: str) -> tuple[str | int, ...] | None:
    """The steps of a plain selector, None for any other."""
    text = text.strip()
    if text == "$":
        return ()
    # `$.a` and `$[0]` begin at the root as `a` and `[0]` do; `$a` and `.a` are no JSONPaths
    rest = text.removeprefix("$.")
    if rest.startswith("$["):
        rest = rest.removeprefix("$")
    if rest.startswith("."):
        return None
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            return None
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(match["key"] or match["quoted"] or match["bracketed"])
        position = match.end()
    return tuple(steps) or None


def _nothing(path: Any, document: Any) -> Any:
    """Why `path` finds nothing: [] where what it chooses from is empty, None where that is null, else `MISSING`."""
    around = [document]
    if type(path).__name__ == "Child":
        around = [match.value for match in path.left.find(document)]
        if not around:
            return _nothing(path.left, document)
        path = path.right
    if type(path).__name__ not in _CHOOSERS and getattr(path, "fields", None) != ("*",):
        return MISSING
    if all(value is None for value in around):
        return None
    return [] if all(isinstance(value, dict | list) for value in around) else MISSING


@lru_cache(maxsize=256)
def _jsonpath_ng(text: str) -> Any:
    from jsonpath_ng.ext import parse  # late: 60 ms, and plain selectors never need it

    try:
        return parse(text)
    except Exception as error:
        # jsonpath-ng raises bare Exception subclasses of its lexer and parser
        raise ConfigError([Problem(f"expected a JSONPath, got {text!r}")]) from error
