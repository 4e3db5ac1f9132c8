"""Configurations drawn from dlt's features by a seed, each with the service that it is for.

A case is a family of resources: one alone, a parent with children, a chain, children of a ready resource, or resources
in one word with everything in the defaults. Every dimension is a table from a name to what it does to a draft, and what
was drawn is noted, so that a failure can be read and coverage be counted.
"""

from __future__ import annotations

from drawn.auths import AUTHS, WORD_TOKEN, WORD_TOKEN_AT
from drawn.case import FAMILIES, Case, draw
from drawn.hints import DISPOSITIONS, HINTS, STEPS
from drawn.incremental import FORMS
from drawn.listing import ACTIONS
from drawn.pages import CLASSES

#: Dimension -> everything that can be drawn there.
EVERYTHING = {
    "auth": set(AUTHS),
    "auth of an endpoint": {"none", "bearer", "api_key query", "http_basic"},
    "family": set(FAMILIES),
    "paginator": {*CLASSES, "own class", "auto"},
    "paginator's form": {"mapping", "word", "object", "own"},
    "paginator of": {"client", "client, by `auto`"},
    "method": {"GET", "POST"},
    "path": {"relative", "absolute"},
    "body": {"json", *(f"data as {kind}" for kind in ("dict", "list", "str", "bytes"))},
    "headers": {"client", "endpoint"},
    "parent's key in": {
        "path", "resolve", "params", "params' text", "header", "data", "json", "json text", "path of an object",
    },
    "response_actions": set(ACTIONS),
    "incremental": set(FORMS),
    "incremental of": {"child", "parent", "one alone"},
    "incremental options": {
        "none", "lag", "range_start", "last_value_func", "on_cursor_value_missing", "row_order", "primary_key",
        "convert",
    },
    "cursor": {"iso", "epoch", "day"},
    "processing_steps": set(STEPS),
    "disposition": set(DISPOSITIONS),
    "hints": set(HINTS),
    "max_table_nesting": {"0", "1", "2"},
    "session": {"given"},
    "selected": {"parent is not"},
    "parallelized": {"child"},
}  # fmt: skip

__all__ = ["EVERYTHING", "WORD_TOKEN", "WORD_TOKEN_AT", "Case", "draw"]
