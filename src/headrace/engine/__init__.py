"""THE ENGINE: the one place that joins requests, pages, decoding and normalising; everything flows through `fetch`."""

from headrace.engine.absence import Absences, Asked, Verdict
from headrace.engine.collide import later_collision
from headrace.engine.concealer import Aliases
from headrace.engine.convert import Converter, IdSource
from headrace.engine.fan_out import Ledger, Origins, Watermarks, errands, origins_of
from headrace.engine.fetch import Line, Sink, fetch, fetch_objects
from headrace.engine.identity import Fates, Identities
from headrace.engine.kept import KeptPages, Standing
from headrace.engine.memory import use_returning_memory
from headrace.engine.report import Report, ResourceReport
from headrace.engine.roll import Roll
from headrace.engine.rows import Errand, ParentRow, RowWork, Watermark, parent_rows
from headrace.engine.settle import settled
from headrace.engine.shelf import Shelf
from headrace.engine.skip import Skip, Unskippable
from headrace.engine.spool import FileWriter, Room, Spool
from headrace.engine.step import Step, Steps
from headrace.engine.waiting import Waiting

__all__ = [
    "Absences",
    "Aliases",
    "Asked",
    "Converter",
    "Errand",
    "Fates",
    "FileWriter",
    "IdSource",
    "Identities",
    "KeptPages",
    "Ledger",
    "Line",
    "Origins",
    "ParentRow",
    "Report",
    "ResourceReport",
    "Roll",
    "Room",
    "RowWork",
    "Shelf",
    "Sink",
    "Skip",
    "Spool",
    "Standing",
    "Step",
    "Steps",
    "Unskippable",
    "Verdict",
    "Waiting",
    "Watermark",
    "Watermarks",
    "errands",
    "fetch",
    "fetch_objects",
    "later_collision",
    "origins_of",
    "parent_rows",
    "settled",
    "use_returning_memory",
]
