"""One load of one contender, in a process of its own.

    python bench/contender.py '{"contender": "headrace", "configuration": {...}, "database": "x.duckdb", ...}'

Says one line of JSON: seconds without the imports, of each step, and the peak memory when the load step began. What is
around it, CPU seconds and the peak in all, is measured by who started it.
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
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"


def headrace_source(configuration: Any) -> Any:
    """The configuration, and nothing else."""
    import headrace

    return headrace.rest_api_source(configuration)


def dlt_source(configuration: Any) -> Any:
    """Stock dlt as it comes: INSERT statements into DuckDB."""
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(configuration)


def dlt_parquet_source(configuration: Any) -> Any:
    """Stock dlt tuned: its rows go through Parquet files, its resources side by side."""
    source = dlt_source(configuration)
    for one in source.resources.values():
        one.apply_hints(file_format="parquet")
    return source.parallelize()


def dlt_workers_source(configuration: Any) -> Any:
    """The same with two processes that normalise, which needs files enough for both."""
    os.environ |= {"NORMALIZE__WORKERS": "2", "DATA_WRITER__FILE_MAX_ITEMS": "10000"}
    return dlt_parquet_source(configuration)


SOURCES = {
    "headrace": headrace_source,
    "dlt-default": dlt_source,
    "dlt-parquet": dlt_parquet_source,
    "dlt-workers": dlt_workers_source,
}


def load(job: dict[str, Any]) -> dict[str, float]:
    """Load once; in steps, so that memory can be read between them, unless the whole is asked for."""
    import dlt
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    credentials = DuckDbCredentials(job["database"])
    credentials.global_config = job["duckdb"]
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(credentials),
        dataset_name="loaded",
        pipelines_dir=str(Path(job["database"]).parent / "pipelines"),
    )
    source = SOURCES[job["contender"]](job["configuration"])  # before the clock: imports are no part of the work
    begin = time.perf_counter()
    if job["whole"]:
        pipeline.run(source)
        return {"wall_s": time.perf_counter() - begin}
    pipeline.extract(source)
    extracted = time.perf_counter()
    pipeline.normalize()
    mb_before_load = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    normalised = time.perf_counter()
    pipeline.load()
    end = time.perf_counter()
    return {
        "wall_s": end - begin,
        "extract_s": extracted - begin,
        "normalise_s": normalised - extracted,
        "load_s": end - normalised,
        "mb_before_load": mb_before_load,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(load(json.loads(sys.argv[1]))) + "\n")
