"""What had to be changed of the text that came is counted, whichever way rows take, and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.command.outcome import Outcome
from headrace.command.summary import summary
from headrace.command.target import DuckDbFile
from headrace.engine import Report
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from loading import pipeline, read_database

USUAL = [f'{{"id": {number}, "v": "usual", "in": {{"x": 1}}}}'.encode() for number in range(40)]
#: Rows, how many characters of them are replaced, how many keys named again, and the value that is stored.
ODD: dict[str, tuple[bytes, int, int, str]] = {
    "surrogate": (rb'{"id": 99, "v": "a\ud800b"}', 1, 0, "a�b"),
    "surrogates": (rb'{"id": 99, "v": "\udc00\ud83d"}', 2, 0, "��"),
    "pair": (rb'{"id": 99, "v": "\ud83d\ude00"}', 0, 0, "\N{GRINNING FACE}"),
    "said": ('{"id": 99, "v": "�"}'.encode(), 0, 0, "�"),
    "bytes": (b'{"id": 99, "v": "a\xffb\xfe"}', 2, 0, "a�b�"),
    "twice": (b'{"id": 99, "v": "first", "v": "last"}', 0, 1, "last"),
    "twice within": (b'{"id": 99, "v": "usual", "in": {"x": 1, "x": 2, "x": 3}}', 0, 2, "usual"),
    "all": (b'{"id": 99, "v": "first\xff", "v": "\\ud800"}', 2, 1, "�"),
}


def served(record: bytes, beside: bytes) -> Any:
    """Three pages, the odd row on the second one; `beside` stands on each page beside the rows."""

    def answer(request: Request) -> Reply:
        page = int(request.param("page") or 0)
        rows = [*USUAL[10 * page : 10 * page + 10], *([record] if page == 1 else [])]
        following = b'"%d"' % (page + 1) if page < 2 else b"null"
        return Reply(body=b'{"items": [%b], "next": %b, "more": %b}' % (b", ".join(rows), following, beside))

    return answer


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("way", ["columns", "whole pages", "functions", "dictionaries", "hidden", "in shape"])
def test_what_is_changed_is_counted(name: str, way: str, tmp_path: Path) -> None:
    record, replaced, repeated, value = ODD[name]
    report = Report()
    rows: dict[str, Any] = {
        "name": "rows",
        "endpoint": {
            "path": "rows",
            "data_selector": "items[*]" if way == "whole pages" else "items",
            "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
        },
    }
    if way == "functions":
        rows["processing_steps"] = [{"filter": lambda row: row["id"] >= 0}]
    if way == "hidden":
        rows["private"] = ["id_card", "in.y"]
        record = record[:-1] + b', "id_card": "x"}'
    if way == "in shape":
        rows["fields"] = {"w": {"from": "u"}}
        record = record[:-1] + b', "u": 1}'
    target = pipeline(tmp_path, "odd")
    with Server(served(record, b"1")) as server:
        config = {"client": {"base_url": server.url}, "resources": [rows]}
        source = rest_api_source(config, name="rows", report=report, clock=TurnedClock())
        if way == "dictionaries":
            source.resources["rows"].add_map(lambda row: row)
        target.run(source)
    found = report.of("rows")
    assert (found.replaced, found.repeated) == (replaced, repeated)
    assert {row["id"]: row["v"] for row in read_database(target).rows("rows")}[99] == value
    assert found.as_dict()["replaced_characters"] == replaced
    assert found.as_dict()["repeated_keys"] == repeated


def test_a_summary_says_it() -> None:
    report = Report()
    report.of("rows").replaced, report.of("rows").repeated = 3, 1
    outcome = Outcome("p", DuckDbFile("x.duckdb"), "d", {"rows": 1}, rows_now=True, report=report, seconds=0.0)
    lines = summary(outcome).splitlines()
    assert "replaced    rows: 3 characters that no text can hold, by U+FFFD" in lines
    assert "repeated    rows: 1 key named twice in an object, the last counts" in lines
