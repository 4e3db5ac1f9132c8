"""Requests out, whole answers in: retries, limits, credentials, redirects and decompression, in one chain."""

from __future__ import annotations

from headrace.transport.auth import SIGNERS
from headrace.transport.chain import Transport
from headrace.transport.limits import Gates
from headrace.transport.trace import Trace, ignore

__all__ = ["SIGNERS", "Gates", "Trace", "Transport", "ignore"]
