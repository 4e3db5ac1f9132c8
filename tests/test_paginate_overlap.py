"""Pages by offset that overlap: rows that move while they are listed are noticed, whatever moves, whenever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import validate
from headrace.errors import ConfigError, MovedError
from headrace.message import PageFacts, Request
from headrace.paginate import Offset
from headrace.sim.message import Reply
from headrace.sim.message import Request as Came
from headrace.sim.server import Server

REQUEST = Request("GET", "https://api.example.com/items", resource="items")


class Listing:
    """Rows in an order that never changes, of which some go and others come; `seen` throughout are those that stay."""

    def __init__(self, count: int) -> None:
        self.rows = [float(row) for row in range(count)]
        self.throughout = set(self.rows)

    def delete(self, at: int) -> None:
        if self.rows:
            self.throughout.discard(self.rows.pop(at % len(self.rows)))

    def insert(self, at: int) -> None:
        place = at % (len(self.rows) + 1)
        before = self.rows[place - 1] if place else -1.0
        behind = self.rows[place] if place < len(self.rows) else before + 2.0
        self.rows.insert(place, (before + behind) / 2)

    def page(self, request: Request) -> list[float]:
        asked = dict(request.params)
        start = int(asked["offset"])
        return self.rows[start : start + int(asked["limit"])]


CHANGES = st.lists(st.tuples(st.sampled_from(["delete", "insert"]), st.integers(0, 40)), max_size=3)


@given(
    count=st.integers(0, 40),
    limit=st.integers(2, 9),
    overlap=st.integers(1, 3),
    width=st.integers(1, 4),
    order=st.randoms(use_true_random=False),
    changes=st.dictionaries(st.integers(0, 30), CHANGES, max_size=3),
)
def test_no_row_that_stood_there_throughout_is_missed_or_doubled(
    count: int, limit: int, overlap: int, width: int, order: object, changes: dict[int, list[tuple[str, int]]]
) -> None:
    """Pages are answered in any order; without changes there is no error, and with them an error or all rows."""
    listing = Listing(count)
    walk = Offset(limit, overlap=min(overlap, limit - 1)).begin(REQUEST)
    rows: list[float] = []
    open_ones: list[tuple[Request, list[float] | None]] = []
    answered = 0
    try:
        while not walk.done:
            while len(open_ones) < width and (request := walk.ask()) is not None:
                open_ones.append((request, None))
            waiting = [place for place, (_, page) in enumerate(open_ones) if page is None]
            order.shuffle(waiting)  # type: ignore[attr-defined]
            for place in waiting:
                for kind, at in changes.get(answered, []):
                    getattr(listing, kind)(at)
                open_ones[place] = (open_ones[place][0], listing.page(open_ones[place][0]))
                answered += 1
            page = open_ones.pop(0)[1] or []
            facts = PageFacts(200, {}, "", len(page), str(page), {}, digests=[hash(row) for row in page])
            places = walk.tell(facts)
            rows += [page[place] for place in (range(len(page)) if places is None else places)]
    except MovedError as moved:
        assert changes, moved
        return
    assert len(rows) == len(set(rows))
    assert listing.throughout <= set(rows)


def test_an_overlap_of_all_rows_is_wrong() -> None:
    endpoint = {"path": "items", "paginator": {"type": "offset", "limit": 5, "overlap": 5}}
    raw = {"client": {"base_url": "https://x"}, "resources": [{"name": "items", "endpoint": endpoint}]}
    with pytest.raises(ConfigError, match=r"expected an `overlap` below `limit` \(5\), got 5"):
        validate(raw, resolve_secret=lambda name: name)


FILE = """
client:
  base_url: {url}
resources:
  - name: items
    endpoint:
      path: items
      data_selector: items
      paginator: {{type: offset, limit: 5, total_path: null, overlap: 1}}
"""


@pytest.mark.parametrize("times", [1, 2, 9])
def test_headrace_run_lists_again_what_moved(times: int, tmp_path: Path) -> None:
    """Each time the third page is asked for the first row of all goes; rows are appended, so none may come twice."""
    rows = list(range(30))
    left = times

    def answer(request: Came) -> Reply:
        nonlocal left
        start = int(request.param("offset") or 0)
        if start == 8 and left:
            left -= 1
            del rows[0]
        return Reply(body=json.dumps({"items": [{"id": row} for row in rows[start : start + 5]]}).encode())

    with Server(answer) as server:
        (tmp_path / "shop.yaml").write_text(FILE.format(url=server.url))
        environ = {**os.environ, "DLT_DATA_DIR": str(tmp_path / "data")}
        command = [sys.executable, "-m", "headrace", "run", "shop.yaml", "--quiet"]
        done = subprocess.run(command, cwd=tmp_path, env=environ, text=True, capture_output=True, check=False)
    if times > 3:
        assert done.returncode == 1
        assert (
            "error: expected `offset`=8 to begin with the last row of the page before at page 3 of `items`"
            in done.stderr
        )
        return
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("rows moved while they were listed, seen at page 3 of `items`") == times
    with duckdb.connect(tmp_path / "shop.duckdb", read_only=True) as database:
        found = database.execute("SELECT id FROM shop_dataset.items ORDER BY id").fetchall()
    assert found == [(row,) for row in rows]
