"""Requests out, whole answers in: retries, limits, credentials, redirects and decompression, in one chain."""

from __future__ import annotations

from headrace.transport.actions import Settled
from headrace.transport.address import full_url, place
from headrace.transport.attempt import UNBOUNDED, AttemptFailed, Ignored, Skipped
from headrace.transport.auth import SIGNERS
from headrace.transport.chain import Transport
from headrace.transport.charset import with_charset
from headrace.transport.credentials import KEEPERS, Credentials
from headrace.transport.decompress import too_large
from headrace.transport.limits import Gates, Slowdown
from headrace.transport.trace import Trace, ignore

__all__ = [
    "KEEPERS",
    "SIGNERS",
    "UNBOUNDED",
    "AttemptFailed",
    "Credentials",
    "Gates",
    "Ignored",
    "Settled",
    "Skipped",
    "Slowdown",
    "Trace",
    "Transport",
    "full_url",
    "ignore",
    "place",
    "too_large",
    "with_charset",
]
