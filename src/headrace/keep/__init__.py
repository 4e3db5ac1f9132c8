"""WHAT OUTLASTS A RUN: pages on disk until their rows are loaded, and the lock that lets one run at a time work."""

from headrace.keep.attempts import Attempts
from headrace.keep.checkpoint import Checkpoint, Layout
from headrace.keep.disk import Disk
from headrace.keep.journal import Entry, Journal
from headrace.keep.keeper import SHARE, Keeper
from headrace.keep.lock import Lock
from headrace.keep.seal import Seal

__all__ = ["SHARE", "Attempts", "Checkpoint", "Disk", "Entry", "Journal", "Keeper", "Layout", "Lock", "Seal"]
