"""One contender of `side_by_side.py`: load the e-mail guide's events from a running simulator into a DuckDB file.

Run by `side_by_side.py`, each time in a process of its own: `load_events.py CONTENDER URL KEY DATABASE`. Writes one
JSON line: seconds of the run without the imports, and the peak memory when the load step began.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials


def headrace_source(url: str, key: str) -> Any:
    """The guide's dictionary as it is, the address apart."""
    import headrace

    return headrace.rest_api_source(_config(url, {"type": "basic", "username": "api", "password": key}, {}))


def dlt_source(url: str, key: str) -> Any:
    """The same for stock dlt, which needs another auth type and an end rule."""
    from dlt.sources.rest_api import rest_api_source

    auth = {"type": "http_basic", "username": "api", "password": key}
    return rest_api_source(_config(url, auth, {"stop_after_empty_page": True}))


def dlt_parquet_source(url: str, key: str) -> Any:
    """Stock dlt tuned: its rows go through Parquet files instead of INSERT statements."""
    source = dlt_source(url, key)
    for one in source.resources.values():
        one.apply_hints(file_format="parquet")
    return source


CONTENDERS = {"headrace": headrace_source, "dlt-default": dlt_source, "dlt-parquet": dlt_parquet_source}


def _config(url: str, auth: dict[str, str], paging: dict[str, Any]) -> Any:
    paginator = {"type": "cursor", "cursor_param": "from", "cursor_path": "paging.next", **paging}
    return {
        "client": {"base_url": url, "auth": auth},
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {"name": "events", "endpoint": {"path": "/v1/events", "data_selector": "items", "paginator": paginator}}
        ],
    }


def main(contender: str, url: str, key: str, database: str) -> None:
    """Load once, in steps, so that memory can be read between them."""
    credentials = DuckDbCredentials(database)
    credentials.global_config = {"memory_limit": "400MB"}
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(credentials), dataset_name="loaded",
        pipelines_dir=str(Path(database).parent / "pipelines"),
    )  # fmt: skip
    source = CONTENDERS[contender](url, key)  # before the clock: imports are no part of the work
    begin = time.perf_counter()
    pipeline.extract(source)
    extracted = time.perf_counter()
    pipeline.normalize()
    peak_before_load = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    normalized = time.perf_counter()
    pipeline.load()
    end = time.perf_counter()
    steps = {"extract_s": extracted - begin, "normalize_s": normalized - extracted, "load_s": end - normalized}
    sys.stdout.write(json.dumps({"wall_s": end - begin, **steps, "mb_before_load": peak_before_load / 1024}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
