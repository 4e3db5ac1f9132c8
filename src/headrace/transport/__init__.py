"""Requests out, whole answers in: retries, limits, credentials, redirects and decompression, in one chain."""

from __future__ import annotations

from headrace.transport.attempt import AttemptFailed, Ignored
from headrace.transport.auth import SIGNERS
from headrace.transport.chain import Transport
from headrace.transport.credentials import KEEPERS, Credentials
from headrace.transport.limits import Gates
from headrace.transport.trace import Trace, ignore

__all__ = ["KEEPERS", "SIGNERS", "AttemptFailed", "Credentials", "Gates", "Ignored", "Trace", "Transport", "ignore"]
