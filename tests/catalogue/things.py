"""The API of all scenes: 100 things with an id each, in pages of 20, however the pages are linked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.sim.message import Reply, Request

ROWS = 100
PAGE = 20
#: The bearer token, which no output and no file may hold.
KEY = 'c4n4ry/key"of+the=catalogue'
#: What the configuration says of the paging, by its name.
PAGINATORS: Mapping[str, Any] = {
    "link": {"type": "json_link", "next_url_path": "next"},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
    "offset": {"type": "offset", "limit": PAGE, "total_path": None, "maximum_offset": None},
    "counted": {"type": "offset", "limit": PAGE, "total_path": "total"},
    "ignorant": {"type": "offset", "limit": PAGE, "total_path": None},
    "page": {"type": "page_number", "base_page": 0, "total_path": None},
    "pages": {"type": "page_number", "base_page": 0, "total_path": "pages"},
    "post": {"type": "cursor", "cursor_path": "next", "cursor_body_path": "cursor"},
    "single": "single_page",
}


@dataclass
class Things:
    """Answers `/things`; `row` gives the JSON text of a row, `edit` may change a page before it is sent.

    `alters` is called with each page's number before it is made; what it returns are the ids from then on.
    """

    paging: str = "link"
    count: int = ROWS
    page_size: int = PAGE
    row: Callable[[int], str] = lambda number: json.dumps({"id": number, "name": f"thing {number}"})
    edit: Callable[[dict[str, Any], int], object] | None = None
    alters: Callable[[int, list[int]], list[int]] | None = None
    #: A list of one is sent as its item.
    unwraps: bool = False

    def __post_init__(self) -> None:
        self.ids = list(range(self.count))

    def answer(self, request: Request) -> Reply:
        if request.path != "/things":
            return Reply(404, b'{"message": "not found"}')
        if request.headers.get("authorization") != f"Bearer {KEY}" and request.param("sig") != KEY:
            return Reply(401, b'{"message": "unauthorized"}')
        number = self._page_of(request)
        if self.alters:
            self.ids = self.alters(number, self.ids)
        ids = self.ids[number * self.page_size : (number + 1) * self.page_size]
        more = (number + 1) * self.page_size < len(self.ids)
        beside: dict[str, Any] = {}
        if self.paging == "link":
            beside["next"] = f"/things?at={number + 1}" if more else None
        elif self.paging in ("cursor", "post"):
            beside["next"] = str(number + 1) if more else None
        elif self.paging == "counted":
            beside["total"] = len(self.ids)
        elif self.paging == "pages":
            beside["pages"] = -(-len(self.ids) // self.page_size)
        if self.edit:
            self.edit(beside, number)
        rest = json.dumps(beside)[1:-1]
        items = ",".join(map(self.row, ids))
        items = items if self.unwraps and len(ids) == 1 else f"[{items}]"
        body = f'{{"items":{items}{"," if rest else ""}{rest}}}'
        start = number * self.page_size
        return Reply(
            body=body.encode("utf-8", "surrogatepass"), resource="things", page=number,
            rows=range(start, start + len(ids)), key="items",
        )  # fmt: skip

    def _page_of(self, request: Request) -> int:
        if self.paging == "ignorant":
            return 0
        if self.paging == "post":
            return int((json.loads(request.body or b"{}") or {}).get("cursor") or 0)
        if self.paging in ("offset", "counted"):
            return int(request.param("offset") or 0) // self.page_size
        return int(request.param("at") or request.param("cursor") or request.param("page") or 0)


def configuration(url: str, paging: str, *, client: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, Any]:
    """What a user writes for it; `client` and `resource` are further options, `endpoint` of `resource` joined."""
    endpoint = {"path": "things", "data_selector": "items", "paginator": PAGINATORS[paging]}
    if paging == "post":
        endpoint |= {"method": "POST", "json": {"kind": "all"}}
    return {
        "client": {"base_url": url, "auth": {"type": "bearer", "token": 'dlt.secrets["api_key"]'}, **client},
        "resources": [{"name": "things", **resource, "endpoint": {**endpoint, **resource.get("endpoint", {})}}],
    }
