"""Where Arrow takes its memory from while headrace runs.

Batches are made in some threads and freed in others. Arrow's usual pool (mimalloc) keeps what was freed that way; that
of jemalloc, where pyarrow has it, keeps the least, the system's is between (`docs/decisions.md`). The choice is the
process's, so one that somebody made is left alone.
"""

from __future__ import annotations

import os

import pyarrow as pa


def use_returning_memory() -> None:
    """Let Arrow use the allocator that gives back most, unless `ARROW_DEFAULT_MEMORY_POOL` names one."""
    if "ARROW_DEFAULT_MEMORY_POOL" in os.environ:
        return
    pool = pa.jemalloc_memory_pool() if "jemalloc" in pa.supported_memory_backends() else pa.system_memory_pool()
    if pa.default_memory_pool().backend_name != pool.backend_name:
        pa.set_memory_pool(pool)
