"""THE ENGINE: the one place that joins requests, pages, decoding and normalising; everything flows through `fetch`."""

from headrace.engine.convert import Converter, IdSource
from headrace.engine.fetch import batches, fetch
from headrace.engine.identity import Fates, Identities
from headrace.engine.memory import use_system_memory
from headrace.engine.report import Report, ResourceReport
from headrace.engine.spool import Spool

__all__ = [
    "Converter",
    "Fates",
    "IdSource",
    "Identities",
    "Report",
    "ResourceReport",
    "Spool",
    "batches",
    "fetch",
    "use_system_memory",
]
