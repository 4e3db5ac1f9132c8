"""An object in place of a list of rows: a row where it is the whole listing, an error among pages, unless declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.errors import AnswerError
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database, refused

CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}
OFFSET = {"type": "offset", "limit": 2, "total_path": None}


def load(folder: Path, pages: list[Any], selector: str | None = "items", **endpoint: Any) -> list[int]:
    """The ids that are loaded of these pages, which a cursor or an offset asks for; None is the last `next`."""

    def answer(request: Request) -> Reply:
        place = int(request.param("at") or int(request.param("offset") or 0) // 2)
        items = pages[place] if place < len(pages) else []
        following = str(place + 1) if place + 1 < len(pages) else None
        document = items if selector is None else {"items": items, "next": following}
        return Reply(body=json.dumps(document).encode())

    target = pipeline(folder, "objects")
    with Server(answer) as server:
        said = {"path": "things", **({"data_selector": selector} if selector else {}), **endpoint}
        config = {"client": {"base_url": server.url}, "resources": [{"name": "things", "endpoint": said}]}
        target.run(rest_api_source(config, clock=TurnedClock()))
    return sorted(row["id"] for row in read_database(target).rows("things"))


@pytest.mark.parametrize(
    ("selector", "endpoint"),
    [
        ("items", {"paginator": "single_page"}),
        ("items", {"paginator": CURSOR}),
        ("items", {}),
        (None, {"paginator": "single_page"}),
        (None, {}),
    ],
)
def test_an_object_is_a_row_where_it_is_all_there_is(selector: Any, endpoint: Any, tmp_path: Path) -> None:
    assert load(tmp_path, [{"id": 1}], selector, **endpoint) == [1]


@pytest.mark.parametrize(
    ("pages", "paginator"),
    [
        ([[{"id": 1}, {"id": 2}], {"id": 3}], CURSOR),
        ([{"id": 1}, [{"id": 2}, {"id": 3}]], CURSOR),
        ([{"id": 1}, {"id": 2}], CURSOR),
        ([[{"id": 1}, {"id": 2}], {"id": 3}], OFFSET),
        ([{"error": "later"}], OFFSET),
    ],
)
def test_among_pages_it_is_an_error(pages: list[Any], paginator: Any, tmp_path: Path) -> None:
    """Whether it is a list of one or something else entirely, nobody knows."""
    with refused(AnswerError) as found:
        load(tmp_path, pages, paginator=paginator)
    text = str(found[0])
    assert "expected a list of rows at `items` in a listing of several pages, got an object" in text
    assert "resource `things`, http://127.0.0.1" in text
    assert "hint: `paginator: single_page` if it is all there is; `allow_object_data: true`" in text


def test_where_it_is_declared_it_is_one_row(tmp_path: Path) -> None:
    pages = [{"id": 1}, [{"id": 2}, {"id": 3}], {"id": 4}]
    assert load(tmp_path, pages, paginator=CURSOR, allow_object_data=True) == [1, 2, 3, 4]


def test_what_a_wildcard_chooses_is_no_object_in_place_of_a_list(tmp_path: Path) -> None:
    pages = [[{"id": 1}, {"id": 2}], [{"id": 3}]]
    assert load(tmp_path, pages, selector="items[*]", paginator=CURSOR) == [1, 2, 3]
