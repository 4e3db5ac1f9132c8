"""How many rows dlt counted in its load packages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dlt.common.storages.load_package import ParsedLoadJobFileName


def rows_by_table(info: Any, load_id: str | None = None) -> Counter[str]:
    """Table -> rows in dlt's account of its normalise step, of one package or of all.

    File by file: dlt 1.28 loses some where it counts by table.
    """
    counts: Counter[str] = Counter()
    for package, metrics in info.metrics.items():
        for one in metrics if load_id in (None, package) else ():
            for file in one["job_metrics"].values():
                counts[ParsedLoadJobFileName.parse(file.file_path).table_name] += int(file.items_count)
    return counts
