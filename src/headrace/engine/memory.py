"""Where Arrow takes its memory from while headrace runs.

Batches are made in some threads and freed in others. Arrow's usual pool (mimalloc) keeps what was freed that way:
with it a run of 400,000 events peaked at 437 MB before the load step and 610-740 MB in it, with the system's allocator
at 296 and 509 MB, at the same speed. The choice is the process's, so one that somebody made is left alone.
"""

from __future__ import annotations

import os

import pyarrow as pa


def use_system_memory() -> None:
    """Let Arrow use the system's allocator, unless the environment names another (`ARROW_DEFAULT_MEMORY_POOL`)."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ and pa.default_memory_pool().backend_name != "system":
        pa.set_memory_pool(pa.system_memory_pool())
