"""Lists of rows in drawn configurations: how they are paged and wrapped, what is sent, how they depend on a parent."""

from __future__ import annotations

from random import Random
from typing import Any

from dialects.dialect import Refused
from drawn.draft import Draft, Drawing, Fresh
from drawn.page import Pages, Setting
from drawn.pages import PAGERS, draw_pages
from drawn.rows import draw_rows
from drawn.spot import Spot
from drawn.wraps import WRAPS, Wrap, draw_wrap


def listing(drawing: Drawing, name: str, *, few: bool = False, shared: bool = False) -> Draft:
    """A list at a path of its own. `few` rows are for parents; `shared` is for a paginator of several resources."""
    dice = drawing.dice
    rows = draw_rows(dice, few=few)
    pager = dice.choice(sorted(PAGERS))
    post = drawing.chance(0.3) and pager != "auto"
    wrap = draw_wrap(dice, pager)
    pages = draw_pages(pager, Setting(dice, wrap, post, dice.randint(2, 3)))
    # a paginator object has state: dlt shares one in the defaults among resources, which take turns on it
    while shared and pages.has_state:
        pages = draw_pages(pager, Setting(dice, wrap, post, 2))
    draft = Draft(f"{drawing.prefix}_{name}", Spot((name,), "POST" if post else "GET", wrap, pages, rows, drawing.auth))
    path = dice.choice([name, f"/{name}", ""])
    draft.endpoint["path"] = path or Fresh(lambda url: f"{url}/{name}")
    drawing.note("path", "relative" if path else "absolute")
    _page(drawing, draft)
    if post:
        draft.endpoint["method"] = "POST"
    _send(drawing, draft)
    drawing.note("method", draft.spot.method)
    drawing.drafts.append(draft)
    return draft


def plain_pages() -> tuple[Wrap, Pages]:
    """All at once, under a key that is found."""
    wrap = WRAPS["key"]
    return wrap, PAGERS["single_page"](Setting(Random(0), wrap, post=False, size=2))


def one_page(drawing: Drawing, draft: Draft) -> None:
    """dlt moves the cursor of a child on with every page of parents: let there be one."""
    spot = draft.spot
    spot.wrap, spot.pages = plain_pages()
    draft.endpoint.pop("data_selector", None)
    draft.endpoint["paginator"] = "single_page"
    for name in ("paginator", "paging", "paginator's form", "selector"):
        drawing.facts[name].pop(0)
    drawing.note("paginator's form", "word")


def _page(drawing: Drawing, draft: Draft) -> None:
    """Say paginator and selector, or leave them to be found."""
    wrap, pages = draft.spot.wrap, draft.spot.pages
    selector = drawing.dice.choice(wrap.selectors)
    if selector is not None:
        draft.endpoint["data_selector"] = selector
    if pages.config() is not None:
        draft.endpoint["paginator"] = Fresh(lambda _: pages.config())
    drawing.note("paginator", pages.kind)
    drawing.note("paging", f"{pages.kind} ({pages.how})")
    drawing.note("paginator's form", pages.form)
    drawing.note("selector", f"{wrap.name}: {selector or 'found'}")


#: Parameters that are sent as they are: every type, signs, a list, doubled braces.
_PARAMS: dict[str, Any] = {
    "kind": "a b&c=ü", "deep": True, "many": ["x", "y"], "ratio": 1.5, "gone": None, "n": 7, "open": "{{}}",
}  # fmt: skip
#: Bodies, and what comes of the doubled braces in them.
_JSON: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"query": {"match": ["all", 1, None]}}, {}),
    ({"text": "{{x}}", "quantity": 5}, {"text": "{x}"}),
    ({"empty": {}}, {}),
)
#: Other bodies, and how they arrive.
_DATA: tuple[tuple[Any, Any], ...] = (
    ({"q": "all", "n": 7}, [("q", "all"), ("n", "7")]),
    ([("q", "a"), ("q", "b")], [("q", "a"), ("q", "b")]),
    ("plain text", "plain text"),
    (b"bytes", "bytes"),
)


def _send(drawing: Drawing, draft: Draft) -> None:
    """What is sent as it is, and what the service insists on."""
    dice, spot = drawing.dice, draft.spot
    for name in dice.sample(sorted(_PARAMS), dice.randint(0, 3)):
        draft.of_endpoint("params", {name: _PARAMS[name]})
        spot.wants_param(name, "{}" if name == "open" else _PARAMS[name])
    if spot.method == "POST":
        if spot.pages.body or drawing.chance(0.6):
            if not spot.pages.body or drawing.chance(0.7):
                sent, arrives = dice.choice(_JSON)
                draft.endpoint["json"] = dict(sent)
                spot.wants_json(**{**sent, **arrives})
            drawing.note("body", "json")
        else:
            draft.endpoint["data"], spot.data = dice.choice(_DATA)
            drawing.note("body", f"data as {type(draft.endpoint['data']).__name__}")
    if drawing.chance(0.25):
        draft.of_endpoint("headers", {"X-Tenant": "t-1", "X-Doubled": "{{}}"})
        spot.headers |= {"x-tenant": "t-1", "x-doubled": "{}"}
        drawing.note("headers", "endpoint")


def dependent(drawing: Drawing, name: str, parent: Draft) -> Draft:
    """A list for each row of the parent."""
    draft = listing(drawing, name)
    spot, field = draft.spot, drawing.dice.choice(["id", "id", "$.id"])
    draft.parent = parent.name
    places = ["path", "resolve", "params", "params' text", "header"]
    if spot.method == "POST":
        others = ["json", "json text"] if spot.data is None else ["data"]
        places += 3 * others
    place = drawing.dice.choice(places)
    drawing.note("parent's key in", place)
    _put_key(draft, place, parent, f"{{resources.{parent.name}.{field}}}", field)
    from_parent(drawing, draft, parent)
    _act(drawing, draft)
    if drawing.chance(0.25):
        draft.resource["parallelized"] = True
        drawing.note("parallelized", "child")
    return draft


def _put_key(draft: Draft, place: str, parent: Draft, expression: str, field: str) -> None:
    """Say where the parent's key goes, and tell the service where to find it."""
    spot = draft.spot
    last = spot.steps[-1]
    text = f"id:{expression}" if place.endswith("text") else expression
    if place == "path":
        spot.steps = ("of", None, last)
        draft.endpoint["path"] = f"of/{expression}/{last}"
    elif place == "resolve":
        spot.steps = ("of", None, last)
        draft.endpoint["path"] = f"of/{{key}}/{last}"
        draft.of_endpoint("params", {"key": {"type": "resolve", "resource": parent.name, "field": field}})
    elif place.startswith("params"):
        draft.of_endpoint("params", {"parent": text})
        spot.key = lambda asked: asked.params["parent"].removeprefix("id:")
        spot.also.add("parent")
    elif place == "header":
        draft.of_endpoint("headers", {"X-Parent": f"p {expression}"})
        spot.key = lambda asked: asked.headers["x-parent"].removeprefix("p ")
    elif place == "data":
        draft.endpoint["data"], spot.data = {"of": expression}, None
        spot.key = lambda asked: asked.form()["of"]
    else:
        draft.of_endpoint("json", {"where": {"parent": [text]}})
        spot.wants_json(where=...)
        number = place == "json" and not parent.spot.rows.text_ids
        spot.key = lambda asked: _kept(asked.body()["where"]["parent"][0], number=number)


def _kept(value: Any, *, number: bool) -> Any:
    """A value that is a whole placeholder keeps its type."""
    if isinstance(value, int) != number:
        raise Refused(400, f"expected {'a number' if number else 'a text'}, got {value!r}")
    return value if number else value.removeprefix("id:")


def from_parent(drawing: Drawing, draft: Draft, parent: Draft) -> None:
    """Fields of the parent in each row."""
    if drawing.chance(0.5):
        fields = ["id", "number", "kind"] if parent.spot.steps else ["id"]
        taken = drawing.dice.sample(fields, drawing.dice.randint(1, len(fields)))
        draft.resource["include_from_parent"] = taken
        drawing.note("include_from_parent", str(len(taken)))


def _mended(response: Any, *_args: Any, **_kwargs: Any) -> None:
    response._content = response.content.replace(b"charlie", b"CHARLIE")


def _seen(response: Any, *_args: Any, **_kwargs: Any) -> None:
    assert response.status_code == 200


#: Name -> (the action, the status with which a list is refused).
ACTIONS: dict[str, tuple[Any, int]] = {
    "status": ({"status_code": 404, "action": "ignore"}, 404),
    "content": ({"content": '"state": "gone"', "action": "ignore"}, 200),
    "both": ({"status_code": 200, "content": "gone", "action": "ignore"}, 200),
    "function": (_mended, 0),
    "functions": ({"status_code": 200, "action": [_seen, _mended]}, 0),
    "idle": ({"status_code": 418, "action": "ignore"}, 0),
}


def _act(drawing: Drawing, draft: Draft) -> None:
    """Some parents have no list: it is refused, or said in the body."""
    if drawing.chance(0.7):
        action, draft.spot.refuses = drawing.one("response_actions", ACTIONS)
        draft.endpoint["response_actions"] = [action]
