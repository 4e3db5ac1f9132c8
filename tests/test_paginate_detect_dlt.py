"""Detection against dlt's own: the same paginator and the same place of rows for the same first page."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.detector import PaginatorFactory, find_response_page_data

from headrace.bridge.paging import adopt_paginator
from headrace.decode.find import find_rows
from headrace.message import PageFacts
from headrace.paginate.detect import find_pager
from nasty_json import random_sets
from walks import Answer, Asked, Start, through_dlt, through_headrace

#: Names that speak of paging or of rows, in the ways that APIs write them.
KEYS = (
    "next", "Next", "next_url", "nextPageToken", "next_cursor", "prev", "href", "url", "links", "meta", "paging",
    "total", "total_pages", "totalPages", "pages", "Pages", "pageSize", "page", "items", "data", "results", "tags",
    "count", "has_more", "values", "Data",
)  # fmt: skip
SCALARS: tuple[Any, ...] = (
    None, "", "/v1/items?page=2", "https://api.example.com/2", "httpx", "abc", "?page=2", 0, 1, 2, 7, 3.5, "3", "many",
)  # fmt: skip
LISTS: tuple[Any, ...] = ([], [1], [{"id": 1}], [[]])
HEADERS = ("", "", '</v1/items?page=2>; rel="next"', '</v1/items>; rel="prev"')


def draw(dice: Random, depth: int = 0) -> Any:
    """An envelope; `next_available: true` and its like are left to `test_paginate_differences`."""
    if depth == 0 and dice.random() < 0.05:
        return dice.choice((*SCALARS[1:], *LISTS))
    document = {}
    for key in dice.sample(KEYS, dice.randint(0, 5)):
        branch = dice.random()
        if branch < 0.3 and depth < 4:
            document[key] = draw(dice, depth + 1)
        else:
            document[key] = dice.choice(LISTS if branch < 0.5 else SCALARS)
    return document


def answer(document: Any, link: str = "") -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.url = "https://api.example.com/v1/items"
    response._content = json.dumps(document).encode()
    if link:
        response.headers["link"] = link
    return response


def detected(document: Any, link: str = "") -> tuple[Any, Any]:
    """The paginator that dlt finds, and ours, in the words of `headrace plan`: kind and path."""
    paginator, _ = PaginatorFactory().create_paginator(answer(document, link))
    options = adopt_paginator(paginator)
    assert isinstance(options, dict)
    facts = PageFacts(200, {"link": link} if link else {}, "", 3, "", {"$": document})
    found = find_pager(facts).describe()
    return tuple(
        (said.get("type") or said["kind"], said.get("next_url_path"), said.get("cursor_path"), said.get("total_path"))
        for said in (options, found)
    )  # type: ignore[return-value]


@random_sets(3000)
def test_paginator_is_the_one_that_dlt_finds(dice: Random) -> None:
    document, link = draw(dice), dice.choice(HEADERS)
    dlts, ours = detected(document, link)
    if dlts[0] == "page_number" and ours == ("single_page", None, None, None):
        assert find_total(document, dlts[3]) <= 1, "a single page is the whole of it"
        return
    assert ours == dlts, f"{document} {link}"


def find_total(document: Any, path: str) -> int:
    for key in path.split("."):
        document = document[key]
    return int(document)


@random_sets(2000)
def test_place_of_rows_is_the_one_that_dlt_finds(dice: Random) -> None:
    document = draw(dice)
    path, _ = find_response_page_data(document)
    assert str(find_rows(document)) == ".".join(path), document


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([{"id": 1}], "$"),
        ({"id": 1}, "$"),
        (7, "$"),
        ({"items": []}, "items"),
        ({"tags": [1], "items": [2]}, "items"),
        # in the order of the document, however deep
        ({"meta": {"data": [1]}, "items": [2]}, "meta.data"),
        ({"meta": {"tags": [1]}, "people": [2]}, "meta.tags"),
        ({"a": {"b": {"c": [1]}}}, "a.b.c"),
        ({"a": {"b": {"c": {"d": [1]}}}}, "$"),
        ({"a": {"b": {"c": {"d": [1]}}}, "x": {"y": [1]}}, "x.y"),
        ({"a": [{"items": [1]}]}, "a"),
        ({"Items": [1], "x": [2]}, "Items"),
    ],
)
def test_place_of_rows(document: Any, path: str) -> None:
    client = RESTClient("https://api.example.com")
    assert client.detect_data_selector(answer(document)) == path
    assert str(find_rows(document)) == path


@pytest.mark.parametrize("key", ["x y", "a.b", "1st", "where", "it's", "@odata.rows", "é"])
def test_a_key_of_any_characters_is_found(key: str) -> None:
    """Where dlt makes a JSONPath of it that cannot be read, or leads elsewhere."""

    def api(_: Asked) -> Answer:
        return Answer({key: [{"id": 1}, {"id": 2}]})

    start = Start(selector=None)
    assert through_headrace(api, {"type": "single_page"}, start).rows == [{"id": 1}, {"id": 2}]
    assert through_dlt(api, "single_page", start).rows == []


@random_sets(200)
def test_walks_with_nothing_declared_are_dlts(dice: Random) -> None:
    """Pages from 0, links and cursors that an API is honest about, rows under any usual name."""
    count, size = dice.randint(0, 12), dice.randint(1, 5)
    kind, name = dice.choice(("link", "page", "cursor", "header", "single")), dice.choice(("items", "things"))

    def api(asked: Asked) -> Answer:
        page = int(asked.query.get("cursor" if kind == "cursor" else "page", 0))
        rows = [{"id": row} for row in range(page * size, min((page + 1) * size, count))]
        more = (page + 1) * size < count
        address = f"/v1/items?page={page + 1}" if more else None
        said: dict[str, Any] = {
            "link": {"links": {"next": address}},
            "page": {"meta": {"pages": -(-count // size)}},
            "cursor": {"next_cursor": str(page + 1) if more else None},
        }.get(kind, {})
        return Answer({**said, name: rows}, {"Link": f"<{address}>; rel=next"} if kind == "header" and more else {})

    start = Start(selector=None)
    dlts, ours = through_dlt(api, "auto", start), through_headrace(api, {"type": "auto"}, start)
    assert (ours.rows, ours.error) == (dlts.rows, dlts.error) == (dlts.rows, ""), (kind, count, size)
    assert ours.asked[: len(dlts.asked)] == dlts.asked
