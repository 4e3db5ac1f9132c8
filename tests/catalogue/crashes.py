"""C: crashes, concurrency and local resources."""

from __future__ import annotations

from catalogue.row import Row

ROWS = tuple(
    Row(name, fault, standing="open", reason="not shown yet")
    for name, fault in (
        ("C01", "`kill -9` at every durable step"),
        ("C02", "Ctrl-C, SIGTERM, a second Ctrl-C"),
        ("C03", "power loss: unsynced writes dropped"),
        ("C04", "out of memory"),
        ("C05", "disk full in staging"),
        ("C06", "disk full in the destination"),
        ("C07", "read-only directory"),
        ("C08", "two runs of one pipeline on one host"),
        ("C09", "two hosts, one remote destination"),
        ("C10", "DuckDB file open in another process"),
        ("C11", "destination killed in mid commit"),
        ("C12", "a worker dies in a run of several machines"),
        ("C13", "no file descriptors, no threads, no /tmp"),
        ("C14", "schema migration fails half-way"),
        ("C15", "state of an older or newer release"),
        ("C16", "run inside a thread of an orchestrator"),
        ("C17", "clock goes back during a lease"),
    )
)
