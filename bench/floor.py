"""The floor: what nobody who puts these pages into DuckDB on this machine gets below by much.

    python bench/floor.py '{"url": "http://...", "listings": [...], "database": "x.duckdb", ...}'

All pages are asked for side by side, whatever the paging allows, because it is told where they begin; answers are split
into records without looking into them, and DuckDB reads the lines into one table with columns that were declared before
the clock ran: nested ones stay nested, no key is looked at, nothing is known about rows that came before.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

import aiohttp
import duckdb
import msgspec

_IN_FLIGHT: Final = 8


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]


def load(job: dict[str, Any]) -> dict[str, float]:
    """Fetch, split and read, with the seconds of both."""
    folder = Path(job["database"]).parent
    columns = [asyncio.run(_columns(job["url"], listing, folder)) for listing in job["listings"]]
    begin = time.perf_counter()
    for listing in job["listings"]:
        asyncio.run(_fetch(job["url"], listing, _lines(folder, listing)))
    mb_before_load = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fetched = time.perf_counter()
    with duckdb.connect(job["database"], config=job["duckdb"]) as connection:
        connection.execute("SET preserve_insertion_order = false; CREATE SCHEMA loaded")
        for listing, declared in zip(job["listings"], columns, strict=True):
            source = f"read_json('{_lines(folder, listing)}', format = 'newline_delimited', columns = {declared})"
            connection.execute(f"CREATE TABLE loaded.{listing['name']} AS FROM {source}")
    end = time.perf_counter()
    return {
        "wall_s": end - begin,
        "extract_s": fetched - begin,
        "load_s": end - fetched,
        "mb_before_load": mb_before_load,
    }


async def _fetch(url: str, listing: dict[str, Any], lines: Path) -> None:
    split = msgspec.json.Decoder(_Page).decode
    places = iter(range(0, listing["rows"], listing["page"]))

    async def walk(session: aiohttp.ClientSession, file: BinaryIO) -> None:
        for place in places:
            target = f"{url}/{listing['name']}?limit={listing['page']}&{listing['position']}={place}"
            async with session.get(target) as answer:
                records = split(await answer.read()).items
            file.write(b"\n".join(records))
            file.write(b"\n")

    with lines.open("wb") as file:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(walk(session, file) for _ in range(_IN_FLIGHT)))


async def _columns(url: str, listing: dict[str, Any], folder: Path) -> str:
    """DuckDB's own reading of the first ten pages, as a struct of types."""
    sample = folder / "sample.ndjson"
    await _fetch(url, {**listing, "rows": min(listing["rows"], 10 * listing["page"])}, sample)
    with duckdb.connect() as connection:
        found = connection.execute(f"DESCRIBE FROM read_json('{sample}', sample_size = -1)").fetchall()
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in found) + "}"


def _lines(folder: Path, listing: dict[str, Any]) -> Path:
    return folder / f"{listing['name']}.ndjson"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(load(json.loads(sys.argv[1]))) + "\n")
