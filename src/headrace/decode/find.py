"""Where the rows of an answer are, when the configuration does not say: dlt's rule, and a list of candidates for hints.

Rule (dlt 1.31, `rest_client/detector.py`): a document that is a list is the rows; otherwise, of the lists down to three
levels, the first in the order of the document whose key is one of the usual names; otherwise the first of all, however
deep (dlt's own comment says the least nested, its code does not); otherwise the document is one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.jsonpath import JsonPath, compile_path

USUAL_NAMES: Final = (
    "data", "items", "results", "entries", "records", "rows", "entities", "payload", "content", "objects", "values",
)  # fmt: skip
_MAX_DEPTH: Final = 3


def find_rows(document: Any) -> JsonPath:
    """The path of the rows in `document`."""
    if isinstance(document, list):
        return compile_path("$")
    lists = list(find_lists(document))
    usual = [steps for steps in lists if steps[-1] in USUAL_NAMES]
    best = (usual or lists or [()])[0]
    return JsonPath(".".join(best) or "$", best)


def find_lists(document: Any, steps: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The steps to every list in `document` that is reached through objects, three levels down, in document order."""
    if isinstance(document, dict) and len(steps) < _MAX_DEPTH:
        for key, value in document.items():
            if isinstance(value, list):
                yield (*steps, key)
            else:
                yield from find_lists(value, (*steps, key))
