"""The benchmarks' own server and comparison: figures are only worth what these are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import duckdb
import pytest

BENCH = Path(__file__).parent.parent / "bench"


@contextmanager
def served(case: str, rows: int | None = None) -> Iterator[str]:
    command = [sys.executable, str(BENCH / "server.py"), json.dumps({"case": case, "rows": rows})]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
        server.terminate()


def asked(url: str) -> Any:
    with urlopen(url) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def allowed(url: str) -> bool:
    """Whether the answer is one; a refusal says what there is to say."""
    try:
        asked(url)
    except HTTPError as error:
        assert (error.code, error.headers["X-RateLimit-Limit"]) == (429, "10")
        assert error.headers["X-RateLimit-Remaining"] == "0"
        return False
    return True


def said(script: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, str(BENCH / script), *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_pages_follow_each_other_and_rounds_have_other_ids() -> None:
    """More rows than are rendered: they come round, on a page that has the end of one and the beginning of another."""
    with served("events", 61_000) as url:
        first = asked(f"{url}/events?limit=300")
        assert (len(first["items"]), first["total"], first["next"]) == (300, 61_000, "300")
        across = asked(f"{url}/events?limit=300&cursor=59900")["items"]
        last = asked(f"{url}/events?limit=300&cursor=60900")
        assert (len(last["items"]), last["next"]) == (100, None)
        assert asked(f"{url}/events?limit=300&cursor=61000") == {"items": [], "total": 61_000, "next": None}
        assert across[100]["id"] == "00001" + first["items"][0]["id"][5:]
        assert len({row["id"] for row in across}) == 300
        assert asked(f"{url}/-/counts")["requests"] == 4
        assert asked(f"{url}/-/counts")["requests"] == 0


def test_a_range_of_time_is_a_listing_of_its_own() -> None:
    with served("windows-0ms") as url:
        start = 1_772_582_400
        first = asked(f"{url}/clicks?from={start + 250}&to={start + 400}&limit=100")
        second = asked(f"{url}/clicks?from={start + 250}&to={start + 400}&limit=100&cursor={first['next']}")
        assert [first["total"], len(first["items"]), len(second["items"]), second["next"]] == [150, 100, 50, None]
        assert first["items"][0]["dt"] == "2026-03-04T00:04:10.000Z"


def test_nothing_is_new_after_the_last_row() -> None:
    with served("small") as url:
        assert len(asked(f"{url}/kind_07?since=2026-01-01T00:00:00Z")["items"]) == 12
        assert asked(f"{url}/kind_07?since=2026-03-04T00:00:11.000Z")["items"] == []


def test_the_limit_is_enforced_and_told() -> None:
    """Thirty requests at once touch at most two seconds of the clock, so at least ten are too many."""
    with served("limit-headers") as url:
        refused = [allowed(f"{url}/clicks?limit=1") for _ in range(30)].count(False)
        assert 10 <= refused == asked(f"{url}/-/counts")["refused"]


def test_one_command_measures_compares_and_judges() -> None:
    said_of_all = said("run.py", "--cases", "links", "--rows", "450", "--runs", "1")
    assert "no figures" not in said_of_all
    lines = [line.split("|")[1].strip() for line in said_of_all.splitlines() if line.startswith("| ")]
    assert {"headrace", "dlt-parquet", "floor"} <= {*lines}
    assert "| links: times the rows/s of dlt-parquet | at least 8 |" in said_of_all


FILL_IN = """
import sys, page
SPEEDS = (("headrace", 50.0), ("dlt-parquet", 5.0))
text = sys.stdin.read()
figures = {("links", "first load", who, "rows_per_s"): [rate] for who, rate in SPEEDS}
once = page.updated(text, figures, "2026-11-22")
twice = page.updated(once, {("events", "again", "headrace", "cpu_s"): [7.0]}, "2026-11-23")
other = page.updated(once, {("clicks", "first load", "headrace", "peak_mb"): [300.0]}, "2026-11-23")
assert twice == once, "there is no such load of this case"
sys.stdout.write(other)
"""


def test_lines_of_the_page_are_replaced_one_by_one() -> None:
    text = "before\n" + "".join(
        f"<!-- {name}: written by bench/run.py --write -->\n<!-- end of {name} -->\n" for name in ("figures", "goals")
    )
    done = subprocess.run(
        [sys.executable, "-c", FILL_IN], input=text, cwd=BENCH, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "before"
    assert lines[4:6] == [
        "| clicks, first load | 2026-11-23 |  |  |  |  |  |  |  |  | 300 |",
        "| links, first load | 2026-11-22 | 50 | 10.0 |  |  |  |  |  |  |  |",
    ]
    assert "| links: times the rows/s of dlt-parquet | 2026-11-22 | at least 8 | 10 | reached |" in lines


def database(path: Path, *, rows: int = 2, parents: str = "01", note: str = "same") -> str:
    """Links with a tag each, as dlt lays them out; `parents` says on which link each tag hangs."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA loaded")
        connection.execute("CREATE TABLE loaded.links (id VARCHAR, note VARCHAR, _dlt_id VARCHAR)")
        connection.execute(
            "CREATE TABLE loaded.links__tags (value VARCHAR, _dlt_parent_id VARCHAR, _dlt_list_idx BIGINT)"
        )
        for row in range(rows):
            connection.execute("INSERT INTO loaded.links VALUES (?, ?, ?)", [f"link-{row}", note, f"row-{row}"])
        for value, parent in enumerate(parents):
            connection.execute("INSERT INTO loaded.links__tags VALUES (?, ?, 0)", [f"tag-{value}", f"row-{parent}"])
    return str(path)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({}, ""),
        ({"rows": 3}, "expected 2 rows in links, got 3 with 3 keys"),
        ({"note": "other"}, "expected the same rows in links, got 2 that differ"),
        ({"parents": "10"}, "expected the same rows in links__tags, got 2 that differ"),
        ({"parents": "0"}, "expected the same rows in links__tags, got 1 that differ"),
    ],
)
def test_what_differs_is_said(tmp_path: Path, other: dict[str, Any], difference: str) -> None:
    """A tag on the wrong link is a difference, though the values are the same."""
    one, two = database(tmp_path / "one.duckdb"), database(tmp_path / "two.duckdb", **other)
    job = {
        "databases": {"headrace": one, "dlt-parquet": two},
        "keys": {"links": "id"},
        "counts": {"links": 2},
        "nested": "floor",
    }
    found = said("tables.py", json.dumps(job))
    assert found.startswith(difference)
    assert bool(found) == bool(difference)
