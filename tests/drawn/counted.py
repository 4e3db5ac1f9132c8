"""Paging by number and by offset, for drawn configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialects.dialect import Asked, Refused, whole
from drawn.page import Cut, Pages, Sent, Setting, put, sent


@dataclass(frozen=True)
class Ending:
    """How counted pages end: what says so, and where a total or a flag stands.

    `past` is what there is behind the end: an empty page, or a refusal. `words` is whether a flag is a text.
    """

    kind: str
    total: str
    flag: str
    past: str
    words: bool


def page_number(at: Setting) -> Pages:
    base = at.dice.choice([0, 1])
    options: dict[str, Any] = {"type": "page_number"}
    place = sent(at, "page", ["page", "p", "page[number]"], ["from", "paging.at"])
    _name(at, options, place, "page_param", "page")
    if base:
        options["base_page"] = base
    ending = _ending(at, options, "maximum_page", base + 2)
    if at.size == 2 and ending.kind != "maximum" and at.dice.random() < 0.15:
        options["page"] = base + 1

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        start = (whole(place.read(asked), base, 100_000) - base) * at.size
        return _page(at, ending, rows, start, total=-(-len(rows) // at.size))

    later = ", from a later page" if "page" in options else ""
    return Pages("page_number", f"{ending.kind}{place}{later}", lambda: dict(options), cut, **place.places())


def offset(at: Setting) -> Pages:
    options: dict[str, Any] = {"type": "offset", "limit": at.size}
    place = sent(at, "offset", ["offset", "skip", "$skip"], ["from", "paging.at"])
    limit = sent(at, "limit", ["limit", "per_page"], ["size", "paging.size"])
    _name(at, options, place, "offset_param", "offset")
    _name(at, options, limit, "limit_param", "limit")
    ending = _ending(at, options, "maximum_offset", 2 * at.size)

    def cut(asked: Asked, rows: list[Any]) -> Cut:
        if whole(limit.read(asked), 0) != at.size:
            raise Refused(400, "another limit was agreed")
        return _page(at, ending, rows, whole(place.read(asked), 0, 100_000), total=len(rows))

    both = {name: [*places, *limit.places()[name]] for name, places in place.places().items()}
    return Pages("offset", f"{ending.kind}{place}", lambda: dict(options), cut, **both)


def _name(at: Setting, options: dict[str, Any], place: Sent, usual: str, name: str) -> None:
    """Say the option, unless it is the default; sometimes say that too."""
    if (place.option, place.name) != (usual, name) or at.dice.random() < 0.3:
        options[place.option] = place.name


def _ending(at: Setting, options: dict[str, Any], maximum: str, most: int) -> Ending:
    """Draw it, and put its options in."""
    dice, wrap = at.dice, at.wrap
    kinds = ["empty", "maximum"] if wrap.bare else ["total", "total", "total alone", "flag", "flag", "empty", "maximum"]
    kind = dice.choice(kinds)
    total, flag = dice.choice(["total", "meta.total", "'all-of-it'"]), dice.choice(["more", "meta.has_more"])
    if kind.startswith("total"):
        if wrap.at(total) != "total" or dice.random() < 0.5:
            options["total_path"] = wrap.at(total)
        if kind == "total alone":
            options["stop_after_empty_page"] = False
    else:
        options["total_path"] = None
    if kind == "flag":
        options["has_more_path"] = wrap.at(flag)
        options["stop_after_empty_page"] = dice.random() < 0.5
    if kind == "maximum":
        options[maximum] = most
    past = dice.choice(["empty", "empty", "404"]) if kind == "total" else "empty"
    return Ending(kind, total, flag, past, words=dice.random() < 0.3)


def _page(at: Setting, ending: Ending, rows: list[Any], start: int, *, total: int) -> Cut:
    if ending.past == "404" and start >= len(rows) and start:
        raise Refused(404, "past the end")
    about: dict[str, Any] = {}
    if ending.kind.startswith("total"):
        put(about, ending.total, total)
    if ending.kind == "flag":
        more = start + at.size < len(rows)
        put(about, ending.flag, str(more).lower() if ending.words else more)
    return Cut(rows[start : start + at.size], about)
