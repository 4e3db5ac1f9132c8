"""A drawn case: families of resources, the client around them, and what of it becomes a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import dlt
from requests import Session

from dialects.dialect import Asked, Refused
from drawn.auths import AUTHS, Auth
from drawn.draft import Draft, Drawing, Fresh, built
from drawn.hints import draw_hints
from drawn.incremental import draw_incremental
from drawn.listing import dependent, from_parent, listing, one_page, plain_pages
from drawn.rows import draw_rows
from drawn.spot import Spot
from headrace.sim.message import Reply


@dataclass(frozen=True)
class Case:
    """A configuration for a base url, and its service. `facts`: dimension -> what was drawn, once for each resource."""

    number: int
    seed: int
    facts: Mapping[str, tuple[str, ...]]
    spots: tuple[Spot, ...]
    auth: Auth
    tree: Mapping[str, Any]

    def __str__(self) -> str:
        facts = "; ".join(f"{dimension}: {', '.join(dict.fromkeys(found))}" for dimension, found in self.facts.items())
        return f"case {self.number} of seed {self.seed}: {facts}"

    @property
    def prefix(self) -> str:
        """The first step of its paths."""
        return f"c{self.number}"

    def config(self, url: str) -> Any:
        """The configuration, objects in it made anew."""
        return built(self.tree, f"{url}/{self.prefix}")

    def answer(self, asked: Asked) -> Reply:
        """What the case's service answers; the first step of the path is the case's."""
        if asked.steps[1:] == ["token"]:
            return self.auth.token(asked)
        for spot in self.spots:
            if (key := spot.match(asked)) is not None:
                return spot.answer(asked, key)
        raise Refused(404, f"no such place: {asked.path}")


def draw(number: int, seed: int) -> Case:
    """The case with this number; a case does not depend on the others."""
    dice = Random(f"{seed}/{number}")
    name = dice.choice(sorted(AUTHS))
    auth = AUTHS[name](dice)
    drawing = Drawing(number, seed, dice, auth, {"auth": [name]})
    family = dice.choice(sorted(FAMILIES))
    drawing.note("family", family)
    FAMILIES[family](drawing)
    tree = _configuration(drawing, in_words=family == "words")
    facts = {dimension: tuple(found) for dimension, found in drawing.facts.items()}
    return Case(number, seed, facts, tuple(draft.spot for draft in drawing.drafts), auth, tree)


# -------------------------------------------------------------------------------------------------- families


def _alone(drawing: Drawing) -> None:
    draft = listing(drawing, "things")
    draw_hints(drawing, draft)


def _alone_incremental(drawing: Drawing) -> None:
    draft = listing(drawing, "things")
    draw_incremental(drawing, draft)
    draw_hints(drawing, draft)


def _words(drawing: Drawing) -> None:
    """Resources in one word: the name is the path, all else is a default."""
    first = listing(drawing, "north", shared=True)
    draw_hints(drawing, first)
    second = Draft(f"{drawing.prefix}_south", replace(first.spot))
    for draft in (first, second):
        draft.spot.steps = (draft.name,)
    drawing.drafts.append(second)


def _child(drawing: Drawing) -> None:
    parent = listing(drawing, "parents", few=True)
    child = dependent(drawing, "children", parent)
    draw_hints(drawing, parent)
    draw_hints(drawing, child)
    if drawing.chance(0.3):
        parent.resource["selected"] = False
        drawing.note("selected", "parent is not")


def _child_incremental(drawing: Drawing) -> None:
    parent = listing(drawing, "parents", few=True)
    child = dependent(drawing, "children", parent)
    one_page(drawing, parent)
    draw_incremental(drawing, child, of_child=True)
    draw_hints(drawing, parent)
    draw_hints(drawing, child)


def _parent_incremental(drawing: Drawing) -> None:
    parent = listing(drawing, "parents", few=True)
    child = dependent(drawing, "children", parent)
    draw_incremental(drawing, parent)
    draw_hints(drawing, parent)
    draw_hints(drawing, child)


def _chain(drawing: Drawing) -> None:
    first = listing(drawing, "firsts", few=True)
    second = dependent(drawing, "seconds", first)
    third = dependent(drawing, "thirds", second)
    for draft in (first, second, third):
        draw_hints(drawing, draft)


def _two_children(drawing: Drawing) -> None:
    parent = listing(drawing, "parents", few=True)
    for draft in (parent, *(dependent(drawing, name, parent) for name in ("sons", "daughters"))):
        draw_hints(drawing, draft)


def _details(drawing: Drawing) -> None:
    """An object for each row of a list; the path ends with its key."""
    parent = listing(drawing, "parents", few=True)
    spot = Spot(("parents", None), "GET", *plain_pages(), draw_rows(drawing.dice), drawing.auth, detail=True)
    draft = Draft(f"{drawing.prefix}_details", spot, parent=parent.name)
    draft.endpoint["path"] = f"parents/{{resources.{parent.name}.id}}"
    drawing.note("parent's key in", "path of an object")
    drawing.drafts.append(draft)
    from_parent(drawing, draft, parent)
    draw_hints(drawing, parent)
    draw_hints(drawing, draft)


def _ready_parent(drawing: Drawing) -> None:
    """The parent is a resource of dlt's own, put into the list."""
    name = f"{drawing.prefix}_ready"
    rows = draw_rows(drawing.dice, few=True)
    page = rows.of(0)
    drawing.ready.append(Fresh(lambda _: dlt.resource([page], name=name, write_disposition="replace")))
    draw_hints(
        drawing, dependent(drawing, "children", Draft(name, Spot((), "GET", *plain_pages(), rows, drawing.auth)))
    )


FAMILIES: dict[str, Callable[[Drawing], None]] = {
    "alone": _alone,
    "alone, incremental": _alone_incremental,
    "child": _child,
    "child, incremental": _child_incremental,
    "child of an incremental": _parent_incremental,
    "chain": _chain,
    "two children": _two_children,
    "details": _details,
    "ready parent": _ready_parent,
    "words": _words,
}

# ------------------------------------------------------------------------------------- client and defaults


def _configuration(drawing: Drawing, *, in_words: bool) -> dict[str, Any]:
    slash = drawing.dice.choice(["", "/"])
    client: dict[str, Any] = {"base_url": Fresh(lambda url: url + slash)}
    if drawing.auth.value is not None:
        client["auth"] = drawing.auth.value
    if drawing.chance(0.3):
        _client_headers(drawing, client)
    if drawing.chance(0.3):
        _client_paginator(drawing, client)
    if drawing.chance(0.08):
        client["session"] = Fresh(lambda _: Session())
        drawing.note("session", "given")
    if drawing.chance(0.25) and not in_words:
        _other_auth(drawing)
    resources = [{"name": draft.name, **draft.resource, "endpoint": draft.endpoint} for draft in drawing.drafts]
    tree: dict[str, Any] = {"client": client, "resources": [*drawing.ready, *resources]}
    if in_words:
        tree["resource_defaults"] = resources[0]
        del resources[0]["name"], resources[0]["endpoint"]["path"]
        tree["resources"] = [draft.name for draft in drawing.drafts]
    elif drawing.chance(0.4) and (defaults := _defaults(drawing, resources)):
        tree["resource_defaults"] = defaults
    return tree


def _client_headers(drawing: Drawing, client: dict[str, Any]) -> None:
    client["headers"] = {"X-Client": "tests", "X-Tenant": "of the client"}
    for draft in drawing.drafts:
        draft.spot.headers.setdefault("x-client", "tests")
        draft.spot.headers.setdefault("x-tenant", "of the client")
    drawing.note("headers", "client")


def _client_paginator(drawing: Drawing, client: dict[str, Any]) -> None:
    """A resource's paginator is the client's; the others name their own. With one, nothing is found by looking."""
    if any(draft.spot.pages.kind == "auto" for draft in drawing.drafts):
        return
    chosen = next((draft for draft in drawing.drafts if "paginator" in draft.endpoint), None)
    if chosen is not None:
        client["paginator"] = chosen.endpoint.pop("paginator")
        if drawing.chance(0.3):
            chosen.endpoint["paginator"] = "auto"
        drawing.note("paginator of", "client, by `auto`" if "paginator" in chosen.endpoint else "client")


def _other_auth(drawing: Drawing) -> None:
    """One resource has credentials of its own, or none at all."""
    draft = drawing.dice.choice(drawing.drafts)
    table = {name: AUTHS[name] for name in ("none", "bearer", "api_key query", "http_basic")}
    draft.spot.auth = drawing.one("auth of an endpoint", table)(drawing.dice)
    draft.endpoint["auth"] = draft.spot.auth.value


def _defaults(drawing: Drawing, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """What all resources say equally, or the only one says, becomes a default; of params and JSON a part."""
    defaults = _take(drawing, resources, {"name", "endpoint", "include_from_parent"})
    endpoints = [one["endpoint"] for one in resources]
    shared = {}
    if len(endpoints) == 1:
        for name in sorted({"params", "json"} & endpoints[0].keys()):
            values = dict(endpoints[0][name])
            taken = drawing.dice.sample(sorted(values), drawing.dice.randint(0, len(values)))
            shared[name] = {key: values.pop(key) for key in taken}
            endpoints[0][name] = values
    shared |= _take(drawing, endpoints, {"path", "params", "json"})
    drawing.note("defaults", *sorted([*defaults, *(f"endpoint.{name}" for name in shared)]))
    return {**defaults, **({"endpoint": shared} if shared else {})}


def _take(drawing: Drawing, ones: list[dict[str, Any]], but: set[str]) -> dict[str, Any]:
    """Keys that all have, with the same value, taken from them; some are left where they are."""
    taken = {}
    for name, value in list(ones[0].items()):
        if name not in but and all(name in one and one[name] == value for one in ones) and drawing.chance(0.7):
            taken[name] = value
            for one in ones:
                del one[name]
    return taken
