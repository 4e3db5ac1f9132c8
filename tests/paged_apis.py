"""Paged APIs drawn by chance, honest and not, each with the paginator options that an endpoint would declare for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from walks import Answer, Asked, Start

#: What stands where nothing was said, so that null can be told from it.
ABSENT: Any = object()


@dataclass(frozen=True)
class Counted:
    """Rows by position. `size` is the page of an API that has no limit, `cap` the most that it serves at once.

    `hidden` rows are filtered out after paging. `total` and `more` are "honest", or what the API says instead on every
    page. `stuck` APIs serve their first page whatever was asked.
    """

    rows: int
    size: int
    cap: int = 1000
    hidden: frozenset[int] = frozenset()
    total: Any = "honest"
    more: Any = "honest"
    stuck: bool = False

    def __call__(self, asked: Asked) -> Answer:
        values = {**asked.query, **(asked.body or {}), **((asked.body or {}).get("paging") or {})}
        size = min(int(values.get("limit", self.size)), self.cap)
        start = int(values["offset"]) if "offset" in values else int(values["page"]) * self.size
        start = 0 if self.stuck else start
        rows = [{"id": row} for row in range(start, min(start + size, self.rows)) if row not in self.hidden]
        document: dict[str, Any] = {"items": rows}
        total = self.rows if "offset" in values else -(-self.rows // self.size)
        for name, said, honest in (("total", self.total, total), ("more", self.more, start + size < self.rows)):
            if said is not ABSENT:
                document[name] = {"honest": honest, "text": str(honest)}.get(said, said) if _is_word(said) else said
        return Answer(document)


def _is_word(said: Any) -> bool:
    return isinstance(said, str) and said in {"honest", "text"}


def draw_counted(dice: Random) -> tuple[Counted, dict[str, Any], Start]:
    """An API with positions, options for it, and the request that it gets."""
    by_offset = dice.random() < 0.5
    size = dice.randint(1, 6)
    options: dict[str, Any] = {"type": "offset", "limit": size} if by_offset else {"type": "page_number"}
    position = "offset" if by_offset else "page"
    filtered = dice.random() < 0.2
    # most APIs are honest in most things
    api = Counted(
        rows=dice.choice((0, 2 * size, dice.randint(0, 40), dice.randint(0, 40))),
        size=size,
        cap=dice.choice((1000, 1000, 1000, max(1, size - 1))),
        hidden=frozenset(row for row in range(40) if filtered and dice.random() < 0.4),
        total=dice.choice(("honest", "honest", "text", ABSENT, None, 0, 2, 99, "many", -1, 2.5, True)),
        more=dice.choice(("honest",) * 8 + ("text", "text", "yes", "False", True, False, ABSENT, None, 1, "perhaps")),
        stuck=dice.random() < 0.05,
    )
    for name, values in (
        (position, (ABSENT, ABSENT, 0, 1, 3)),
        ("total_path", (ABSENT, ABSENT, None, "total")),
        (f"maximum_{position}", (ABSENT,) * 6 + (None, 0, 1, 4, 10)),
        ("stop_after_empty_page", (ABSENT, ABSENT, True, False)),
        ("has_more_path", (ABSENT, ABSENT, None, "more", "$.more")),
        ("base_page", (ABSENT,) if by_offset else (ABSENT, 0, 1)),
    ):
        if (value := dice.choice(values)) is not ABSENT:
            options[name] = value
    options |= _places(dice, ("offset", "limit") if by_offset else ("page",))
    if options.get("stop_after_empty_page") is False and not _ends(options, position):
        options["has_more_path"] = "more"
    return api, options, _start(dice)


def _ends(options: Mapping[str, Any], position: str) -> bool:
    """Whether dlt takes the options as ones that can end."""
    return (
        options.get("total_path", "total") is not None
        or options.get(f"maximum_{position}") is not None
        or options.get("has_more_path") is not None
    )


def _places(dice: Random, names: tuple[str, ...]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name in names:
        option, place = dice.choice(
            (
                (None, ""),
                (None, ""),
                (f"{name}_param", name),
                (f"{name}_body_path", name),
                (f"{name}_body_path", f"paging.{name}"),
            )
        )
        if option:
            chosen[option] = place
    return chosen


def _start(dice: Random) -> Start:
    return Start(
        method=dice.choice(("GET", "POST")),
        params=dice.choice((None, {}, {"state": "active"})),
        body=dice.choice((None, None, {"query": {"a": [1]}}, {"paging": {"sort": "id"}})),
    )


@dataclass
class Chain:
    """Pages that name each other: (rows, reference, flag) each; a cursor leads to the page after the one that named it.

    `carrier` says where the reference stands: "body", "header", or "link" for a Link header; `as_link` makes an address
    of it, relative in the way that it says. `served` has the numbers of the pages in the order of asking.
    """

    pages: tuple[tuple[int, Any, Any], ...]
    carrier: str = "body"
    as_link: str = ""
    served: list[int] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        values = {**asked.query, **(asked.body or {}), **((asked.body or {}).get("paging") or {})}
        number = self._number(values.get("cursor", ABSENT))
        self.served.append(number)
        count, reference, flag = self.pages[number]
        document: dict[str, Any] = {"items": [{"id": f"{number}-{row}"} for row in range(count)]}
        if flag is not ABSENT:
            document["more"] = flag
        if reference is ABSENT:
            return Answer(document)
        said = f"{self.as_link}?cursor={quote(str(reference))}" if self.as_link and reference else reference
        if self.carrier == "body":
            return Answer({**document, "cursors": {"next": said}, "next": said})
        if self.carrier == "header":
            return Answer(document, {"Next": str(said)})
        return Answer(document, {"Link": f'<{self.as_link}?cursor=x>; rel="prev", <{said}>; rel="next"'})

    def _number(self, cursor: Any) -> int:
        for number, (_, reference, _flag) in enumerate(self.pages[:-1]):
            if cursor is not ABSENT and (cursor == reference or str(cursor) == str(reference)):
                return number + 1
        return 0

    @property
    def visits(self) -> list[tuple[int, Any, Any]]:
        return [self.pages[number] for number in self.served]


REFERENCES: tuple[Any, ...] = ("a", "b", "c d", "é&=", 7, 8, 2.5, 10**20, "0", "none")
ENDS: tuple[Any, ...] = (None, ABSENT, "", 0, False, [], {})


def draw_chain(dice: Random, carrier: str, as_link: str = "") -> Chain:
    """An API whose pages follow each other to an end; now and then one is empty, or a reference comes again."""
    count = dice.randint(1, 6)
    texts = [reference for reference in REFERENCES if carrier == "body" or isinstance(reference, str)]
    references: list[Any] = dice.sample(texts, min(count, len(texts)) - 1)
    if dice.random() < 0.1:
        references.append(dice.choice(references or ["a"]))
    elif carrier == "body" and not as_link:
        references.append(dice.choice(ENDS))
    else:
        references.append(dice.choice((None, ABSENT)) if carrier == "body" else ABSENT)
    flags = [True] * (len(references) - 1) + [False]
    if dice.random() < 0.3:
        flags = [dice.choice((True, False, "true", "FALSE", None, ABSENT, 1)) for _ in references]
    emptiness = dice.choice((0, 0, 0.3))
    return Chain(
        tuple(
            (0 if dice.random() < emptiness else dice.randint(1, 3), reference, flag)
            for reference, flag in zip(references, flags, strict=True)
        ),
        carrier,
        as_link,
    )


def draw_cursor(dice: Random) -> tuple[Chain, dict[str, Any], Start]:
    """An API with cursors in its body, options for it, and the request that it gets."""
    options: dict[str, Any] = {"type": "cursor"}
    for name, values in (
        ("cursor_path", (ABSENT, "cursors.next", "$.cursors['next']", "cursors.*")),
        ("stop_after_empty_page", (ABSENT, True, False)),
        ("has_more_path", (ABSENT, ABSENT, "more")),
    ):
        if (value := dice.choice(values)) is not ABSENT:
            options[name] = value
    return draw_chain(dice, "body"), {**options, **_places(dice, ("cursor",))}, _start(dice)


def draw_link(dice: Random) -> tuple[Chain, dict[str, Any], Start]:
    """An API with addresses or header cursors, options for it, and the request that it gets."""
    kind = dice.choice(("json_link", "json_response", "header_link", "header_cursor"))
    if kind == "header_cursor":
        return draw_chain(dice, "header"), {"type": kind, **dice.choice(({}, {"cursor_key": "NEXT"}))}, _start(dice)
    as_link = dice.choice(("https://api.example.com/v1/items", "/v1/items", "items", "//api.example.com/v2/items", "."))
    if kind == "header_link":
        return draw_chain(dice, "link", as_link), {"type": kind}, _start(dice)
    options = dice.choice(({}, {"next_url_path": "next"}, {"next_url_path": "cursors.next"}))
    return draw_chain(dice, "body", as_link), {"type": kind, **options}, _start(dice)
