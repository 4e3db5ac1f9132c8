"""Pages that are converted before their turn: the tables are what they are when one window comes after the other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace import rest_api_source
from headrace.clock import TurnedClock
from headrace.sim.faults import Fault
from headrace.sim.message import Reply, Request
from headrace.sim.server import Server
from headrace.sim.shortio import iso
from loading import pipeline, read_database

#: A whole hour, and how many windows there are of how many seconds.
T = 1_700_000_000 // 3600 * 3600
WINDOWS, WINDOW_S = 8, 6 * 3600
#: Rows of a window, of a page, and characters of a row: a page of each window is what is converted at once.
ROWS, PAGE, LETTERS = 150, 30, 20_000


class Service:
    """Newest first. The newest row of each window has what `odd` has for its number."""

    def __init__(self, odd: Mapping[int, Any]) -> None:
        self.rows = [
            {
                "at": iso(round((T + window * WINDOW_S + (number + 1) * 60) * 1000)),
                "what": f"{window} {number} ".ljust(LETTERS, "x"),
                "tags": [window, number],
                **({"odd": odd[window]} if window in odd and number == ROWS - 1 else {}),
            }
            for window in range(WINDOWS)
            for number in range(ROWS)
        ]

    def __call__(self, request: Request) -> Reply:
        body = json.loads(request.body)
        start, end = iso(body["from"]), iso(min(body["to"] + 1, body.get("before", body["to"] + 1)))
        found = [row for row in reversed(self.rows) if start <= row["at"] < end]
        is_head = body["from"] // 1000 < T + WINDOW_S
        page = (ROWS - len(found)) // PAGE if is_head else None
        return Reply(body=json.dumps(found[:PAGE]).encode(), resource="head" if is_head else None, page=page)


def loaded(service: Service, folder: Path, in_flight: int) -> tuple[dict[str, Any], list[Any]]:
    """The columns of the tables, and the rows of both without ids, in the order in which they stand there."""
    endpoint = {
        "path": "rows",
        "method": "POST",
        "data_selector": "$",
        "paginator": {
            "type": "keyset", "key_path": "at", "key_body_path": "before", "format": "milliseconds",
            "limit": PAGE, "limit_body_path": "limit", "least_limit": PAGE,
        },
        "windows": {
            "body_path_start": "from", "body_path_end": "to", "format": "milliseconds", "start": "-2d", "size": "6h",
            "fixed": True, "time_path": "at", "replace": "1h", "overlap": "3h",
        },
    }  # fmt: skip
    # those behind the first window have all their pages before its second one is there
    slow = [Fault("slow", page, resource="head", delay_s=0.4) for page in range(1, ROWS // PAGE)]
    with Server(service, faults=slow if in_flight > 1 else ()) as server:
        client = {"base_url": server.url, "limits": {"in_flight": in_flight}, "retry": {"max_retries": 0}}
        config = {"client": client, "resources": [{"name": "rows", "write_disposition": "merge", "endpoint": endpoint}]}
        target = pipeline(folder, "rows")
        target.run(rest_api_source(config, name="api", clock=TurnedClock(wall=T + WINDOWS * WINDOW_S)))
    database = read_database(target)
    rows = [{**row, "what": row["what"].rstrip("x")} for row in database.rows("rows")]
    of = {row["_dlt_id"]: row["what"] for row in rows}
    tags = [(of[row["_dlt_parent_id"]], row["_dlt_list_idx"], row["value"]) for row in database.rows("rows__tags")]
    assert len(of) == len(rows)
    found = [tuple((name, value) for name, value in row.items() if not name.startswith("_dlt")) for row in rows]
    columns = {
        name: {column: hints.get("data_type") for column, hints in table["columns"].items()}
        for name, table in target.default_schema.tables.items()
        if not name.startswith("_dlt")
    }
    return columns, [*found, *tags]


@pytest.mark.parametrize("odd", [{}, {1: "text", 3: 5}, {0: 1.5, 6: {"deep": [1]}}])
def test_what_comes_before_its_turn_is_loaded_as_in_its_turn(odd: Mapping[int, Any], tmp_path: Path) -> None:
    """Rows that bring another column or type wait for their turn, whichever window was answered first."""
    columns, rows = loaded(Service(odd), tmp_path / "early", 8)
    columns_in_turn, rows_in_turn = loaded(Service(odd), tmp_path / "in turn", 1)
    assert len(rows) == 3 * WINDOWS * ROWS
    assert Counter(map(repr, rows)) == Counter(map(repr, rows_in_turn))
    assert columns == columns_in_turn
    if not odd:
        assert rows != rows_in_turn, "nothing came before its turn"
