"""Where rows stand in an answer, and how a configuration may say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Wrap:
    """Where rows stand: `make(rows, envelope)` is the document, `last` a path to the last row.

    `selectors` are ways to say so, None is to say nothing; `at` writes a path of the envelope.
    """

    name: str
    make: Callable[[list[Any], dict[str, Any]], Any]
    selectors: Sequence[str | None]
    last: str
    at: Callable[[str], str] = lambda path: path
    bare: bool = False


WRAPS = {
    wrap.name: wrap
    for wrap in (
        Wrap("top", lambda rows, _: rows, (None, "$", "$[*]"), "$[-1]", bare=True),
        Wrap("key", lambda rows, about: {**about, "items": rows}, (None, "items", "$.items", "items[*]"), "items[-1]"),
        Wrap(
            "nested",
            lambda rows, about: {"result": {"list": rows, "size": len(rows)}, **about},
            (None, "result.list", "$.result.list[*]"),
            "result.list[-1]",
        ),
        Wrap(
            "nodes",
            lambda rows, about: {"edges": [{"node": row, "score": 1} for row in rows], **about},
            ("edges[*].node",),
            "edges[-1].node",
        ),
        Wrap("quoted", lambda rows, about: {"my rows": rows, **about}, ("'my rows'",), "'my rows'[-1]"),
        Wrap("pair", lambda rows, about: [about, rows], ("$[1]",), "$[1][-1]", at=lambda path: f"$[0].{path}"),
        Wrap(
            "filtered",
            lambda rows, about: {"rows": [*rows, {"kind": "advert", "text": "buy"}] if rows else [], **about},
            ("rows[?(@.kind != 'advert')]",),
            "",
        ),
    )
}

#: Pagers that say something in the body, and so cannot go with a bare list.
SPEAKING = ("json_link", "cursor")


def draw_wrap(dice: Random, pager: str) -> Wrap:
    """A wrap that the pager can work with."""
    names = [
        name
        for name, wrap in WRAPS.items()
        if not (wrap.bare and pager in SPEAKING)
        if not (pager == "last row" and not wrap.last)
        if not (pager == "auto" and name == "pair")
    ]
    return WRAPS[dice.choice(names)]
